//! Lost answers are unknown, can be read back, and cost only the order that they are of.

use identity_core::error::Status;
use identity_core::reset::{Action, Order, Outcome, Secret};

use super::stage::{ensure, in_words};
use super::{Check, Circumstance, Halt, Stage};

const SET: Action = Action::SetPassword { must_change: false };

/// Carried out, and the answer lost: unknown; a lookup tells that it landed.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn cut_after_apply(stage: &Stage<'_>) -> Check {
    cut(stage, true).await
}

/// Sent, lost, and not carried out: unknown too; a lookup tells that it did not land.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn cut_before_apply(stage: &Stage<'_>) -> Check {
    cut(stage, false).await
}

/// A lost answer in a batch: every order still has one outcome, and no order is called done or
/// refused wrongly.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn others_of_the_batch(stage: &Stage<'_>) -> Check {
    stage.need_action(SET)?;
    if stage.directory().limits().max_batch.get() < 3 {
        return Err(Halt::Skip("max_batch of 3 or more".into()));
    }
    let accounts = stage.accounts(3).await?;
    let [_, middle, _] = accounts.as_slice() else { return Err(Halt::Skip("three accounts".into())) };
    stage.arrange(Circumstance::CutAfterApply(middle.id.clone())).await?;
    let orders: Vec<Order> =
        accounts.iter().map(|account| Order::new(account.id.clone(), SET).with_password(stage.password())).collect();
    for (order, outcome) in orders.iter().zip(stage.apply_once(&orders).await?) {
        let Some(password) = &order.password else { continue };
        let landed = stage.sign_in(&order.account, password).await?.took_password();
        let honest = match &outcome {
            Outcome::Done(_) => landed && order.account != middle.id,
            Outcome::Unknown(_) => true,
            Outcome::Throttled(_) | Outcome::Temporary(_) => !landed,
            Outcome::Refused(_) => false,
        };
        ensure!(honest, "{} is {} (landed: {landed})", order.account, in_words(&outcome));
    }
    Ok(())
}

/// After the connections were cut the next order works, without anybody's help.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn connection_comes_back(stage: &Stage<'_>) -> Check {
    stage.need_action(SET)?;
    let account = stage.account().await?;
    stage.arrange(Circumstance::DropConnections).await?;
    let password = stage.password();
    let order = Order::new(account.id.clone(), SET).with_password(password.clone());
    // The cut may be noticed only when something is sent: that one order may be unknown.
    let mut outcome = stage.order(order.clone()).await?;
    if matches!(outcome, Outcome::Unknown(_)) {
        outcome = stage.order(order).await?;
    }
    ensure!(matches!(outcome, Outcome::Done(_)), "after a cut connection an order is {}", in_words(&outcome));
    let signed_in = stage.sign_in(&account.id, &password).await?;
    ensure!(signed_in.took_password(), "after a cut connection {} is done and was not set", account.name);
    stage.look(&account.id).await.map(drop)
}

async fn cut(stage: &Stage<'_>, lands: bool) -> Check {
    stage.need_action(SET)?;
    let account = stage.account().await?;
    let old = stage.set(&account.id, false).await?;
    let before = stage.look(&account.id).await?.password;
    let circumstance = if lands { Circumstance::CutAfterApply } else { Circumstance::CutBeforeApply };
    stage.arrange(circumstance(account.id.clone())).await?;
    let new = stage.password();
    let order = Order::new(account.id.clone(), SET).with_password(new.clone());
    let outcome = stage.apply_once(std::slice::from_ref(&order)).await?.into_iter().next();
    match &outcome {
        Some(Outcome::Unknown(error)) => {
            ensure!(error.status() == Status::Unknown, "an unknown outcome has the status {:?}", error.status());
        }
        other => {
            let words = other.as_ref().map_or_else(|| "missing".into(), in_words);
            return Err(Halt::Fail(format!("an order whose answer was lost is {words}, not unknown")));
        }
    }
    let after = stage.look(&account.id).await?.password;
    let shows = after.version != before.version || after.last_set > before.last_set;
    // A directory that records whole seconds may show nothing of a set in the same second.
    if !lands || stage.directory().capabilities().observe_version {
        ensure!(shows == lands, "landed: {lands}; the record of {} went from {before:?} to {after:?}", account.name);
    }
    let current: &Secret = if lands { &new } else { &old };
    let signed_in = stage.sign_in(&account.id, current).await?;
    ensure!(signed_in.took_password(), "landed: {lands}; and the password of {} is another", account.name);
    // The same password is sent again, and then it stands.
    stage.done(order).await?;
    let signed_in = stage.sign_in(&account.id, &new).await?;
    ensure!(signed_in.took_password(), "the same password was sent again and does not sign in");
    Ok(())
}
