//! Who is listed, and as what.

use std::collections::HashMap;

use backend_okta::{AnchorAttributes, OktaDirectory};
use futures::TryStreamExt as _;
use identity_core::account::{Account, AccountKind, PasswordAuthority};
use identity_core::directory::{AccountEnumerator as _, AccountQuery, Scope};
use identity_core::error::ErrorKind;
use testkit::fault::{Fault, When};
use testkit::mock_okta::{Bucket, MockOkta, Status, fixed};

use crate::stage::{account_id, config, connect, list, of};

fn by_id(accounts: Vec<Account>) -> HashMap<String, Account> {
    accounts.into_iter().map(|account| (account.id.as_str().to_owned(), account)).collect()
}

/// How many users a plain listing has.
fn active(mock: &MockOkta) -> usize {
    mock.users().filter(|user| user.status() != Status::Deprovisioned).count()
}

#[tokio::test]
async fn two_thousand_users_are_listed_once_and_told_apart() {
    let mock = of(2_000).without_quotas().self_referential_last_page().start().await.unwrap();
    let anchors = AnchorAttributes::default().object_guid("objectGUID").security_id("objectSid");
    let directory = OktaDirectory::connect(config(&mock).anchors(anchors)).await.unwrap();
    let listed = list(&directory, Scope::Everyone).await.unwrap();
    assert_eq!(listed.len(), active(&mock));
    let listed = by_id(listed);
    let mut seen: HashMap<String, u32> = HashMap::new();
    for user in mock.users().filter(|user| user.status() != Status::Deprovisioned) {
        let account = &listed[&user.id];
        let (truth, name) = (user.truth(), &user.login);
        assert_eq!(&account.name, name);
        assert_eq!((account.kind, &account.authority), (truth.kind, &truth.authority), "{name}");
        let status = user.status();
        assert_eq!(account.attributes["status"], status.as_str(), "{name}");
        let closed = matches!(status, Status::Staged | Status::Suspended);
        assert_eq!(account.state.enabled, !closed, "{name}");
        assert_eq!(account.state.locked, status == Status::LockedOut, "{name}");
        assert_eq!(account.password.must_change, status == Status::PasswordExpired, "{name}");
        assert_eq!(account.password.awaits_recovery, status == Status::Recovery, "{name}");
        assert_eq!(account.mail.as_ref(), Some(&user.email), "{name}");
        assert_eq!(account.attributes.get("secondEmail"), user.second_email.as_ref(), "{name}");
        assert_eq!(account.attributes.get("department"), user.department.as_ref(), "{name}");
        let seconds = |time: Option<jiff::Timestamp>| time.map(jiff::Timestamp::as_second);
        assert_eq!(seconds(account.password.last_set), seconds(user.standing.password_changed), "{name}");
        assert_eq!(seconds(account.state.status_changed), seconds(user.standing.status_changed), "{name}");
        assert_eq!(seconds(account.created), Some(user.created.as_second()), "{name}");
        assert_eq!(seconds(account.last_sign_in), seconds(user.last_login), "{name}");
        let on_prem = user.on_prem.as_ref();
        assert_eq!(account.anchors.immutable_id, on_prem.map(|there| there.guid.to_string()), "{name}");
        assert_eq!(account.anchors.security_id.as_ref(), on_prem.map(|there| &there.security_id), "{name}");
        assert_eq!(account.anchors.principal_name.as_ref(), Some(name));
        *seen.entry(format!("{:?}", account.authority)).or_default() += 1;
    }
    // The test would say little if a case were not there.
    for authority in [PasswordAuthority::Here, PasswordAuthority::OnPrem, PasswordAuthority::Nowhere] {
        assert!(seen.contains_key(&format!("{authority:?}")), "{authority:?} is not among {seen:?}");
    }
    assert!(seen.keys().any(|authority| authority.starts_with("Federated")), "{seen:?}");
    assert!(listed.values().all(|account| account.kind == AccountKind::Person));
    let counts = mock.counts();
    assert_eq!((counts.throttled, counts.unauthenticated), (0, 0));
}

#[tokio::test]
async fn who_was_deactivated_is_listed_on_request_only() {
    let (mock, directory) = connect(of(30)).await;
    let gone = mock.user(fixed::DEPROVISIONED).unwrap();
    let there = |listed: &[Account]| listed.iter().filter(|account| account.id.as_str() == gone.id).count();
    assert_eq!(there(&list(&directory, Scope::Everyone).await.unwrap()), 0);
    let asking = OktaDirectory::connect(config(&mock).deprovisioned()).await.unwrap();
    let listed = list(&asking, Scope::Everyone).await.unwrap();
    assert_eq!((there(&listed), listed.len()), (1, mock.len() as usize));
    let login = format!(r#"profile.login eq "{}""#, gone.login);
    assert_eq!(there(&list(&directory, Scope::Native(login)).await.unwrap()), 0);
    let asked = r#"status eq "DEPROVISIONED""#;
    assert_eq!(there(&list(&directory, Scope::Native(asked.into())).await.unwrap()), 1);
    // One by one they can always be read.
    let found = directory.lookup(&[account_id(&gone.id)]).await.unwrap();
    assert!(!found[0].as_ref().unwrap().state.enabled);
}

#[tokio::test]
async fn a_page_that_is_cut_short_costs_nobody() {
    let (mock, directory) = connect(of(1_000).without_quotas()).await;
    // In turns an error and a body without its end.
    mock.add_fault(When::read().every(3).times(2), Fault::TruncatedPage);
    for _ in 0..2 {
        assert_eq!(list(&directory, Scope::Everyone).await.unwrap().len(), active(&mock));
    }
    assert_eq!(mock.counts().faults, 2);
}

#[tokio::test]
async fn short_pages_and_repeated_rows_list_everybody_once() {
    let described = of(150).without_quotas().largest_page(7).repeated_rows().self_referential_last_page();
    let (mock, directory) = connect(described).await;
    let listed: Vec<String> =
        list(&directory, Scope::Everyone).await.unwrap().into_iter().map(|row| row.name).collect();
    let expected = mock.users().filter(|user| user.status() != Status::Deprovisioned).map(|user| user.login);
    assert_eq!(listed, expected.collect::<Vec<_>>());
    assert!(mock.counts().pages > 20, "{:?}", mock.counts());
}

#[tokio::test]
async fn whoever_is_made_while_a_listing_runs_takes_nobody_away_from_it() {
    let (mock, directory) = connect(of(900).without_quotas()).await;
    let mut before: Vec<String> =
        mock.users().filter(|user| user.status() != Status::Deprovisioned).map(|user| user.id).collect();
    let mut rows = directory.accounts(&AccountQuery::everyone());
    let mut listed: Vec<String> = Vec::new();
    while let Some(account) = rows.try_next().await.unwrap() {
        if listed.len() == 250 {
            mock.create("newcomer");
        }
        listed.push(account.id.as_str().to_owned());
    }
    listed.sort();
    before.sort();
    let unique = listed.windows(2).all(|pair| pair[0] != pair[1]);
    assert!(unique && before.iter().all(|id| listed.binary_search(id).is_ok()));
}

#[tokio::test]
async fn a_native_search_is_oktas_own() {
    let (mock, directory) = connect(of(400)).await;
    let wanted = mock.users().find_map(|user| user.department).unwrap();
    let search = format!(r#"profile.department eq "{wanted}" and status eq "ACTIVE""#);
    let listed = list(&directory, Scope::Native(search)).await.unwrap();
    let fits = |user: &testkit::mock_okta::OktaUser| {
        user.department.as_ref() == Some(&wanted) && user.status() == Status::Active
    };
    assert_eq!(listed.len(), mock.users().filter(fits).count());
    assert!(!listed.is_empty());
    let error = list(&directory, Scope::Native(r#"status ne "ACTIVE""#.into())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputInvalid);
    assert!(error.advice().unwrap().contains("there is no ne"), "{error}");
}

#[tokio::test]
async fn a_group_is_listed_by_id_and_by_its_exact_name_and_an_ambiguous_name_is_an_error() {
    let (mock, directory) = connect(of(300)).await;
    let groups = mock.admin_graph().groups;
    let group = groups.iter().find(|group| !group.everybody && group.members.len() > 1).unwrap();
    let mut expected: Vec<String> = group.members.iter().filter_map(|number| Some(mock.user(*number)?.login)).collect();
    expected.sort();
    for named in [&group.id, &group.name] {
        let listed = list(&directory, Scope::Group(named.clone())).await.unwrap();
        let mut names: Vec<String> = listed.into_iter().map(|account| account.name).collect();
        names.sort();
        assert_eq!(names, expected, "{named}");
    }
    // Everybody, without those who were deactivated.
    let everybody = groups.iter().find(|group| group.everybody).unwrap();
    let listed = list(&directory, Scope::Group(everybody.name.clone())).await.unwrap();
    assert_eq!(listed.len(), active(&mock));
    let mut twin = group.clone();
    twin.id = "00gtwin0000000000000".into();
    mock.change_admin_graph(|graph| graph.groups.push(twin));
    for (named, words) in [
        (group.name.as_str(), "several groups are named"),
        ("no such group", "there is no group"),
        ("00gnobody00000000000", "there is no group"),
    ] {
        let error = list(&directory, Scope::Group(named.into())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InputInvalid, "{error}");
        assert!(error.detail().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_missing_role_is_named() {
    let (mock, directory) = connect(of(30)).await;
    mock.set_caller_roles([]);
    let error = list(&directory, Scope::Everyone).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InsufficientPrivilege);
    assert!(error.advice().unwrap().contains("okta.users.read"), "{error}");
    assert!(error.request_id().is_some() && error.directory().is_some(), "{error:?}");
    assert_eq!(directory.mark().await.unwrap_err().kind(), ErrorKind::InsufficientPrivilege);
}

#[tokio::test]
async fn a_look_up_is_in_order_out_of_its_own_bucket_and_who_is_gone_is_none() {
    let (mock, directory) = connect(of(100)).await;
    let users: Vec<_> = mock.users().take(60).collect();
    mock.delete(&users[30].id).unwrap();
    let uses = |bucket: Bucket| {
        let found = mock.buckets().into_iter().find(|used| used.bucket == bucket);
        found.map_or(0, |used| used.used)
    };
    let before = (uses(Bucket::Users), uses(Bucket::User));
    let ids: Vec<_> = users.iter().map(|user| account_id(&user.id)).collect();
    let found = directory.lookup(&ids).await.unwrap();
    for (at, (user, account)) in users.iter().zip(&found).enumerate() {
        let name = account.as_ref().map(|account| account.name.as_str());
        assert_eq!(name, (at != 30).then_some(user.login.as_str()));
    }
    assert_eq!((uses(Bucket::Users), uses(Bucket::User)), (before.0, before.1 + 60));
    // A login is never sent where an id belongs.
    let by_login = directory.lookup(&[account_id(&users[1].login)]).await.unwrap();
    assert_eq!((by_login, uses(Bucket::User)), (vec![None], before.1 + 60));
}
