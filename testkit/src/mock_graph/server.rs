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
            Ok(response.map(|whole| Cut {
                length: whole.len() as u64,
                left: Some(whole.slice(..whole.len() / 2)),
                cut: true,
            }))
        }
        ending => {
            let response = ending.whole()?;
            Ok(response.map(|whole| Cut { length: whole.len() as u64, left: Some(whole), cut: false }))
        }
    }
}

/// A body that may end before the length that it announced.
struct Cut {
    length: u64,
    left: Option<Bytes>,
    cut: bool,
}

impl Body for Cut {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(match self.left.take() {
            Some(bytes) if !bytes.is_empty() => Some(Ok(Frame::data(bytes))),
            _ if self.cut => Some(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "cut by a fault"))),
            _ => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        !self.cut && self.left.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
