//! Every way to sign in, and what a refusal says.

use std::io::Write as _;

use backend_entra::{EntraConfig, EntraDirectory};
use identity_core::directory::{Directory as _, Severity};
use identity_core::error::ErrorKind;
use testkit::mock_graph::{MockGraph, PERMISSIONS};

use crate::stage::{config, of, reaching};

async fn started() -> MockGraph {
    of(20).start().await.unwrap()
}

async fn refused(config: EntraConfig) -> identity_core::error::Error {
    EntraDirectory::connect(config).await.unwrap_err()
}

/// An RSA key with its certificate: the PEM of both, and the certificate as DER.
fn certificate() -> (String, Vec<u8>) {
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["app".into()]).unwrap().self_signed(&key).unwrap();
    (format!("{}{}", certificate.pem(), key.serialize_pem()), certificate.der().to_vec())
}

#[tokio::test]
async fn a_wrong_secret_is_tried_once_and_never_again() {
    let mock = started().await;
    let client = mock.client_id().to_string();
    let error = refused(reaching(&mock).client_secret(client, "planted-wrong".into())).await;
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.advice().unwrap().contains("secret is wrong"), "{error}");
    assert!(error.request_id().is_some() && !format!("{error:?}").contains("planted-wrong"));
    assert_eq!((mock.counts().token_requests, mock.counts().requests), (1, 0));
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    let expired = of(20).expired_secret().start().await.unwrap();
    let error = refused(config(&expired)).await;
    assert!(error.advice().unwrap().contains("expired"), "{error}");
    let mock = started().await;
    let other = "00000000-0000-4000-8000-000000000000";
    let error = refused(reaching(&mock).client_secret(other, "x".into())).await;
    assert!(error.advice().unwrap().contains("not in this tenant"), "{error}");
    let elsewhere = EntraConfig::new("cloud".parse().unwrap(), "elsewhere.example.test")
        .login_url(mock.login_url())
        .graph_url(mock.graph_url())
        .client_secret(other, "x".into());
    let error = refused(elsewhere).await;
    assert!(error.advice().unwrap().contains("no such tenant"), "{error}");
}

#[tokio::test]
async fn a_certificate_signs_in_and_one_that_is_not_registered_does_not() {
    let (pem, der) = certificate();
    let mock = of(20).without_secret().certificate(der).start().await.unwrap();
    let client = mock.client_id().to_string();
    let directory = EntraDirectory::connect(reaching(&mock).client_certificate(&client, pem.into())).await.unwrap();
    assert!(!directory.preflight().await.unwrap().is_fatal());
    let (other, _) = certificate();
    let error = refused(reaching(&mock).client_certificate(&client, other.into())).await;
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.advice().unwrap().contains("certificate"), "{error}");
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let asked = mock.counts().token_requests;
    let error = refused(reaching(&mock).client_certificate(client, key.serialize_pem().into())).await;
    assert_eq!((error.kind(), mock.counts().token_requests), (ErrorKind::ConfigInvalid, asked), "{error}");
}

#[tokio::test]
async fn a_federated_token_file_that_is_not_trusted_is_refused_without_showing_it() {
    let mock = started().await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"planted.token.here").unwrap();
    let error = refused(reaching(&mock).federated_token_file(mock.client_id().to_string(), file.path())).await;
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(!format!("{error:?}").contains("planted"), "{error:?}");
    let error = refused(reaching(&mock).federated_token_file(mock.client_id().to_string(), "no/such/file")).await;
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
}

#[tokio::test]
async fn a_managed_identity_signs_in() {
    let mock = started().await;
    let identity = |mock: &MockGraph| {
        let url = format!("{}/metadata/identity/oauth2/token", mock.login_url());
        reaching(mock).identity_url(url).managed_identity(None)
    };
    let directory = EntraDirectory::connect(identity(&mock)).await.unwrap();
    assert!(!directory.preflight().await.unwrap().is_fatal());
    let bare = of(20).without_managed_identity().start().await.unwrap();
    let error = refused(identity(&bare)).await;
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.advice().unwrap().contains("managed identity"), "{error}");
}

#[tokio::test]
async fn an_app_without_any_permission_is_told_before_anything_is_planned() {
    let described = PERMISSIONS.iter().fold(of(20), |described, name| described.without_permission(name));
    let mock = described.start().await.unwrap();
    let directory = EntraDirectory::connect(config(&mock)).await.unwrap();
    let preflight = directory.preflight().await.unwrap();
    let fatal: Vec<_> = preflight.findings.iter().filter(|finding| finding.severity == Severity::Fatal).collect();
    assert!(fatal.len() == 1 && fatal[0].text.contains("no application permission"), "{preflight:?}");
}
