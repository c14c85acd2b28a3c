//! Every exchange of a run, without secrets, for a second witness.

use http::HeaderMap;
use serde_json::Value;

use super::wire::{Answer, Body, Call, pairs};

/// What stands in place of a secret in the record.
pub const MARKER: &str = "(secret)";

/// One request and its answer, without secrets.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Exchange {
    /// Whether it went to the token endpoint.
    pub login: bool,
    /// `GET`, `PATCH`, …
    pub method: String,
    /// The path as it came.
    pub path: String,
    /// The query as it came.
    pub query: Option<String>,
    /// The headers of the request without `Authorization`.
    pub headers: Vec<(String, String)>,
    /// The body of the request; passwords are [`MARKER`]s.
    pub body: Value,
    /// The status of the answer; `None` where there was none.
    pub status: Option<u16>,
    /// The headers of the answer.
    pub answer_headers: Vec<(String, String)>,
    /// The body of the answer; tokens and passwords are [`MARKER`]s.
    pub answer: Value,
}

#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) on: bool,
    pub(crate) exchanges: Vec<Exchange>,
}

impl Recorder {
    pub(crate) fn add(&mut self, login: bool, call: &Call, answer: Option<&Answer>) {
        if !self.on {
            return;
        }
        let body = match call.media_type().as_deref() {
            Some("application/x-www-form-urlencoded") => {
                let text = String::from_utf8_lossy(&call.body);
                let pairs = pairs(&text).unwrap_or_default();
                Value::Object(pairs.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
            _ => serde_json::from_slice(&call.body).unwrap_or(Value::Null),
        };
        let answered = match answer.map(|answer| &answer.body) {
            Some(Body::Json(value)) => value.clone(),
            Some(Body::Text(text)) => Value::from(text.as_str()),
            Some(Body::Html(page)) => Value::from(*page),
            Some(Body::Bytes(_) | Body::None) | None => Value::Null,
        };
        self.exchanges.push(Exchange {
            login,
            method: call.method.to_string(),
            path: call.path.clone(),
            query: call.query.clone(),
            headers: headers(&call.headers),
            body: without_secrets(body),
            status: answer.map(|answer| answer.status.as_u16()),
            answer_headers: answer
                .into_iter()
                .flat_map(|answer| &answer.headers)
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            answer: without_secrets(answered),
        });
    }
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown =
        headers.iter().filter(|(name, _)| !["authorization", "x-identity-header", "dpop"].contains(&name.as_str()));
    shown.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

/// Members whose value is a secret, whatever holds them.
const SECRETS: &[&str] = &[
    "password",
    "newPassword",
    "temporaryAccessPass",
    "client_secret",
    "client_assertion",
    "access_token",
    "tempPassword",
    "resetPasswordUrl",
    "activationUrl",
    "activationToken",
];

fn without_secrets(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| {
                    let secret = SECRETS.contains(&name.as_str());
                    let value = match value {
                        // An object may say of a password that there is one, and what it is.
                        Value::Object(mut members) if secret => {
                            members
                                .values_mut()
                                .filter(|value| value.is_string())
                                .for_each(|value| *value = MARKER.into());
                            members.into()
                        }
                        Value::Null => Value::Null,
                        _ if secret => MARKER.into(),
                        value => without_secrets(value),
                    };
                    (name, value)
                })
                .collect(),
        ),
        Value::Array(values) => Value::Array(values.into_iter().map(without_secrets).collect()),
        other => other,
    }
}
