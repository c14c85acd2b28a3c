//! What the directory records of a password: it moves when a password is set, and only then.

use std::time::Duration;

use identity_core::limits::clock;
use identity_core::reset::{Action, Order, Outcome};

use crate::conformance::stage::{ensure, in_words};
use crate::conformance::{Check, Halt, Stage};

const SET: Action = Action::SetPassword { must_change: false };

/// The version grows by one with each set, the time moves forward.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn state_moves(stage: &Stage<'_>) -> Check {
    stage.need_action(SET)?;
    let account = stage.account().await?;
    stage.set(&account.id, false).await?;
    let before = stage.look(&account.id).await?.password;
    // Some directories record whole seconds.
    clock::sleep(Duration::from_millis(1100)).await;
    stage.set(&account.id, false).await?;
    let after = stage.look(&account.id).await?.password;
    if stage.directory().capabilities().observe_version {
        let moved = before.version.zip(after.version).is_some_and(|(before, after)| after == before + 1);
        ensure!(
            moved,
            "one set moved the version of {} from {:?} to {:?}",
            account.name,
            before.version,
            after.version
        );
    }
    let moved = before.last_set.zip(after.last_set).is_some_and(|(before, after)| after > before);
    ensure!(moved, "a set moved last_set of {} from {:?} to {:?}", account.name, before.last_set, after.last_set);
    Ok(())
}

/// A refused order moves nothing.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn state_stays_on_refusal(stage: &Stage<'_>) -> Check {
    stage.need_action(SET)?;
    let Some(weak) = stage.harness().weak_password() else {
        return Err(Halt::Skip("the harness says that no password is refused".into()));
    };
    let account = stage.account().await?;
    stage.set(&account.id, false).await?;
    let before = stage.look(&account.id).await?.password;
    clock::sleep(Duration::from_millis(1100)).await;
    let outcome = stage.order(Order::new(account.id.clone(), SET).with_password(weak)).await?;
    ensure!(matches!(outcome, Outcome::Refused(_)), "a password against the policy is {}", in_words(&outcome));
    let after = stage.look(&account.id).await?.password;
    ensure!(before == after, "a refused order moved the record of {} from {before:?} to {after:?}", account.name);
    Ok(())
}
