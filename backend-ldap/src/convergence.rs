//! Each controller of the domain by itself: which there are, and what each knows of a password.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use identity_core::account::AccountId;
use identity_core::directory::{AccountEnumerator, Replica, ReplicaState, Replicated};
use identity_core::error::{Error, ErrorKind, Result};
use tokio::sync::Mutex;

use crate::LdapDirectory;
use crate::config::LdapConfig;
use crate::discovery::{self, Listed};
use crate::wire::Search;

/// A controller that does not answer in this time is not waited for longer: there are others.
const LONGEST_DEADLINE: Duration = Duration::from_secs(15);
/// Accounts that one controller is asked about at once.
const ASKED: usize = 250;

/// The controllers that were asked by themselves.
pub(crate) struct Controllers {
    config: LdapConfig,
    /// The host name of the one that changes go to.
    home: String,
    open: Mutex<HashMap<String, Arc<LdapDirectory>>>,
}

impl Controllers {
    pub(crate) fn new(config: LdapConfig, home: String) -> Self {
        Self { config, home, open: Mutex::default() }
    }

    /// A directory that talks to this one controller only.
    async fn at(&self, host: &str) -> Result<Arc<LdapDirectory>> {
        if host.contains('=') {
            return Err(Error::new(ErrorKind::ConfigInvalid, "ask a controller")
                .with_directory(self.config.directory.clone())
                .with_detail("it has no host name: it was retired and is still listed, or may not be read")
                .with_advice("remove the retired controller's metadata (ntdsutil, metadata cleanup)"));
        }
        let mut open = self.open.lock().await;
        if let Some(known) = open.get(host) {
            return Ok(Arc::clone(known));
        }
        // Others may be reached while this one keeps us waiting.
        drop(open);
        let config = alone(&self.config, &discovery::url_of(&self.config, host));
        let there = Box::pin(LdapDirectory::connect(config)).await?;
        if !there.each.home.eq_ignore_ascii_case(host) {
            // Two names that lead to one controller would have it counted twice.
            return Err(Error::new(ErrorKind::ConfigInvalid, "ask a controller")
                .with_directory(self.config.directory.clone())
                .with_detail(format!("the address of {host} leads to {}", there.each.home))
                .with_advice("correct the url that is given for this controller, or its name in DNS"));
        }
        open = self.open.lock().await;
        Ok(Arc::clone(open.entry(host.to_owned()).or_insert(there)))
    }
}

/// The configuration for one controller alone.
fn alone(config: &LdapConfig, url: &str) -> LdapConfig {
    let mut config = config.at(url);
    config.discover = false;
    config.reads_elsewhere = false;
    config.connections = 1;
    config.deadline = config.deadline.min(LONGEST_DEADLINE);
    config
}

impl LdapDirectory {
    /// The host name of the controller that changes go to.
    pub(crate) fn home(&self) -> &str {
        &self.each.home
    }

    /// A directory that talks to one controller only: this one itself, if changes go there.
    pub(crate) async fn on(&self, host: &str) -> Result<Option<Arc<Self>>> {
        let host = host.to_lowercase();
        // Under another address the configuration may name the same controller; then that counts.
        if self.each.home.eq_ignore_ascii_case(&host) && !self.each.config.controller_urls.contains_key(&host) {
            return Ok(None);
        }
        self.each.at(&host).await.map(Some)
    }
}

#[async_trait]
impl Replicated for LdapDirectory {
    async fn replicas(&self) -> Result<Vec<Replica>> {
        let domain = &self.domain;
        let root = domain.object("", &["configurationNamingContext"]).await?;
        let configuration =
            root.as_ref().and_then(|entry| entry.text("configurationnamingcontext")).ok_or_else(|| {
                Error::new(ErrorKind::Protocol, "list the controllers")
                    .with_directory(domain.directory.clone())
                    .with_detail("the controller does not name its configuration partition")
                    .with_advice("report this as a fault, with the controller's version")
            })?;
        let read = |search: Search| async move { domain.read(&search).await };
        let listed = discovery::controllers(read, configuration, &domain.name).await?;
        let mut found: Vec<Replica> = listed.into_iter().map(replica).collect();
        found.sort();
        found.dedup();
        if found.is_empty() {
            return Err(Error::new(ErrorKind::InsufficientPrivilege, "list the controllers")
                .with_directory(domain.directory.clone())
                .with_detail(format!("no controller of the domain can be seen below CN=Sites,{configuration}"))
                .with_advice("let the account that the run signs in with read the configuration partition"));
        }
        Ok(found)
    }

    async fn observe_on(&self, replica: &Replica, ids: &[AccountId]) -> Result<Vec<Option<ReplicaState>>> {
        let there = self.on(&replica.name).await?;
        let there = there.as_deref().unwrap_or(self);
        let mut states = Vec::with_capacity(ids.len());
        for ids in ids.chunks(ASKED) {
            let accounts = there.lookup(ids).await?;
            states.extend(accounts.into_iter().map(|account| {
                account.map(|account| {
                    let mut password = account.password;
                    if replica.read_only {
                        // Secrets are not replicated to it; their metadata says nothing of what it has
                        // cached. pwdLastSet is replicated as everything else.
                        password.version = None;
                    }
                    ReplicaState::new(account.state, password)
                })
            }));
        }
        Ok(states)
    }
}

/// Without a host name it cannot be asked, and is named by what there is.
fn replica(listed: Listed) -> Replica {
    let mut replica = Replica::new(listed.host.unwrap_or(listed.server));
    if let Some(site) = listed.site {
        replica = replica.in_site(site);
    }
    if listed.read_only { replica.read_only() } else { replica }
}

impl fmt::Debug for Controllers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controllers").field("home", &self.home).finish_non_exhaustive()
    }
}
