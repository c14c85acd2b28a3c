//! Everything that the backend does, once.

use backend_okta::OktaDirectory;
use futures::TryStreamExt as _;
use identity_core::account::PasswordAuthority;
use identity_core::directory::{
    AccountEnumerator as _, AccountQuery, Directory as _, ForcedReset as _, PrivilegeClassifier as _,
    RateLimitedBatching as _, Scope, Support,
};
use identity_core::reset::{Action, Order, Outcome, Secret};
use testkit::mock_okta::{MockOkta, OktaUser, Status};

use crate::orders::DONE;
use crate::stage::{account_id, list, ordinary};

/// What every password of the journey has inside.
pub(crate) const PASSWORD: &str = "Zq7-planted-w0rd-";

/// What orders came to; the secrets that Okta made among it.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// Orders that were done.
    pub(crate) done: usize,
    /// What the server made: temporary passwords and recovery links.
    pub(crate) made: Vec<Secret>,
    /// The text of everything that was given back.
    pub(crate) told: String,
}

/// Lists, classifies, looks ahead, audits, orders each action, reads back and lists what changed.
pub(crate) async fn whole(mock: &MockOkta, directory: &OktaDirectory) -> Ending {
    let mark = directory.mark().await.unwrap();
    let everyone = list(directory, Scope::Everyone).await.unwrap();
    list(directory, Scope::Native(r#"profile.department eq "Finance""#.into())).await.unwrap();
    for group in mock.admin_graph().groups.iter().take(4) {
        list(directory, Scope::Group(group.id.clone())).await.unwrap();
        list(directory, Scope::Group(group.name.clone())).await.unwrap();
    }
    let index = directory.privileges().await.unwrap();
    assert!(index.incomplete().is_empty(), "{:?}", index.incomplete());
    assert!(!directory.preflight().await.unwrap().is_fatal());
    let auditor = directory.recovery().unwrap();
    let enrolled: Vec<_> = auditor.enrolments(&AccountQuery::everyone()).try_collect().await.unwrap();
    assert!(enrolled.len() == everyone.len());

    let people = ordinary(mock, 16);
    let mut ending = Ending::default();
    for action in DONE.into_iter().chain([Action::Disable]) {
        for (at, user) in people.iter().enumerate() {
            if action == Action::Unlock {
                mock.change(&user.id, |user| user.standing.status = Status::LockedOut).unwrap();
            }
            if matches!(action, Action::ExpirePassword | Action::SendRecoveryLink) {
                let ready = |user: &mut OktaUser| {
                    user.standing.status = Status::Active;
                    user.recovery_question = true;
                };
                mock.change(&user.id, ready).unwrap();
            }
            let account = directory.lookup(&[account_id(&user.id)]).await.unwrap().remove(0).unwrap();
            assert_eq!(account.authority, PasswordAuthority::Here);
            if directory.support(&account, action) != Support::Works {
                continue;
            }
            let order = Order::new(account.id.clone(), action);
            let password = Secret::new(format!("{PASSWORD}{at:02}"));
            let order = if action.needs_password() { order.with_password(password) } else { order };
            let permit = directory.governor().acquire(directory.class_of(action), 1).await;
            let outcome = directory.apply(&[order]).await.remove(0);
            drop(permit);
            ending.told += &format!("{outcome:?}\n");
            let Outcome::Done(receipt) = outcome else { panic!("{action}: {outcome:?}") };
            ending.done += 1;
            ending.made.extend(receipt.server_secret);
        }
    }
    let ids: Vec<_> = people.iter().map(|user| account_id(&user.id)).collect();
    assert!(directory.lookup(&ids).await.unwrap().iter().all(Option::is_some));
    let changed: Vec<_> = directory.changed_since(&mark).try_collect().await.unwrap();
    assert!(!changed.is_empty());
    ending
}
