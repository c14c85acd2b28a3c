//! What an answer confirms.

use http::StatusCode;
use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::http::{Response, server_date};
use identity_core::reset::{Action, Order, Receipt, Secret};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::request::operation;
use crate::wire::secret::{Changed, RecoveryLink, TemporaryPassword};

/// The receipt of an answer that says that the order was carried out.
///
/// # Errors
/// For any other answer, [`Status::Unknown`]: what Okta does not answer to this came from something
/// else, or means something else, and nobody knows what was done.
pub(super) fn receipt(order: &Order, response: &Response) -> Result<Receipt> {
    let mut receipt = Receipt::default();
    if let Some(at) = server_date(&response.headers) {
        receipt = receipt.with_time(at);
    }
    if let Some(id) = &response.request_id {
        receipt = receipt.with_request_id(id.clone());
    }
    let name = operation(order.action);
    match (order.action, response.status) {
        (Action::RevokeSessions, StatusCode::NO_CONTENT) => Ok(receipt),
        (Action::SetPassword { .. } | Action::Scramble, StatusCode::OK) => {
            let changed = of_account(order, response)?;
            // To the millisecond, where `Date` has whole seconds.
            Ok(match changed.password_changed {
                Some(at) => receipt.with_time(at),
                None => receipt,
            })
        }
        (Action::ExpirePassword, StatusCode::OK) => of_account(order, response).map(|_| receipt),
        (Action::SetTemporaryPassword, StatusCode::OK) => {
            let made: TemporaryPassword = response.written(name)?;
            secret(made.temp_password, receipt, response, name)
        }
        (Action::ResetToRecovery { mail: false }, StatusCode::OK) => {
            let made: RecoveryLink = response.written(name)?;
            if !is_link(&made.reset_password_url) {
                drop(Zeroizing::new(made.reset_password_url));
                return Err(strange(name, response));
            }
            secret(made.reset_password_url, receipt, response, name)
        }
        (
            Action::ResetToRecovery { mail: true }
            | Action::SendRecoveryLink
            | Action::Unlock
            | Action::Disable
            | Action::ResetAuthenticators,
            StatusCode::OK,
        ) if is_empty(response) => Ok(receipt),
        _ => Err(strange(name, response)),
    }
}

/// The user that a change answers with, if it is the one that was to be changed.
fn of_account(order: &Order, response: &Response) -> Result<Changed> {
    let name = operation(order.action);
    let changed: Changed = response.written(name)?;
    if changed.id == order.account.as_str() { Ok(changed) } else { Err(strange(name, response)) }
}

/// The receipt with what Okta told once.
fn secret(told: String, receipt: Receipt, response: &Response, name: &'static str) -> Result<Receipt> {
    let told = Zeroizing::new(told);
    if told.trim().is_empty() {
        return Err(strange(name, response));
    }
    Ok(receipt.with_server_secret(Secret::new(told.to_string())))
}

/// Whether somebody can be handed this address: `https`, or of a mock on this machine. Its origin need not
/// be that of the API: orgs with a custom domain answer with that one.
fn is_link(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else { return false };
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => true,
        (Some("http"), Some(host)) => {
            host == "localhost"
                || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        _ => false,
    }
}

/// `{}`, or no body at all: both are recorded for operations that tell nothing.
fn is_empty(response: &Response) -> bool {
    response.body.is_empty()
        || serde_json::from_slice::<Map<String, Value>>(&response.body).is_ok_and(|members| members.is_empty())
}

fn strange(name: &'static str, response: &Response) -> Error {
    let error = Error::new(ErrorKind::Protocol, name)
        .with_status(Status::Unknown)
        .with_detail(format!(
            "answered {} in a way that Okta does not: nobody knows what was done",
            response.status.as_u16()
        ))
        .with_advice("see whether a proxy answers in the place of Okta");
    match &response.request_id {
        Some(id) => error.with_request_id(id.clone()),
        None => error,
    }
}
