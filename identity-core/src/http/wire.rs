//! The transport over the network.

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use oauth2::url::Url;
use zeroize::Zeroizing;

use super::base_url::{is_link_local, is_safe};
use super::{Transport, TransportFault};
use crate::error::{Error, ErrorKind, Result};

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

impl TransportSettings {
    /// Sets the most bytes of a response that are taken, after decompression.
    #[must_use]
    pub fn with_largest_body(mut self, bytes: usize) -> Self {
        self.largest_body = bytes;
        self
    }

    /// Trusts the certificate authorities of this PEM file too.
    #[must_use]
    pub fn with_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Uses the proxy that the environment names.
    #[must_use]
    pub fn with_proxy_from_environment(mut self) -> Self {
        self.proxy_from_environment = true;
        self
    }
}

/// The transport over the network: connections are kept and used again, HTTP/2 where the server
/// offers it, compressed answers, no redirects, no cookies, certificates checked by the machine's
/// own store.
///
/// A request that an HTTP/2 server hands back as not processed (RFC 9113, section 8.7) is sent
/// again on another connection, at most twice; that is one attempt.
#[derive(Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
    /// For plain http, which goes to this machine only and never to a proxy on the way there.
    direct: reqwest::Client,
    largest_body: usize,
}

impl HttpTransport {
    /// A transport with connections of its own.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] when the CA file cannot be used.
    pub fn new(settings: &TransportSettings) -> Result<Self> {
        let direct = Self::client(settings, false)?;
        let client = if settings.proxy_from_environment { Self::client(settings, true)? } else { direct.clone() };
        Ok(Self { client, direct, largest_body: settings.largest_body })
    }

    fn client(settings: &TransportSettings, proxy_from_environment: bool) -> Result<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .user_agent(&settings.user_agent)
            .connect_timeout(settings.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .gzip(true)
            .brotli(true)
            .tls_version_min(reqwest::tls::Version::TLS_1_2);
        if !proxy_from_environment {
            builder = builder.no_proxy();
        }
        if let Some(path) = &settings.ca_file {
            builder = builder.tls_certs_merge(authorities(path)?);
        }
        builder.build().map_err(|error| {
            Error::new(ErrorKind::ConfigInvalid, "set up HTTP").with_detail(in_words(&error)).with_source(error)
        })
    }

    /// The transport that all in this process share who use the network in this way. Its
    /// connections live on the runtime that made them: for a process with one runtime.
    ///
    /// # Errors
    /// As of [`HttpTransport::new`].
    pub fn shared(settings: &TransportSettings) -> Result<Arc<Self>> {
        static IN_USE: Mutex<Vec<(TransportSettings, Weak<HttpTransport>)>> = Mutex::new(Vec::new());
        let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.retain(|(_, transport)| transport.strong_count() > 0);
        let known = in_use.iter().find(|(known, _)| known == settings);
        if let Some(transport) = known.and_then(|(_, transport)| transport.upgrade()) {
            return Ok(transport);
        }
        let transport = Arc::new(Self::new(settings)?);
        in_use.push((settings.clone(), Arc::downgrade(&transport)));
        Ok(transport)
    }

    /// The whole body, as long as it is within the limit.
    async fn body(&self, response: &mut reqwest::Response) -> Result<Bytes, TransportFault> {
        let too_large = || TransportFault::TooLarge { limit: self.largest_body };
        if response.content_length().is_some_and(|length| length > self.largest_body as u64) {
            return Err(too_large());
        }
        let (mut chunks, mut length) = (Vec::new(), 0_usize);
        while let Some(chunk) = response.chunk().await.map_err(|error| TransportFault::NoAnswer(in_words(&error)))? {
            length = length.saturating_add(chunk.len());
            if length > self.largest_body {
                return Err(too_large());
            }
            chunks.push(chunk);
        }
        // In one piece that is wiped: an answer can hold a password that the service generated.
        let mut body = Zeroizing::new(Vec::with_capacity(length));
        for chunk in chunks {
            body.extend_from_slice(&chunk);
        }
        Ok(Bytes::from_owner(body))
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportFault> {
        let not_sent = |detail: String| TransportFault::NotSent(detail);
        let url = Url::parse(&request.uri().to_string()).map_err(|error| not_sent(error.to_string()))?;
        if !is_safe(&url) && !is_link_local(&url) {
            return Err(not_sent("plain HTTP goes to this machine only".to_owned()));
        }
        let request = reqwest::Request::try_from(request).map_err(|error| not_sent(in_words(&error)))?;
        let client = if url.scheme() == "http" { &self.direct } else { &self.client };
        let mut response = client.execute(request).await.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                not_sent(in_words(&error))
            } else {
                TransportFault::NoAnswer(in_words(&error))
            }
        })?;
        let body = self.body(&mut response).await?;
        let mut whole = http::Response::new(body);
        *whole.status_mut() = response.status();
        *whole.version_mut() = response.version();
        *whole.headers_mut() = std::mem::take(response.headers_mut());
        Ok(whole)
    }
}

/// What reqwest says went wrong, with its causes and without the address, whose query can hold
/// anything.
fn in_words(error: &reqwest::Error) -> String {
    let mut words = if error.is_connect() {
        "no connection".to_owned()
    } else if error.is_timeout() {
        "timed out".to_owned()
    } else {
        "the exchange broke off".to_owned()
    };
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !words.ends_with(&text) {
            words = format!("{words}: {text}");
        }
        source = cause.source();
    }
    words
}

fn authorities(path: &Path) -> Result<Vec<reqwest::Certificate>> {
    let invalid = |detail: &str| {
        Error::new(ErrorKind::ConfigInvalid, "read certificate authorities")
            .with_detail(format!("{}: {detail}", path.display()))
            .with_advice("give a file of certificates in PEM")
    };
    let pem = std::fs::read(path).map_err(|error| invalid(&error.to_string()))?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| invalid(&in_words(&error)))?;
    if certificates.is_empty() {
        return Err(invalid("no certificate in it"));
    }
    Ok(certificates)
}
