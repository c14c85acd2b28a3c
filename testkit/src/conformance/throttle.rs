//! "Slow down" is never a refusal, and all lanes hear of it.

use identity_core::error::Status;
use identity_core::reset::{Action, Order, Outcome};

use super::stage::{ensure, in_words};
use super::{Check, Circumstance, Stage};

const SET: Action = Action::SetPassword { must_change: false };

/// An order that was told to slow down had no effect and works later.
///
/// # Errors
/// [`Halt`](super::Halt), as every case.
pub async fn slow_down_is_temporary(stage: &Stage<'_>) -> Check {
    stage.need_action(SET)?;
    let account = stage.account().await?;
    let old = stage.set(&account.id, false).await?;
    stage.arrange(Circumstance::SlowDown(account.id.clone())).await?;
    let order = Order::new(account.id.clone(), SET).with_password(stage.password());
    let outcome = stage.apply_once(std::slice::from_ref(&order)).await?.into_iter().next();
    let Some(outcome) = outcome else { return Err(super::Halt::Fail("no outcome".into())) };
    let later = matches!(&outcome, Outcome::Throttled(error) | Outcome::Temporary(error) if error.status() == Status::Temporary);
    ensure!(later, "the directory said slow down, the order is {}", in_words(&outcome));
    let signed_in = stage.sign_in(&account.id, &old).await?;
    ensure!(signed_in.took_password(), "an order that was told to slow down had an effect on {}", account.name);
    stage.done(order).await
}

/// Every answer is told to the governor.
///
/// # Errors
/// [`Halt`](super::Halt), as every case.
pub async fn answers_are_told(stage: &Stage<'_>) -> Check {
    stage.need_action(SET)?;
    let account = stage.account().await?;
    let before = stage.directory().governor().stats().requests;
    stage.set(&account.id, false).await?;
    let after = stage.directory().governor().stats().requests;
    ensure!(after > before, "a password was set, and the governor was not told of an answer");
    Ok(())
}

/// "Slow down" is told to the governor as such, so that all lanes pause.
///
/// # Errors
/// [`Halt`](super::Halt), as every case.
pub async fn slow_down_is_told(stage: &Stage<'_>) -> Check {
    stage.need_action(SET)?;
    let account = stage.account().await?;
    stage.arrange(Circumstance::SlowDown(account.id.clone())).await?;
    // "Slow down" is a word of pace in one protocol and of load in another.
    let told = || {
        let stats = stage.directory().governor().stats();
        stats.throttled + stats.busy
    };
    let before = told();
    let order = Order::new(account.id.clone(), SET).with_password(stage.password());
    stage.apply_once(std::slice::from_ref(&order)).await?;
    ensure!(told() > before, "the directory said slow down, and the governor was not told");
    // Leaves the directory as later cases want it: not in the middle of a pause.
    stage.done(order).await
}
