//! Everything that the backend does, once.

use backend_entra::EntraDirectory;
use futures::TryStreamExt as _;
use identity_core::account::{AccountKind, PasswordAuthority};
use identity_core::directory::{
    AccountEnumerator as _, AccountQuery, Directory as _, ForcedReset as _, PrivilegeClassifier as _,
    RateLimitedBatching as _, Scope,
};
use identity_core::recovery::RecoveryAuditor as _;
use identity_core::reset::{Action, Order, Outcome, Secret};
use testkit::mock_graph::MockGraph;

use crate::stage::list;

/// What every password of the journey has inside.
pub(crate) const PASSWORD: &str = "Zq7-planted-w0rd-";

/// What orders came to; the secret of a pass among it.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// Orders that were done.
    pub(crate) done: usize,
    /// What the server made: temporary access passes.
    pub(crate) passes: Vec<Secret>,
    /// The text of everything that was given back.
    pub(crate) told: String,
}

/// Lists, classifies, looks ahead, audits, orders each action, reads back and lists what changed.
pub(crate) async fn whole(mock: &MockGraph, directory: &EntraDirectory) -> Ending {
    let mark = directory.mark().await.unwrap();
    let everyone = list(directory, Scope::Everyone).await.unwrap();
    list(directory, Scope::Native("department eq 'Finance'".into())).await.unwrap();
    for group in mock.role_graph().groups {
        list(directory, Scope::Group(group.id.to_string())).await.unwrap();
    }
    let index = directory.privileges().await.unwrap();
    assert!(index.incomplete().is_empty(), "{:?}", index.incomplete());
    assert!(!directory.preflight().await.unwrap().is_fatal());
    let enrolled: Vec<_> = directory.enrolments(&AccountQuery::everyone()).try_collect().await.unwrap();
    assert!(!enrolled.is_empty());

    let ours = |account: &&identity_core::account::Account| {
        let person = account.kind == AccountKind::Person && account.authority == PasswordAuthority::Here;
        person && account.state.enabled && !index.classify(&account.id).is_privileged()
    };
    let people: Vec<_> = everyone.iter().filter(ours).take(24).collect();
    let mut ending = Ending::default();
    for action in [
        Action::SetPassword { must_change: false },
        Action::SetPassword { must_change: true },
        Action::SetPasswordChangeAfterMfa,
        Action::Scramble,
        Action::ExpirePassword,
        Action::RevokeSessions,
        Action::ResetAuthenticators,
        Action::FlagCompromised,
        Action::IssueAccessPass,
        Action::Disable,
    ] {
        let order = |(at, account): (usize, &&identity_core::account::Account)| {
            let order = Order::new(account.id.clone(), action);
            let password = Secret::new(format!("{PASSWORD}{at:02}"));
            if action.needs_password() { order.with_password(password) } else { order }
        };
        let class = directory.class_of(action);
        let orders: Vec<Order> = people.iter().enumerate().map(order).collect();
        for batch in orders.chunks(directory.limits().batch_of(class).get() as usize) {
            let permit = directory.governor().acquire(class, u32::try_from(batch.len()).unwrap()).await;
            for outcome in directory.apply(batch).await {
                ending.told += &format!("{outcome:?}\n");
                if let Outcome::Done(receipt) = outcome {
                    ending.done += 1;
                    ending.passes.extend(receipt.server_secret);
                }
            }
            drop(permit);
        }
    }
    let ids: Vec<_> = people.iter().map(|account| account.id.clone()).collect();
    assert!(directory.lookup(&ids).await.unwrap().iter().all(Option::is_some));
    let changed: Vec<_> = directory.changed_since(&mark).try_collect().await.unwrap();
    assert!(!changed.is_empty());
    ending
}
