//! How to reach an org: whom to sign in as, where, how fast to go.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use identity_core::account::DirectoryId;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::{BaseUrl, HttpTransport, Transport, TransportSettings};
use secrecy::SecretString;

use crate::privilege::RoleTable;
use crate::reading::Reading;

/// How to reach an org: whom to sign in as, where, how fast to go.
#[derive(Clone)]
pub struct OktaConfig {
    pub(crate) directory: DirectoryId,
    pub(crate) url: String,
    pub(crate) credential: Credential,
    pub(crate) in_flight: u32,
    pub(crate) deadline: Duration,
    pub(crate) reading: Reading,
    pub(crate) transport: Option<Arc<dyn Transport>>,
    pub(crate) privileged: RoleTable,
    pub(crate) mail_behind_okta: BTreeSet<String>,
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
            reading: Reading::default(),
            transport: None,
            privileged: RoleTable::standard(),
            mail_behind_okta: BTreeSet::new(),
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

    /// Which roles and permissions count as privileged, instead of [`RoleTable::standard`].
    #[must_use]
    pub fn privileged(mut self, table: RoleTable) -> Self {
        self.privileged = table;
        self
    }

    /// The mail domains whose mailboxes are opened by a sign-in through this org. A mail with a recovery
    /// link to such a mailbox reaches nobody who waits for that link, so that it is refused where there
    /// is no second address elsewhere.
    #[must_use]
    pub fn mail_behind_okta(mut self, domains: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.mail_behind_okta = domains.into_iter().map(|domain| domain.into().to_ascii_lowercase()).collect();
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
