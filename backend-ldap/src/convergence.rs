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
use crate::value::dn;
use crate::wire::Search;
use crate::wire::entry::Entry;

/// Attributes of an nTDSDSA object that name the domains whose accounts the controller has; the
/// last one is of read-only controllers (MS-ADTS 6.1.1.2.2.1.2.1.1).
const HELD: [&str; 4] = ["msDS-HasDomainNCs", "hasMasterNCs", "msDS-hasMasterNCs", "msDS-hasFullReplicaNCs"];
/// The class of a read-only controller's settings (MS-ADTS 6.1.1.2.2.1.2.1.2).
const READ_ONLY: &str = "nTDSDSARO";
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
        let config = alone(&self.config, &url_of(&self.config, host));
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

/// Where a controller is reached: where the configuration says, or under its own name with the
/// scheme and the port of the configured url.
fn url_of(config: &LdapConfig, host: &str) -> String {
    if let Some(url) = config.controller_urls.get(host) {
        return url.clone();
    }
    let (scheme, rest) = config.url.trim().split_once("://").unwrap_or(("ldaps", ""));
    let rest = rest.trim_end_matches('/');
    let after = rest.rsplit_once(']').map_or(rest, |(_, after)| after);
    let port = after.rsplit_once(':').map(|(_, port)| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{host}{port}")
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
        let sites = format!("CN=Sites,{configuration}");
        let mut wanted = vec!["objectClass"];
        wanted.extend(HELD);
        let settings = domain.read(&Search::subtree(&sites, "(objectClass=nTDSDSA)", &wanted)).await?;
        let servers = domain.read(&Search::subtree(&sites, "(objectClass=server)", &["dNSHostName"])).await?;
        let found = replicas(&settings, &servers, &domain.name);
        if found.is_empty() {
            return Err(Error::new(ErrorKind::InsufficientPrivilege, "list the controllers")
                .with_directory(domain.directory.clone())
                .with_detail(format!("no controller of the domain can be seen below {sites}"))
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

/// The controllers of the domain, by name: those whose settings say that they hold it, or do not
/// say what they hold.
fn replicas(settings: &[Entry], servers: &[Entry], domain: &str) -> Vec<Replica> {
    let domain = dn::key(domain);
    let mut found: Vec<Replica> = settings
        .iter()
        .filter(|entry| {
            let mut held = HELD.iter().flat_map(|name| entry.texts_of(name)).peekable();
            held.peek().is_none() || held.any(|held| dn::key(&held) == domain)
        })
        .map(|entry| {
            let server = dn::parent(&entry.dn);
            let host = servers
                .iter()
                .find(|known| dn::key(&known.dn) == dn::key(server))
                .and_then(|known| known.text("dnshostname"));
            // Without a host name it cannot be asked, and is named by what there is.
            let mut replica = Replica::new(host.map_or_else(|| server.to_owned(), str::to_lowercase));
            // CN=NTDS Settings,CN=DC1,CN=Servers,CN=Site,CN=Sites,…
            let site = dn::first_name(dn::parent(dn::parent(server)));
            if !site.is_empty() {
                replica = replica.in_site(site);
            }
            let read_only = entry.texts("objectclass").any(|class| class.eq_ignore_ascii_case(READ_ONLY));
            if read_only { replica.read_only() } else { replica }
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

impl Entry {
    fn texts_of(&self, name: &str) -> Vec<String> {
        self.texts(&name.to_lowercase()).map(str::to_owned).collect()
    }
}

impl fmt::Debug for Controllers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controllers").field("home", &self.home).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::entry::tests::entry;
    use identity_core::account::DirectoryId;

    #[test]
    fn controllers_of_the_domain_are_listed_and_read_only_ones_told_apart() {
        let below = |server: &str| format!("CN=NTDS Settings,CN={server},CN=Servers,CN=Paris,CN=Sites,CN=C");
        let settings = [
            entry(&below("DC2"), &[("msDS-HasDomainNCs", &[b"DC=Example,DC=test"])]),
            entry(&below("CHILD"), &[("hasMasterNCs", &[b"CN=C", b"DC=child,DC=example,DC=test"])]),
            entry(
                &below("RO1"),
                &[("objectClass", &[b"nTDSDSA", b"nTDSDSARO"]), ("msDS-hasFullReplicaNCs", &[b"dc=example,dc=test"])],
            ),
            entry(&below("RETIRED"), &[]),
        ];
        let server = |name: &str| {
            entry(
                &format!("CN={name},CN=Servers,CN=Paris,CN=Sites,CN=C"),
                &[("dNSHostName", &[format!("{name}.Example.test").as_bytes()])],
            )
        };
        let found = replicas(&settings, &["DC2", "CHILD", "RO1"].map(server), "DC=example,DC=test");
        let names: Vec<(&str, bool)> = found.iter().map(|found| (found.name.as_str(), found.read_only)).collect();
        let retired = "CN=RETIRED,CN=Servers,CN=Paris,CN=Sites,CN=C";
        assert_eq!(names, [(retired, false), ("dc2.example.test", false), ("ro1.example.test", true)]);
        assert!(found.iter().all(|found| found.site.as_deref() == Some("Paris")));
    }

    #[test]
    fn a_controller_is_reached_as_the_first_one_or_as_the_configuration_says() {
        let config = |url: &str| LdapConfig::new(DirectoryId::new("corp").expect("id"), url);
        let host = "dc2.example.test";
        for (url, expected) in [
            ("ldaps://dc1.example.test", "ldaps://dc2.example.test"),
            (" ldap://[::1]:3890/ ", "ldap://dc2.example.test:3890"),
            ("ldaps://[::1]", "ldaps://dc2.example.test"),
            ("ldaps://10.0.0.1:6360/", "ldaps://dc2.example.test:6360"),
        ] {
            assert_eq!(url_of(&config(url), host), expected, "{url}");
        }
        let config = config("ldaps://dc1.example.test").controller_url("DC2.example.test", "ldaps://127.0.0.2");
        assert_eq!(url_of(&config, host), "ldaps://127.0.0.2");
    }
}
