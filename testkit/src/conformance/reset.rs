//! Each action does what it says, shows where it can be read back, and touches nobody else.

mod batch;
mod own;
mod password;
mod record;

pub use batch::{bad_order_alone_fails, empty_batch, full_batch, outcomes_in_order, unknown_account};
pub use own::{reset_to_recovery, temporary_password};
pub use password::{
    change_after_mfa, missing_password, must_change, policy_refusal, same_password_again, scramble,
    set_clears_must_change, set_exactly_once, set_password,
};
pub use record::{state_moves, state_stays_on_refusal};

use std::time::Duration;

use identity_core::directory::Support;
use identity_core::limits::clock;
use identity_core::reset::{Action, Order, Outcome};

use super::stage::{ensure, in_words};
use super::{Check, Circumstance, Halt, SignIn, Stage};

/// An expired password shows as must-change, and stays the same password.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn expire(stage: &Stage<'_>) -> Check {
    stage.need_action(Action::ExpirePassword)?;
    let account = stage.account().await?;
    let password = stage.set(&account.id, false).await?;
    stage.done(Order::new(account.id.clone(), Action::ExpirePassword)).await?;
    let shown = stage.look(&account.id).await?.password.must_change;
    ensure!(shown, "the expired password of {} is read back without must-change", account.name);
    let signed_in = stage.sign_in(&account.id, &password).await?;
    ensure!(signed_in != SignIn::Accepted, "the expired password of {} signs in as if nothing happened", account.name);
    Ok(())
}

/// A lock-out is cleared, and the password is what it was.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn unlock(stage: &Stage<'_>) -> Check {
    stage.need_action(Action::Unlock)?;
    let account = stage.account().await?;
    let password = stage.set(&account.id, false).await?;
    stage.arrange(Circumstance::LockOut(account.id.clone())).await?;
    ensure!(stage.look(&account.id).await?.state.locked, "{} is locked out, and is read back as free", account.name);
    stage.done(Order::new(account.id.clone(), Action::Unlock)).await?;
    ensure!(!stage.look(&account.id).await?.state.locked, "{} is unlocked, and is read back as locked", account.name);
    let signed_in = stage.sign_in(&account.id, &password).await?;
    ensure!(signed_in.took_password(), "{} is unlocked and cannot sign in", account.name);
    Ok(())
}

/// A disabled account shows as such and lets nobody in.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn disable(stage: &Stage<'_>) -> Check {
    stage.need_action(Action::Disable)?;
    let account = stage.account().await?;
    let password = stage.set(&account.id, false).await?;
    stage.retire(&account.id);
    stage.done(Order::new(account.id.clone(), Action::Disable)).await?;
    ensure!(!stage.look(&account.id).await?.state.enabled, "{} is disabled, and is read back as enabled", account.name);
    let signed_in = stage.sign_in(&account.id, &password).await?;
    ensure!(!signed_in.took_password(), "{} is disabled and signs in", account.name);
    // Twice is as good as once: a resumed run may do it again.
    stage.done(Order::new(account.id, Action::Disable)).await
}

/// Revoking moves the moment from which on sessions are valid, and nothing else.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn revoke_moves_the_mark(stage: &Stage<'_>) -> Check {
    stage.need_action(Action::RevokeSessions)?;
    stage.need(stage.directory().capabilities().observe_sessions, "observe_sessions")?;
    let account = stage.account().await?;
    let before = stage.look(&account.id).await?;
    // Some directories record whole seconds.
    clock::sleep(Duration::from_millis(1100)).await;
    stage.done(Order::new(account.id.clone(), Action::RevokeSessions)).await?;
    let after = stage.look(&account.id).await?;
    let (was, is) = (before.state.sessions_valid_from, after.state.sessions_valid_from);
    ensure!(is > was, "sessions of {} were revoked, and are valid from {is:?}, before from {was:?}", account.name);
    ensure!(before.password == after.password, "revoking sessions of {} moved its password", account.name);
    Ok(())
}

/// Revoking, recovery links, authenticators, flags and passes are done where they are said to work.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn other_actions(stage: &Stage<'_>) -> Check {
    let actions = [
        Action::RevokeSessions,
        Action::ResetAuthenticators,
        Action::FlagCompromised,
        Action::SendRecoveryLink,
        Action::IssueAccessPass,
    ];
    let can: Vec<Action> = actions.into_iter().filter(|action| stage.directory().capabilities().can(*action)).collect();
    if can.is_empty() {
        let names = "capability revoke_sessions, reset_authenticators, flag_compromised, send_recovery_link or \
                     issue_access_pass";
        return Err(Halt::Skip(names.into()));
    }
    let account = stage.account().await?;
    for action in can {
        if stage.directory().support(&account, action) != Support::Works {
            continue;
        }
        let outcome = stage.order(Order::new(account.id.clone(), action)).await?;
        ensure!(matches!(outcome, Outcome::Done(_)), "{action} of {} is {}", account.name, in_words(&outcome));
    }
    Ok(())
}
