//! What a server says must not repeat what we sent.

use serde_json::Value;
use zeroize::Zeroize;

use super::{Request, ServerFault};

/// Shorter texts are words of ours (`true`, `Member`) and no secrets.
const SHORTEST: usize = 8;

/// The fault without any text of the request's body that the server repeats: a refused password
/// would otherwise be in an error, and from there in a log.
pub(super) fn without_echo(mut fault: ServerFault, request: &Request) -> ServerFault {
    if let Ok(body) = serde_json::from_slice(request.body()) {
        strike(body, &mut fault);
    }
    // Only now: what is cut in the middle is not found any more.
    fault.capped()
}

/// Strikes each text of `body` from the fault; the copies are wiped.
fn strike(body: Value, fault: &mut ServerFault) {
    match body {
        Value::String(mut text) => {
            if text.chars().count() >= SHORTEST {
                for told in fault.texts() {
                    if told.contains(&text) {
                        *told = told.replace(&text, "[as sent]");
                    }
                }
            }
            text.zeroize();
        }
        Value::Array(values) => values.into_iter().for_each(|value| strike(value, fault)),
        Value::Object(members) => members.into_iter().for_each(|(_, value)| strike(value, fault)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
