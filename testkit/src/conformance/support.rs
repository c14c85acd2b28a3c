//! What the directory says of itself, and what it does.

use std::collections::HashSet;

use identity_core::account::Account;
use identity_core::directory::Support;
use identity_core::error::ErrorKind;
use identity_core::reset::{Action, Order, Outcome};

use super::stage::{ensure, in_words};
use super::{Check, Stage};

pub(super) const ACTIONS: [Action; 15] = [
    Action::SetPassword { must_change: false },
    Action::SetPassword { must_change: true },
    Action::SetPasswordChangeAfterMfa,
    Action::Scramble,
    Action::SetTemporaryPassword,
    Action::ExpirePassword,
    Action::RevokeSessions,
    Action::ResetAuthenticators,
    Action::FlagCompromised,
    Action::SendRecoveryLink,
    Action::IssueAccessPass,
    Action::Unlock,
    Action::ResetToRecovery { mail: true },
    Action::ResetToRecovery { mail: false },
    Action::Disable,
];

/// What is said to work on an account is not refused as unsupported.
///
/// # Errors
/// [`Halt`](super::Halt), as every case.
pub async fn works_is_not_unsupported(stage: &Stage<'_>) -> Check {
    for account in one_of_each_sort(stage).await? {
        stage.retire(&account.id);
        for action in ACTIONS {
            // As it is now: the action before may have changed what works.
            let account = stage.look(&account.id).await?;
            if stage.directory().support(&account, action) != Support::Works {
                continue;
            }
            let outcome = stage.order(order(stage, &account, action)).await?;
            let unsupported = matches!(&outcome, Outcome::Refused(error) if error.kind() == ErrorKind::Unsupported);
            ensure!(!unsupported, "{action} is said to work on {}, and is {}", account.name, in_words(&outcome));
        }
    }
    Ok(())
}

/// What the directory cannot do at all is refused as unsupported, and does nothing.
///
/// # Errors
/// [`Halt`](super::Halt), as every case.
pub async fn cannot_is_refused(stage: &Stage<'_>) -> Check {
    let account = stage.account().await?;
    let before = stage.harness().times_set(&account.id).await;
    for action in ACTIONS.into_iter().filter(|action| !stage.directory().capabilities().can(*action)) {
        let support = stage.directory().support(&account, action);
        ensure!(support != Support::Works, "{action} is no capability, and is said to work on {}", account.name);
        let outcome = stage.order(order(stage, &account, action)).await?;
        let refused = matches!(&outcome, Outcome::Refused(error) if error.kind() == ErrorKind::Unsupported);
        ensure!(refused, "{action} is no capability, and is {}", in_words(&outcome));
    }
    let after = stage.harness().times_set(&account.id).await;
    ensure!(before == after, "an unsupported action set a password of {}", account.name);
    Ok(())
}

fn order(stage: &Stage<'_>, account: &Account, action: Action) -> Order {
    let order = Order::new(account.id.clone(), action);
    if action.needs_password() { order.with_password(stage.password()) } else { order }
}

/// One touchable account of each kind, authority and password state: writes are slow on some
/// directories.
async fn one_of_each_sort(stage: &Stage<'_>) -> Result<Vec<Account>, super::Halt> {
    let mut accounts = stage.touchable().await?;
    let mut seen = HashSet::new();
    accounts.retain(|account| {
        let password = &account.password;
        let flags = (password.never_expires, password.cannot_change, password.smart_card_required);
        account.state.enabled && seen.insert((account.kind, format!("{:?}", account.authority), flags))
    });
    accounts.truncate(12);
    Ok(accounts)
}
