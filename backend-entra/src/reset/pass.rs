//! Issuing a Temporary Access Pass: the one secret that the server makes.

use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::Response;
use identity_core::reset::{Order, Outcome, Secret};

use super::refusal::PASS_POLICY;
use super::request::{operation, request};
use super::{Orders, receipt, told_by};
use crate::limits::METHODS;
use crate::methods::word;
use crate::wire::method::AccessPass;

impl Orders {
    /// A pass by the tenant's policy (how long, how often); it takes the place of the one before. An
    /// answer that cannot be read is unknown, and the next pass supersedes what it held.
    pub(super) async fn issue_pass(&self, order: &Order) -> Outcome {
        let name = operation(order.action);
        let result = match request(order) {
            // The requests of resets come out of the same quota.
            Ok(request) => self.in_turn(name, METHODS, &request, self.until()).await,
            Err(error) => Err(error),
        };
        match result.and_then(|response| Ok((pass(name, &response)?, response))) {
            Ok((secret, response)) => Outcome::Done(receipt(&response).with_server_secret(secret)),
            Err(error) => self.failed(order, error),
        }
    }
}

fn pass(name: &'static str, response: &Response) -> Result<Secret> {
    let pass: AccessPass = response.written(name)?;
    let secret = Secret::new(pass.temporary_access_pass);
    match (pass.is_usable, pass.method_usability_reason.as_deref()) {
        (Some(false), Some(reason)) if reason != "NotYetValid" => {
            let error = Error::new(ErrorKind::Unsupported, name)
                .with_detail(format!("the pass was made and cannot be used: {}", word(reason)))
                .with_advice(PASS_POLICY);
            Err(told_by(error, response))
        }
        _ => Ok(secret),
    }
}
