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
use http::StatusCode;
use identity_core::account::Account;
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
use crate::newcomers;
use crate::permissions::Granted;
use crate::support::support;
use crate::tenant::Tenant;
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
            Support::Works => Support::cannot("this national cloud does not have it"),
            otherwise => otherwise,
        }
    }

    async fn apply(&self, orders: &[Order]) -> Vec<Outcome> {
        self.orders.apply(orders).await
    }
}

/// Carries out orders on one tenant.
#[derive(Debug)]
pub(crate) struct Orders {
    tenant: Arc<Tenant>,
    methods: Turns,
    protection: Turns,
}

/// An order and its place among those of a call.
type Placed<'a> = (usize, &'a Order);

impl Orders {
    pub(crate) fn new(tenant: Arc<Tenant>, limits: &Limits) -> Self {
        let (methods, protection) = (Turns::of(limits, AUTHENTICATORS), Turns::of(limits, IDENTITY_PROTECTION));
        Self { tenant, methods, protection }
    }

    fn client(&self) -> &Client {
        self.tenant.graph.client()
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
        let outcomes = outcomes.into_iter().zip(orders);
        self.advised(outcomes.map(|(outcome, order)| outcome.unwrap_or_else(|| forgotten(order))).collect(), orders)
            .await
    }

    /// Says of each order that the app may not carry out what is missing, as far as the token tells.
    async fn advised(&self, outcomes: Vec<Outcome>, orders: &[Order]) -> Vec<Outcome> {
        let denied = |outcome: &Outcome| matches!(outcome, Outcome::Refused(error) if refusal::is_of_privilege(error));
        if !outcomes.iter().any(denied) {
            return outcomes;
        }
        // The token is in the cache: an order was sent with it a moment ago.
        let granted =
            self.tenant.claims().await.ok().flatten().map(|claims| claims.roles.into_iter().collect::<Granted>());
        let advised = |(outcome, order): (Outcome, &Order)| match outcome {
            Outcome::Refused(error) if refusal::is_of_privilege(&error) => {
                Outcome::Refused(error.with_advice(refusal::privilege(order.action, granted.as_ref())))
            }
            outcome => outcome,
        };
        outcomes.into_iter().zip(orders).map(advised).collect()
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
        let results = batch::send(self.client(), name, OperationClass::Write, &requests).await;
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
            Ok(response) => match done(order.action, &response) {
                Ok(receipt) => Outcome::Done(receipt),
                Err(error) => self.failed(order, error),
            },
            Err(error) => self.failed(order, error),
        }
    }

    /// The outcome of an order that failed.
    fn failed(&self, order: &Order, error: Error) -> Outcome {
        let mut error = refusal::explained(error, order.action);
        if error.kind() == ErrorKind::AccountNotFound
            && error.status() == Status::Permanent
            && self.tenant.newcomers.missed(&order.account)
        {
            error = error
                .with_status(Status::Temporary)
                .with_retry_after(newcomers::WAIT)
                .with_advice("the account is new, and not every server has heard of it");
        }
        error.with_directory(self.tenant.directory.clone()).with_account(order.account.clone()).into()
    }

    /// Until when an order of several requests may send another: half of what it has in all, so
    /// that the last one is answered in time.
    fn until(&self) -> Instant {
        clock::instant() + self.tenant.governor().deadline() / 2
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

/// The receipt of an answer that says that the action was carried out. Graph says it with 204 and no
/// body; of a revocation the page and the service disagree on 200 and 204, and the body says whether.
///
/// # Errors
/// For any other answer. A 2xx that Graph does not give for this came from something else, or means
/// something else: nobody knows what was done.
fn done(action: Action, response: &Response) -> Result<Receipt> {
    let name = operation(action);
    let is_revocation = action == Action::RevokeSessions;
    match (response.status, response.body.is_empty()) {
        (StatusCode::NO_CONTENT, _) => return Ok(receipt(response)),
        (StatusCode::OK, true) if is_revocation => return Ok(receipt(response)),
        (StatusCode::OK, false) if is_revocation => match revoked(response) {
            Some(true) => return Ok(receipt(response)),
            Some(false) => {
                let error = Error::new(ErrorKind::Unavailable, name)
                    .with_detail("the service answered that it did not revoke them");
                return Err(told_by(error, response));
            }
            None => {}
        },
        _ => {}
    }
    let error = Error::new(ErrorKind::Protocol, name)
        .with_status(Status::Unknown)
        .with_detail(format!(
            "answered {} in a way that Graph does not: nobody knows what was done",
            response.status.as_u16()
        ))
        .with_advice("see whether a proxy answers in the place of Graph");
    Err(told_by(error, response))
}

/// What the body of a revocation says: `{"@odata.context":…,"value":true}`.
fn revoked(response: &Response) -> Option<bool> {
    #[derive(Deserialize)]
    struct Said {
        value: bool,
    }
    serde_json::from_slice::<Said>(&response.body).ok().map(|said| said.value)
}

#[cfg(test)]
mod tests;
