//! Passwords of the directory's own making, and accounts whose owners come back by recovery.

use identity_core::account::Account;
use identity_core::directory::Support;
use identity_core::reset::{Action, Order, Outcome, Secret, SecretKind};

use crate::conformance::stage::{ensure, in_words};
use crate::conformance::{Check, Halt, SignIn, Stage};

/// A temporary password comes back in the receipt, takes the place of the old one, and has to be
/// changed; the next one takes its place.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn temporary_password(stage: &Stage<'_>) -> Check {
    stage.need_action(Action::SetTemporaryPassword)?;
    let Some((account, old)) = touched(stage, Action::SetTemporaryPassword).await? else {
        return Err(Halt::Skip("a touchable account that gets a temporary password".into()));
    };
    let mut gone = old;
    for _ in 0..2 {
        let outcome = stage.order(Order::new(account.id.clone(), Action::SetTemporaryPassword)).await?;
        let Some(temporary) = secret(outcome)? else {
            return Err(Halt::Fail(format!("{} has a temporary password that nobody was told", account.name)));
        };
        let shown = stage.look(&account.id).await?.password;
        ensure!(shown.must_change, "{} has a temporary password, and is read back as {shown:?}", account.name);
        ensure!(!shown.awaits_recovery, "{} has a temporary password, and awaits recovery", account.name);
        let signed_in = stage.sign_in(&account.id, &temporary).await?;
        ensure!(signed_in == SignIn::MustChange, "the temporary password of {} is {signed_in:?}", account.name);
        if let Some(gone) = gone {
            let signed_in = stage.sign_in(&account.id, &gone).await?;
            ensure!(!signed_in.took_password(), "the password of {} before is {signed_in:?}", account.name);
        }
        gone = Some(temporary);
    }
    Ok(())
}

/// After a reset to recovery the old password is void and that can be read back; a link that is not
/// mailed comes back in the receipt.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn reset_to_recovery(stage: &Stage<'_>) -> Check {
    stage.need_action(Action::ResetToRecovery { mail: false })?;
    let mut found = false;
    for mail in [false, true] {
        let action = Action::ResetToRecovery { mail };
        let Some((account, old)) = touched(stage, action).await? else { continue };
        found = true;
        stage.retire(&account.id);
        // A second order finds the account waiting already: it is what follows a lost answer.
        for _ in 0..2 {
            let link = secret(stage.order(Order::new(account.id.clone(), action)).await?)?;
            ensure!(link.is_some() != mail, "{action} of {}: told a link: {}", account.name, link.is_some());
            if let Some(link) = link {
                let honoured = stage.harness().honours(&account.id, SecretKind::RecoveryLink, &link).await;
                ensure!(honoured != Some(false), "the directory does not take its own link for {}", account.name);
            }
            let shown = stage.look(&account.id).await?.password;
            ensure!(shown.awaits_recovery, "{action} of {} is read back as {shown:?}", account.name);
            if let Some(old) = &old {
                let signed_in = stage.sign_in(&account.id, old).await?;
                ensure!(
                    signed_in == SignIn::Refused,
                    "{action}: the old password of {} is {signed_in:?}",
                    account.name
                );
            }
        }
    }
    if found { Ok(()) } else { Err(Halt::Skip("a touchable account that can come back by recovery".into())) }
}

/// An ordinary account that the action works on, and its password where we know it.
async fn touched(stage: &Stage<'_>, action: Action) -> Result<Option<(Account, Option<Secret>)>, Halt> {
    let account = stage.account().await?;
    if stage.directory().support(&account, action) != Support::Works {
        return Ok(None);
    }
    let set = Action::SetPassword { must_change: false };
    let old = match stage.directory().support(&account, set) {
        Support::Works => Some(stage.set(&account.id, false).await?),
        _ => stage.harness().old_password(&account.id).await,
    };
    Ok(Some((account, old)))
}

fn secret(outcome: Outcome) -> Result<Option<Secret>, Halt> {
    match outcome {
        Outcome::Done(receipt) => Ok(receipt.server_secret),
        other => Err(Halt::Fail(format!("it is not done: {}", in_words(&other)))),
    }
}
