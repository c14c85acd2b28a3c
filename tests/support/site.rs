//! The real controller that the environment names.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use futures::TryStreamExt;
use identity_reset::account::{Account, AccountId, DirectoryId};
use identity_reset::directory::{AccountEnumerator, AccountQuery, RateLimitedBatching, Scope};
use identity_reset::ldap::{LdapConfig, LdapDirectory};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use testkit::conformance::SignIn;
use testkit::organisation::{Organisation, special};

pub(crate) const PREFIX: &str = "IDENTITY_RESET_TEST_";

/// Where the real controller is, and what was loaded into it.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) base: String,
    pub(crate) bind_dn: String,
    pub(crate) password: String,
    pub(crate) ca_file: String,
    pub(crate) organisation: Organisation,
}

/// Says aloud that a test did not run. Not by a macro: the test harness would swallow it.
pub(crate) fn not_run(test: &str, why: &str) {
    let _ = std::io::stderr().write_all(format!("!!! NOT RUN: {test}: {why}\n").as_bytes());
}

impl Site {
    /// The controller that the environment names; `None`, said aloud, if it names none.
    pub(crate) fn find(test: &str) -> Option<Self> {
        let variable = |name: &str| std::env::var(format!("{PREFIX}{name}")).ok();
        let number = |name: &str, otherwise: u64| {
            variable(name)
                .map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{PREFIX}{name} is {text:?}")))
        };
        let found = || {
            let base = variable("LDAP_BASE")?;
            let domain = base.to_lowercase().replace("dc=", "").replace(',', ".");
            Some(Self {
                url: variable("LDAP_URL")?,
                bind_dn: variable("LDAP_BIND_DN")?,
                password: variable("LDAP_BIND_PASSWORD")?,
                ca_file: variable("LDAP_CA_FILE")?,
                organisation: Organisation::new(number("SEED", 1), number("ACCOUNTS", 1_000)).with_domain(domain),
                base,
            })
        };
        let site = found();
        if site.is_none() {
            let names = "LDAP_URL, _BASE, _BIND_DN, _BIND_PASSWORD and _CA_FILE";
            not_run(test, &format!("it needs a real controller: set {PREFIX}{names} (testkit/samba/dc env)"));
        }
        site
    }

    /// The break-glass accounts.
    pub(crate) fn protected(&self) -> [String; 2] {
        [special::BREAK_GLASS_1, special::BREAK_GLASS_2].map(|index| self.organisation.account(index).dn(&self.base))
    }

    /// The backend, connected.
    pub(crate) async fn directory(&self) -> Arc<LdapDirectory> {
        let config = LdapConfig::new(DirectoryId::new("corp").expect("an id"), &self.url)
            .bind(&self.bind_dn, self.password.clone().into())
            .ca_file(&self.ca_file);
        LdapDirectory::connect(config).await.expect("the controller takes us")
    }

    /// A plain client, signed in as nobody yet.
    async fn client(&self) -> Ldap {
        let pem = std::fs::read(&self.ca_file).expect("the authority");
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate.expect("PEM")).expect("a certificate");
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

    /// Signs in as an account, as its owner would: what the controller really accepts.
    ///
    /// The hexadecimal data of a refusal tells a right password from a wrong one: 773 must be
    /// changed first, 533 disabled, 775 locked out, 701 expired; a wrong one is 52e.
    pub(crate) async fn sign_in(&self, dn: &str, password: &str) -> (SignIn, String) {
        let mut client = self.client().await;
        let result = client.simple_bind(dn, password).await.expect("an answer");
        let _ = client.unbind().await;
        let came = match result.rc {
            0 => SignIn::Accepted,
            49 if result.text.contains("data 773") => SignIn::MustChange,
            49 => SignIn::Refused,
            code => panic!("signing in as {dn} ended with {code}: {}", result.text),
        };
        (came, result.text)
    }
}

/// Every account as the controller shows it now.
pub(crate) async fn snapshot(directory: &LdapDirectory) -> BTreeMap<AccountId, Account> {
    let everyone: Vec<Account> =
        directory.accounts(&AccountQuery::of(Scope::Everyone)).try_collect().await.expect("a whole listing");
    let ids: Vec<AccountId> = everyone.into_iter().map(|account| account.id).collect();
    let mut found = BTreeMap::new();
    // Only a lookup brings the versions of passwords.
    for chunk in ids.chunks(directory.limits().max_batch.get() as usize) {
        let accounts = directory.lookup(chunk).await.expect("the controller reads");
        found.extend(accounts.into_iter().flatten().map(|account| (account.id.clone(), account)));
    }
    found
}
