//! What is sent for each order, and what comes of it.

mod flag;
mod methods;
mod pass;
mod users;

use std::sync::Arc;

use identity_core::account::AccountId;
use identity_core::directory::ForcedReset;
use identity_core::error::{Error, ErrorKind, Status};
use identity_core::reset::{Action, Order, Outcome, Secret};
use serde_json::{Value, json};

use crate::EntraDirectory;
use crate::canned::{Answer, Canned, Sent, config, connected, reply};

const PLANTED: &str = "planted-Passw0rd";

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn order(number: usize, action: Action) -> Order {
    let order = Order::new(AccountId::new(id(number)).unwrap(), action);
    if action.needs_password() { order.with_password(Secret::new(PLANTED.to_owned())) } else { order }
}

fn orders(count: usize, action: Action) -> Vec<Order> {
    (1..=count).map(|number| order(number, action)).collect()
}

async fn directory(answers: impl IntoIterator<Item = Answer>) -> (Arc<EntraDirectory>, Arc<Canned>) {
    connected(config().without_quotas(), answers).await
}

/// The outcomes of one call, and what was sent for it; every answer was asked for.
async fn applied(answers: impl IntoIterator<Item = Answer>, orders: &[Order]) -> (Vec<Outcome>, Vec<Sent>) {
    let (directory, canned) = directory(answers).await;
    let outcomes = directory.apply(orders).await;
    assert_eq!(outcomes.len(), orders.len());
    assert_eq!(canned.left(), 0, "{outcomes:?}");
    for (outcome, order) in outcomes.iter().zip(orders) {
        assert!(!format!("{outcome:?} {order:?}").contains(PLANTED));
        if let Some(error) = outcome.error() {
            assert_eq!(error.account(), Some(&order.account));
            assert_eq!(error.directory().unwrap().as_str(), "cloud");
        }
    }
    (outcomes, canned.sent())
}

/// The outcome of one order.
async fn alone(answer: Answer, order: Order) -> (Outcome, Sent) {
    let (mut outcomes, mut sent) = applied([answer], &[order]).await;
    assert_eq!(sent.len(), 1);
    (outcomes.remove(0), sent.remove(0))
}

fn body(sent: &Sent) -> Value {
    serde_json::from_slice(&sent.body).unwrap()
}

/// Method and path.
fn line(sent: &Sent) -> String {
    let path = sent.target.strip_prefix("https://graph.microsoft.com/v1.0").unwrap();
    format!("{} {path}", sent.method)
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    reply(status, &json!({ "error": { "code": code, "message": message } }).to_string())
}

fn error(outcome: &Outcome) -> &Error {
    outcome.error().unwrap_or_else(|| panic!("{outcome:?}"))
}

fn meaning(outcome: &Outcome) -> (ErrorKind, Status) {
    (error(outcome).kind(), error(outcome).status())
}
