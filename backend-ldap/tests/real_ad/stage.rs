//! A unit of its own on the real controller, made and removed by a plain LDAP client.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backend_ldap::{LdapConfig, LdapDirectory};
use futures::TryStreamExt;
use identity_core::account::{Account, DirectoryId};
use identity_core::directory::{AccountEnumerator, AccountQuery, Scope};
use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Mod, SearchEntry};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

const PREFIX: &str = "IDENTITY_RESET_TEST_LDAP_";
/// LDAP_SERVER_TREE_DELETE_OID.
const TREE_DELETE: &str = "1.2.840.113556.1.4.805";

/// Where the real controller is.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) bind_dn: String,
    pub(crate) password: String,
    pub(crate) ca_file: String,
}

/// A unit on the controller, and a plain client signed in as administrator.
pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) admin: Ldap,
    pub(crate) domain: String,
    pub(crate) unit: String,
    pub(crate) tag: String,
}

impl Site {
    /// The controller that the environment names; `None`, said loudly, if it names none.
    pub(crate) fn find(test: &str) -> Option<Self> {
        let variable = |name: &str| std::env::var(format!("{PREFIX}{name}"));
        match (variable("URL"), variable("BIND_DN"), variable("BIND_PASSWORD"), variable("CA_FILE")) {
            (Ok(url), Ok(bind_dn), Ok(password), Ok(ca_file)) => Some(Self { url, bind_dn, password, ca_file }),
            _ => {
                // Not by a macro: the test harness would swallow it.
                let line = format!(
                    "NOT RUN: {test}: needs a real controller, set {PREFIX}URL, _BIND_DN, _BIND_PASSWORD and _CA_FILE\n"
                );
                let _ = std::io::stderr().write_all(line.as_bytes());
                None
            }
        }
    }

    pub(crate) fn config(&self) -> LdapConfig {
        LdapConfig::new(DirectoryId::new("corp").expect("id"), &self.url)
            .bind(&self.bind_dn, self.password.clone().into())
            .ca_file(&self.ca_file)
    }

    /// A plain client, signed in as nobody yet.
    pub(crate) async fn client(&self) -> Ldap {
        let pem = std::fs::read(&self.ca_file).expect("ca_file");
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate.expect("pem")).expect("certificate");
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let settings = LdapConnSettings::new().set_config(Arc::new(tls));
        let (connection, ldap) =
            LdapConnAsync::with_settings(settings, &self.url).await.expect("the controller answers");
        tokio::spawn(connection.drive());
        ldap
    }

    /// The result code and text of a sign-in.
    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> (u32, String) {
        let result = self.client().await.simple_bind(name, password).await.expect("an answer");
        (result.rc, result.text)
    }
}

impl Stage {
    /// A unit of its own; `None` without a real controller.
    pub(crate) async fn set(test: &str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let site = Site::find(test)?;
        let mut admin = site.client().await;
        admin.simple_bind(&site.bind_dn, &site.password).await.expect("answer").success().expect("signed in");
        let root = search(&mut admin, "", ldap3::Scope::Base, "(objectClass=*)", &["defaultNamingContext"]).await;
        let domain = root[0].attrs["defaultNamingContext"][0].clone();
        let tag = format!("t{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let unit = format!("OU={tag},{domain}");
        let mut stage = Self { site, admin, domain, unit, tag };
        stage.add(&stage.unit.clone(), &[("objectClass", "organizationalUnit")]).await;
        Some(stage)
    }

    pub(crate) async fn directory(&self) -> Arc<LdapDirectory> {
        LdapDirectory::connect(self.site.config().deadline(Duration::from_secs(20))).await.expect("connects")
    }

    pub(crate) async fn add(&mut self, dn: &str, attributes: &[(&str, &str)]) {
        let attributes = attributes
            .iter()
            .map(|(name, value)| (name.as_bytes().to_vec(), HashSet::from([value.as_bytes().to_vec()])))
            .collect();
        self.admin
            .add(dn, attributes)
            .await
            .expect("answer")
            .success()
            .unwrap_or_else(|error| panic!("add {dn}: {error}"));
    }

    /// A user with further attributes; enabled, with a password.
    pub(crate) async fn user(&mut self, name: &str, password: &str, attributes: &[(&str, &str)]) -> String {
        let (dn, account) = (format!("CN={name},{}", self.unit), self.name(name));
        let quoted = utf16(password);
        let mut all: Vec<(Vec<u8>, HashSet<Vec<u8>>)> = [("objectClass", "user"), ("sAMAccountName", &account)]
            .iter()
            .chain(attributes)
            .map(|(name, value)| (name.as_bytes().to_vec(), HashSet::from([value.as_bytes().to_vec()])))
            .collect();
        if !attributes.iter().any(|(name, _)| *name == "userAccountControl") {
            all.push((b"userAccountControl".to_vec(), HashSet::from([b"512".to_vec()])));
        }
        all.push((b"unicodePwd".to_vec(), HashSet::from([quoted])));
        self.admin.add(&dn, all).await.expect("answer").success().unwrap_or_else(|error| panic!("add {dn}: {error}"));
        dn
    }

    pub(crate) async fn group(&mut self, name: &str, members: &[&str]) -> String {
        let dn = format!("CN={},{}", ldap3::dn_escape(name), self.unit);
        let account = self.name(&name.replace([',', '(', ')', ' '], ""));
        self.add(&dn, &[("objectClass", "group"), ("sAMAccountName", &account)]).await;
        for member in members {
            self.join(&dn, member).await;
        }
        dn
    }

    pub(crate) async fn join(&mut self, group: &str, member: &str) {
        self.modify(group, Mod::Add(b"member".to_vec(), HashSet::from([member.as_bytes().to_vec()]))).await;
    }

    pub(crate) async fn replace(&mut self, dn: &str, attribute: &str, value: &str) {
        let value = HashSet::from([value.as_bytes().to_vec()]);
        self.modify(dn, Mod::Replace(attribute.as_bytes().to_vec(), value)).await;
    }

    async fn modify(&mut self, dn: &str, step: Mod<Vec<u8>>) {
        self.admin
            .modify(dn, vec![step])
            .await
            .expect("answer")
            .success()
            .unwrap_or_else(|error| panic!("modify {dn}: {error}"));
    }

    /// The sign-in name of a user that was made by its short name here.
    pub(crate) fn name(&self, short: &str) -> String {
        format!("{}{short}", self.tag)
    }

    /// The accounts of the unit as the backend sees them, by short name.
    pub(crate) async fn account(&self, directory: &LdapDirectory, short: &str) -> Account {
        let accounts = collect(directory, Scope::Unit(self.unit.clone())).await;
        accounts.into_iter().find(|account| account.name == self.name(short)).expect("in the unit")
    }

    /// Removes the unit.
    pub(crate) async fn strike(mut self) {
        let control = RawControl { ctype: TREE_DELETE.to_owned(), crit: true, val: None };
        let result = self.admin.with_controls(vec![control]).delete(&self.unit).await.expect("answer");
        assert_eq!(result.rc, 0, "{}", result.text);
    }
}

pub(crate) async fn collect(directory: &LdapDirectory, scope: Scope) -> Vec<Account> {
    directory.accounts(&AccountQuery::of(scope)).try_collect().await.expect("a whole listing")
}

pub(crate) async fn search(
    ldap: &mut Ldap,
    base: &str,
    scope: ldap3::Scope,
    filter: &str,
    attributes: &[&str],
) -> Vec<SearchEntry> {
    let (entries, _) = ldap.search(base, scope, filter, attributes).await.expect("answer").success().expect("found");
    entries.into_iter().filter(|entry| !entry.is_ref()).map(SearchEntry::construct).collect()
}

pub(crate) fn utf16(password: &str) -> Vec<u8> {
    format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect()
}
