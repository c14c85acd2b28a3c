//! Every action on every status and every owner of a password: what the mock did, not what it said.

use std::collections::BTreeMap;
use std::sync::Arc;

use backend_okta::OktaDirectory;
use futures::TryStreamExt as _;
use identity_core::account::Account;
use identity_core::directory::{AccountEnumerator as _, AccountQuery, Directory as _, ForcedReset as _, Support};
use identity_core::error::ErrorKind;
use identity_core::reset::{Action, Order, Outcome, Receipt, Secret};
use testkit::fault::{Fault, When};
use testkit::mock_okta::{MockOkta, OktaSignInRefusal, OktaUser, Provider, Status, fixed};

use crate::campaign::events;
use crate::stage::{account_id, connect, of, ordinary};

pub(crate) const NEW: &str = "Zq7-bcdfghjkmnp";
const SET: Action = Action::SetPassword { must_change: false };

/// Everything that Okta does.
pub(crate) const DONE: [Action; 10] = [
    SET,
    Action::Scramble,
    Action::SetTemporaryPassword,
    Action::ResetToRecovery { mail: true },
    Action::ResetToRecovery { mail: false },
    Action::ExpirePassword,
    Action::SendRecoveryLink,
    Action::Unlock,
    Action::RevokeSessions,
    Action::ResetAuthenticators,
];

const STATUSES: [Status; 8] = [
    Status::Staged,
    Status::Provisioned,
    Status::Active,
    Status::Recovery,
    Status::PasswordExpired,
    Status::LockedOut,
    Status::Suspended,
    Status::Deprovisioned,
];

/// Who checks the password, and whether there is one.
const OWNERS: [(Provider, bool); 7] = [
    (Provider::Okta, true),
    (Provider::Okta, false),
    (Provider::Import, true),
    (Provider::ActiveDirectory, false),
    (Provider::Ldap, false),
    (Provider::Federation, false),
    (Provider::Social, false),
];

/// Suspending goes last: whoever is suspended can be tried with nothing else.
fn every_action() -> impl Iterator<Item = Action> {
    DONE.into_iter().chain([Action::Disable])
}

fn order(user: &OktaUser, action: Action) -> Order {
    let order = Order::new(account_id(&user.id), action);
    if action.needs_password() { order.with_password(Secret::new(NEW.into())) } else { order }
}

/// What is there after an order that was done.
fn assert_done(mock: &MockOkta, before: &OktaUser, action: Action, receipt: &Receipt) {
    let what = format!("{action} on {:?} of {:?}", before.status(), before.provider());
    let now = mock.user_named(&before.id).unwrap();
    let old = mock.initial_password(&before.id).unwrap();
    let sign_in = |password: &str| mock.sign_in(&before.id, password);
    let secret = receipt.server_secret.as_ref().map(Secret::expose);
    let sessions = mock.sessions(&before.id).unwrap();
    // Where nothing was locked nothing was done, and no log has a request for it.
    let is_so_already = action == Action::Unlock && before.status() != Status::LockedOut;
    let is_told = receipt.request_id.is_some() && receipt.at.is_some();
    assert!(is_told != is_so_already, "{what}: {receipt:?}");
    assert!(now.provider() == before.provider() || before.provider() == Provider::Import, "{what}");
    let is_dead = |refusal| sign_in(&old) == Err(refusal);
    match action {
        SET | Action::Scramble => {
            assert_eq!(sign_in(NEW), Ok(()), "{what}");
            assert!(is_dead(OktaSignInRefusal::WrongPassword), "{what}: the old password");
            assert_eq!(mock.sets(&before.id).len(), 1, "{what}");
        }
        Action::SetTemporaryPassword => {
            assert_eq!(sign_in(secret.unwrap()), Err(OktaSignInRefusal::MustChange), "{what}");
            assert!(is_dead(OktaSignInRefusal::WrongPassword), "{what}: the old password");
            assert_eq!((sessions.okta, mock.sets(&before.id).len()), (0, 1), "{what}");
        }
        Action::ResetToRecovery { mail } => {
            assert_eq!(now.status(), Status::Recovery, "{what}");
            assert!(is_dead(OktaSignInRefusal::AwaitsRecovery), "{what}: the old password");
            assert_eq!(sessions.okta, 0, "{what}");
            let mails = events(mock, before, "system.email.password_reset.sent_message");
            assert_eq!((secret.is_none(), mails), (mail, usize::from(mail)), "{what}");
            assert!(mail || mock.honours_link(&before.id, secret.unwrap()), "{what}");
        }
        Action::ExpirePassword => {
            assert_eq!(now.status(), Status::PasswordExpired, "{what}");
            // This is why it contains nothing.
            assert!(is_dead(OktaSignInRefusal::MustChange), "{what}: the old password lets in once");
        }
        Action::SendRecoveryLink => {
            assert_eq!(now.status(), before.status(), "{what}");
            assert_eq!(events(mock, before, "system.email.password_reset.sent_message"), 1, "{what}");
        }
        Action::Unlock => {
            let expected = if is_so_already { before.status() } else { Status::Active };
            assert_eq!(now.status(), expected, "{what}");
            let is_ours = expected == Status::Active
                && matches!(before.provider(), Provider::Okta | Provider::Import)
                && before.standing.has_password;
            assert!(!is_ours || sign_in(&old) == Ok(()), "{what}: {:?}", sign_in(&old));
        }
        Action::Disable => assert_eq!(now.status(), Status::Suspended, "{what}"),
        Action::RevokeSessions => {
            assert_eq!((sessions.okta, sessions.app_tokens), (0, 0), "{what}");
            assert_eq!((now.status(), mock.revoked(&before.id).len()), (before.status(), 1), "{what}");
        }
        Action::ResetAuthenticators => assert!(mock.factors_were_reset(&before.id), "{what}"),
        _ => panic!("{what} is nothing that Okta does"),
    }
}

/// Users of every status and owner, one for each action, as the directory reads them.
async fn everyone(mock: &MockOkta, directory: &OktaDirectory) -> Vec<(OktaUser, Account, Action)> {
    let cases = STATUSES.iter().flat_map(|status| OWNERS.iter().map(move |owner| (*status, *owner)));
    // Whoever has no password of Okta's has none that expired, is void or was guessed at too often.
    let of_password = [Status::Recovery, Status::PasswordExpired, Status::LockedOut];
    let cases = cases.filter(|(status, owner)| *owner != (Provider::Okta, false) || !of_password.contains(status));
    let cases: Vec<_> =
        cases.flat_map(|(status, owner)| every_action().map(move |action| (status, owner, action))).collect();
    let users = ordinary(mock, cases.len());
    assert_eq!(users.len(), cases.len(), "the org is too small");
    for (user, (status, (provider, has_password), _)) in users.iter().zip(&cases) {
        let change = |user: &mut OktaUser| {
            user.recovery_question = true;
            user.standing.status = *status;
            user.standing.provider = *provider;
            user.standing.has_password = *has_password;
        };
        mock.change(&user.id, change).unwrap();
    }
    let ids: Vec<_> = users.iter().map(|user| account_id(&user.id)).collect();
    let mut accounts = Vec::new();
    for ids in ids.chunks(100) {
        accounts.extend(directory.lookup(ids).await.unwrap());
    }
    let read = users.iter().zip(accounts).zip(cases);
    read.map(|((user, account), (.., action))| (mock.user_named(&user.id).unwrap(), account.unwrap(), action)).collect()
}

#[tokio::test]
async fn every_action_on_every_status_and_owner_does_what_it_says_or_is_not_sent() {
    let (mock, directory) = connect(of(1_500).okta_mastered_share(95).without_quotas()).await;
    let everyone = everyone(&mock, &directory).await;
    let _: Vec<_> = directory.recovery().unwrap().enrolments(&AccountQuery::everyone()).try_collect().await.unwrap();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (user, account, action) in &everyone {
        let what = || format!("{action} on {:?} of {:?}", user.status(), user.provider());
        match directory.support(account, *action) {
            Support::Works => {
                let outcome = directory.apply(&[order(user, *action)]).await.remove(0);
                let Outcome::Done(receipt) = &outcome else { panic!("{} is said to work: {outcome:?}", what()) };
                assert_done(&mock, user, *action, receipt);
                *counts.entry("done").or_default() += 1;
            }
            Support::Instead { action: other, because } => {
                assert_eq!(directory.support(account, other), Support::Works, "{}: {because}", what());
                *counts.entry("another action instead").or_default() += 1;
            }
            Support::Cannot { because } => {
                assert!(!because.is_empty() && mock.untouched(&user.id), "{}", what());
                *counts.entry("left alone").or_default() += 1;
            }
            other => panic!("{}: {other:?}", what()),
        }
    }
    println!("{} cases: {counts:?}", everyone.len());
    assert_eq!(mock.counts().conversions, 0, "a federated user became one of Okta's own");
    assert!(counts["done"] > 100 && counts["left alone"] > 100, "{counts:?}");
}

/// Whose password is federated is never sent what would turn it into one of Okta's, and whoever has no
/// password is given none.
#[tokio::test]
async fn no_password_is_touched_that_is_not_oktas() {
    let (mock, directory) = connect(of(1_500).okta_mastered_share(95).without_quotas()).await;
    let _: Vec<_> = directory.recovery().unwrap().enrolments(&AccountQuery::everyone()).try_collect().await.unwrap();
    for (user, account, action) in everyone(&mock, &directory).await {
        let is_ours = matches!(user.provider(), Provider::Okta | Provider::Import);
        let of_password = action.shows_in_password_state() || action == Action::SendRecoveryLink;
        if is_ours || !of_password {
            continue;
        }
        let support = directory.support(&account, action);
        let what = format!("{action} on {:?} of {:?}: {support:?}", user.status(), user.provider());
        assert!(matches!(support, Support::Cannot { .. }), "{what}");
    }
}

#[tokio::test]
async fn one_bad_order_harms_no_other() {
    let (mock, directory) = connect(of(300)).await;
    let one = mock.user(fixed::ORDINARY).unwrap();
    let weak = Order::new(account_id(&one.id), SET).with_password(Secret::new("Winter-2026".into()));
    let stranger = Order::new(account_id("00u0000000000absent0"), SET).with_password(Secret::new(NEW.into()));
    // A login in the place of an id: Okta would take it.
    let login = Order::new(account_id(&one.login), SET).with_password(Secret::new(NEW.into()));
    let orders = [order(&one, SET), weak, stranger, login, order(&one, Action::RevokeSessions)];
    let outcomes = directory.apply(&orders).await;
    assert!(matches!(outcomes[0], Outcome::Done(_)), "{:?}", outcomes[0]);
    assert_eq!(outcomes[1].error().unwrap().kind(), ErrorKind::PasswordRejected);
    assert_eq!(outcomes[2].error().unwrap().kind(), ErrorKind::AccountNotFound);
    assert_eq!(outcomes[3].error().unwrap().kind(), ErrorKind::AccountNotFound);
    assert!(matches!(outcomes[4], Outcome::Done(_)), "{:?}", outcomes[4]);
    assert_eq!((mock.sets(&one.id).len(), mock.revoked(&one.id).len()), (1, 1));
}

#[tokio::test]
async fn a_link_that_the_policy_does_not_allow_is_refused_for_good() {
    let (mock, directory) = connect(of(300)).await;
    let one = mock.user(fixed::ORDINARY).unwrap();
    assert!(!one.recovery_question);
    let outcome = directory.apply(&[order(&one, Action::SendRecoveryLink)]).await.remove(0);
    let error = outcome.error().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert!(matches!(outcome, Outcome::Refused(_)) && mock.untouched(&one.id));
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_outcome_unknown_and_nothing_is_sent_twice() {
    for (fault, done) in
        [(Fault::CutBeforeApply, 0), (Fault::CutAfterApply, 1), (Fault::GatewayTimeout, 1), (Fault::CutMidAnswer, 1)]
    {
        let (mock, directory) = connect(of(300)).await;
        let one = mock.user(fixed::ORDINARY).unwrap();
        for action in [SET, Action::SetTemporaryPassword] {
            mock.add_fault(When::write().times(1), fault.clone());
            let before = mock.sets(&one.id).len();
            let outcome = directory.apply(&[order(&one, action)]).await.remove(0);
            assert!(matches!(outcome, Outcome::Unknown(_)), "{action}, {fault:?}: {outcome:?}");
            assert_eq!(mock.sets(&one.id).len() - before, done, "{action}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn who_is_being_activated_is_tried_again_later() {
    let (mock, directory): (_, Arc<_>) = connect(of(100)).await;
    let one = mock.user(fixed::ACTIVATING).unwrap();
    let outcome = directory.apply(&[order(&one, SET)]).await.remove(0);
    assert!(matches!(outcome, Outcome::Temporary(_)), "{outcome:?}");
    mock.change(&one.id, |user| user.activating = false).unwrap();
    let outcome = directory.apply(&[order(&one, SET)]).await.remove(0);
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}
