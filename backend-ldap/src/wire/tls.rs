//! TLS: whose certificates are believed, and clear words where one is not.

use std::io;
use std::sync::Arc;

use identity_core::error::{Error, ErrorKind, Result};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use rustls_platform_verifier::BuilderVerifierExt;

use crate::config::{LdapConfig, Trust};

/// A TLS configuration that verifies certificates against the configured trust. The provider is
/// named, so that other parts of a program that enable another one cannot change it.
///
/// # Errors
/// [`ErrorKind::ConfigInvalid`], naming the file.
pub(crate) fn client_config(config: &LdapConfig) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(config, "TLS cannot be set up".to_owned(), error))?;
    let config = match &config.trust {
        Trust::System => builder
            .with_platform_verifier()
            .map_err(|error| wrong(config, "the operating system's certificates cannot be loaded".to_owned(), error))?
            .with_no_client_auth(),
        Trust::File(path) => {
            let pem = std::fs::read(path)
                .map_err(|error| wrong(config, format!("ca_file {} cannot be read: {error}", path.display()), error))?;
            builder.with_root_certificates(roots(config, &pem)?).with_no_client_auth()
        }
        Trust::Pem(pem) => builder.with_root_certificates(roots(config, pem)?).with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn roots(config: &LdapConfig, pem: &[u8]) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate
            .map_err(|error| wrong(config, format!("{} is not well-formed PEM", trust_name(&config.trust)), error))?;
        store.add(certificate).map_err(|error| {
            wrong(config, format!("{} holds a certificate that cannot be used", trust_name(&config.trust)), error)
        })?;
    }
    if store.is_empty() {
        return Err(Error::new(ErrorKind::ConfigInvalid, "configure")
            .with_directory(config.directory.clone())
            .with_detail(format!("{} holds no certificate", trust_name(&config.trust)))
            .with_advice("give the PEM certificate of the authority that signed the controller's certificate"));
    }
    Ok(store)
}

/// What to say when the connection failed because of TLS; `None` if it failed for another reason.
pub(crate) fn explain(config: &LdapConfig, host: &str, error: &io::Error) -> Option<Error> {
    let fault = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let trust = trust_name(&config.trust);
    let (detail, advice) = match fault {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => (
                format!("the certificate of {host} is not signed by {trust}"),
                "set ca_file to the PEM certificate of the authority that signed it (its root, not the controller's own)"
                    .to_owned(),
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
                format!("the certificate of {host} is for another name: {certificate}"),
                "use a name from the certificate in the url, or give the controller a certificate with that name as subject alternative name".to_owned(),
            ),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
                format!("the certificate of {host} has expired"),
                "renew the controller's certificate; check the clock of this machine".to_owned(),
            ),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
                format!("the certificate of {host} is not valid yet"),
                "check the clock of this machine".to_owned(),
            ),
            other => (
                format!("the certificate of {host} was not accepted with {trust}: {other}"),
                "check ca_file and the controller's certificate".to_owned(),
            ),
        },
        other => (
            format!("TLS with {host} failed: {other}"),
            "check that the port speaks LDAPS (usually 636) with TLS 1.2 or later".to_owned(),
        ),
    };
    let kind = match fault {
        rustls::Error::InvalidCertificate(_) => ErrorKind::ConfigInvalid,
        _ => ErrorKind::Transport,
    };
    Some(
        Error::new(kind, "connect")
            .with_directory(config.directory.clone())
            .with_detail(detail)
            .with_advice(advice)
            .with_source(fault.clone()),
    )
}

fn trust_name(trust: &Trust) -> String {
    match trust {
        Trust::System => "an authority that this system trusts (no ca_file is set)".to_owned(),
        Trust::File(path) => format!("ca_file {}", path.display()),
        Trust::Pem(_) => "the given ca_pem".to_owned(),
    }
}

fn wrong(config: &LdapConfig, detail: String, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "configure")
        .with_directory(config.directory.clone())
        .with_detail(detail)
        .with_advice("check ca_file: PEM, readable by this program")
        .with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity_core::account::DirectoryId;

    fn config() -> LdapConfig {
        LdapConfig::new(DirectoryId::new("corp").expect("id"), "ldaps://h")
    }

    #[test]
    fn a_wrong_ca_file_is_named() {
        let missing = client_config(&config().ca_file("no/such/ca.pem")).expect_err("missing");
        assert_eq!(missing.kind(), ErrorKind::ConfigInvalid);
        assert!(missing.detail().contains("no/such/ca.pem"), "{missing}");
        let empty = client_config(&config().ca_pem(b"nothing here".to_vec())).expect_err("empty");
        assert!(empty.detail().contains("no certificate"), "{empty}");
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
        assert_eq!(client_config(&config().ca_pem(broken)).expect_err("broken").kind(), ErrorKind::ConfigInvalid);
    }

    #[test]
    fn an_unknown_issuer_names_the_file_and_the_remedy() {
        let fault = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let error = io::Error::new(io::ErrorKind::InvalidData, fault);
        let error = explain(&config().ca_file("wrong.pem"), "dc1", &error).expect("TLS");
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert!(error.detail().contains("wrong.pem") && error.detail().contains("dc1"), "{error}");
        assert!(error.advice().is_some_and(|advice| advice.contains("ca_file")));
        assert!(explain(&config(), "dc1", &io::Error::other("cable")).is_none());
    }
}
