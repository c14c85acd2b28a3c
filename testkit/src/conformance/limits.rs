//! The ceilings that a directory states hold when many lanes work at once.

use futures::future::join_all;
use identity_core::account::Account;
use identity_core::directory::Support;
use identity_core::limits::OperationClass;
use identity_core::reset::{Action, Order, Outcome};

use super::stage::{ensure, in_words};
use super::support::ACTIONS;
use super::{Check, Halt, Stage};

const SET: Action = Action::SetPassword { must_change: false };

/// Writes are slow on some directories; more than this tells nothing new.
const LARGEST: usize = 20;

/// However many lanes send, no more than the ceiling is in flight, and the reads that the limits let go
/// beside it.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn in_flight_ceiling(stage: &Stage<'_>) -> Check {
    stage.need_action(SET)?;
    if stage.harness().greatest_in_flight().await.is_none() {
        return Err(Halt::Skip("the harness does not count what is in flight".into()));
    }
    crowd(stage).await?;
    let limits = stage.directory().limits();
    let ceiling = limits.in_flight.get().saturating_add(limits.reads_beside);
    let seen = stage.harness().greatest_in_flight().await.unwrap_or(u32::MAX);
    ensure!(seen <= ceiling, "{seen} requests were in flight, the ceiling is {ceiling}");
    Ok(())
}

/// Reads and writes of many lanes do not disturb each other.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn reads_and_writes_together(stage: &Stage<'_>) -> Check {
    stage.need_action(SET)?;
    crowd(stage).await
}

/// The class of an action is always the same, and every quota prices a class that there is. A quota
/// that answers tell the size of may be of a class that only reads are of.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn classes_are_constant(stage: &Stage<'_>) -> Check {
    let directory = stage.directory();
    let classes: Vec<OperationClass> = ACTIONS.iter().map(|action| directory.class_of(*action)).collect();
    for (action, class) in ACTIONS.iter().zip(&classes) {
        let again = directory.class_of(*action);
        ensure!(again == *class, "{action} is of class {class:?}, and then of {again:?}");
    }
    for quota in directory.limits().quotas {
        for (class, _) in quota.costs {
            let is_there = quota.learnt || !matches!(class, OperationClass::Named(_)) || classes.contains(&class);
            ensure!(is_there, "quota {} prices {class:?}, and no action is of that class", quota.name);
        }
    }
    Ok(())
}

/// Each class beside the one that sets passwords takes a batch of the size that the limits state.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn full_batch_of_each_class(stage: &Stage<'_>) -> Check {
    let directory = stage.directory();
    let can = |action: &Action| directory.capabilities().can(*action) && !action.needs_password();
    let mut tried = vec![directory.class_of(SET)];
    // One that is disabled could not be used any more.
    for action in ACTIONS.into_iter().filter(|action| can(action) && *action != Action::Disable) {
        let class = directory.class_of(action);
        if tried.contains(&class) {
            continue;
        }
        tried.push(class);
        let most = (directory.limits().batch_of(class).get() as usize).min(LARGEST);
        let works = |account: &Account| directory.support(account, action) == Support::Works;
        let mut accounts = stage.touchable().await?;
        accounts.retain(|account| account.state.enabled && works(account));
        accounts.truncate(most);
        let orders: Vec<Order> = accounts.iter().map(|account| Order::new(account.id.clone(), action)).collect();
        for (order, outcome) in orders.iter().zip(stage.apply_once(&orders).await?) {
            let outcome = match outcome {
                Outcome::Throttled(_) | Outcome::Temporary(_) => stage.order(order.clone()).await?,
                outcome => outcome,
            };
            let done = matches!(outcome, Outcome::Done(_));
            ensure!(done, "{action} in a batch of {} of {class:?} is {}", orders.len(), in_words(&outcome));
        }
    }
    if tried.len() > 1 { Ok(()) } else { Err(Halt::Skip("a directory with more than one class of orders".into())) }
}

async fn crowd(stage: &Stage<'_>) -> Check {
    let mut count = 16;
    let accounts = loop {
        match stage.accounts(count).await {
            Err(Halt::Skip(_)) if count > 2 => count /= 2,
            other => break other?,
        }
    };
    let lanes = accounts.iter().map(|account| async move {
        let password = stage.password();
        let outcome = stage.order(Order::new(account.id.clone(), SET).with_password(password.clone())).await?;
        ensure!(matches!(outcome, Outcome::Done(_)), "{} among others is {}", account.name, in_words(&outcome));
        let read = stage.look(&account.id).await?;
        ensure!(read.id == account.id, "{} among others is read as {}", account.id, read.id);
        let signed_in = stage.sign_in(&account.id, &password).await?;
        ensure!(signed_in.took_password(), "{} among others is done, and was not set", account.name);
        Ok(())
    });
    join_all(lanes).await.into_iter().collect()
}
