//! The sockets of a mock, on a thread of their own.

use std::io;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
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

use super::delivery::Ending;
use super::lock;

/// A socket on 127.0.0.1 and its address.
pub(crate) fn bind() -> io::Result<(StdListener, String)> {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let url = format!("http://127.0.0.1:{}", listener.local_addr()?.port());
    Ok((listener, url))
}

/// What is served on sockets.
pub(crate) trait Host: Send + Sync + 'static {
    /// Which of its servers is asked.
    type Front: Copy + Send + Sync + 'static;

    /// Serves one request to its end, which may never come.
    fn serve(self: Arc<Self>, front: Self::Front, request: Request<Bytes>) -> impl Future<Output = Ending> + Send;

    /// Somebody connected; whether the connection is taken.
    fn connected(&self) -> bool;
}

/// The servers of a mock; they end when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Running {
    stop: CancellationToken,
    cut: Arc<Mutex<CancellationToken>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Running {
    /// Serves on a thread of its own, until it is dropped.
    pub(crate) fn start<H: Host>(
        name: &'static str,
        host: Arc<H>,
        listeners: Vec<(StdListener, H::Front)>,
    ) -> io::Result<Self> {
        let running = Self::default();
        let (stop, cut) = (running.stop.clone(), Arc::clone(&running.cut));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name(name.into()).spawn(move || {
            runtime.block_on(async {
                let served = listeners.into_iter().map(|(listener, front)| {
                    let (host, stop, cut) = (Arc::clone(&host), stop.clone(), Arc::clone(&cut));
                    async move {
                        if let Err(error) = run(host, listener, front, stop, cut).await {
                            tracing::error!(%error, "{name} could not be served");
                        }
                    }
                });
                futures::future::join_all(served).await;
            });
        })?;
        Ok(running)
    }

    /// Breaks every connection of now.
    pub(crate) fn cut_connections(&self) {
        std::mem::take(&mut *lock(&self.cut)).cancel();
    }
}

async fn run<H: Host>(
    host: Arc<H>,
    listener: StdListener,
    front: H::Front,
    stop: CancellationToken,
    cut: Arc<Mutex<CancellationToken>>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            accepted = listener.accept() => accepted?.0,
        };
        if !host.connected() {
            continue;
        }
        // An answer goes out when it is written, whatever of the one before is not acknowledged yet.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let cut = lock(&cut).clone();
        let (host, stop) = (Arc::clone(&host), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = cut.cancelled() => {}
                () = connection(host, stream, front) => {}
            }
        });
    }
}

async fn connection<H: Host>(host: Arc<H>, stream: TcpStream, front: H::Front) {
    let answer = service_fn(move |request: Request<Incoming>| respond(Arc::clone(&host), front, request));
    // A connection that a fault breaks ends in an error, as it should.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

async fn respond<H: Host>(host: Arc<H>, front: H::Front, request: Request<Incoming>) -> io::Result<Response<Cut>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    match host.serve(front, Request::from_parts(parts, body)).await {
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
