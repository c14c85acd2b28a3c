//! A token request over our transport, and what a refusal of it means.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderValue, StatusCode, header};
use oauth2::basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenResponse};
use oauth2::{AsyncHttpClient, ErrorResponse, HttpRequest, HttpResponse, RequestTokenError, StandardRevocableToken};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::dialect::capped;
use super::{Response, Signature, Transport, TransportFault, retry_after};
use crate::error::{Error, ErrorKind, SIGN_IN, Status};
use crate::limits::clock;

pub(super) type GrantClient = oauth2::Client<
    Wire,
    BasicTokenResponse,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

pub(super) type Refused = RequestTokenError<TransportFault, Wire>;

/// Why a token was refused: the source of the error that
/// [`ClientCredentials`](super::ClientCredentials) returns. Texts are capped and of one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
#[non_exhaustive]
pub struct GrantFault {
    /// The code of RFC 6749, section 5.2, or of an extension, such as `invalid_client`.
    pub error: String,
    /// The server's words.
    pub description: String,
    members: BTreeMap<String, Vec<String>>,
}

impl GrantFault {
    /// The most values of a member that are kept.
    pub const MOST_VALUES: usize = 16;

    /// A code and the server's words.
    #[must_use]
    pub fn new(error: &str, description: &str) -> Self {
        Self { error: capped(error), description: capped(description), ..Self::default() }
    }

    /// Why a token was refused, where an error came of that.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        std::error::Error::source(error)?.downcast_ref()
    }

    /// Adds what a member of the server's own says.
    #[must_use]
    pub fn with_member(mut self, name: &str, values: impl IntoIterator<Item = impl ToString>) -> Self {
        let values = values.into_iter().take(Self::MOST_VALUES).map(|value| capped(&value.to_string()));
        self.members.insert(name.to_owned(), values.collect());
        self
    }

    /// What a member says that is this server's own (RFC 6749, section 8.2, leaves room for them), such as
    /// its numbers of faults: a text or a number by itself, of a list each. Empty where there is none, and
    /// where nobody asked for it ([`ClientCredentials::with_members`](super::ClientCredentials::with_members)).
    #[must_use]
    pub fn member(&self, name: &str) -> &[String] {
        self.members.get(name).map_or(&[], Vec::as_slice)
    }
}

/// What the user can do about a fault, where the caller knows.
type AdviceOf = dyn Fn(&GrantFault) -> Option<String> + Send + Sync;

/// How one server's refusals are read.
#[derive(Clone, Default)]
pub(super) struct Reading {
    pub(super) advice: Option<Arc<AdviceOf>>,
    /// The members of its own that are kept.
    pub(super) members: &'static [&'static str],
    /// The one of them that has the id of the request.
    pub(super) request_id: Option<&'static str>,
}

/// A refusal as it is on the wire.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Wire {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl std::fmt::Display for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.error)
    }
}

impl ErrorResponse for Wire {}

impl Wire {
    /// What is kept of it: of its members these, and none that repeats what was `sent`.
    fn fault(mut self, members: &[&str], sent: &str) -> GrantFault {
        let repeats = |text: &str| !sent.is_empty() && text.contains(sent);
        let mut description = self.error_description.take().unwrap_or_default();
        if repeats(&description) {
            description = description.replace(sent, "[as sent]");
        }
        members.iter().fold(GrantFault::new(&self.error, &description), |fault, name| {
            let values = self.members.remove(*name).map(values).unwrap_or_default();
            if values.iter().any(|value| repeats(value)) { fault } else { fault.with_member(name, values) }
        })
    }
}

/// The texts and numbers of a member.
fn values(value: Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(values) => values.into_iter().filter(|value| !value.is_array()).flat_map(self::values).collect(),
        Value::Null | Value::Bool(_) | Value::Object(_) => Vec::new(),
    }
}

/// Carries one token request, and keeps what the answer was besides its body.
pub(super) struct GrantWire {
    transport: Arc<dyn Transport>,
    signature: Option<Signature>,
    answer: Mutex<Option<Response>>,
}

impl GrantWire {
    pub(super) fn new(transport: Arc<dyn Transport>, signature: Option<Signature>) -> Self {
        Self { transport, signature, answer: Mutex::new(None) }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportFault> {
        let (parts, body) = request.into_parts();
        let mut request = http::Request::from_parts(parts, Bytes::from_owner(Zeroizing::new(body)));
        if let Some(signature) = &self.signature {
            request.headers_mut().extend(signature.headers().clone());
        }
        let begun = clock::instant();
        let (mut parts, body) = self.transport.send(request).await?.into_parts();
        // A refusal is kept whole for whoever signs; a granted token is not.
        let kept = if parts.status == StatusCode::OK { Bytes::new() } else { body.clone() };
        let answer = Response { latency: begun.elapsed(), ..Response::new(parts.status, parts.headers.clone(), kept) };
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        // The library looks at the type of the body; a server that leaves it out means JSON.
        parts.headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        Ok(http::Response::from_parts(parts, body.to_vec()))
    }

    /// The answer, without the body of a granted token.
    pub(super) fn answer(&self) -> Option<Response> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<'c> AsyncHttpClient<'c> for GrantWire {
    type Error = TransportFault;
    type Future = BoxFuture<'c, Result<HttpResponse, TransportFault>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.send(request).boxed()
    }
}

/// What it means that no token came. The library's own error can hold the body and is dropped.
pub(super) fn refusal(
    error: Refused,
    answer: Option<&Response>,
    reading: &Reading,
    sent: Option<&SecretString>,
) -> Error {
    let of = |kind: ErrorKind, status: Status| Error::new(kind, SIGN_IN).with_status(status);
    let http = answer.map(|answer| answer.status);
    let fault = match error {
        RequestTokenError::Request(fault) => {
            // Asking for a token changes nothing: it can be asked for again.
            let (kind, status) = match &fault {
                TransportFault::TooLarge { .. } => (ErrorKind::Protocol, Status::Permanent),
                _ => (ErrorKind::Transport, Status::Temporary),
            };
            return of(kind, status).with_detail(fault.to_string()).with_source(fault);
        }
        // A server that repeats what it refuses must not put it into our logs.
        RequestTokenError::ServerResponse(wire) => {
            Some(wire.fault(reading.members, sent.map_or("", |sent| sent.expose_secret())))
        }
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => None,
    };
    let code = fault.as_ref().map_or("", |fault| fault.error.as_str());
    let (kind, status) = match http.map_or(0, |http| http.as_u16()) {
        429 => (ErrorKind::RateLimited, Status::Temporary),
        408 | 500..=599 => (ErrorKind::Unavailable, Status::Temporary),
        _ if matches!(code, "temporarily_unavailable" | "server_error") => (ErrorKind::Unavailable, Status::Temporary),
        400 | 401 | 403 => (ErrorKind::Unauthenticated, Status::Permanent),
        _ => (ErrorKind::Protocol, Status::Permanent),
    };
    let mut error = of(kind, status).with_detail(match (&fault, http) {
        (Some(fault), _) => fault.to_string(),
        (None, Some(StatusCode::OK)) => "the server answered something that is no token".to_owned(),
        (None, Some(http)) => format!("the server answered {} without a reason", http.as_u16()),
        (None, None) => "no request could be made".to_owned(),
    });
    if let Some(wait) = answer.and_then(|answer| retry_after(&answer.headers)) {
        error = error.with_retry_after(wait);
    }
    let Some(fault) = fault else { return error };
    if let Some(advice) = reading.advice.as_ref().and_then(|advice| advice(&fault)) {
        error = error.with_advice(advice);
    }
    if let Some(id) = reading.request_id.and_then(|name| fault.member(name).first()) {
        error = error.with_request_id(id);
    }
    error.with_source(fault)
}
