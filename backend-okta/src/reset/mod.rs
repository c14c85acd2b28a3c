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
use identity_core::http::Request;
use identity_core::reset::{Action, Order, Outcome};

use crate::OktaDirectory;
use crate::limits::{USER, class_of};
use crate::org::Org;
use crate::support::{Circumstances, not_when_suspended, support};
use crate::wire::user::User;

#[async_trait]
impl ForcedReset for OktaDirectory {
    fn support(&self, account: &Account, action: Action) -> Support {
        support(account, action, Circumstances { known: &self.org.known, mail_behind_okta: &self.org.mail_behind_okta })
    }

    fn rules_out(&self, first: Action, next: Action) -> Option<String> {
        not_when_suspended(first, next)
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
        Err(error) if refusal::may_be_suspended(&error, order.action) && is_suspended(org, order).await => {
            Outcome::done()
        }
        Err(error) => failed(error),
    }
}

/// Whether the account of an order is suspended or deactivated now. A read of its own, under the permit
/// of the order: it is rare, and waiting for another permit while holding one could wait for ever.
async fn is_suspended(org: &Org, order: &Order) -> bool {
    const OPERATION: &str = "see whether it is suspended already";
    let request = Request::get("/api/v1/users").segment(order.account.as_str()).of_account();
    let read = org.okta.client().attempt(OPERATION, USER, &request).await;
    let user = read.and_then(|response| response.json::<User>(OPERATION));
    user.is_ok_and(|user| user.id == order.account.as_str() && matches!(&*user.status, "SUSPENDED" | "DEPROVISIONED"))
}

#[cfg(test)]
mod tests;
