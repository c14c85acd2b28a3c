//! Who is listed, and as what.

use std::collections::HashMap;

use futures::TryStreamExt as _;
use identity_core::account::{Account, AccountKind, PasswordAuthority};
use identity_core::directory::{AccountEnumerator as _, AccountQuery, Directory as _, Scope, Severity};
use identity_core::error::ErrorKind;
use testkit::fault::{Fault, When};
use testkit::mock_graph::fixed;

use crate::stage::{account_id, connect, list, of};

fn by_name(accounts: Vec<Account>) -> HashMap<String, Account> {
    accounts.into_iter().map(|account| (account.name.clone(), account)).collect()
}

#[tokio::test]
async fn three_thousand_users_are_listed_once_and_told_apart() {
    let (mock, directory) = connect(of(3_000).empty_page_every(2)).await;
    let listed = list(&directory, Scope::Everyone).await.unwrap();
    assert_eq!(listed.len() as u64, mock.len());
    let listed = by_name(listed);
    let mut seen: HashMap<String, u32> = HashMap::new();
    for user in mock.users() {
        let account = &listed[&user.principal_name];
        let truth = user.truth();
        let name = &user.principal_name;
        assert_eq!((account.kind, &account.authority), (truth.kind, &truth.authority), "{name}");
        assert_eq!(Some(account.state.enabled), mock.enabled(&user.id), "{name}");
        assert_eq!(account.id, account_id(user.id));
        assert_eq!((&account.display_name, &account.mail), (&user.display_name, &user.mail), "{name}");
        assert_eq!(account.attributes.get("department"), user.department.as_ref(), "{name}");
        assert_eq!(account.password.last_set.unwrap().as_second(), user.password_set.as_second(), "{name}");
        assert!(account.state.sessions_valid_from.is_some(), "{name}");
        let on_prem = user.on_prem.as_ref();
        assert_eq!(account.anchors.immutable_id, on_prem.map(|there| there.guid.to_string()), "{name}");
        assert_eq!(account.anchors.security_id.as_ref(), on_prem.map(|there| &there.security_id), "{name}");
        *seen.entry(format!("{:?} {:?}", account.kind, account.authority)).or_default() += 1;
    }
    // The test would say little if a kind were not there.
    for (kind, authority) in [
        (AccountKind::Person, PasswordAuthority::Here),
        (AccountKind::Person, PasswordAuthority::OnPrem),
        (AccountKind::Person, PasswordAuthority::Federated(mock.domains()[3].clone())),
        (AccountKind::Guest, PasswordAuthority::Unknown),
        (AccountKind::Service, PasswordAuthority::Nowhere),
        (AccountKind::DirectorySync, PasswordAuthority::Here),
    ] {
        assert!(seen.contains_key(&format!("{kind:?} {authority:?}")), "{kind:?} {authority:?} is not among {seen:?}");
    }
    assert_eq!((mock.counts().throttled, mock.counts().unauthenticated), (0, 0));
}

#[tokio::test]
async fn a_page_that_is_cut_short_costs_nobody() {
    let (mock, directory) = connect(of(2_500)).await;
    // In turns an error and a body without its end.
    mock.add_fault(When::read().every(3).times(2), Fault::TruncatedPage);
    for _ in 0..2 {
        let listed = list(&directory, Scope::Everyone).await.unwrap();
        assert_eq!(listed.len() as u64, mock.len());
    }
    assert_eq!(mock.counts().faults, 2);
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_of_a_walk_is_renewed_once() {
    let (mock, directory) = connect(of(3_000)).await;
    let mut rows = directory.accounts(&AccountQuery::everyone());
    let mut listed = 0_u64;
    while rows.try_next().await.unwrap().is_some() {
        listed += 1;
        if listed == 1_000 {
            mock.forget_tokens();
        }
    }
    assert_eq!(listed, mock.len());
    assert_eq!((mock.counts().tokens, mock.counts().unauthenticated), (2, 1));
}

#[tokio::test]
async fn a_native_filter_is_graphs_own() {
    let (mock, directory) = connect(of(400)).await;
    let wanted = mock.users().find_map(|user| user.department).unwrap();
    let filter = format!("department eq '{wanted}' and accountEnabled eq true");
    let listed = list(&directory, Scope::Native(filter)).await.unwrap();
    let expected =
        mock.users().filter(|user| user.department.as_ref() == Some(&wanted) && mock.enabled(&user.id) == Some(true));
    assert_eq!(listed.len(), expected.count());
    assert!(!listed.is_empty());
    let error = list(&directory, Scope::Native("accountEnabled ne true".into())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputInvalid);
    assert!(error.advice().unwrap().contains("advanced query"), "{error}");
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let (_mock, directory) = connect(of(50).without_permission("User.Read.All")).await;
    let error = list(&directory, Scope::Everyone).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InsufficientPrivilege);
    assert!(error.advice().unwrap().contains("User.Read.All"), "{error}");
    assert!(error.request_id().is_some() && error.directory().is_some(), "{error:?}");
    let error = directory.mark().await.unwrap_err();
    assert!(error.advice().unwrap().contains("User.Read.All"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_read_of_the_tenant_is_found_in_the_preflight() {
    let described = of(50).without_permission("Organization.Read.All").without_permission("Domain.Read.All");
    let (mock, directory) = connect(described).await;
    let preflight = directory.preflight().await.unwrap();
    let said = |words: &str| preflight.findings.iter().find(|finding| finding.text.contains(words));
    assert!(said("Organization.Read.All").is_some(), "{preflight:?}");
    assert_eq!(said("Domain.Read.All").unwrap().severity, Severity::Warning);
    assert!(!preflight.is_fatal());
    // Who is not synchronised has a password nobody knows where: it is not guessed.
    let ordinary = mock.user(fixed::ORDINARY).unwrap();
    let found = directory.lookup(&[account_id(ordinary.id)]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().authority, PasswordAuthority::Unknown);
}

#[tokio::test]
async fn what_a_preflight_says_of_a_sound_tenant() {
    let (mock, directory) = connect(of(50)).await;
    let preflight = directory.preflight().await.unwrap();
    assert!(!preflight.is_fatal(), "{preflight:?}");
    for trouble in ["Organization.Read.All", "Domain.Read.All", "clock", "no application permission"] {
        assert!(!preflight.findings.iter().any(|finding| finding.text.contains(trouble)), "{trouble}: {preflight:?}");
    }
    let federated = &mock.domains()[3];
    assert!(preflight.findings.iter().any(|finding| finding.text.contains(federated.as_str())), "{preflight:?}");
    assert!(preflight.server_time.is_some() && preflight.principal.is_none());
    assert!((preflight.password_policy.min_length, preflight.password_policy.complexity) == (8, true));
    let principal = mock.service_principal().to_string();
    assert!(preflight.findings.iter().any(|finding| finding.text.contains(&principal)), "{preflight:?}");
    assert_eq!(directory.info().tenant, mock.tenant_id().to_string());
}

#[tokio::test]
async fn a_look_up_is_in_order_and_who_is_gone_is_none() {
    let (mock, directory) = connect(of(100)).await;
    let users: Vec<_> = mock.users().take(40).collect();
    mock.delete(&users[3].id).unwrap();
    let ids: Vec<_> = users.iter().map(|user| account_id(user.id)).collect();
    let found = directory.lookup(&ids).await.unwrap();
    for (at, (user, account)) in users.iter().zip(&found).enumerate() {
        let name = account.as_ref().map(|account| account.name.as_str());
        assert_eq!(name, (at != 3).then_some(user.principal_name.as_str()));
    }
}
