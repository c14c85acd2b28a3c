//! A mock without sockets, for tests in virtual time.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service as TowerService;

type Answered = Pin<Box<dyn Future<Output = io::Result<Response<Bytes>>> + Send>>;

/// What is asked without sockets.
pub(crate) trait Inside: Send + Sync {
    /// Answers a request to an address; `origin` is `http://host:port`.
    fn ask(self: Arc<Self>, origin: String, request: Request<Bytes>) -> Answered;
}

/// A mock as a service: a request with an absolute address goes in, an answer comes out, or an
/// error where the connection broke. Cheap to clone.
#[derive(Clone)]
pub struct InProcess(pub(crate) Arc<dyn Inside>);

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl InProcess {
    /// Sends one request.
    ///
    /// # Errors
    /// `ConnectionReset` when the connection broke without an answer, `UnexpectedEof` when it broke
    /// within one, `AddrNotAvailable` for an address that is not the mock's.
    pub async fn send(&self, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        let uri = request.uri();
        let origin = format!("{}://{}", uri.scheme_str().unwrap_or("http"), uri.authority().map_or("", |a| a.as_str()));
        Arc::clone(&self.0).ask(origin, request).await
    }
}

/// The refusal of an address that is not the mock's.
pub(crate) fn not_ours(origin: &str) -> io::Error {
    io::Error::new(io::ErrorKind::AddrNotAvailable, format!("{origin} is not an address of the mock"))
}

impl TowerService<Request<Bytes>> for InProcess {
    type Response = Response<Bytes>;
    type Error = io::Error;
    type Future = Answered;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { service.send(request).await })
    }
}
