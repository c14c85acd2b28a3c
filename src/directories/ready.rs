//! Directories whose secrets are at hand, and which are not signed in to yet.

use std::path::Path;
use std::sync::Arc;

use identity_core::account::DirectoryId;
use identity_core::directory::Backend;
use identity_core::error::Result;

#[cfg(feature = "entra")]
use super::entra;
#[cfg(feature = "okta")]
use super::okta;
use super::{Ask, Entry, Kind};
#[cfg(feature = "ldap")]
use super::{ldap, plain};

/// One directory with its secret.
pub(super) struct Ready<'a> {
    id: &'a DirectoryId,
    how: How<'a>,
}

enum How<'a> {
    #[cfg(feature = "ldap")]
    Ldap(&'a ldap::Settings, backend_ldap::LdapConfig),
    #[cfg(feature = "ldap")]
    Plain(&'a plain::Settings, backend_ldap::PlainConfig),
    #[cfg(feature = "entra")]
    Entra(&'a entra::Settings, backend_entra::EntraConfig),
    #[cfg(feature = "okta")]
    Okta(&'a okta::Settings, backend_okta::OktaConfig),
}

/// The domains of Active Directory that were connected.
#[derive(Default)]
pub(super) struct Domains {
    #[cfg(feature = "ldap")]
    connected: Vec<Arc<backend_ldap::LdapDirectory>>,
}

impl<'a> Ready<'a> {
    /// Seeks the secret of a directory.
    pub(super) fn of(file: &Path, entry: &'a Entry, ask: Ask<'_>) -> Result<Self> {
        let id = &entry.id;
        let how = match &entry.kind {
            #[cfg(feature = "ldap")]
            Kind::Ldap(settings) => How::Ldap(settings, settings.config(file, id, ask)?),
            #[cfg(feature = "ldap")]
            Kind::LdapPlain(settings) => How::Plain(settings, settings.config(file, id, ask)?),
            #[cfg(feature = "entra")]
            Kind::Entra(settings) => How::Entra(settings, settings.config(file, id, ask)?),
            #[cfg(feature = "okta")]
            Kind::Okta(settings) => How::Okta(settings, settings.config(file, id, ask)?),
        };
        Ok(Self { id, how })
    }

    pub(super) fn id(&self) -> &DirectoryId {
        self.id
    }

    /// The backend's word for its kind.
    pub(super) fn kind(&self) -> &'static str {
        match &self.how {
            #[cfg(feature = "ldap")]
            How::Ldap(..) => "ldap",
            #[cfg(feature = "ldap")]
            How::Plain(..) => "ldap-plain",
            #[cfg(feature = "entra")]
            How::Entra(..) => "entra",
            #[cfg(feature = "okta")]
            How::Okta(..) => "okta",
        }
    }

    /// Signs in, once.
    #[cfg_attr(not(feature = "ldap"), allow(unused_variables, reason = "domains are of Active Directory"))]
    pub(super) async fn sign_in(self, domains: &mut Domains) -> Result<Arc<dyn Backend>> {
        match self.how {
            #[cfg(feature = "ldap")]
            How::Ldap(settings, config) => {
                let directory = settings.sign_in_with(config).await?;
                domains.connected.push(Arc::clone(&directory));
                Ok(directory)
            }
            #[cfg(feature = "ldap")]
            How::Plain(settings, config) => settings.sign_in_with(config).await,
            #[cfg(feature = "entra")]
            How::Entra(settings, config) => {
                let directory: Arc<dyn Backend> = settings.sign_in_with(config).await?;
                Ok(directory)
            }
            #[cfg(feature = "okta")]
            How::Okta(settings, config) => {
                let directory: Arc<dyn Backend> = settings.sign_in_with(config).await?;
                Ok(directory)
            }
        }
    }
}

impl Domains {
    /// Lets each domain know that the others are covered as well.
    pub(super) fn know_each_other(&self) {
        #[cfg(feature = "ldap")]
        ldap::know_each_other(&self.connected);
    }
}
