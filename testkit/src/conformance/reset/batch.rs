//! Batches: one outcome per order, in order, and nobody suffers for a neighbour.

use std::sync::Arc;

use identity_core::account::{Account, AccountId};
use identity_core::error::ErrorKind;
use identity_core::reset::{Action, Order, Outcome, Secret};

use crate::conformance::stage::{ensure, in_words};
use crate::conformance::{Check, Halt, Stage};

const SET: Action = Action::SetPassword { must_change: false };

/// Writes are slow on some directories; more than this tells nothing new.
const MOST: usize = 20;

/// An account that is not there is refused as such.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn unknown_account(stage: &Stage<'_>) -> Check {
    stage.need_action(SET)?;
    let outcome = stage.order(Order::new(absent(stage)?, SET).with_password(stage.password())).await?;
    let refused = matches!(&outcome, Outcome::Refused(error) if error.kind() == ErrorKind::AccountNotFound);
    ensure!(refused, "an account that is not there is {}, not refused as AccountNotFound", in_words(&outcome));
    Ok(())
}

/// No orders, no outcomes.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn empty_batch(stage: &Stage<'_>) -> Check {
    let outcomes = Arc::clone(stage.directory()).apply(&[]).await;
    ensure!(outcomes.is_empty(), "{} outcomes for no orders", outcomes.len());
    Ok(())
}

/// A batch of the stated size is carried out, each order with its own password.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn full_batch(stage: &Stage<'_>) -> Check {
    stage.need_action(SET)?;
    let accounts = some(stage).await?;
    let passwords = set_each(stage, &accounts).await?;
    for (account, password) in accounts.iter().zip(&passwords) {
        let signed_in = stage.sign_in(&account.id, password).await?;
        ensure!(signed_in.took_password(), "{} was set in a batch, and its password does not sign in", account.name);
    }
    Ok(())
}

/// One bad order is one bad outcome; its neighbours are done.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn bad_order_alone_fails(stage: &Stage<'_>) -> Check {
    stage.need_action(SET)?;
    let accounts = some(stage).await?;
    if accounts.len() < 2 {
        return Err(Halt::Skip("max_batch of 2 or more".into()));
    }
    let bad = accounts.len() / 2;
    let mut orders = orders(stage, &accounts);
    if let Some(order) = orders.get_mut(bad) {
        order.account = absent(stage)?;
    }
    for (place, outcome) in until_answered(stage, &orders).await?.iter().enumerate() {
        let right = match outcome {
            Outcome::Done(_) => place != bad,
            Outcome::Refused(_) => place == bad,
            _ => false,
        };
        ensure!(right, "order {place} of {} (number {bad} is bad) is {}", orders.len(), in_words(outcome));
    }
    for (order, _) in orders.iter().zip(0..).filter(|(_, place)| *place != bad) {
        let password = order.password.clone().ok_or_else(|| Halt::Fail("an order lost its password".into()))?;
        let signed_in = stage.sign_in(&order.account, &password).await?;
        ensure!(signed_in.took_password(), "{} is done beside a bad order, and was not set", order.account);
    }
    Ok(())
}

/// Outcomes come in the order of the orders, wherever in the batch the odd one is.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn outcomes_in_order(stage: &Stage<'_>) -> Check {
    stage.need_action(SET)?;
    let accounts = some(stage).await?;
    if accounts.len() < 2 {
        return Err(Halt::Skip("max_batch of 2 or more".into()));
    }
    let last = accounts.len() - 1;
    for bad in [0, last] {
        let mut orders = orders(stage, &accounts);
        if let Some(order) = orders.get_mut(bad) {
            order.account = absent(stage)?;
        }
        let outcomes = until_answered(stage, &orders).await?;
        let refused: Vec<usize> = outcomes
            .iter()
            .enumerate()
            .filter(|(_, outcome)| matches!(outcome, Outcome::Refused(_)))
            .map(|(place, _)| place)
            .collect();
        ensure!(refused == [bad], "order {bad} is bad, refused are {refused:?} of {}", orders.len());
    }
    Ok(())
}

/// Up to a full batch of different accounts.
async fn some(stage: &Stage<'_>) -> Result<Vec<Account>, Halt> {
    let directory = stage.directory();
    let limit = (directory.limits().batch_of(directory.class_of(SET)).get() as usize).min(MOST);
    let touchable = stage.touchable().await?.len();
    let mut count = limit.min(touchable);
    // Not every touchable account is an ordinary one.
    loop {
        match stage.accounts(count).await {
            Err(Halt::Skip(_)) if count > 2 => count -= 1,
            other => return other,
        }
    }
}

fn absent(stage: &Stage<'_>) -> Result<AccountId, Halt> {
    stage.harness().absent_id().ok_or_else(|| Halt::Skip("the harness has no id that is absent".into()))
}

fn orders(stage: &Stage<'_>, accounts: &[Account]) -> Vec<Order> {
    accounts.iter().map(|account| Order::new(account.id.clone(), SET).with_password(stage.password())).collect()
}

async fn set_each(stage: &Stage<'_>, accounts: &[Account]) -> Result<Vec<Secret>, Halt> {
    let orders = orders(stage, accounts);
    for (order, outcome) in orders.iter().zip(until_answered(stage, &orders).await?) {
        ensure!(matches!(outcome, Outcome::Done(_)), "{} is {} in a batch", order.account, in_words(&outcome));
    }
    Ok(orders.into_iter().filter_map(|order| order.password).collect())
}

/// The batch, with those of its orders that were told "later" sent again one by one.
async fn until_answered(stage: &Stage<'_>, orders: &[Order]) -> Result<Vec<Outcome>, Halt> {
    let mut answered = Vec::with_capacity(orders.len());
    for (order, outcome) in orders.iter().zip(stage.apply_once(orders).await?) {
        answered.push(match outcome {
            Outcome::Throttled(_) | Outcome::Temporary(_) => stage.order(order.clone()).await?,
            outcome => outcome,
        });
    }
    Ok(answered)
}
