//! How the configuration of a backend reaches the network.

use std::path::PathBuf;
use std::sync::Arc;

use super::{HttpTransport, Transport, TransportSettings};
use crate::error::Result;

/// How the configuration of a backend reaches the network: what all of them can say of it.
#[derive(Clone, Debug, Default)]
pub struct Network {
    settings: TransportSettings,
    instead: Option<Arc<dyn Transport>>,
}

impl Network {
    /// Believes the certificate authorities of this PEM file too.
    #[must_use]
    pub fn with_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings = self.settings.with_ca_file(path);
        self
    }

    /// Goes through the proxy that the environment names (`HTTPS_PROXY`, `NO_PROXY`).
    #[must_use]
    pub fn with_proxy_from_environment(mut self) -> Self {
        self.settings = self.settings.with_proxy_from_environment();
        self
    }

    /// Sends through this instead of the network.
    #[must_use]
    pub fn with_transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.instead = Some(transport);
        self
    }

    /// Carries what is sent: a transport of the network is shared by all who reach it the same way.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`](crate::error::ErrorKind::ConfigInvalid) when the CA file cannot
    /// be used.
    pub fn carrier(&self) -> Result<Arc<dyn Transport>> {
        match &self.instead {
            Some(transport) => Ok(Arc::clone(transport)),
            None => Ok(HttpTransport::shared(&self.settings)?),
        }
    }
}
