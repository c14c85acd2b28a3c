//! What an order of two operations leaves behind, whatever happened in between.

use backend_ldap::{PasswordBy, PlainDirectory, PlainError, PolicyError};
use futures::TryStreamExt;
use identity_core::account::{Account, AccountId};
use identity_core::directory::{AccountEnumerator, AccountQuery, ForcedReset, Support};
use identity_core::error::ErrorKind;
use identity_core::reset::{Action, Order, Outcome, Secret};
use testkit::conformance::SignIn;

use crate::population::Population;
use crate::server::{BASE, Server};

const SET: Action = Action::SetPassword { must_change: false };
const MUST: Action = Action::SetPassword { must_change: true };
const NEW: &str = "New-Passw0rd-of-a-test-1";

async fn find(directory: &PlainDirectory, name: &str) -> Account {
    let accounts: Vec<Account> = directory.accounts(&AccountQuery::everyone()).try_collect().await.expect("listed");
    accounts.into_iter().find(|account| account.name == name).expect("there")
}

async fn apply(directory: &PlainDirectory, id: &AccountId, action: Action, password: Option<&str>) -> Outcome {
    let mut order = Order::new(id.clone(), action);
    if let Some(password) = password {
        order = order.with_password(Secret::new(password.to_owned()));
    }
    directory.apply(&[order]).await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_order_again_completes_what_was_left_half_done() {
    let Some(server) = Server::start("half done", &Population { people: 40 }.ldif()) else { return };
    let directory = server.connect().await;
    let account = find(&directory, "p011").await;
    // As after a lost connection between the two: the password is set, must-change is not.
    assert!(matches!(apply(&directory, &account.id, SET, Some(NEW)).await, Outcome::Done(_)));
    let half = find(&directory, "p011").await;
    assert!(!half.password.must_change && half.password.last_set.is_some());
    let outcome = apply(&directory, &account.id, MUST, Some(NEW)).await;
    let Outcome::Done(receipt) = outcome else { panic!("{outcome:?}") };
    let whole = find(&directory, "p011").await;
    assert!(whole.password.must_change);
    assert_eq!(receipt.at, whole.password.last_set, "the time is the server's");
    assert_eq!(server.sign_in(&Population::dn("p011"), NEW).await, SignIn::MustChange);
    // A third time: nothing is left to do, and it is done.
    assert!(matches!(apply(&directory, &account.id, MUST, Some(NEW)).await, Outcome::Done(_)));
    let sets = server.entry(&Population::dn("p011"), &["pwdHistory"]).await;
    assert_eq!(sets.attrs["pwdHistory"].len(), 1, "one set, however often it was ordered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_long_ago_is_refused_with_the_reason_of_the_policy() {
    let Some(server) = Server::start("history", &Population { people: 40 }.ldif()) else { return };
    let directory = server.connect().await;
    let account = find(&directory, "p012").await;
    for password in [NEW, "New-Passw0rd-of-a-test-2"] {
        assert!(matches!(apply(&directory, &account.id, SET, Some(password)).await, Outcome::Done(_)));
    }
    for (password, reason) in [(NEW, PolicyError::InHistory), ("a", PolicyError::TooShort)] {
        let outcome = apply(&directory, &account.id, SET, Some(password)).await;
        let Outcome::Refused(error) = outcome else { panic!("{outcome:?}") };
        assert_eq!(error.kind(), ErrorKind::PasswordRejected);
        let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<PlainError>());
        assert_eq!(source.expect("the server's own").policy, Some(reason));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_account_stays_closed_although_the_server_opens_it_with_each_set() {
    let Some(server) = Server::start("closed accounts", &Population { people: 40 }.ldif()) else { return };
    for (name, way) in [("d0", PasswordBy::Operation), ("d1", PasswordBy::Modify)] {
        let directory = PlainDirectory::connect(server.config().password_by(way)).await.expect("connects");
        let account = find(&directory, name).await;
        assert!(!account.state.enabled && !account.state.locked);
        for action in [MUST, SET, Action::Scramble] {
            let password = format!("{NEW}-{action}");
            let outcome = apply(&directory, &account.id, action, Some(&password)).await;
            assert!(matches!(outcome, Outcome::Done(_)), "{way:?}: {outcome:?}");
            let now = find(&directory, name).await;
            assert!(!now.state.enabled, "{way:?}: {action} opened it");
            assert_eq!(now.password.must_change, action == MUST, "{way:?}: {action}");
            assert_eq!(server.sign_in(&Population::dn(name), &password).await, SignIn::Refused);
        }
        // To unlock is not to open.
        assert!(matches!(apply(&directory, &account.id, Action::Unlock, None).await, Outcome::Done(_)));
        assert!(!find(&directory, name).await.state.enabled);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_modify_says_everything_at_once_and_leaves_no_password_in_clear() {
    let Some(server) = Server::start("password_by modify", &Population { people: 40 }.ldif()) else { return };
    let directory = PlainDirectory::connect(server.config().password_by(PasswordBy::Modify)).await.expect("connects");
    let account = find(&directory, "p013").await;
    assert!(matches!(apply(&directory, &account.id, MUST, Some(NEW)).await, Outcome::Done(_)));
    assert_eq!(server.sign_in(&Population::dn("p013"), NEW).await, SignIn::MustChange);
    assert!(matches!(apply(&directory, &account.id, MUST, Some(NEW)).await, Outcome::Done(_)), "the same again");
    let stored = format!("{:?}", server.entry(&Population::dn("p013"), &["userPassword"]).await);
    assert!(stored.contains("{SSHA}") && !stored.contains(NEW), "{stored}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_policy_makes_void_is_not_called_done() {
    let policy = format!("cn=loose,ou=policies,{BASE}");
    let mut ldif = Population { people: 40 }.ldif();
    ldif.push_str(&format!(
        "dn: {policy}\nobjectClass: device\nobjectClass: pwdPolicy\ncn: loose\npwdAttribute: userPassword\n\n\
         dn: uid=loose,ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: loose\ncn: loose\nsn: loose\n\
         userPassword: Old-Passw0rd-loose!\npwdPolicySubentry: {policy}\npwdReset: TRUE\n\
         pwdAccountLockedTime: 000001010000Z\n\n"
    ));
    let Some(server) = Server::start("void flags", &ldif) else { return };
    let directory = server.connect().await;
    let account = find(&directory, "loose").await;
    // The server lets it in: neither flag has an effect under this policy.
    assert_eq!(server.sign_in("uid=loose,ou=people,dc=example,dc=test", "Old-Passw0rd-loose!").await, SignIn::Accepted);
    assert!(account.state.enabled && !account.password.must_change, "{account:?}");
    assert!(matches!(directory.support(&account, MUST), Support::Instead { action: SET, .. }));
    assert!(matches!(directory.support(&account, Action::Disable), Support::Cannot { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_account_is_still_the_one_that_was_meant() {
    let Some(server) = Server::start("rename", &Population { people: 40 }.ldif()) else { return };
    let directory = server.connect().await;
    let account = find(&directory, "p014").await;
    let mut root = server.root().await;
    root.modifydn(&Population::dn("p014"), "uid=p014x", true, None).await.expect("answer").success().expect("renamed");
    assert!(matches!(apply(&directory, &account.id, SET, Some(NEW)).await, Outcome::Done(_)));
    assert_eq!(server.sign_in(&Population::dn("p014x"), NEW).await, SignIn::Accepted);
    root.delete(&Population::dn("p014x")).await.expect("answer").success().expect("deleted");
    let outcome = apply(&directory, &account.id, SET, Some(NEW)).await;
    assert!(matches!(&outcome, Outcome::Refused(error) if error.kind() == ErrorKind::AccountNotFound), "{outcome:?}");
}

/// Two entries swap their names all the time, so that a name that was looked up leads to the other one a
/// moment later. What was not meant is not hit; with a Password Modify, which takes no condition, it is at
/// least said.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_goes_to_another_entry_in_between_hits_nobody_in_silence() {
    let Some(server) = Server::start("swapped names", &Population { people: 40 }.ldif()) else { return };
    for (meant, other, way) in [("p014", "p015", PasswordBy::Modify), ("p016", "p017", PasswordBy::Operation)] {
        let directory = PlainDirectory::connect(server.config().password_by(way)).await.expect("connects");
        let (account, bystander) = (find(&directory, meant).await, find(&directory, other).await);
        let before = bystander.password.last_set;
        let mut root = server.root().await;
        let (first, second) = (Population::dn(meant), Population::dn(other));
        let swapping = tokio::spawn(async move {
            let mut swaps = 0_u32;
            loop {
                for (from, to) in [(&first, "pswap"), (&second, meant), (&Population::dn("pswap"), other)] {
                    let renamed = root.modifydn(from, &format!("uid={to}"), true, None).await;
                    renamed.expect("answer").success().expect("renamed");
                }
                swaps += 1;
                if swaps == 400 {
                    return;
                }
            }
        });
        let (mut done, mut missed, mut misled) = (0, 0, 0);
        for attempt in 0.. {
            let password = format!("{NEW}-{way:?}-{attempt}");
            match apply(&directory, &account.id, SET, Some(&password)).await {
                Outcome::Done(_) => done += 1,
                Outcome::Temporary(error) if error.kind() == ErrorKind::Conflict => missed += 1,
                // Looked up between two renames: nobody has the name, or the server says that it is gone.
                Outcome::Refused(error) if error.detail().contains("is another entry now") => misled += 1,
                Outcome::Temporary(_) | Outcome::Refused(_) => missed += 1,
                outcome => panic!("{way:?}: {outcome:?}"),
            }
            if swapping.is_finished() {
                break;
            }
        }
        swapping.await.expect("swaps");
        let now = directory.lookup(std::slice::from_ref(&bystander.id)).await.expect("read").remove(0).expect("there");
        let hit = now.password.last_set != before;
        assert!(!hit || misled > 0, "{way:?}: {other} was set, and no outcome says so ({done}, {missed}, {misled})");
        assert!(way == PasswordBy::Operation || (!hit && misled == 0), "{way:?}: the condition holds");
        assert!(done > 0 && missed > 0, "{way:?}: {done} done, {missed} missed: nothing was raced");
    }
}
