//! Carrying out orders: one call an order, one attempt, one outcome.
//!
//! Where the API has one call for a reset and the end of the sessions, that one is sent: a password
//! that is gone while its sessions live on contains nobody. OAuth tokens are ended by
//! [`Action::RevokeSessions`] only.

mod receipt;
mod refusal;
mod request;

use async_trait::async_trait;
use futures::future::join_all;
use identity_core::account::Account;
use identity_core::directory::{ForcedReset, Support};
use identity_core::error::Error;
use identity_core::reset::{Action, Order, Outcome};

use crate::OktaDirectory;
use crate::limits::class_of;
use crate::org::Org;
use crate::support::{Circumstances, support};

#[async_trait]
impl ForcedReset for OktaDirectory {
    fn support(&self, account: &Account, action: Action) -> Support {
        support(account, action, Circumstances { known: &self.org.known, mail_behind_okta: &self.org.mail_behind_okta })
    }

    /// Okta has no batches: each order is a request, and the caller holds a permit for each.
    async fn apply(&self, orders: &[Order]) -> Vec<Outcome> {
        join_all(orders.iter().map(|order| one(&self.org, order))).await
    }
}

async fn one(org: &Org, order: &Order) -> Outcome {
    let failed = |error: Error| -> Outcome {
        let error = refusal::explained(error, order.action);
        error.with_directory(org.directory.clone()).with_account(order.account.clone()).into()
    };
    let request = match request::request(order) {
        Ok(request) => request,
        Err(error) => return failed(error),
    };
    let answered = org.okta.client().attempt(request::operation(order.action), class_of(order.action), &request).await;
    match answered.and_then(|response| receipt::receipt(order, &response)) {
        Ok(receipt) => Outcome::Done(receipt),
        Err(error) if refusal::is_so_already(&error, order.action) => Outcome::done(),
        Err(error) => failed(error),
    }
}

#[cfg(test)]
mod tests;
