//! The transport over the network.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Transport, TransportFault};
use crate::error::Result;

/// How the network is used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TransportSettings {
    /// The most bytes of a response that are taken, after decompression. Default 32 MiB.
    pub largest_body: usize,
    /// The longest that making a connection may take, TLS included. Default 10 seconds.
    pub connect_timeout: Duration,
    /// A PEM file of certificate authorities that are trusted besides those of the machine.
    pub ca_file: Option<PathBuf>,
    /// Whether the proxy of the environment (`HTTPS_PROXY`, `NO_PROXY`) is used. Default no.
    pub proxy_from_environment: bool,
    /// What the `User-Agent` header says. Default `identity-reset` and its version.
    pub user_agent: String,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            largest_body: 32 << 20,
            connect_timeout: Duration::from_secs(10),
            ca_file: None,
            proxy_from_environment: false,
            user_agent: concat!("identity-reset/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// The transport over the network: connections are kept and used again, HTTP/2 where the server
/// offers it, compressed answers, no redirects, no cookies.
#[derive(Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
    largest_body: usize,
}

impl HttpTransport {
    /// A transport with connections of its own.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`](crate::error::ErrorKind::ConfigInvalid) when the CA file cannot
    /// be used.
    pub fn new(settings: &TransportSettings) -> Result<Self> {
        todo!()
    }

    /// The transport that all in this process share who use the network in this way.
    ///
    /// # Errors
    /// As of [`HttpTransport::new`].
    pub fn shared(settings: &TransportSettings) -> Result<Arc<Self>> {
        todo!()
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportFault> {
        todo!()
    }
}
