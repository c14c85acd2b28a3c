//! The same mock without sockets, for tests in virtual time.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service as TowerService;

use super::delivery::{self, Front};
use super::service::Service;

/// The login server of a mock without sockets.
pub(super) const LOGIN: &str = "http://login.mock.test";
/// Graph of a mock without sockets.
pub(super) const GRAPH: &str = "http://graph.mock.test";

/// A mock as a service: a request with an absolute address goes in, an answer comes out, or an
/// error where the connection broke. Cheap to clone.
#[derive(Clone, Debug)]
pub struct InProcess(pub(super) Arc<Service>);

impl InProcess {
    /// Sends one request.
    ///
    /// # Errors
    /// `ConnectionReset` when the connection broke without an answer, `UnexpectedEof` when it broke
    /// within one, `AddrNotAvailable` for an address that is not the mock's.
    pub async fn send(&self, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        let uri = request.uri();
        let origin = format!("{}://{}", uri.scheme_str().unwrap_or("http"), uri.authority().map_or("", |a| a.as_str()));
        let front = if origin == self.0.login_url {
            Front::Login
        } else if origin == self.0.graph_url {
            Front::Graph
        } else {
            let message = format!("{origin} is not an address of the mock");
            return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, message));
        };
        delivery::serve(&self.0, front, request).await.whole()
    }
}

impl TowerService<Request<Bytes>> for InProcess {
    type Response = Response<Bytes>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Response<Bytes>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { service.send(request).await })
    }
}
