//! One request, signed and sent; what came back, or why nothing did.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Uri, header};
use uuid::Uuid;

use super::client::Inner;
use super::{Effect, Request, Response, Signature, TransportFault};
use crate::error::{Error, ErrorKind, Result, SIGN_IN, Status};
use crate::limits::{Feedback, OperationClass, Signal, clock};

/// An answer of more bytes is a listing, and how long it took says nothing of the server's load.
const LISTING: usize = 64 << 10;

/// One request on its way. Each [`once`](Exchange::once) signs it anew and gives it a new id.
pub(super) struct Exchange<'a> {
    pub(super) client: &'a Inner,
    pub(super) operation: &'static str,
    pub(super) class: OperationClass,
    pub(super) request: &'a Request,
    pub(super) url: &'a Uri,
}

impl Exchange<'_> {
    /// Signs, sends, and tells the governor what the answer says.
    pub(super) async fn once(&self) -> Result<(Signature, Response)> {
        let signature = self.sign().await?;
        let id = Uuid::new_v4().to_string();
        let wire = self.on_the_wire(&signature, &id);
        let begun = clock::instant();
        let answered = clock::within(self.limit(), self.client.transport.send(wire)).await;
        let latency = begun.elapsed();
        let error = match answered {
            Ok(Ok(response)) => {
                let response = self.taken_in(response, latency, &id);
                return Ok((signature, response));
            }
            Ok(Err(fault)) => self.unanswered(fault),
            Err(elapsed) => Error::new(ErrorKind::Timeout, self.operation)
                .with_status(self.unsaid())
                .with_detail(elapsed.to_string()),
        };
        tracing::debug!(request = ?self.request, id, ?latency, %error, "no answer");
        self.client.governor.feedback(&Feedback::new(self.class, Signal::Busy).with_latency(latency));
        // The server gave no id; ours is in its logs, if it saw the request.
        Err(error.with_request_id(id))
    }

    async fn sign(&self) -> Result<Signature> {
        let signing = self.client.sign_in.sign(self.request.method(), self.url);
        clock::within(self.client.governor.deadline(), signing).await.unwrap_or_else(|elapsed| {
            let error = Error::new(ErrorKind::Timeout, SIGN_IN).with_detail(elapsed.to_string());
            Err(error.with_status(Status::Temporary))
        })
    }

    fn on_the_wire(&self, signature: &Signature, id: &str) -> http::Request<Bytes> {
        let mut wire = http::Request::new(self.request.body().clone());
        *wire.method_mut() = self.request.method().clone();
        *wire.uri_mut() = self.url.clone();
        let headers = wire.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.extend(self.request.headers().clone());
        if let (Some(name), Ok(value)) = (self.client.dialect.request_id_header(), HeaderValue::from_str(id)) {
            headers.insert(name, value);
        }
        headers.extend(signature.headers().clone());
        wire
    }

    fn taken_in(&self, response: http::Response<Bytes>, latency: Duration, id: &str) -> Response {
        let (parts, body) = response.into_parts();
        let dialect = &self.client.dialect;
        let request_id = dialect.request_id(&parts.headers);
        let response = Response { status: parts.status, headers: parts.headers, body, latency, request_id };
        tracing::debug!(request = ?self.request, id, ?response, "answered");
        let pace = dialect.pace(self.class, &response);
        let mut feedback = pace.feedback(self.class);
        if pace.signal != Signal::Ok || response.body.len() <= LISTING {
            feedback = feedback.with_latency(latency);
        }
        self.client.governor.feedback(&feedback);
        response
    }

    fn unanswered(&self, fault: TransportFault) -> Error {
        let (kind, status) = match &fault {
            TransportFault::NotSent(_) => (ErrorKind::Transport, Status::Temporary),
            TransportFault::NoAnswer(_) => (ErrorKind::Transport, self.unsaid()),
            TransportFault::TooLarge { .. } => {
                let status = if self.request.effect() == Effect::Write { Status::Unknown } else { Status::Permanent };
                (ErrorKind::Protocol, status)
            }
        };
        Error::new(kind, self.operation).with_status(status).with_detail(fault.to_string()).with_source(fault)
    }

    /// What it means that no whole answer came.
    fn unsaid(&self) -> Status {
        match self.request.effect() {
            Effect::Read => Status::Temporary,
            Effect::Write => Status::Unknown,
        }
    }

    fn limit(&self) -> Duration {
        self.client.settings.answer_within.min(self.client.governor.deadline())
    }
}
