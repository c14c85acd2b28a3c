//! An LDAP client for tests of the mock.

use std::collections::HashSet;
use std::sync::Arc;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Mod, Scope, SearchEntry};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use testkit::mock_ad::MockAd;
use tokio::task::JoinHandle;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

pub(crate) struct Client {
    pub(crate) ldap: Ldap,
    pub(crate) driver: JoinHandle<()>,
}

impl Client {
    pub(crate) async fn open(mock: &MockAd) -> Self {
        Self::with(mock, settings(mock)).await
    }

    pub(crate) async fn start_tls(mock: &MockAd) -> Self {
        Self::with(mock, settings(mock).set_starttls(true)).await
    }

    pub(crate) async fn bound(mock: &MockAd) -> Self {
        let mut client = Self::open(mock).await;
        let result = client.ldap.simple_bind(&mock.bind_dn(), &mock.bind_password()).await.unwrap();
        assert_eq!(result.rc, 0, "{}", result.text);
        client
    }

    async fn with(mock: &MockAd, settings: LdapConnSettings) -> Self {
        let (connection, ldap) = LdapConnAsync::with_settings(settings, &mock.url()).await.unwrap();
        let driver = tokio::spawn(async move { drop(connection.drive().await) });
        Self { ldap, driver }
    }

    pub(crate) async fn read(&mut self, dn: &str, attributes: &[&str]) -> SearchEntry {
        let (rows, _) =
            self.ldap.search(dn, Scope::Base, "(objectClass=*)", attributes).await.unwrap().success().unwrap();
        SearchEntry::construct(rows.into_iter().next().unwrap())
    }

    /// The sign-in names that a filter selects, in the order given.
    pub(crate) async fn names(&mut self, base: &str, filter: &str) -> Vec<String> {
        let found = self.ldap.search(base, Scope::Subtree, filter, ["sAMAccountName"]).await.unwrap();
        let (rows, _) = found.success().unwrap();
        rows.into_iter().map(|row| text(&SearchEntry::construct(row), "sAMAccountName")).collect()
    }
}

pub(crate) fn text(entry: &SearchEntry, attribute: &str) -> String {
    entry.attrs.get(attribute).and_then(|values| values.first()).cloned().unwrap_or_default()
}

pub(crate) fn bytes(entry: &SearchEntry, attribute: &str) -> Vec<u8> {
    let text = || entry.attrs.get(attribute)?.first().map(|value| value.clone().into_bytes());
    entry.bin_attrs.get(attribute).and_then(|values| values.first()).cloned().or_else(text).unwrap_or_default()
}

pub(crate) fn quoted(password: &str) -> Vec<u8> {
    format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

pub(crate) async fn set_password(ldap: &mut Ldap, dn: &str, password: &str) -> (u32, String) {
    let mods = vec![Mod::Replace(b"unicodePwd".to_vec(), HashSet::from([quoted(password)]))];
    let result = ldap.modify(dn, mods).await.unwrap();
    (result.rc, result.text)
}

pub(crate) async fn change_password(ldap: &mut Ldap, dn: &str, old: &str, new: &str) -> (u32, String) {
    let mods = vec![
        Mod::Delete(b"unicodePwd".to_vec(), HashSet::from([quoted(old)])),
        Mod::Add(b"unicodePwd".to_vec(), HashSet::from([quoted(new)])),
    ];
    let result = ldap.modify(dn, mods).await.unwrap();
    (result.rc, result.text)
}

fn settings(mock: &MockAd) -> LdapConnSettings {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(mock.ca_pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    LdapConnSettings::new().set_config(Arc::new(config))
}
