//! The keys of a directory of kind `ldap`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use std::time::Duration;

use backend_ldap::{LdapConfig, LdapDirectory};
use identity_core::account::DirectoryId;
use identity_core::directory::Directory;
use identity_core::error::{Error, ErrorKind, Result};
use serde::Deserialize;

use super::secret::{SecretSource, existing};
use super::{Ask, invalid};

/// What is asked for. An empty one would be an anonymous sign-in (RFC 4513 5.1.2), never what is meant.
const PASSWORD: (&str, &str) = ("the bind password", "bind_password");

/// The keys of a directory of kind `ldap`, checked.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    keys: Keys,
    ca_file: Option<PathBuf>,
    password: SecretSource,
}

/// One url, or several of one domain.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "`url` must be a text or a list of texts")]
enum Urls {
    One(String),
    Several(Vec<String>),
}

/// How to sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Auth {
    #[default]
    Password,
    Kerberos,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    url: Urls,
    base: Option<String>,
    #[serde(default)]
    auth: Auth,
    bind_dn: Option<String>,
    bind_password_file: Option<PathBuf>,
    bind_password_env: Option<String>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    starttls: bool,
    #[serde(default)]
    policy_hints: bool,
    #[serde(default)]
    controller_urls: BTreeMap<String, String>,
    in_flight: Option<u32>,
    connections: Option<u32>,
    writes_per_second: Option<NonZeroU32>,
    share: Option<f64>,
    #[serde(default)]
    discover: bool,
    #[serde(default)]
    reads_elsewhere: bool,
    failover_after_seconds: Option<u32>,
}

/// Lets each domain know that the others are covered as well.
pub(super) fn know_each_other(domains: &[Arc<LdapDirectory>]) {
    for domain in domains {
        domain.covered_elsewhere(domains.iter().map(|other| other.info().tenant.clone()));
    }
}

impl Urls {
    fn all(&self) -> &[String] {
        match self {
            Self::One(url) => std::slice::from_ref(url),
            Self::Several(urls) => urls,
        }
    }
}

impl Settings {
    pub(super) fn read(folder: &Path, table: toml::Table) -> Result<Self, String> {
        let keys: Keys = table.try_into().map_err(|fault: toml::de::Error| fault.message().to_owned())?;
        if keys.url.all().is_empty() {
            return Err("`url` names no controller".to_owned());
        }
        check_auth(&keys)?;
        let ca_file = keys.ca_file.as_deref().map(|path| existing(folder, "ca_file", path)).transpose()?;
        if keys.share.is_some() && keys.writes_per_second.is_none() {
            return Err("`share` is a part of `writes_per_second`, which is missing".to_owned());
        }
        let (file, environment) = (keys.bind_password_file.as_deref(), keys.bind_password_env.as_deref());
        let password = SecretSource::read(folder, PASSWORD, file, environment)?;
        Ok(Self { keys, ca_file, password })
    }

    pub(super) async fn connect(&self, file: &Path, id: &DirectoryId, ask: Ask<'_>) -> Result<Arc<LdapDirectory>> {
        self.sign_in_with(self.config(file, id, ask)?).await
    }

    /// Connects with the secret that is in `config`.
    pub(super) async fn sign_in_with(&self, config: LdapConfig) -> Result<Arc<LdapDirectory>> {
        LdapDirectory::connect(config).await.map_err(|error| self.explain(error))
    }

    /// A refused sign-in says where its password came from.
    pub(super) fn explain(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::Unauthenticated {
            return error;
        }
        let advice = error.advice().unwrap_or("check bind_dn and its password").to_owned();
        error.with_advice(format!("{advice}; the password came from {}", self.password))
    }

    /// How the server is reached, with the password.
    pub(super) fn config(&self, file: &Path, id: &DirectoryId, ask: Ask<'_>) -> Result<LdapConfig> {
        let keys = &self.keys;
        let (first, others) = keys.url.all().split_first().ok_or_else(|| invalid(file, "`url` names no controller"))?;
        let mut config = others.iter().fold(LdapConfig::new(id.clone(), first), LdapConfig::also);
        config = self.sign_in(config, file, id, ask)?.reads_elsewhere(keys.reads_elsewhere);
        if keys.discover {
            config = config.discover();
        }
        if let Some(seconds) = keys.failover_after_seconds {
            config = config.failover_after(Duration::from_secs(seconds.into()));
        }
        if let Some(base) = &keys.base {
            config = config.base(base);
        }
        if let Some(path) = &self.ca_file {
            config = config.ca_file(path);
        }
        if keys.policy_hints {
            config = config.policy_hints();
        }
        for (host, url) in &keys.controller_urls {
            config = config.controller_url(host, url);
        }
        if keys.starttls {
            config = config.starttls();
        }
        if let Some(in_flight) = keys.in_flight {
            config = config.in_flight(in_flight);
        }
        if let Some(connections) = keys.connections {
            config = config.connections(connections);
        }
        if let Some(writes) = keys.writes_per_second {
            config = config.writes_per_second(writes);
        }
        if let Some(share) = keys.share {
            config = config.share(share);
        }
        Ok(config)
    }

    fn sign_in(&self, config: LdapConfig, file: &Path, id: &DirectoryId, ask: Ask<'_>) -> Result<LdapConfig> {
        #[cfg(feature = "ldap-gssapi")]
        if self.keys.auth == Auth::Kerberos {
            return Ok(config.kerberos());
        }
        let question = format!("Password of {} in {id}: ", self.bind_dn());
        let password =
            self.password.secret(&question, ask).map_err(|detail| invalid(file, &detail).with_directory(id.clone()))?;
        Ok(config.bind(self.bind_dn(), password))
    }

    fn bind_dn(&self) -> &str {
        self.keys.bind_dn.as_deref().unwrap_or_default()
    }
}

/// A ticket stands for name and password; one way or the other, not both.
fn check_auth(keys: &Keys) -> Result<(), String> {
    if keys.auth == Auth::Password {
        return keys.bind_dn.as_ref().map(drop).ok_or_else(|| "missing field `bind_dn`".to_owned());
    }
    if !cfg!(feature = "ldap-gssapi") {
        return Err("`auth` \"kerberos\" is not in this build: build it with the feature ldap-gssapi".to_owned());
    }
    let given = [
        ("bind_dn", keys.bind_dn.is_some()),
        ("bind_password_file", keys.bind_password_file.is_some()),
        ("bind_password_env", keys.bind_password_env.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((key, _)) => Err(format!("`{key}` and `auth` \"kerberos\" exclude each other")),
        None => Ok(()),
    }
}
