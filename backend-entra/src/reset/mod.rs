//! Carrying out orders: one sensitive action a request, one attempt, one outcome each.
//!
//! Orders on users go together in a `$batch`; `confirmCompromised` names many accounts in one call;
//! what is done to authentication methods goes one by one.

mod flag;
mod methods;
mod pace;
mod pass;
mod refusal;
mod request;

use std::sync::Arc;

use async_trait::async_trait;
use futures::join;
use identity_core::account::{Account, DirectoryId};
use identity_core::directory::{Directory, ForcedReset, Support};
use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::http::{Client, Response, server_date};
use identity_core::limits::{Limits, OperationClass, clock};
use identity_core::reset::{Action, Order, Outcome, Receipt};
use serde::Deserialize;
use tokio::time::Instant;

use crate::EntraDirectory;
use crate::batch;
use crate::limits::{AUTHENTICATORS, IDENTITY_PROTECTION, METHODS, class_of};
use crate::newcomers::{self, Newcomers};
use crate::retold::retold_as;
use crate::support::support;
use pace::Turns;
use request::operation;

#[async_trait]
impl ForcedReset for EntraDirectory {
    fn support(&self, account: &Account, action: Action) -> Support {
        if self.capabilities().can(action) {
            return support(account, action, &self.tenant.known);
        }
        // What Entra never does is said with what to do instead.
        match support(account, action, &self.tenant.known) {
            Support::Cannot { because } => Support::Cannot { because },
            _ => Support::Cannot { because: "this national cloud does not have it".to_owned() },
        }
    }

    async fn apply(&self, orders: &[Order]) -> Vec<Outcome> {
        self.orders.apply(orders).await
    }
}

/// Carries out orders on one tenant.
#[derive(Debug)]
pub(crate) struct Orders {
    client: Client,
    directory: DirectoryId,
    newcomers: Arc<Newcomers>,
    methods: Turns,
    protection: Turns,
}

/// An order and its place among those of a call.
type Placed<'a> = (usize, &'a Order);

impl Orders {
    pub(crate) fn new(client: Client, directory: DirectoryId, limits: &Limits, newcomers: Arc<Newcomers>) -> Self {
        Self {
            client,
            directory,
            newcomers,
            methods: Turns::of(limits, AUTHENTICATORS),
            protection: Turns::of(limits, IDENTITY_PROTECTION),
        }
    }

    /// One outcome for each order, in their order.
    pub(crate) async fn apply(&self, orders: &[Order]) -> Vec<Outcome> {
        let of = |wanted: fn(OperationClass) -> bool| -> Vec<Placed<'_>> {
            orders.iter().enumerate().filter(|(_, order)| wanted(class_of(order.action))).collect()
        };
        let (users, flags) = (of(|class| class == OperationClass::Write), of(|class| class == IDENTITY_PROTECTION));
        let methods = of(|class| class == METHODS || class == AUTHENTICATORS);
        let (users, flags, methods) = join!(self.on_users(&users), self.flag(&flags), self.on_methods(&methods));
        let mut outcomes: Vec<Option<Outcome>> = orders.iter().map(|_| None).collect();
        for (place, outcome) in users.into_iter().chain(flags).chain(methods) {
            if let Some(open) = outcomes.get_mut(place) {
                *open = Some(outcome);
            }
        }
        let forgotten = |order: &Order| {
            let error = Error::new(ErrorKind::Unsupported, operation(order.action));
            self.failed(order, error.with_detail("no way to carry it out is known"))
        };
        outcomes.into_iter().zip(orders).map(|(outcome, order)| outcome.unwrap_or_else(|| forgotten(order))).collect()
    }

    /// Orders that are one request on a user each: together.
    async fn on_users(&self, orders: &[Placed<'_>]) -> Vec<(usize, Outcome)> {
        let (mut outcomes, mut sent, mut requests) = (Vec::with_capacity(orders.len()), Vec::new(), Vec::new());
        for (place, order) in orders {
            match request::request(order) {
                Ok(request) => {
                    sent.push((*place, *order));
                    requests.push(request);
                }
                Err(error) => outcomes.push((*place, self.failed(order, error))),
            }
        }
        let name = sent.first().map_or("apply", |(_, order)| operation(order.action));
        let results = batch::send(&self.client, name, OperationClass::Write, &requests).await;
        let settled =
            sent.into_iter().zip(results).map(|((place, order), result)| (place, self.settled(order, result)));
        outcomes.extend(settled);
        outcomes
    }

    /// Orders on authentication methods: one after the other.
    async fn on_methods(&self, orders: &[Placed<'_>]) -> Vec<(usize, Outcome)> {
        let mut outcomes = Vec::with_capacity(orders.len());
        for (place, order) in orders {
            let outcome = match order.action {
                Action::IssueAccessPass => self.issue_pass(order).await,
                _ => self.reset_authenticators(order).await,
            };
            outcomes.push((*place, outcome));
        }
        outcomes
    }

    /// What a single answer says came of an order.
    fn settled(&self, order: &Order, result: Result<Response>) -> Outcome {
        match result {
            Ok(response) if order.action == Action::RevokeSessions && says_no(&response) => {
                let error = Error::new(ErrorKind::Unavailable, operation(order.action))
                    .with_detail("the service answered that it did not revoke them");
                self.failed(order, told_by(error, &response))
            }
            Ok(response) => Outcome::Done(receipt(&response)),
            Err(error) => self.failed(order, error),
        }
    }

    /// The outcome of an order that failed.
    fn failed(&self, order: &Order, error: Error) -> Outcome {
        let mut error = refusal::explained(error, order.action);
        if error.kind() == ErrorKind::AccountNotFound
            && error.status() == Status::Permanent
            && self.newcomers.missed(&order.account)
        {
            error = retold_as(&error, error.kind(), Status::Temporary)
                .with_retry_after(newcomers::WAIT)
                .with_advice("the account is new, and not every server has heard of it");
        }
        error.with_directory(self.directory.clone()).with_account(order.account.clone()).into()
    }

    /// Until when an order of several requests may send another: half of what it has in all, so
    /// that the last one is answered in time.
    fn until(&self) -> Instant {
        clock::instant() + self.client.governor().deadline() / 2
    }
}

fn receipt(response: &Response) -> Receipt {
    let mut receipt = Receipt::default();
    if let Some(at) = server_date(&response.headers) {
        receipt = receipt.with_time(at);
    }
    match &response.request_id {
        Some(id) => receipt.with_request_id(id.clone()),
        None => receipt,
    }
}

fn told_by(error: Error, response: &Response) -> Error {
    match &response.request_id {
        Some(id) => error.with_request_id(id.clone()),
        None => error,
    }
}

/// `{"value":false}`; the answer to a revocation is that, `true`, or nothing (the page and the
/// service disagree on 200 and 204).
fn says_no(response: &Response) -> bool {
    #[derive(Deserialize)]
    struct Said {
        value: bool,
    }
    serde_json::from_slice::<Said>(&response.body).is_ok_and(|said| !said.value)
}

#[cfg(test)]
mod tests;
