//! Carrying out orders: one call an order, one attempt, one outcome.
//!
//! Where the API has one call for a reset and the end of the sessions, that one is sent: a password
//! that is gone while its sessions live on contains nobody. OAuth tokens are ended by
//! [`Action::RevokeSessions`] only.

mod receipt;
mod refusal;
mod request;

use futures::future::join_all;
use identity_core::account::DirectoryId;
use identity_core::error::Error;
use identity_core::http::Client;
use identity_core::reset::{Order, Outcome};

use crate::limits::class_of;

/// Carries out orders: one outcome for each, in their order. Okta has no batches; the caller holds
/// the permits, one for each.
pub(crate) async fn apply(client: &Client, directory: &DirectoryId, orders: &[Order]) -> Vec<Outcome> {
    join_all(orders.iter().map(|order| one(client, directory, order))).await
}

async fn one(client: &Client, directory: &DirectoryId, order: &Order) -> Outcome {
    let failed = |error: Error| -> Outcome {
        let error = refusal::explained(error, order.action);
        error.with_directory(directory.clone()).with_account(order.account.clone()).into()
    };
    let request = match request::request(order) {
        Ok(request) => request,
        Err(error) => return failed(error),
    };
    let answered = client.attempt(request::operation(order.action), class_of(order.action), &request).await;
    match answered.and_then(|response| receipt::receipt(order, &response)) {
        Ok(receipt) => Outcome::Done(receipt),
        Err(error) if refusal::is_so_already(&error, order.action) => Outcome::done(),
        Err(error) => failed(error),
    }
}

#[cfg(test)]
mod tests;
