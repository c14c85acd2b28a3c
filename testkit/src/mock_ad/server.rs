//! What the connections of a mock share, and the loop that accepts them.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::replica::Domain;
use super::session::serve;
use super::store::{EntryRef, Store};
use crate::fault::Faults;

/// What the connections of a mock share.
pub(super) struct Server {
    pub(super) store: Mutex<Store>,
    pub(super) faults: Faults,
    /// MaxPoolThreads: operations that are worked on at once.
    pub(super) workers: Semaphore,
    pub(super) refuse_connections: AtomicBool,
    pub(super) acceptor: TlsAcceptor,
    /// Whether connections begin without TLS.
    pub(super) plain: bool,
    /// The controllers of the domain.
    pub(super) domain: Arc<Domain>,
    /// Where what takes time is done.
    pub(super) runtime: Handle,
    latency_micros: AtomicU64,
    /// Ends the connections of now, not those to come.
    connections: Mutex<CancellationToken>,
}

impl Server {
    pub(super) fn new(
        store: Store,
        faults: Faults,
        workers: usize,
        (acceptor, plain): (TlsAcceptor, bool),
        domain: Arc<Domain>,
        runtime: Handle,
    ) -> Self {
        Self {
            store: Mutex::new(store),
            faults,
            workers: Semaphore::new(workers.max(1)),
            refuse_connections: AtomicBool::new(false),
            acceptor,
            plain,
            domain,
            runtime,
            latency_micros: AtomicU64::new(0),
            connections: Mutex::default(),
        }
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn latency(&self) -> Duration {
        Duration::from_micros(self.latency_micros.load(Ordering::Relaxed))
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        self.latency_micros.store(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The objectGUID of the account that a name names.
    pub(super) fn guid_of(&self, name: &str) -> Option<Uuid> {
        let store = self.store();
        match store.resolve(name)? {
            EntryRef::Account(index) => store.view(index).map(|view| view.account.guid),
            _ => None,
        }
    }

    pub(super) fn cut_connections(&self) {
        std::mem::take(&mut *self.connections.lock().unwrap_or_else(PoisonError::into_inner)).cancel();
    }

    /// Accepts connections until `stop`.
    pub(super) async fn run(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else { continue };
            if self.refuse_connections.load(Ordering::Relaxed) {
                continue;
            }
            self.store().record.counts.connections += 1;
            let cut = self.connections.lock().unwrap_or_else(PoisonError::into_inner).child_token();
            let server = Arc::clone(&self);
            tokio::spawn(async move {
                if let Err(error) = connection(server, stream, cut).await {
                    tracing::debug!(%error, "a connection to the mock directory ended");
                }
            });
        }
        self.cut_connections();
    }
}

async fn connection(server: Arc<Server>, stream: TcpStream, cut: CancellationToken) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let stream = if server.plain {
        match serve(Arc::clone(&server), stream, false, cut.clone()).await? {
            Some(stream) => stream,
            None => return Ok(()),
        }
    } else {
        stream
    };
    let stream = server.acceptor.accept(stream).await?;
    serve(server, stream, true, cut).await.map(drop)
}
