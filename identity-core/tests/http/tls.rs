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

/// A certificate authority of our own, and a server on this machine that it vouches for.
struct Tls {
    acceptor: TlsAcceptor,
    listener: TcpListener,
    folder: tempfile::TempDir,
}

impl Tls {
    async fn new(protocols: &[&[u8]]) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder().with_no_client_auth();
        let mut config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("authority.pem"), authority.pem()).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), listener, folder }
    }

    fn request(&self) -> http::Request<Bytes> {
        let address = format!("https://{}/", self.listener.local_addr().unwrap());
        http::Request::get(address).body(Bytes::new()).unwrap()
    }

    fn trusting(&self) -> HttpTransport {
        let file = self.folder.path().join("authority.pem");
        HttpTransport::new(&TransportSettings::default().with_ca_file(file)).unwrap()
    }

    /// Serves one connection; the protocol that both sides chose.
    async fn serve(&self) -> Option<Vec<u8>> {
        let (stream, _) = self.listener.accept().await.unwrap();
        let mut stream = self.acceptor.accept(stream).await.ok()?;
        let chosen = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        let _request = stream.read(&mut [0; 4096]).await;
        let _sent = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        chosen
    }
}

#[tokio::test]
async fn an_authority_is_trusted_when_its_file_is_given_and_not_before() {
    let tls = Tls::new(&[]).await;
    let distrusting = HttpTransport::new(&TransportSettings::default()).unwrap();
    let (answered, _) = tokio::join!(distrusting.send(tls.request()), tls.serve());
    let fault = answered.unwrap_err();
    assert!(matches!(&fault, TransportFault::NotSent(text) if text.contains("certificate")), "{fault}");
    let trusting = tls.trusting();
    let (answered, _) = tokio::join!(trusting.send(tls.request()), tls.serve());
    assert_eq!(answered.unwrap().status(), 204);
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered() {
    let tls = Tls::new(&[b"h2", b"http/1.1"]).await;
    let trusting = tls.trusting();
    // The server then does not speak it; what it chose is what counts here.
    let (answered, chosen) = tokio::join!(trusting.send(tls.request()), tls.serve());
    assert_eq!(chosen.as_deref(), Some(b"h2".as_slice()));
    assert!(matches!(answered, Err(TransportFault::NoAnswer(_))), "{answered:?}");
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
