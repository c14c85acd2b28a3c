//! The directory itself: connecting, and what it can do at all.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, RwLock};

use async_trait::async_trait;
use identity_core::account::AccountId;
use identity_core::directory::{Capabilities, Directory, DirectoryInfo, Preflight, RateLimitedBatching};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::limits::{Governor, Limits};
use ldap3::parse_filter;

use super::account::id_of;
use super::config::{PasswordBy, PlainConfig};
use super::policy::Policies;
use super::tree::Tree;
use super::{answer, preflight};
use crate::value::dn;
use crate::wire::entry::Entry;
use crate::wire::{ASSERTION, Connection, PASSWORD_MODIFY, PASSWORD_POLICY, Pool, Search};

/// Simple Paged Results (RFC 2696).
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";

/// A plain LDAP server (OpenLDAP and others).
///
/// Make one with [`PlainDirectory::connect`] and use it as `Arc<dyn Backend>`.
pub struct PlainDirectory {
    pub(crate) tree: Arc<Tree>,
    pub(crate) principal: Option<AccountId>,
    /// Disabled accounts that were set and not closed again yet (slapd opens them with each set).
    pub(crate) to_close: Mutex<HashSet<AccountId>>,
    info: DirectoryInfo,
    limits: Limits,
    capabilities: Capabilities,
}

impl PlainDirectory {
    /// Connects, signs in once, and finds out what the server can do.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] for settings that cannot work (nothing is sent then), for a base
    /// that does not exist, and for a certificate that is not believed; [`ErrorKind::Transport`] when
    /// the server cannot be reached; [`ErrorKind::Unauthenticated`] when the sign-in is refused: it was
    /// tried once and is not tried again; [`ErrorKind::Unsupported`] when the server has no pages
    /// (RFC 2696) or no Password Modify (RFC 3062).
    pub async fn connect(config: PlainConfig) -> Result<Arc<Self>> {
        let directory = config.transport.directory.clone();
        Self::connect_inner(config).await.map_err(|error| match error.directory() {
            Some(_) => error,
            None => error.with_directory(directory),
        })
    }

    async fn connect_inner(config: PlainConfig) -> Result<Arc<Self>> {
        check(&config)?;
        let limits = config.transport.limits();
        let pool = Pool::new(config.transport.clone(), Arc::default())?;
        let connection = pool.pick().await?;
        let root = object(&connection, "", &["namingContexts", "supportedControl", "supportedExtension"]).await?;
        let root = root.unwrap_or_default();
        let has = |attribute: &str, oid: &str| root.texts(attribute).any(|value| value == oid);
        if !has("supportedcontrol", PAGED_RESULTS) {
            return Err(unsupported("it has no paged listings (RFC 2696): a listing could be short in silence"));
        }
        if config.password_by == PasswordBy::Operation && !has("supportedextension", PASSWORD_MODIFY) {
            return Err(unsupported("it has no Password Modify operation (RFC 3062)").with_advice(
                "configure password_by as modify, if the server hashes the userPassword that it is given",
            ));
        }
        let base = base(&config, &root)?;
        // contextCSN is kept where the overlay syncprov is: the mark of the last change.
        let Some(top) = object(&connection, &base, &["contextCSN"]).await? else {
            return Err(invalid(format!("the base {base:?} does not exist, or this sign-in may not see it"))
                .with_advice("correct base, or let the account that the run signs in with read it"));
        };
        let own = object(&connection, &config.transport.bind_dn, &["entryUUID"]).await?;
        let tree = Arc::new(Tree {
            directory: config.transport.directory.clone(),
            governor: Governor::new(&limits),
            pool,
            has_policy: has("supportedcontrol", PASSWORD_POLICY),
            has_assertion: has("supportedcontrol", ASSERTION),
            policies: RwLock::new(Arc::new(Policies::default())),
            base: base.clone(),
            config,
        });
        let policies = if tree.has_policy { tree.read_policies().await? } else { tree.policies() };
        let tenant = Some(dn::domain(&base)).filter(|domain| !domain.is_empty()).unwrap_or(base);
        Ok(Arc::new(Self {
            info: DirectoryInfo::new(tree.directory.clone(), "ldap-plain", tenant),
            limits,
            capabilities: capabilities(&policies, tree.has_policy, top.text("contextcsn").is_some()),
            principal: own.as_ref().and_then(id_of),
            to_close: Mutex::default(),
            tree,
        }))
    }
}

/// Faults of the settings that need no server to be seen.
fn check(config: &PlainConfig) -> Result<()> {
    for (key, filter) in [("accounts", Some(&config.accounts)), ("services", config.services.as_ref())] {
        if let Some(filter) = filter.filter(|filter| parse_filter(filter).is_err()) {
            return Err(invalid(format!("{key} {filter:?} is not an LDAP filter"))
                .with_advice("write it as RFC 4515 has it, for example (objectClass=inetOrgPerson)"));
        }
    }
    let attribute = config.name_attribute.as_str();
    if attribute.is_empty() || !attribute.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.') {
        return Err(invalid(format!("name_attribute {attribute:?} is not the name of an attribute"))
            .with_advice("write it as the schema has it, for example uid"));
    }
    if config.nobody_is_privileged && !config.privileged.is_empty() {
        return Err(invalid("privileged groups or accounts are named, and it is said that there are none".to_owned())
            .with_advice("keep one of the two"));
    }
    let transport = &config.transport;
    let several = !transport.others.is_empty() || transport.discover || transport.reads_elsewhere;
    if several || !transport.controller_urls.is_empty() || transport.policy_hints || transport.kerberos {
        return Err(invalid("several servers, policy hints and Kerberos are for Active Directory only".to_owned())
            .with_advice("name one url, bind_dn and its password, and leave the settings of several servers out"));
    }
    Ok(())
}

fn base(config: &PlainConfig, root: &Entry) -> Result<String> {
    if let Some(base) = &config.transport.base {
        return Ok(base.clone());
    }
    let contexts: Vec<&str> = root.texts("namingcontexts").filter(|name| !name.is_empty()).collect();
    match contexts.as_slice() {
        [only] => Ok((*only).to_owned()),
        several => Err(invalid(format!(
            "the server holds {} trees ({}), and base names none",
            several.len(),
            several.join("; ")
        ))
        .with_advice("give base: the distinguished name that the accounts are below")),
    }
}

async fn object(connection: &Connection, dn: &str, attributes: &[&str]) -> Result<Option<Entry>> {
    match connection.read(&Search::object(dn, attributes)).await {
        Ok(entries) => Ok(entries.into_iter().next()),
        Err(fault) if fault.is_missing() => Ok(None),
        Err(fault) => Err(answer::error(fault, "read the server", false)),
    }
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "configure").with_detail(detail)
}

fn unsupported(detail: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "read the server")
        .with_detail(detail)
        .with_advice("use another server of this directory, or load the module that is missing")
}

fn capabilities(policies: &Policies, has_policy: bool, has_marks: bool) -> Capabilities {
    let mut can = Capabilities::default();
    can.set_password = true;
    can.set_password_must_change = policies.all().any(|policy| policy.must_change);
    can.expire_password = can.set_password_must_change;
    can.disable = policies.all().any(|policy| policy.lockout);
    can.unlock = has_policy;
    can.enumerate_group = true;
    can.enumerate_unit = true;
    can.enumerate_native = true;
    can.enumerate_changed = has_marks;
    can.classify_nested_groups = true;
    can
}

#[async_trait]
impl Directory for PlainDirectory {
    fn info(&self) -> &DirectoryInfo {
        &self.info
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn preflight(&self) -> Result<Preflight> {
        preflight::run(&self.tree, self.principal.clone(), self.capabilities).await
    }
}

impl RateLimitedBatching for PlainDirectory {
    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    fn governor(&self) -> &Arc<Governor> {
        &self.tree.governor
    }
}

impl fmt::Debug for PlainDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainDirectory")
            .field("info", &self.info)
            .field("base", &self.tree.base)
            .field("principal", &self.principal)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LdapConfig;
    use crate::wire::entry::tests::entry;
    use identity_core::account::DirectoryId;

    fn config() -> PlainConfig {
        let id = DirectoryId::new("unix").expect("id");
        PlainConfig::new(LdapConfig::new(id, "ldap://ldap.example.test").bind("cn=x", "planted-secret".into()))
    }

    #[tokio::test]
    async fn plain_ldap_is_refused_before_anything_is_sent() {
        let error = PlainDirectory::connect(config()).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert!(error.detail().contains("plain LDAP"), "{error}");
        assert!(!format!("{error:?}").contains("planted-secret"));
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        for (config, word) in [
            (config().accounts("(uid=*"), "accounts"),
            (config().services("x"), "services"),
            (config().name_attribute("u(d"), "name_attribute"),
            (config().nobody_is_privileged().privileged_group("cn=a"), "none"),
        ] {
            let error = check(&config).expect_err(word);
            assert!(error.detail().contains(word) && error.advice().is_some(), "{error}");
        }
        assert!(check(&config()).is_ok());
    }

    #[test]
    fn the_base_is_found_only_where_there_is_no_choice() {
        let root = |contexts: &[&[u8]]| entry("", &[("namingContexts", contexts)]);
        assert_eq!(base(&config(), &root(&[b"dc=x"])).expect("one"), "dc=x");
        assert!(base(&config(), &root(&[b"dc=x", b"dc=y"])).expect_err("two").detail().contains("dc=y"));
        assert!(base(&config(), &root(&[])).is_err());
    }
}
