//! The room where every request is looked at before it is answered: what Graph would refuse for its
//! form is refused here.

use serde_json::{Map, Value};

use super::query::{self, Query};
use super::refusal::Refusal;
use super::routes::{BodyRule, Route};
use super::settings::Settings;
use crate::mock_http::Call;

/// The parts of the path below the version.
pub(super) fn path(call: &Call) -> Result<Vec<String>, Refusal> {
    let mut segments =
        call.segments().ok_or_else(|| Refusal::bad_request("The request URI is not valid."))?.into_iter();
    match segments.next().as_deref() {
        Some("v1.0") => Ok(segments.flat_map(keyed).collect()),
        version => Err(Refusal::new(
            http::StatusCode::BAD_REQUEST,
            "BadRequest",
            format!("Invalid version: {}", version.unwrap_or_default()),
        )),
    }
}

/// A key in brackets is a part by itself: `users('x')` is `users/x`; an alternate key keeps its name.
fn keyed(segment: String) -> Vec<String> {
    match segment.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
        Some((set, key)) if !key.is_empty() => {
            let plain = key.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(key);
            vec![set.to_owned(), plain.to_owned()]
        }
        _ => vec![segment],
    }
}

/// Checks headers, query and body against a route; gives what they say.
pub(super) fn check(call: &Call, route: &Route, settings: &Settings) -> Result<(Query, Map<String, Value>), Refusal> {
    let level = call.header("consistencylevel");
    if level.is_some_and(|level| !level.eq_ignore_ascii_case("eventual")) {
        return Err(Refusal::bad_request("Invalid value for the ConsistencyLevel header."));
    }
    if call.header("x-ms-throttle-priority").is_some_and(|level| !["high", "normal", "low"].contains(&level)) {
        return Err(Refusal::bad_request("Invalid value for the x-ms-throttle-priority header."));
    }
    let given = call.options().ok_or_else(|| Refusal::bad_request("The query is not valid."))?;
    let query = query::read(given, route.options, route.entity, level.is_some(), settings)?;
    Ok((query, body(call, route.body, settings)?))
}

fn body(call: &Call, rule: BodyRule, settings: &Settings) -> Result<Map<String, Value>, Refusal> {
    if call.body.len() > settings.largest_body {
        return Err(Refusal::new(
            http::StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            "The body is too large.",
        ));
    }
    if call.body.is_empty() {
        return match rule {
            BodyRule::Object => Err(Refusal::bad_request("Empty Payload. JSON content expected.")),
            // Even an action without a body needs one, and its header, within a batch.
            BodyRule::Empty if call.batched => Err(Refusal::bad_request("Write request id : body is missing.")),
            _ => Ok(Map::new()),
        };
    }
    if rule == BodyRule::None {
        return Err(Refusal::bad_request("A request body is not allowed for this method."));
    }
    if call.media_type().as_deref() != Some("application/json") {
        return Err(Refusal::bad_request(
            "Unsupported media type. A supported media type is 'application/json'; Content-Type is missing or another.",
        ));
    }
    let Ok(Value::Object(members)) = serde_json::from_slice(&call.body) else {
        return Err(Refusal::bad_request(
            "Unable to read JSON request payload. Please ensure it is in valid JSON format.",
        ));
    };
    match members.keys().next() {
        Some(member) if rule == BodyRule::Empty => Err(Refusal::bad_request(format!(
            "The parameter '{member}' in the request payload is not a valid parameter for the operation."
        ))),
        _ => Ok(members),
    }
}
