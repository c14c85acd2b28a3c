//! Listings: complete, told apart, and never short in silence.

use std::sync::Arc;

use futures::TryStreamExt;
use identity_core::account::{Account, AccountKind};
use identity_core::directory::{AccountEnumerator, AccountQuery, Backend, Directory, ForcedReset, Scope, Severity};
use identity_core::error::ErrorKind;
use identity_core::plan::{PlanRow, PlanSpec, Selection};
use identity_core::reset::password::{Generator, Owner};
use identity_core::reset::{Action, Order, Outcome, Secret};

use crate::stage::{Stage, collect};

const PASSWORD: &str = "Old-Passw0rd-1!";

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_of_many_pages_is_complete_and_kinds_are_told_apart() {
    let Some(mut stage) = Stage::set("pages and kinds").await else { return };
    for n in 0..7 {
        stage.user(&format!("p{n}"), PASSWORD, &[("department", "Finance"), ("displayName", "A Person")]).await;
    }
    stage.user("svc", PASSWORD, &[("servicePrincipalName", &format!("HTTP/{}.example.test", stage.tag))]).await;
    stage.user("never", PASSWORD, &[("userAccountControl", "66048")]).await;
    let (unit, machine) = (stage.unit.clone(), format!("{}PC$", stage.tag));
    let computer = [("objectClass", "computer"), ("sAMAccountName", machine.as_str()), ("userAccountControl", "4096")];
    stage.add(&format!("CN=PC,{unit}"), &computer).await;

    let directory = backend_ldap::LdapDirectory::connect(stage.site.config().page_size(3)).await.expect("connects");
    let mut accounts = collect(&directory, Scope::Unit(unit.clone())).await;
    accounts.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(accounts.len(), 10, "{accounts:#?}");
    let kind =
        |short: &str| accounts.iter().find(|account| account.name == stage.name(short)).map(|account| account.kind);
    assert_eq!(kind("p0"), Some(AccountKind::Person));
    assert_eq!(kind("svc"), Some(AccountKind::Service));
    assert_eq!(kind("PC$"), Some(AccountKind::Computer));
    let never = accounts.iter().find(|account| account.name == stage.name("never")).expect("listed");
    assert!(never.password.never_expires && !never.password.must_change);
    let person = accounts.iter().find(|account| account.name == stage.name("p0")).expect("listed");
    assert_eq!(person.display_name.as_deref(), Some("A Person"));
    assert_eq!(person.attributes["department"], "Finance");
    assert!(
        person.created.is_some()
            && person.anchors.security_id.as_deref().is_some_and(|sid| sid.starts_with("S-1-5-21-"))
    );
    assert_eq!(person.anchors.immutable_id.as_deref(), Some(person.id.as_str()));

    let everyone = collect(&directory, Scope::Everyone).await;
    let of = |kind| everyone.iter().filter(|account| account.kind == kind).count();
    assert!(
        of(AccountKind::KerberosTicketGranting) >= 1 && of(AccountKind::BuiltIn) >= 1 && of(AccountKind::Computer) >= 2
    );
    let mut ids: Vec<_> = everyone.iter().map(|account| account.id.clone()).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "nothing changed meanwhile, so nothing twice");

    let filter = format!("(&(department=Finance)(sAMAccountName={}*))", stage.tag);
    assert_eq!(collect(&directory, Scope::Native(filter)).await.len(), 7);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_selects_nested_members_in_cycles_and_by_primary_group() {
    let Some(mut stage) = Stage::set("group scope").await else { return };
    let direct = stage.user("direct", PASSWORD, &[]).await;
    let nested = stage.user("nested", PASSWORD, &[]).await;
    let primary = stage.user("primary", PASSWORD, &[]).await;
    stage.user("outside", PASSWORD, &[]).await;
    let inner = stage.group("inner, (x)", &[&nested]).await;
    // A name of its own: a unit that a failed run left behind may hold one like it.
    let full = format!("outer {}", stage.tag);
    let outer = stage.group(&full, &[&direct, &inner]).await;
    stage.join(&inner, &outer).await;
    stage.join(&outer, &primary).await;
    let found =
        crate::stage::search(&mut stage.admin, &outer, ldap3::Scope::Base, "(objectClass=*)", &["objectSid"]).await;
    let sid = found[0]
        .bin_attrs
        .get("objectSid")
        .map(|values| values[0].clone())
        .unwrap_or_else(|| found[0].attrs["objectSid"][0].clone().into_bytes());
    let rid = u32::from_le_bytes(sid[sid.len() - 4..].try_into().expect("four bytes"));
    stage.replace(&primary, "primaryGroupID", &rid.to_string()).await;

    let directory = stage.directory().await;
    for name in [outer.clone(), stage.name(&full.replace(' ', "")), full] {
        let mut names: Vec<String> =
            collect(&directory, Scope::Group(name)).await.into_iter().map(|account| account.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names, [stage.name("direct"), stage.name("nested"), stage.name("primary")]);
    }
    // A group that is somebody's primary one cannot be removed.
    stage.admin.delete(&primary).await.expect("answer").success().expect("removed");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_an_error_and_not_nobody() {
    let Some(stage) = Stage::set("unknown scopes").await else { return };
    let directory = stage.directory().await;
    let unit = format!("OU=nowhere,{}", stage.domain);
    for scope in [
        Scope::Group("no such group".into()),
        Scope::Group(format!("CN=nowhere,{}", stage.domain)),
        Scope::Unit(unit),
        Scope::Unit("not a name".into()),
        Scope::Native("(broken".into()),
        Scope::Native("(a=b))(|(c=d)".into()),
    ] {
        let error =
            directory.accounts(&AccountQuery::of(scope.clone())).try_collect::<Vec<_>>().await.expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::InputInvalid, "{scope:?}: {error}");
        assert!(error.advice().is_some());
    }
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_born_after_a_mark_are_listed() {
    let Some(mut stage) = Stage::set("changed since").await else { return };
    stage.user("before", PASSWORD, &[]).await;
    let directory = stage.directory().await;
    let mark = directory.mark().await.expect("a mark");
    stage.user("after", PASSWORD, &[]).await;
    let changed: Vec<_> = directory.changed_since(&mark).try_collect().await.expect("listed");
    let names: Vec<&str> = changed.iter().map(|account| account.name.as_str()).collect();
    assert!(names.contains(&stage.name("after").as_str()), "{names:?}");
    assert!(!names.contains(&stage.name("before").as_str()), "{names:?}");
    stage.strike().await;
}

/// A fine-grained policy on a group: its member's reset fits it, and the plan says which one it is.
#[tokio::test(flavor = "multi_thread")]
async fn the_policy_of_a_group_is_told_for_its_member_and_a_generated_password_fits_it() {
    let Some(mut stage) = Stage::set("fine-grained policy").await else { return };
    let strict = stage.user("strict", "Long-Enough-Passw0rd-of-a-test-1", &[]).await;
    stage.user("free", "Long-Enough-Passw0rd-of-a-test-1", &[]).await;
    let group = stage.group("Under Strict", &[&strict]).await;
    let name = format!("Strict-{}", stage.tag);
    let settings = format!("CN={name},CN=Password Settings Container,CN=System,{}", stage.domain);
    let attributes = [
        ("objectClass", "msDS-PasswordSettings"),
        ("msDS-PasswordSettingsPrecedence", "7"),
        ("msDS-PasswordReversibleEncryptionEnabled", "FALSE"),
        ("msDS-PasswordHistoryLength", "12"),
        ("msDS-PasswordComplexityEnabled", "TRUE"),
        ("msDS-MinimumPasswordLength", "24"),
        ("msDS-MinimumPasswordAge", "-864000000000"),
        ("msDS-MaximumPasswordAge", "-36288000000000"),
        ("msDS-LockoutThreshold", "5"),
        ("msDS-LockoutObservationWindow", "-18000000000"),
        ("msDS-LockoutDuration", "-18000000000"),
        ("msDS-PSOAppliesTo", group.as_str()),
    ];
    stage.add(&settings, &attributes).await;
    let directory = stage.directory().await;
    let under = stage.account(&directory, "strict").await;
    let free = stage.account(&directory, "free").await;
    let policy = directory.preflight().await.expect("reads").password_policy;
    let set = |account: &Account, password: Secret| {
        Order::new(account.id.clone(), Action::SetPassword { must_change: false }).with_password(password)
    };
    let short = Secret::new("Only-22-characters-1-a".to_owned());
    // MinimumPasswordAge is a day, and the password was set a moment ago: it binds the owner, not a reset.
    let generated =
        Generator::new(&policy).expect("a generator").generate(&Owner::new(&under.name, None)).expect("a password");
    let outcomes = directory.apply(&[set(&under, short.clone()), set(&free, short)]).await;
    let fits = directory.apply(&[set(&under, generated)]).await.remove(0);
    let folder = tempfile::tempdir().expect("a folder");
    let plan = PlanSpec::default()
        .select(Selection::listed([under.id.as_str(), free.id.as_str()]))
        .builder()
        .directory(directory.clone() as Arc<dyn Backend>)
        .write_to(folder.path().join("plan.jsonl"))
        .await
        .expect("a plan");
    stage.admin.delete(&settings).await.expect("answer").success().expect("removed");
    stage.strike().await;

    let told = format!("{name}: at least 24 characters, complex, unlike the last 12 (the owner's changes only)");
    assert!(under.password_policy.as_deref().is_some_and(|words| words.starts_with(&told)), "{under:?}");
    assert_eq!(free.password_policy, None, "the domain's");
    assert!(policy.min_length >= 24, "{policy:?}");
    assert_eq!(outcomes[0].error().map(|error| error.kind()), Some(ErrorKind::PasswordRejected), "{:?}", outcomes[0]);
    assert!(matches!(outcomes[1], Outcome::Done(_)), "{:?}", outcomes[1]);
    assert!(matches!(fits, Outcome::Done(_)), "{fits:?}");
    for row in plan.rows().expect("rows") {
        let PlanRow::Entry(entry) = row.expect("a row") else { continue };
        let says = entry.notes.iter().any(|note| note.contains(&told));
        assert_eq!(says, entry.id == under.id, "{}: {:?}", entry.name, entry.notes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn preflight_knows_who_we_are_and_the_strictest_policy() {
    let Some(mut stage) = Stage::set("preflight").await else { return };
    let settings = format!("CN={},CN=Password Settings Container,CN=System,{}", stage.tag, stage.domain);
    stage
        .add(
            &settings,
            &[
                ("objectClass", "msDS-PasswordSettings"),
                ("msDS-PasswordSettingsPrecedence", "77"),
                ("msDS-PasswordReversibleEncryptionEnabled", "FALSE"),
                ("msDS-PasswordHistoryLength", "0"),
                ("msDS-PasswordComplexityEnabled", "TRUE"),
                ("msDS-MinimumPasswordLength", "19"),
                ("msDS-MinimumPasswordAge", "0"),
                ("msDS-MaximumPasswordAge", "-864000000000"),
                ("msDS-LockoutThreshold", "0"),
                ("msDS-LockoutObservationWindow", "-18000000000"),
                ("msDS-LockoutDuration", "-18000000000"),
            ],
        )
        .await;
    let directory = stage.directory().await;
    let preflight = directory.preflight().await.expect("reads");
    assert!(preflight.password_policy.min_length >= 19 && preflight.password_policy.complexity, "{preflight:?}");
    assert!(preflight.server_time.is_some() && !preflight.is_fatal(), "{preflight:?}");
    let principal = preflight.principal.expect("found");
    let own = directory.lookup(std::slice::from_ref(&principal)).await.expect("read").remove(0).expect("there");
    assert!(stage.site.bind_dn.to_lowercase().contains(&own.name.to_lowercase()), "{}", own.name);
    assert!(preflight.findings.iter().all(|finding| finding.severity != Severity::Fatal));
    assert!(!directory.info().tenant.is_empty());
    stage.admin.delete(&settings).await.expect("answer").success().expect("removed");
    stage.strike().await;
}
