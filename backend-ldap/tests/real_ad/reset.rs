//! Resets, seen from outside: what the controller accepts before and after.

use identity_core::account::{Account, AccountId};
use identity_core::directory::{AccountEnumerator, Directory, ForcedReset};
use identity_core::error::ErrorKind;
use identity_core::reset::{Action, Order, Outcome, Secret};

use crate::stage::Stage;

const OLD: &str = "Old-Passw0rd-1!";
const NEW: &str = "New-Passw0rd-2!";

fn set(account: &Account, must_change: bool, password: &str) -> Order {
    Order::new(account.id.clone(), Action::SetPassword { must_change }).with_password(Secret::new(password.to_owned()))
}

fn all_done(outcomes: &[Outcome]) {
    for outcome in outcomes {
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_does_what_it_says_and_the_version_counts_the_sets() {
    let Some(mut stage) = Stage::set("every action").await else { return };
    for name in ["set", "must", "scramble", "expire", "disable", "unlock"] {
        stage.user(name, OLD, &[]).await;
    }
    let directory = stage.directory().await;
    assert!(directory.capabilities().observe_version);
    let mut before = Vec::new();
    for name in ["set", "must", "scramble", "expire", "disable", "unlock"] {
        before.push(stage.account(&directory, name).await);
    }
    let ids: Vec<AccountId> = before.iter().map(|account| account.id.clone()).collect();
    assert!(before.iter().all(|account| account.password.version.is_some() && account.password.last_set.is_some()));
    let unlock = before[5].path.clone().expect("a path");
    stage.replace(&unlock, "lockoutTime", "0").await;

    all_done(
        &directory
            .apply(&[
                set(&before[0], false, NEW),
                set(&before[1], true, NEW),
                Order::new(before[2].id.clone(), Action::Scramble)
                    .with_password(Secret::new("Nobody-Kn0ws-This".into())),
                Order::new(before[3].id.clone(), Action::ExpirePassword),
                Order::new(before[4].id.clone(), Action::Disable),
                Order::new(before[5].id.clone(), Action::Unlock),
            ])
            .await,
    );
    let after: Vec<Account> =
        directory.lookup(&ids).await.expect("read").into_iter().map(|account| account.expect("there")).collect();
    let grown: Vec<u64> = before
        .iter()
        .zip(&after)
        .map(|(before, after)| after.password.version.expect("a version") - before.password.version.expect("a version"))
        .collect();
    assert_eq!(grown, [1, 1, 1, 0, 0, 0], "one for each set, none for a flag");
    let must_change: Vec<bool> = after.iter().map(|account| account.password.must_change).collect();
    assert_eq!(must_change, [false, true, false, true, false, false]);
    assert!(after[1].password.last_set.is_some(), "known by the metadata although pwdLastSet is 0");
    assert!(after[0].password.last_set > before[0].password.last_set);
    assert!(!after[4].state.enabled && after[0].state.enabled);

    let sign_in = async |name: &str, password: &str| {
        let name = format!("CN={name},{}", stage.unit);
        stage.site.sign_in(&name, password).await
    };
    let why = "the old password is refused (Samba takes it for an hour unless `old password allowed period = 0`)";
    assert_eq!(sign_in("set", OLD).await.0, 49, "{why}");
    assert_eq!(sign_in("set", NEW).await.0, 0, "the new one is accepted");
    assert!(sign_in("must", NEW).await.1.contains("data 773"), "must change first");
    assert_eq!(sign_in("scramble", OLD).await.0, 49);
    assert!(sign_in("expire", OLD).await.1.contains("data 773"));
    assert!(sign_in("disable", OLD).await.1.contains("data 533"));
    assert_eq!(sign_in("unlock", OLD).await.0, 0, "untouched");

    // Again: nothing more to do is done too, and a repeated set counts.
    all_done(&directory.apply(&[Order::new(before[4].id.clone(), Action::Disable), set(&before[0], false, NEW)]).await);
    let again = directory.lookup(&ids[..1]).await.expect("read").remove(0).expect("there");
    assert_eq!(again.password.version.expect("a version"), after[0].password.version.expect("a version") + 1);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_apart_and_touch_only_their_own_order() {
    let Some(mut stage) = Stage::set("refusals").await else { return };
    stage.user("weak", OLD, &[]).await;
    stage.user("good", OLD, &[]).await;
    let directory = stage.directory().await;
    let (weak, good) = (stage.account(&directory, "weak").await, stage.account(&directory, "good").await);
    let gone = AccountId::new("00000000-1111-2222-3333-444444444444").expect("id");
    let outcomes = directory
        .apply(&[
            set(&weak, false, "abc"),
            Order::new(gone.clone(), Action::ExpirePassword),
            Order::new(AccountId::new("no-guid").expect("id"), Action::ExpirePassword),
            Order::new(good.id.clone(), Action::RevokeSessions),
            Order::new(good.id.clone(), Action::Scramble),
            set(&good, false, NEW),
        ])
        .await;
    let kinds: Vec<Option<ErrorKind>> =
        outcomes.iter().map(|outcome| outcome.error().map(|error| error.kind())).collect();
    use ErrorKind::*;
    assert_eq!(
        kinds,
        [
            Some(PasswordRejected),
            Some(AccountNotFound),
            Some(AccountNotFound),
            Some(Unsupported),
            Some(InputInvalid),
            None
        ]
    );
    for outcome in &outcomes[..5] {
        assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
        let error = outcome.error().expect("an error");
        assert!(error.account().is_some() && error.directory().is_some() && error.advice().is_some(), "{error:?}");
        assert!(!format!("{error:?}").contains("abc\""));
    }
    assert_eq!(directory.lookup(&[gone]).await.expect("read"), [None]);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_reset_although_it_was_renamed_and_a_stranger_without_rights_is_told_so() {
    let Some(mut stage) = Stage::set("rename and rights").await else { return };
    let stranger = stage.user("stranger", OLD, &[]).await;
    stage.user("moved", OLD, &[]).await;
    let directory = stage.directory().await;
    let account = stage.account(&directory, "moved").await;
    let dn = account.path.clone().expect("a path");
    stage.admin.modifydn(&dn, "CN=renamed", true, None).await.expect("answer").success().expect("renamed");
    all_done(&directory.apply(&[set(&account, false, NEW)]).await);

    let config = stage.site.config().bind(&stranger, OLD.into());
    let weak = backend_ldap::LdapDirectory::connect(config).await.expect("a stranger may read");
    let outcome = weak.apply(&[set(&account, false, "Third-Passw0rd-3!")]).await.remove(0);
    assert_eq!(outcome.error().expect("refused").kind(), ErrorKind::InsufficientPrivilege, "{outcome:?}");
    assert_eq!(stage.site.sign_in(&format!("CN=renamed,{}", stage.unit), NEW).await.0, 0, "nothing was changed");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_orders_go_through_a_window_of_eight() {
    let Some(mut stage) = Stage::set("forty orders").await else { return };
    for n in 0..40 {
        stage.user(&format!("u{n}"), OLD, &[]).await;
    }
    let config = stage.site.config().in_flight(8).connections(3);
    let directory = backend_ldap::LdapDirectory::connect(config).await.expect("connects");
    let accounts = crate::stage::collect(&directory, identity_core::directory::Scope::Unit(stage.unit.clone())).await;
    assert_eq!(accounts.len(), 40);
    let orders: Vec<Order> = accounts.iter().map(|account| set(account, true, NEW)).collect();
    all_done(&directory.apply(&orders).await);
    let ids: Vec<AccountId> = accounts.iter().map(|account| account.id.clone()).collect();
    let after = directory.lookup(&ids).await.expect("read");
    for (before, after) in accounts.iter().zip(after) {
        let after = after.expect("there");
        assert_eq!(after.id, before.id, "answers come in the order asked");
        assert_eq!(after.password.version.expect("version"), before.password.version.expect("version") + 1);
    }
    stage.strike().await;
}
