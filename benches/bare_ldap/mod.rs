//! The mock directory, our backend on it, and connections of the bare client library to it: the
//! same TLS, the same sign-in, the same number of connections and operations in flight.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::sync::Arc;

use futures::TryStreamExt;
use futures::stream::{self, StreamExt};
use identity_reset::account::DirectoryId;
use identity_reset::ldap::{LdapConfig, LdapDirectory};
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Mod, Scope, SearchEntry};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use testkit::mock_ad::MockAd;

/// What [`LdapConfig::new`] begins with.
pub(crate) const CONNECTIONS: usize = 2;
pub(crate) const IN_FLIGHT: usize = 16;
/// A page of ours is as large.
pub(crate) const PAGE: i32 = 500;

/// Our backend.
pub(crate) async fn ours(mock: &MockAd, in_flight: usize) -> anyhow::Result<Arc<LdapDirectory>> {
    let config = LdapConfig::new(DirectoryId::new("corp")?, mock.url())
        .ca_pem(mock.ca_pem())
        .bind(mock.bind_dn(), mock.bind_password().into())
        .in_flight(u32::try_from(in_flight)?);
    Ok(LdapDirectory::connect(config).await?)
}

/// Connections of the bare library.
#[derive(Clone)]
pub(crate) struct Bare(Vec<Ldap>);

impl Bare {
    pub(crate) async fn connect(mock: &MockAd) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(mock.ca_pem().as_bytes()) {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tls = Arc::new(tls);
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let settings = LdapConnSettings::new().set_config(Arc::clone(&tls));
            let (transport, mut ldap) = LdapConnAsync::with_settings(settings, &mock.url()).await?;
            tokio::spawn(transport.drive());
            ldap.simple_bind(&mock.bind_dn(), &mock.bind_password()).await?.success()?;
            connections.push(ldap);
        }
        Ok(Self(connections))
    }

    /// One of the connections.
    pub(crate) fn one(&self, turn: usize) -> anyhow::Result<Ldap> {
        self.0.get(turn % CONNECTIONS).cloned().ok_or_else(|| anyhow::anyhow!("no connection"))
    }

    /// Sets passwords with must-change, this many in flight.
    pub(crate) async fn set_passwords(&self, names: &[String], password: &str, in_flight: usize) -> anyhow::Result<()> {
        let quoted: Vec<u8> = format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
        stream::iter(names.iter().enumerate().map(Ok))
            .try_for_each_concurrent(in_flight, |(turn, name)| {
                let quoted = quoted.clone();
                async move {
                    let steps = vec![
                        Mod::Replace(b"unicodePwd".to_vec(), [quoted].into()),
                        Mod::Replace(b"pwdLastSet".to_vec(), [b"0".to_vec()].into()),
                    ];
                    self.one(turn)?.modify(name, steps).await?.success()?;
                    Ok(())
                }
            })
            .await
    }

    /// Lists what a filter finds, page by page; gives the number of entries.
    pub(crate) async fn list(
        &self,
        base: &str,
        filter: &str,
        attributes: &[&'static str],
        descriptors: bool,
    ) -> anyhow::Result<u64> {
        let mut ldap = self.one(0)?;
        if descriptors {
            // The access list only (MS-ADTS 3.1.1.3.4.1.11): a sequence of the integer 4.
            let flags = vec![0x30, 3, 2, 1, 4];
            let control = RawControl { ctype: "1.2.840.113556.1.4.801".into(), crit: false, val: Some(flags) };
            ldap.with_controls(control);
        }
        let adapters: Vec<Box<dyn Adapter<'_, _, _>>> =
            vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(PAGE))];
        let mut found = ldap.streaming_search_with(adapters, base, Scope::Subtree, filter, attributes.to_vec()).await?;
        let mut count = 0;
        while let Some(entry) = found.next().await? {
            std::hint::black_box(SearchEntry::construct(entry));
            count += 1;
        }
        found.finish().await.success()?;
        Ok(count)
    }

    /// Reads the members of these groups, this many at once; gives the number of members.
    pub(crate) async fn members(&self, groups: &[String], at_once: usize) -> anyhow::Result<usize> {
        let reads = stream::iter(groups.iter().enumerate()).map(|(turn, name)| async move {
            let mut ldap = self.one(turn)?;
            // Names with their GUID and SID (MS-ADTS 3.1.1.3.4.1.5).
            ldap.with_controls(RawControl {
                ctype: "1.2.840.113556.1.4.529".into(),
                crit: false,
                val: Some(vec![0x30, 3, 2, 1, 1]),
            });
            let attributes = vec!["objectGUID", "member"];
            let (entries, _) = ldap.search(name, Scope::Base, "(objectClass=*)", attributes).await?.success()?;
            let members = entries.into_iter().map(SearchEntry::construct);
            Ok::<_, anyhow::Error>(
                members.flat_map(|entry| entry.attrs.into_values()).map(|values| values.len()).sum::<usize>(),
            )
        });
        reads.buffer_unordered(at_once).try_fold(0, |sum, count| async move { Ok(sum + count) }).await
    }
}
