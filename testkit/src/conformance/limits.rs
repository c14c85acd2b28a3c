//! The ceilings that a directory states hold when many lanes work at once.

use futures::future::join_all;
use identity_core::reset::{Action, Order, Outcome};

use super::stage::{ensure, in_words};
use super::{Check, Halt, Stage};

const SET: Action = Action::SetPassword { must_change: false };

/// However many lanes send, no more than the ceiling is in flight.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn in_flight_ceiling(stage: &Stage<'_>) -> Check {
    stage.need_action(SET)?;
    if stage.harness().greatest_in_flight().await.is_none() {
        return Err(Halt::Skip("the harness does not count what is in flight".into()));
    }
    crowd(stage).await?;
    let ceiling = stage.directory().limits().in_flight.get();
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
