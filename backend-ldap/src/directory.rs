//! The directory itself: connecting, and what it can do at all.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use identity_core::account::AccountId;
use identity_core::directory::{Capabilities, Directory, DirectoryInfo, Preflight, RateLimitedBatching, Replicated};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::limits::{Governor, Limits};

use crate::config::LdapConfig;
use crate::convergence::Controllers;
use crate::domain::Domain;
use crate::preflight;
use crate::root::{Root, find_account, id_of};
use crate::value::dn;
use crate::value::replication::password_written;
use crate::wire::entry::Entry;
use crate::wire::{Pool, Search};

/// An on-prem Active Directory domain, worked through one of its controllers.
///
/// Make one with [`LdapDirectory::connect`] and use it as `Arc<dyn Backend>`.
pub struct LdapDirectory {
    pub(crate) domain: Arc<Domain>,
    info: DirectoryInfo,
    limits: Limits,
    capabilities: Capabilities,
    principal: Option<AccountId>,
    pub(crate) controllers: Controllers,
}

impl LdapDirectory {
    /// Connects, signs in once, and finds out what the domain is.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] for settings that cannot work (nothing is sent then) and for a
    /// certificate that is not believed; [`ErrorKind::Transport`] when the controller cannot be
    /// reached; [`ErrorKind::Unauthenticated`] when the sign-in is refused, with the reason that AD
    /// gives: it was tried once and is not tried again; [`ErrorKind::Unsupported`] when the server is
    /// not a domain controller.
    pub async fn connect(config: LdapConfig) -> Result<Arc<Self>> {
        let directory = config.directory.clone();
        Self::connect_inner(config).await.map_err(|error| match error.directory() {
            Some(_) => error,
            None => error.with_directory(directory),
        })
    }

    async fn connect_inner(config: LdapConfig) -> Result<Arc<Self>> {
        let limits = config.limits();
        let pool = Pool::new(config.clone())?;
        let connection = pool.pick().await?;
        let root = Root::read(&connection).await?;
        let base = config.base.clone().unwrap_or_else(|| root.domain.clone());
        if !dn::is_below(&base, &root.domain) {
            return Err(Error::new(ErrorKind::ConfigInvalid, "configure")
                .with_detail(format!("the base {base:?} is not in the domain {:?} of this controller", root.domain))
                .with_advice("correct base, or leave it out, or give the url of a controller of that domain"));
        }
        if let Err(fault) = connection.read(&Search::object(&base, &["objectClass"])).await {
            if fault.is_missing() {
                return Err(Error::new(ErrorKind::ConfigInvalid, "configure")
                    .with_detail(format!("the base {base:?} does not exist, or this sign-in may not see it"))
                    .with_advice("correct base, or leave it out to work on the whole domain"));
            }
            return Err(fault.into_error("read the base", false));
        }
        let head = Search::object(&root.domain, &["objectSid"]);
        let head = connection.read(&head).await.map_err(|fault| fault.into_error("read the domain", false))?;
        let sid = head.first().and_then(|entry| entry.sid("objectsid")).ok_or_else(|| {
            Error::new(ErrorKind::InsufficientPrivilege, "read the domain")
                .with_detail(format!("the objectSid of {} cannot be read", root.domain))
                .with_advice("let the account that the run signs in with read the domain object")
        })?;
        let own = ["objectGUID", "replPropertyMetaData"];
        let principal = find_account(&connection, &root.domain, &config.bind_dn, &own)
            .await
            .map_err(|fault| fault.into_error("find the own account", false))?;
        let versions = match &principal {
            Some(entry) => keeps_versions(entry),
            // An account that every domain has stands in for the own one.
            None => {
                let search = Search::object(format!("<SID={}>", sid.with_rid(500)), &own);
                connection.read(&search).await.is_ok_and(|entries| entries.first().is_some_and(keeps_versions))
            }
        };
        let domain = Domain {
            directory: config.directory.clone(),
            governor: Governor::new(&limits),
            name: root.domain.clone(),
            base,
            sid,
            is_forest_root: root.is_forest_root,
            descriptors: root.descriptors,
            policy_hints: config.policy_hints && root.policy_hints,
            pool,
        };
        Ok(Arc::new(Self {
            controllers: Controllers::new(config.clone(), root.host.clone()),
            info: DirectoryInfo::new(config.directory, "ldap", dn::domain(&root.domain)),
            limits,
            capabilities: capabilities(versions),
            principal: principal.as_ref().and_then(id_of),
            domain: Arc::new(domain),
        }))
    }
}

/// Whether the replication metadata of an account can be read, and the password's version in it.
fn keeps_versions(entry: &Entry) -> bool {
    entry.bytes("replpropertymetadata").is_some_and(|bytes| password_written(bytes).is_some())
}

fn capabilities(observe_version: bool) -> Capabilities {
    let mut can = Capabilities::default();
    can.set_password = true;
    can.set_password_must_change = true;
    can.expire_password = true;
    can.disable = true;
    can.unlock = true;
    can.enumerate_group = true;
    can.enumerate_unit = true;
    can.enumerate_native = true;
    can.enumerate_changed = true;
    can.classify_nested_groups = true;
    can.observe_version = observe_version;
    can
}

#[async_trait]
impl Directory for LdapDirectory {
    fn info(&self) -> &DirectoryInfo {
        &self.info
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn preflight(&self) -> Result<Preflight> {
        preflight::run(&self.domain, self.principal.clone(), self.capabilities.observe_version).await
    }

    fn replicated(&self) -> Option<&dyn Replicated> {
        Some(self)
    }
}

impl RateLimitedBatching for LdapDirectory {
    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    fn governor(&self) -> &Arc<Governor> {
        &self.domain.governor
    }
}

impl fmt::Debug for LdapDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapDirectory")
            .field("info", &self.info)
            .field("base", &self.domain.base)
            .field("principal", &self.principal)
            .finish_non_exhaustive()
    }
}
