//! Certificates are checked, and an authority of one's own can be added.

use std::sync::Arc;

use bytes::Bytes;
use identity_core::error::ErrorKind;
use identity_core::http::{HttpTransport, Transport, TransportFault, TransportSettings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

#[tokio::test]
async fn an_authority_is_trusted_when_its_file_is_given_and_not_before() {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let (acceptor, listener) =
        (TlsAcceptor::from(Arc::new(config)), TcpListener::bind(("127.0.0.1", 0)).await.unwrap());
    let address = format!("https://{}/", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _request = stream.read(&mut [0; 4096]).await;
            let _sent = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let request = || http::Request::get(&address).body(Bytes::new()).unwrap();

    let fault = HttpTransport::new(&TransportSettings::default()).unwrap().send(request()).await.unwrap_err();
    assert!(matches!(&fault, TransportFault::NotSent(text) if text.contains("certificate")), "{fault}");
    let trusting = HttpTransport::new(&TransportSettings::default().with_ca_file(&file)).unwrap();
    assert_eq!(trusting.send(request()).await.unwrap().status(), 204);
    serving.abort();
}

#[test]
fn a_file_without_certificates_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.pem");
    for text in ["", "not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&file, text).unwrap();
        let error = HttpTransport::new(&TransportSettings::default().with_ca_file(&file)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid, "{text}");
    }
}
