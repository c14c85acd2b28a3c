//! The directory itself: connecting, and what it can do at all.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use identity_core::account::AccountId;
use identity_core::directory::{Capabilities, Directory, DirectoryInfo, Preflight, RateLimitedBatching, Replicated};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::limits::{Governor, Limits};

use crate::config::LdapConfig;
use crate::controllers::Controllers;
use crate::convergence;
use crate::discovery::{self, ForestDomain};
use crate::domain::Domain;
use crate::root::{Root, find_account, id_of, signed_in};
use crate::value::dn;
use crate::value::replication::password_written;
use crate::wire::Search;
use crate::wire::entry::Entry;
use crate::{preflight, reach};

/// An on-prem Active Directory domain, worked through one or several of its controllers.
///
/// Make one with [`LdapDirectory::connect`] and use it as `Arc<dyn Backend>`.
pub struct LdapDirectory {
    pub(crate) domain: Arc<Domain>,
    info: DirectoryInfo,
    limits: Limits,
    capabilities: Capabilities,
    principal: Option<AccountId>,
    /// DNS names of domains that other directories of the program cover.
    covered: Mutex<Vec<String>>,
    /// Each controller by itself, for convergence and krbtgt.
    pub(crate) each: convergence::Controllers,
}

impl LdapDirectory {
    /// Connects, signs in once, and finds out what the domain is.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] for settings that cannot work (nothing is sent then) and for a
    /// certificate that is not believed; [`ErrorKind::Transport`] when the controller cannot be
    /// reached; [`ErrorKind::Unauthenticated`] when the sign-in is refused, with the reason that AD
    /// gives: it was tried once and is not tried again; [`ErrorKind::Unsupported`] when the server is
    /// not a domain controller. Of several controllers one that can be reached is enough.
    pub async fn connect(config: LdapConfig) -> Result<Arc<Self>> {
        let directory = config.directory.clone();
        Self::connect_inner(config).await.map_err(|error| match error.directory() {
            Some(_) => error,
            None => error.with_directory(directory),
        })
    }

    /// The domains of the forest, this one among them. Each one is a directory of its own: nothing
    /// here works on another domain's accounts.
    ///
    /// # Errors
    /// When the configuration partition cannot be read.
    pub async fn forest(&self) -> Result<Vec<ForestDomain>> {
        let connection = self.domain.pool.reading().await?;
        let Some(known) = self.domain.pool.known(&connection) else { return Ok(Vec::new()) };
        let domains = discovery::domains(&connection, &known.root.configuration).await;
        domains.map_err(|error| error.with_directory(self.domain.directory.clone()))
    }

    /// Says which domains other directories of the same program cover, by DNS name, so that
    /// [`preflight`](Directory::preflight) names only those that nobody covers.
    pub fn covered_elsewhere(&self, domains: impl IntoIterator<Item = String>) {
        self.covered.lock().unwrap_or_else(PoisonError::into_inner).extend(domains);
    }

    async fn connect_inner(config: LdapConfig) -> Result<Arc<Self>> {
        let limits = config.limits();
        let pool = Controllers::connect(config.clone()).await?;
        let connection = pool.authority().await?;
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
        // By what the controller says first: a name may be of another domain, or of somebody who took it.
        let principal = match signed_in(&connection, &root.domain, &own).await {
            Ok(None) | Err(_) if !config.kerberos => {
                find_account(&connection, &root.domain, &config.bind_dn, &own).await
            }
            told => told,
        };
        let principal = principal.map_err(|fault| fault.into_error("find the own account", false))?;
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
            surroundings: RwLock::default(),
            pool,
        };
        domain.look_around().await?;
        Ok(Arc::new(Self {
            each: convergence::Controllers::new(config.clone(), root.host.clone()),
            info: DirectoryInfo::new(config.directory, "ldap", dn::domain(&root.domain)),
            limits,
            capabilities: capabilities(versions),
            principal: principal.as_ref().and_then(id_of),
            covered: Mutex::default(),
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
        let mut preflight =
            preflight::run(&self.domain, self.principal.clone(), self.capabilities.observe_version).await?;
        reach::about_controllers(&self.domain, &mut preflight.findings);
        let covered = self.covered.lock().unwrap_or_else(PoisonError::into_inner).clone();
        reach::about_forest(&self.domain, self.forest().await, &covered, &mut preflight.findings).await;
        Ok(preflight)
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
