//! What carries one request to a server and brings the response back.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

/// Carries one request and brings its response, whole. [`HttpTransport`](super::HttpTransport)
/// does so over the network; a test or a rehearsal can pass its own, that answers in the process.
///
/// ```
/// use bytes::Bytes;
/// use identity_core::http::{Transport, TransportFault};
///
/// /// A service that is always away for lunch.
/// #[derive(Debug)]
/// struct Lunch;
///
/// #[async_trait::async_trait]
/// impl Transport for Lunch {
///     async fn send(&self, _request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportFault> {
///         let mut response = http::Response::new(Bytes::from_static(b"back at two"));
///         *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
///         Ok(response)
///     }
/// }
/// ```
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends the request, once.
    ///
    /// # Behavior
    /// Follows no redirect and keeps no cookie. Has no time limit of its own for the answer: the
    /// caller drops the future.
    ///
    /// # Errors
    /// What kept the response away; whether the server may have seen the request is what matters.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportFault>;
}

/// Why there is no response. The text and the source never hold a query, a header or a body.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportFault {
    /// No byte of the request left: no connection could be made, or the request may not be sent.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Bytes of the request may have left, and no whole answer came.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The server answered more than is taken.
    #[error("an answer of more than {limit} bytes")]
    TooLarge {
        /// The most bytes that are taken, after decompression.
        limit: usize,
    },
}
