//! Proxies that the environment names.

use std::process::Command;

use bytes::Bytes;
use identity_core::http::{HttpTransport, Transport, TransportSettings};

use crate::support::{RawServer, raw};

const SERVER: &str = "IDENTITY_RESET_TEST_SERVER";

/// A managed identity's token and a mock's secrets are asked for over plain http on this machine: no
/// proxy on the network is to see them.
#[tokio::test]
async fn plain_http_never_goes_to_a_proxy() {
    let server = RawServer::start(|_| (raw("200 OK", "", b"{}"), false)).await;
    let proxy = RawServer::start(|_| (raw("200 OK", "", b"{}"), false)).await;
    let base = proxy.base();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "proxy::a_process_with_a_proxy", "--ignored"]).env(SERVER, server.base());
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"] {
        child.env(name, &base);
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    let ended = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    assert_eq!((server.count(), proxy.count()), (1, 0));
}

#[tokio::test]
#[ignore = "the child process of plain_http_never_goes_to_a_proxy, which runs it"]
async fn a_process_with_a_proxy() {
    let transport = HttpTransport::new(&TransportSettings::default().with_proxy_from_environment()).unwrap();
    let request = http::Request::get(std::env::var(SERVER).unwrap()).body(Bytes::new()).unwrap();
    assert_eq!(transport.send(request).await.unwrap().status(), 200);
}
