//! Directories from a file: `directories.toml`.
//!
//! ```toml
//! [[directory]]
//! id = "corp"
//! kind = "ldap"
//! url = "ldaps://dc1.example.test"       # or a list of the domain's controllers
//! base = "DC=example,DC=test"            # optional: discovered
//! bind_dn = "CN=reset,CN=Users,DC=example,DC=test"
//! bind_password_file = "secrets/bind"    # or bind_password_env; without either it is asked for
//! ca_file = "ca.pem"                     # optional: system roots
//! discover = true                        # optional: ask for the other controllers, and use them
//! reads_elsewhere = true                 # optional: list on a controller that takes no changes
//! failover_after_seconds = 10            # optional: how long a lost controller is waited for
//! auth = "kerberos"                      # optional: the ticket of the environment, no bind_dn
//! protected = ["CN=breakglass,CN=Users,DC=example,DC=test"]   # never touched
//! policy_hints = true                    # optional: a set respects the password history too
//!
//! [directory.controller_urls]            # optional: where controllers are reached by themselves
//! "dc2.example.test" = "ldaps://10.0.0.2"
//!
//! [[directory]]
//! id = "unix"
//! kind = "ldap-plain"                    # OpenLDAP and other plain LDAP servers
//! url = "ldaps://ldap.example.test"      # one; connection, sign-in and pace as for "ldap"
//! base = "dc=example,dc=test"
//! bind_dn = "uid=svc-identity-reset,ou=services,dc=example,dc=test"
//! default_policy = "cn=default,ou=policies,dc=example,dc=test"
//! privileged_groups = ["cn=admins,ou=groups,dc=example,dc=test"]   # or nobody_is_privileged = true
//!
//! [[directory]]
//! id = "cloud"
//! kind = "entra"                         # Microsoft Entra ID
//! tenant = "contoso.example"             # its id, or a verified domain
//! client_id = "00000000-0000-4000-8000-000000000001"
//! client_secret_file = "secrets/entra"   # or client_secret_env; without any of these it is asked for
//! # client_certificate_file, federated_token_file or managed_identity = true in its place
//! share = 0.9                            # optional: the part of Microsoft's quotas that a run uses
//!
//! [[directory]]
//! id = "org"
//! kind = "okta"
//! url = "https://acme.okta.example"      # the org, or its custom domain
//! client_id = "0oa1b2c3d4e5f6g7h8i9"     # a service app; without it an API token signs in
//! private_key_file = "secrets/okta.pem"  # PEM or JSON Web Key; or, in place of both,
//!                                        # api_token_file or api_token_env
//! dpop = true                            # optional: proofs of possession, as new apps need them
//! share = 0.5                            # optional: the part of each of the org's rate limits that a
//!                                        # run uses. Without okta.principalRateLimits.read it is the
//!                                        # part of the caller's own: the default is then a quarter of
//!                                        # the org's, where the caller has half
//! ```
//!
//! Further keys of kind `entra`, all of them optional: `cloud` (`global`, `us-gov-l4`, `us-gov-l5`,
//! `china`), `login_url`, `graph_url` and `identity_url` (other addresses; plain http only to
//! loopback), `ca_file` (trusted besides the system's roots), `proxy_from_environment`, `in_flight`
//! (requests under way, 1 to 64), `sign_in_times` (read when accounts last signed in; slow),
//! `tenant_size` (`small`, `medium`, `large`: fewer than 50 users, up to 500, more) and
//! `privileged_roles_file` (a TOML file that changes which roles count as privileged).
//!
//! Further keys of kind `okta`, all of them optional: `key_id` (of the app's key, where it has
//! several), `scopes` (asked for instead of all that a run needs), `ca_file`,
//! `proxy_from_environment`, `in_flight` (requests under way, 1 to 75), `deprovisioned` (list
//! deactivated users too), `object_guid_attribute`, `security_id_attribute` and
//! `principal_name_attribute` (profile attributes that join users with Active Directory),
//! `privileged_roles_file` and `mail_behind_okta` (mail domains whose mailboxes are opened through
//! Okta itself). With a service app nobody is protected who is not named under `protected`: an app is
//! no account, unlike the owner of an API token.
//!
//! Further keys of kind `ldap`, all of them optional: `starttls` (with an `ldap://` url), `in_flight`
//! (operations under way, 1 to 256), `connections` (1 to 16), `writes_per_second` (a quota on changes)
//! and `share` (the part of that quota that a run uses: above 0, at most 1).
//!
//! Further keys of kind `ldap-plain`, all of them optional: `accounts` and `services` (filters: which
//! entries are accounts, and which of those are of programs), `name_attribute` (of the sign-in name),
//! `privileged_accounts`, `management_groups` (of tier 1), `covered_references` (urls of parts that
//! other directories of the file cover) and `password_by` (`operation` or `modify`).
//!
//! Secrets come from a file, an environment variable or a prompt; there is no key to write one
//! into the file. Paths are relative to the file. Every fault is one error that names the file,
//! the directory and the key, found before anything is connected.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use identity_core::account::DirectoryId;
use identity_core::directory::{Backend, DirectoryInfo};
use identity_core::error::{Error, ErrorKind, Result};
use secrecy::SecretString;
use serde::Deserialize;
use toml::Spanned;

use ready::{Domains, Ready};

/// The directories of one file, checked and not connected yet.
#[derive(Clone, Debug)]
pub struct Directories {
    path: PathBuf,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    id: DirectoryId,
    protected: Vec<String>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    #[cfg(feature = "ldap")]
    Ldap(ldap::Settings),
    #[cfg(feature = "ldap")]
    LdapPlain(plain::Settings),
    #[cfg(feature = "entra")]
    Entra(entra::Settings),
    #[cfg(feature = "okta")]
    Okta(okta::Settings),
}

/// Asks a person for a secret; the argument says which.
pub type Ask<'a> = &'a (dyn Fn(&str) -> std::io::Result<SecretString> + Send + Sync);

impl Directories {
    /// Reads and checks a file; nothing is connected.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] that names the file, the directory and the key: unknown or
    /// missing keys, a missing file, an id that is used twice, a kind that this build does not have.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|fault| {
            invalid(path, &format!("cannot be read: {fault}")).with_advice("name a directories.toml that exists")
        })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[serde(default)]
            directory: Vec<Spanned<toml::Table>>,
        }
        let file: File = toml::from_str(text).map_err(|fault| {
            let line = fault.span().map_or_else(String::new, |span| format!("line {}: ", line_of(text, span.start)));
            invalid(path, &format!("{line}{}", fault.message()))
        })?;
        if file.directory.is_empty() {
            return Err(invalid(path, "it names no [[directory]]"));
        }
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        let mut entries: Vec<Entry> = Vec::new();
        for table in file.directory {
            let place = format!("[[directory]] at line {}", line_of(text, table.span().start));
            let entry =
                entry(folder, table.into_inner()).map_err(|detail| invalid(path, &format!("{place}: {detail}")))?;
            if entries.iter().any(|other| other.id == entry.id) {
                return Err(invalid(path, &format!("{place}: id {} is used twice", entry.id)));
            }
            entries.push(entry);
        }
        Ok(Self { path: path.to_owned(), entries })
    }

    /// The accounts that the file protects, by directory, as they are written there.
    pub fn protected(&self) -> impl Iterator<Item = (&DirectoryId, &str)> {
        self.entries.iter().flat_map(|entry| entry.protected.iter().map(move |account| (&entry.id, account.as_str())))
    }

    /// The ids of the directories, in the order of the file.
    pub fn ids(&self) -> impl Iterator<Item = &DirectoryId> {
        self.entries.iter().map(|entry| &entry.id)
    }

    /// Connects every directory; secrets come from files and environment variables only.
    ///
    /// # Errors
    /// As [`connect_asking`](Self::connect_asking); a secret that would have to be asked for is
    /// [`ErrorKind::ConfigInvalid`].
    pub async fn connect(&self) -> Result<Vec<Arc<dyn Backend>>> {
        self.connect_asking(&|_| Err(std::io::Error::other("there is nobody to ask"))).await
    }

    /// Connects every directory, asking a person for the secrets that neither a file nor an
    /// environment variable gives.
    ///
    /// # Errors
    /// When a secret cannot be had (before any is connected), a directory cannot be reached, its certificate is not
    /// trusted, or signing in fails. Signing in is tried once: repeated failures lock the
    /// account.
    pub async fn connect_asking(&self, ask: Ask<'_>) -> Result<Vec<Arc<dyn Backend>>> {
        let mut backends: Vec<Arc<dyn Backend>> = Vec::new();
        let mut domains = Domains::default();
        for ready in self.ready(ask)? {
            backends.push(ready.sign_in(&mut domains).await?);
        }
        domains.know_each_other();
        Ok(backends)
    }

    /// Connects every directory that can be reached, as of [`connect_asking`](Self::connect_asking), and
    /// says of each of the others why not: for what is taken of one whether or not another answers, such as
    /// an inventory. In the order of the file.
    ///
    /// # Errors
    /// When a secret cannot be had: before any is connected.
    pub async fn connect_each_asking(&self, ask: Ask<'_>) -> Result<Vec<(DirectoryInfo, Result<Arc<dyn Backend>>)>> {
        let mut reached = Vec::new();
        let mut domains = Domains::default();
        for ready in self.ready(ask)? {
            let info = DirectoryInfo::new(ready.id().clone(), ready.kind(), "");
            let backend = ready.sign_in(&mut domains).await;
            let info = backend.as_ref().map_or(info, |backend| backend.info().clone());
            reached.push((info, backend));
        }
        domains.know_each_other();
        Ok(reached)
    }

    /// The secrets of all directories, before the first one is signed in to: nobody is asked for one in the
    /// middle, and one that is missing leaves nothing half connected.
    fn ready(&self, ask: Ask<'_>) -> Result<Vec<Ready<'_>>> {
        self.entries.iter().map(|entry| Ready::of(&self.path, entry, ask)).collect()
    }

    /// Connects one directory of kind `ldap`, for what is particular to Active Directory: the one
    /// with this id, or the only one.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when there is none, or several and no id says which; otherwise as
    /// [`connect_asking`](Self::connect_asking).
    #[cfg(feature = "ldap")]
    pub async fn connect_ldap(&self, id: Option<&str>, ask: Ask<'_>) -> Result<Arc<backend_ldap::LdapDirectory>> {
        let (id, settings) = self.one(id, |kind| match kind {
            Kind::Ldap(settings) => Some(settings),
            _ => None,
        })?;
        settings.connect(&self.path, id, ask).await
    }

    /// Connects one directory of kind `entra`, for what is particular to Microsoft Entra ID: the one
    /// with this id, or the only one.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when there is none, or several and no id says which; otherwise as
    /// [`connect_asking`](Self::connect_asking).
    #[cfg(feature = "entra")]
    pub async fn connect_entra(&self, id: Option<&str>, ask: Ask<'_>) -> Result<Arc<backend_entra::EntraDirectory>> {
        let (id, settings) = self.one(id, |kind| match kind {
            Kind::Entra(settings) => Some(settings),
            #[cfg(any(feature = "ldap", feature = "okta"))]
            _ => None,
        })?;
        settings.connect(&self.path, id, ask).await
    }

    /// Connects one directory of kind `okta`, for what is particular to Okta: the one with this id,
    /// or the only one.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when there is none, or several and no id says which; otherwise as
    /// [`connect_asking`](Self::connect_asking).
    #[cfg(feature = "okta")]
    pub async fn connect_okta(&self, id: Option<&str>, ask: Ask<'_>) -> Result<Arc<backend_okta::OktaDirectory>> {
        let (id, settings) = self.one(id, |kind| match kind {
            Kind::Okta(settings) => Some(settings),
            #[cfg(any(feature = "entra", feature = "ldap"))]
            _ => None,
        })?;
        settings.connect(&self.path, id, ask).await
    }

    /// The one directory of a kind, with this id where one is given.
    fn one<'a, T>(
        &'a self,
        id: Option<&str>,
        of: impl Fn(&'a Kind) -> Option<&'a T>,
    ) -> Result<(&'a DirectoryId, &'a T)> {
        let mut fitting = self
            .entries
            .iter()
            .filter(|entry| id.is_none_or(|id| entry.id.as_str() == id))
            .filter_map(|entry| of(&entry.kind).map(|settings| (&entry.id, settings)));
        match (fitting.next(), fitting.next()) {
            (Some(found), None) => Ok(found),
            _ => Err(Error::new(ErrorKind::InputInvalid, "choose a directory")
                .with_detail(format!("{} does not name exactly one such directory", self.path.display()))
                .with_advice("say which by its id")),
        }
    }
}

fn entry(folder: &Path, mut table: toml::Table) -> Result<Entry, String> {
    let mut text = |key: &str| match table.remove(key) {
        Some(toml::Value::String(text)) => Ok(text),
        Some(_) => Err(format!("`{key}` must be a text")),
        None => Err(format!("`{key}` is missing")),
    };
    let id = DirectoryId::new(text("id")?).map_err(|fault| format!("`id`: {fault}"))?;
    let kind = text("kind")?;
    let protected = match table.remove("protected") {
        None => Vec::new(),
        Some(value) => {
            Vec::<String>::deserialize(value).map_err(|_| "`protected` must be a list of texts".to_owned())?
        }
    };
    let kind = match kind.as_str() {
        #[cfg(feature = "ldap")]
        "ldap" => Kind::Ldap(ldap::Settings::read(folder, table).map_err(|detail| format!("({id}) {detail}"))?),
        #[cfg(feature = "ldap")]
        "ldap-plain" => {
            Kind::LdapPlain(plain::Settings::read(folder, table).map_err(|detail| format!("({id}) {detail}"))?)
        }
        #[cfg(feature = "entra")]
        "entra" => Kind::Entra(entra::Settings::read(folder, table).map_err(|detail| format!("({id}) {detail}"))?),
        #[cfg(feature = "okta")]
        "okta" => Kind::Okta(okta::Settings::read(folder, table).map_err(|detail| format!("({id}) {detail}"))?),
        other => {
            return Err(format!("({id}) `kind` {other:?} is not one of this build: {}", KINDS.join(", ")));
        }
    };
    Ok(Entry { id, protected, kind })
}

const KINDS: &[&str] = &[
    #[cfg(feature = "ldap")]
    "ldap",
    #[cfg(feature = "ldap")]
    "ldap-plain",
    #[cfg(feature = "entra")]
    "entra",
    #[cfg(feature = "okta")]
    "okta",
];

fn invalid(path: &Path, detail: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "read the directories file")
        .with_detail(format!("{}: {detail}", path.display()))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(feature = "entra")]
mod entra;
#[cfg(feature = "ldap")]
mod ldap;
#[cfg(feature = "okta")]
mod okta;
#[cfg(feature = "ldap")]
mod plain;
mod ready;
mod secret;

#[cfg(all(test, feature = "ldap"))]
mod tests;
