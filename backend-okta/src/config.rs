//! How to reach an org: whom to sign in as, where, how fast to go.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use identity_core::account::DirectoryId;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::{BaseUrl, HttpTransport, Transport, TransportSettings};
use secrecy::SecretString;

/// How to reach an org: whom to sign in as, where, how fast to go.
#[derive(Clone)]
pub struct OktaConfig {
    pub(crate) directory: DirectoryId,
    pub(crate) url: String,
    pub(crate) credential: Credential,
    pub(crate) in_flight: u32,
    pub(crate) deadline: Duration,
    pub(crate) transport: Option<Arc<dyn Transport>>,
}

/// How the run proves who it is.
#[derive(Clone)]
pub(crate) enum Credential {
    Missing,
    ApiToken(SecretString),
}

impl OktaConfig {
    /// An org by its address, `https://acme.okta.com` or a custom domain.
    #[must_use]
    pub fn new(directory: DirectoryId, url: impl Into<String>) -> Self {
        Self {
            directory,
            url: url.into(),
            credential: Credential::Missing,
            in_flight: 10,
            deadline: Duration::from_secs(60),
            transport: None,
        }
    }

    /// Sign in by an API token, as the administrator who made it.
    #[must_use]
    pub fn api_token(mut self, token: SecretString) -> Self {
        self.credential = Credential::ApiToken(token);
        self
    }

    /// Sends through this instead of the network: for tests and rehearsals.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// The address of the org.
    pub(crate) fn base(&self) -> Result<BaseUrl> {
        BaseUrl::parse(&self.url)
    }

    /// Carries what is sent.
    pub(crate) fn carrier(&self) -> Result<Arc<dyn Transport>> {
        match &self.transport {
            Some(transport) => Ok(Arc::clone(transport)),
            None => Ok(HttpTransport::shared(&TransportSettings::default())?),
        }
    }
}

pub(crate) fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "configure").with_detail(detail.into())
}

impl fmt::Debug for OktaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaConfig").field("directory", &self.directory).field("url", &self.url).finish_non_exhaustive()
    }
}
