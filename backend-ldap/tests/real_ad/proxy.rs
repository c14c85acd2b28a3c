//! A wire between client and controller that can be cut and gagged.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A wire between client and controller.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    gagged: Arc<AtomicBool>,
    closed: Arc<AtomicBool>,
    cut: watch::Sender<u32>,
    pub(crate) connections: Arc<AtomicUsize>,
}

impl Proxy {
    /// Listens on a free port of `host` and passes everything on to `target`.
    pub(crate) async fn between(host: &str, target: SocketAddr) -> Self {
        let listener = TcpListener::bind((host, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (cut, cuts) = watch::channel(0);
        let gagged = Arc::new(AtomicBool::new(false));
        let closed = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(AtomicUsize::new(0));
        tokio::spawn({
            let (gagged, closed) = (Arc::clone(&gagged), Arc::clone(&closed));
            let connections = Arc::clone(&connections);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    connections.fetch_add(1, Ordering::SeqCst);
                    if closed.load(Ordering::SeqCst) {
                        continue;
                    }
                    tokio::spawn(pass(client, target, Arc::clone(&gagged), cuts.clone()));
                }
            }
        });
        Self { port, gagged, closed, cut, connections }
    }

    /// Ends every connection that stands.
    pub(crate) fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Ends every connection that stands, and every new one at once.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// Lets requests through and answers not, or lets answers through again.
    pub(crate) fn gag(&self, gagged: bool) {
        self.gagged.store(gagged, Ordering::SeqCst);
    }
}

async fn pass(client: TcpStream, target: SocketAddr, gagged: Arc<AtomicBool>, mut cuts: watch::Receiver<u32>) {
    cuts.borrow_and_update();
    let server = TcpStream::connect(target).await.expect("the controller");
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let forth = async { tokio::io::copy(&mut from_client, &mut to_server).await.map(|_| ()) };
    let back = async {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let read = from_server.read(&mut buffer).await?;
            if read == 0 {
                return Ok::<(), std::io::Error>(());
            }
            if !gagged.load(Ordering::SeqCst) {
                to_client.write_all(&buffer[..read]).await?;
            }
        }
    };
    tokio::select! {
        _ = forth => {}
        _ = back => {}
        _ = cuts.changed() => {}
    }
}
