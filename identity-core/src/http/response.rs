//! One response, whole.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use crate::error::{Error, ErrorKind, Result, Status};

/// One response, whole. `Debug` prints status, size and request id, never the body.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed. It may hold a password that the service generated.
    pub body: Bytes,
    /// From the first byte sent to the last received; zero in an entry of a batch.
    pub latency: Duration,
    /// The service's id of the request, where it gave one.
    pub request_id: Option<String>,
}

impl Response {
    /// A response that came inside another one (an entry of a batch), or out of a mock.
    #[must_use]
    pub fn new(status: StatusCode, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self { status, headers, body: body.into(), latency: Duration::ZERO, request_id: None }
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] that names the operation and where the text is not what was
    /// expected, never what it says. The error is of a read; for a write use
    /// [`Response::written`].
    pub fn json<T: DeserializeOwned>(&self, operation: &'static str) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // The text of the error can quote the body; only its place and class are told.
            let place = format!("line {} column {}", error.line(), error.column());
            let detail = match error.classify() {
                Category::Eof => format!("the answer of {} bytes ends too early", self.body.len()),
                Category::Data => format!("the answer is not of the expected shape ({place})"),
                Category::Io | Category::Syntax => format!("the answer is not JSON ({place})"),
            };
            let error = Error::new(ErrorKind::Protocol, operation).with_detail(detail);
            match &self.request_id {
                Some(id) => error.with_request_id(id),
                None => error,
            }
        })
    }

    /// Whether JSON of this answer is there to its end; answers that are not JSON are.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] with [`Status::Temporary`]: a server or a proxy gave up in the middle, and
    /// the next answer can be whole.
    pub(super) fn whole(&self, operation: &'static str) -> Result<()> {
        let is_json = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if self.body.is_empty() || !is_json.is_some_and(|name| name.contains("json")) {
            return Ok(());
        }
        match serde_json::from_slice::<IgnoredAny>(&self.body) {
            Err(error) if error.classify() == Category::Eof => {
                self.json::<IgnoredAny>(operation).map(drop).map_err(|error| error.with_status(Status::Temporary))
            }
            _ => Ok(()),
        }
    }

    /// Reads the body of a write's answer as JSON.
    ///
    /// # Errors
    /// As of [`Response::json`], with [`Status::Unknown`]: the write
    /// may have landed.
    pub fn written<T: DeserializeOwned>(&self, operation: &'static str) -> Result<T> {
        self.json(operation).map_err(|error| error.with_status(Status::Unknown))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status.as_u16())
            .field("bytes", &self.body.len())
            .field("latency", &self.latency)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}
