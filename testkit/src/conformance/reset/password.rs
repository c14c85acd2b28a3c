//! Setting passwords.

use identity_core::account::Account;
use identity_core::directory::Support;
use identity_core::error::ErrorKind;
use identity_core::reset::{Action, Order, Outcome};

use crate::conformance::stage::{ensure, in_words};
use crate::conformance::{Check, Halt, SignIn, Stage};

/// The new password signs in, the old one does not.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn set_password(stage: &Stage<'_>) -> Check {
    stage.need_action(Action::SetPassword { must_change: false })?;
    let account = stage.account().await?;
    let given = stage.harness().old_password(&account.id).await;
    let old = stage.set(&account.id, false).await?;
    let new = stage.set(&account.id, false).await?;
    let signed_in = stage.sign_in(&account.id, &new).await?;
    ensure!(signed_in == SignIn::Accepted, "the new password of {} is {signed_in:?}", account.name);
    for gone in given.iter().chain([&old]) {
        let signed_in = stage.sign_in(&account.id, gone).await?;
        ensure!(!signed_in.took_password(), "the old password of {} still signs in ({signed_in:?})", account.name);
    }
    Ok(())
}

/// With must-change, the owner is asked for another password, and that can be read back.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn must_change(stage: &Stage<'_>) -> Check {
    stage.need_action(Action::SetPassword { must_change: true })?;
    let account = stage.account().await?;
    let password = stage.set(&account.id, true).await?;
    let shown = stage.look(&account.id).await?.password.must_change;
    ensure!(shown, "{} was set with must-change, and is read back without", account.name);
    let signed_in = stage.sign_in(&account.id, &password).await?;
    ensure!(
        signed_in == SignIn::MustChange,
        "{} was set with must-change, and its owner is {signed_in:?}",
        account.name
    );
    Ok(())
}

/// With a change after a second factor, the password is taken and does not do alone, and the demand
/// can be read back as that; a plain set takes it away.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn change_after_mfa(stage: &Stage<'_>) -> Check {
    const SET_AFTER_MFA: Action = Action::SetPasswordChangeAfterMfa;
    stage.need_action(SET_AFTER_MFA)?;
    let works = |account: &Account| stage.directory().support(account, SET_AFTER_MFA) == Support::Works;
    let Some(account) = stage.touchable().await?.into_iter().find(|account| account.state.enabled && works(account))
    else {
        return Err(Halt::Skip("a touchable account whose owner has a second factor".into()));
    };
    let password = stage.password();
    stage.done(Order::new(account.id.clone(), SET_AFTER_MFA).with_password(password.clone())).await?;
    let shown = stage.look(&account.id).await?.password;
    ensure!(shown.must_change && shown.change_after_mfa, "{} is read back as {shown:?}", account.name);
    let signed_in = stage.sign_in(&account.id, &password).await?;
    ensure!(signed_in == SignIn::MustChange, "{} has to change after MFA, and is {signed_in:?}", account.name);
    stage.set(&account.id, false).await?;
    let shown = stage.look(&account.id).await?.password;
    ensure!(!shown.must_change && !shown.change_after_mfa, "{} was set again, and is {shown:?}", account.name);
    Ok(())
}

/// A password set without must-change takes the flag away.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn set_clears_must_change(stage: &Stage<'_>) -> Check {
    stage.need_action(Action::SetPassword { must_change: true })?;
    let account = stage.account().await?;
    stage.set(&account.id, true).await?;
    let password = stage.set(&account.id, false).await?;
    let shown = stage.look(&account.id).await?.password.must_change;
    ensure!(!shown, "{} was set without must-change, and is read back with it", account.name);
    let signed_in = stage.sign_in(&account.id, &password).await?;
    ensure!(
        signed_in == SignIn::Accepted,
        "{} was set without must-change, and its owner is {signed_in:?}",
        account.name
    );
    Ok(())
}

/// After a scramble the old password is gone.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn scramble(stage: &Stage<'_>) -> Check {
    stage.need_action(Action::Scramble)?;
    let account = stage.account().await?;
    let old = stage.set(&account.id, false).await?;
    let signed_in = stage.sign_in(&account.id, &old).await?;
    ensure!(signed_in.took_password(), "the password of {} was set and does not sign in", account.name);
    stage.done(Order::new(account.id.clone(), Action::Scramble).with_password(stage.password())).await?;
    let signed_in = stage.sign_in(&account.id, &old).await?;
    ensure!(!signed_in.took_password(), "{} was scrambled, and the old password is {signed_in:?}", account.name);
    Ok(())
}

/// One order sets the password once.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn set_exactly_once(stage: &Stage<'_>) -> Check {
    stage.need_action(Action::SetPassword { must_change: false })?;
    let account = stage.account().await?;
    let Some(before) = stage.harness().times_set(&account.id).await else {
        return Err(Halt::Skip("the harness does not count how often a password was set".into()));
    };
    stage.set(&account.id, false).await?;
    let sets = stage.harness().times_set(&account.id).await.map(|after| after.saturating_sub(before));
    ensure!(sets == Some(1), "one order set the password of {} {sets:?} times", account.name);
    Ok(())
}

/// A password that the policy refuses is refused as such, so that another can be tried; the old
/// one stays.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn policy_refusal(stage: &Stage<'_>) -> Check {
    stage.need_action(Action::SetPassword { must_change: false })?;
    let Some(weak) = stage.harness().weak_password() else {
        return Err(Halt::Skip("the harness says that no password is refused".into()));
    };
    let account = stage.account().await?;
    let old = stage.set(&account.id, false).await?;
    let order = Order::new(account.id.clone(), Action::SetPassword { must_change: false });
    let outcome = stage.order(order.with_password(weak.clone())).await?;
    let refused = matches!(&outcome, Outcome::Refused(error) if error.kind() == ErrorKind::PasswordRejected);
    ensure!(refused, "a password against the policy is {}, not refused as PasswordRejected", in_words(&outcome));
    let signed_in = stage.sign_in(&account.id, &old).await?;
    ensure!(signed_in.took_password(), "a refused order took the password of {} away", account.name);
    let signed_in = stage.sign_in(&account.id, &weak).await?;
    ensure!(!signed_in.took_password(), "a refused order set the password of {}", account.name);
    Ok(())
}

/// The same password again is taken: after an unknown outcome it is what is sent.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn same_password_again(stage: &Stage<'_>) -> Check {
    stage.need_action(Action::SetPassword { must_change: false })?;
    let account = stage.account().await?;
    let password = stage.set(&account.id, false).await?;
    let order = Order::new(account.id.clone(), Action::SetPassword { must_change: false });
    stage.done(order.with_password(password.clone())).await?;
    let signed_in = stage.sign_in(&account.id, &password).await?;
    ensure!(signed_in.took_password(), "the password of {} was set twice and does not sign in", account.name);
    Ok(())
}

/// An order that lacks its password is refused before the wire, without a panic.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn missing_password(stage: &Stage<'_>) -> Check {
    stage.need_action(Action::SetPassword { must_change: false })?;
    let account = stage.account().await?;
    let old = stage.set(&account.id, false).await?;
    for action in [Action::SetPassword { must_change: false }, Action::Scramble] {
        let outcome = stage.order(Order::new(account.id.clone(), action)).await?;
        let refused = matches!(outcome, Outcome::Refused(_));
        ensure!(refused, "{action} without a password is {}", in_words(&outcome));
    }
    let signed_in = stage.sign_in(&account.id, &old).await?;
    ensure!(signed_in.took_password(), "an order without a password took the password of {} away", account.name);
    Ok(())
}
