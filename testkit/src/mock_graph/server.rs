//! The sockets: a login server and Graph, on a thread of their own.

use std::io;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::delivery::{self, Ending, Front};
use super::service::Service;

/// A socket on 127.0.0.1 and its address.
pub(super) fn bind() -> io::Result<(StdListener, String)> {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let url = format!("http://127.0.0.1:{}", listener.local_addr()?.port());
    Ok((listener, url))
}

/// Serves until it is stopped.
pub(super) async fn run(
    service: Arc<Service>,
    login: StdListener,
    graph: StdListener,
    stop: CancellationToken,
    cut: Arc<std::sync::Mutex<CancellationToken>>,
) -> io::Result<()> {
    let (login, graph) = (TcpListener::from_std(login)?, TcpListener::from_std(graph)?);
    loop {
        let (stream, front) = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            accepted = login.accept() => (accepted?.0, Front::Login),
            accepted = graph.accept() => (accepted?.0, Front::Graph),
        };
        service.counts().connections += 1;
        if service.refuse_connections.load(Ordering::Relaxed) {
            continue;
        }
        // An answer goes out when it is written, whatever of the one before is not acknowledged yet.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let cut = super::service::lock(&cut).clone();
        let (service, stop) = (Arc::clone(&service), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = cut.cancelled() => {}
                () = connection(service, stream, front) => {}
            }
        });
    }
}

async fn connection(service: Arc<Service>, stream: TcpStream, front: Front) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let service = Arc::clone(&service);
        async move { respond(&service, front, request).await }
    });
    // A connection that a fault breaks ends in an error, as it should.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

async fn respond(service: &Arc<Service>, front: Front, request: Request<Incoming>) -> io::Result<Response<Cut>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    match delivery::serve(service, front, Request::from_parts(parts, body)).await {
        Ending::Broken(Some(answer)) => {
            let response = answer.into_response();
            Ok(response.map(|whole| Cut::new(whole.len(), whole.slice(..whole.len() / 2))))
        }
        ending => Ok(ending.whole()?.map(|whole| Cut::new(whole.len(), whole))),
    }
}

/// A body that may end before the length that it announced.
struct Cut {
    length: usize,
    left: Option<Bytes>,
    /// What is missing at the end; its head and beginning have to go out before it breaks.
    missing: usize,
    flushed: bool,
}

impl Cut {
    fn new(length: usize, sent: Bytes) -> Self {
        Self { length, missing: length - sent.len(), left: Some(sent).filter(|sent| !sent.is_empty()), flushed: false }
    }
}

impl Body for Cut {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = self.left.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if self.missing == 0 {
            return Poll::Ready(None);
        }
        if !std::mem::replace(&mut self.flushed, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "cut by a fault"))))
    }

    fn is_end_stream(&self) -> bool {
        self.missing == 0 && self.left.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length as u64)
    }
}
