//! What the mock knows of a run: counts, and every exchange for a second witness.

use http::HeaderMap;
use serde_json::Value;

use super::wire::{Answer, Body, Call, pairs};

/// What stands in place of a secret in the record.
pub const MARKER: &str = "(secret)";

/// How much a mock was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Connections that were accepted.
    pub connections: u64,
    /// Requests to Graph; a batch is one.
    pub requests: u64,
    /// Requests for tokens.
    pub token_requests: u64,
    /// Tokens that were given.
    pub tokens: u64,
    /// Batches.
    pub batches: u64,
    /// Requests within batches.
    pub parts: u64,
    /// Answers 401.
    pub unauthenticated: u64,
    /// Answers 429, those within batches among them.
    pub throttled: u64,
    /// Pages of listings.
    pub pages: u64,
    /// Passwords that took effect.
    pub passwords: u64,
    /// Faults that were made.
    pub faults: u64,
    /// Requests being worked on now, tokens not counted.
    pub in_flight: u64,
    /// The most that were at once.
    pub most_in_flight: u64,
}

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
pub(super) struct Recorder {
    pub(super) on: bool,
    pub(super) exchanges: Vec<Exchange>,
}

impl Recorder {
    pub(super) fn add(&mut self, login: bool, call: &Call, answer: Option<&Answer>) {
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
    let shown = headers.iter().filter(|(name, _)| !["authorization", "x-identity-header"].contains(&name.as_str()));
    shown.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

/// Members whose value is a secret, whatever holds them.
const SECRETS: &[&str] =
    &["password", "newPassword", "temporaryAccessPass", "client_secret", "client_assertion", "access_token"];

pub(super) fn without_secrets(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| {
                    let secret = SECRETS.contains(&name.as_str()) && !value.is_null();
                    let value = if secret { MARKER.into() } else { without_secrets(value) };
                    (name, value)
                })
                .collect(),
        ),
        Value::Array(values) => Value::Array(values.into_iter().map(without_secrets).collect()),
        other => other,
    }
}
