//! A token request over our transport, and what a refusal of it means.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderValue, StatusCode, header};
use oauth2::basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenResponse};
use oauth2::{AsyncHttpClient, ErrorResponse, HttpRequest, HttpResponse, RequestTokenError, StandardRevocableToken};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
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
    /// The server's own numbers of the fault, where it gives any.
    pub error_codes: Vec<u64>,
    /// The server's id of the request, where it gives one.
    pub trace_id: Option<String>,
    /// The id that ties several requests together, where the server gives one.
    pub correlation_id: Option<String>,
}

/// What the user can do about a fault, where the caller knows.
pub(super) type AdviceOf = dyn Fn(&GrantFault) -> Option<String> + Send + Sync;

/// A refusal as it is on the wire.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Wire {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
    #[serde(default)]
    error_codes: Vec<u64>,
    #[serde(default)]
    trace_id: Option<String>,
    #[serde(default)]
    correlation_id: Option<String>,
}

impl std::fmt::Display for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.error)
    }
}

impl ErrorResponse for Wire {}

impl From<Wire> for GrantFault {
    fn from(wire: Wire) -> Self {
        Self {
            error: capped(&wire.error),
            description: capped(&wire.error_description.unwrap_or_default()),
            error_codes: wire.error_codes,
            trace_id: wire.trace_id.as_deref().map(capped),
            correlation_id: wire.correlation_id.as_deref().map(capped),
        }
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
    advice: Option<&AdviceOf>,
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
        RequestTokenError::ServerResponse(mut wire) => {
            // A server that repeats what it refuses must not put it into our logs.
            let sent = sent.map_or("", |sent| sent.expose_secret());
            if let Some(text) = wire.error_description.as_mut().filter(|text| !sent.is_empty() && text.contains(sent)) {
                *text = text.replace(sent, "[as sent]");
            }
            Some(GrantFault::from(wire))
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
    if let Some(advice) = advice.and_then(|advice| advice(&fault)) {
        error = error.with_advice(advice);
    }
    if let Some(id) = &fault.trace_id {
        error = error.with_request_id(id);
    }
    error.with_source(fault)
}
