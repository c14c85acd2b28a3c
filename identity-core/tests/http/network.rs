//! What only a socket shows: redirects, caps, broken answers, connections that are used again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use identity_core::error::{Error, ErrorKind, Status};
use identity_core::http::{Client, HttpTransport, Request, TokenCache, Transport, TransportFault, TransportSettings};
use identity_core::limits::OperationClass::{Read, Write};
use tokio::net::TcpListener;

use crate::support::{RawServer, Tokens, client, raw};

fn over_network(base: &str) -> Client {
    let transport = HttpTransport::new(&TransportSettings::default().with_largest_body(64 << 10)).unwrap();
    client(base, Arc::new(transport), Arc::new(TokenCache::new(Tokens::living(Duration::from_secs(3600)))))
}

fn fault(error: &Error) -> &TransportFault {
    std::error::Error::source(error).unwrap().downcast_ref().unwrap()
}

#[tokio::test]
async fn a_redirect_is_refused_and_the_token_stays() {
    let thief = RawServer::start(|_| (raw("200 OK", "", b"{}"), false)).await;
    let location = format!("Location: {}/stolen\r\n", thief.base());
    let server = RawServer::start(move |_| (raw("307 Temporary Redirect", &location, b""), false)).await;
    let client = over_network(&server.base());
    let error = client.read("list users", Read, &Request::get("/users")).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Protocol, Status::Permanent));
    assert_eq!((server.count(), thief.count()), (1, 0));
}

#[tokio::test]
async fn a_link_elsewhere_never_sees_the_token() {
    let thief = RawServer::start(|_| (raw("200 OK", "", b"{}"), false)).await;
    let server = RawServer::start(|_| (raw("200 OK", "", b"{}"), false)).await;
    let client = over_network(&server.base());
    let error = client.read("list users", Read, &Request::link(format!("{}/page", thief.base()))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!((server.count(), thief.count()), (0, 0));
    client.read("list users", Read, &Request::link(format!("{}/page?after=a%2Bb", server.base()))).await.unwrap();
    assert!(server.heads.lock().unwrap()[0].starts_with("GET /page?after=a%2Bb HTTP/1.1"), "as it stands");
}

#[tokio::test]
async fn plain_http_to_another_machine_is_not_sent() {
    let transport = HttpTransport::new(&TransportSettings::default()).unwrap();
    // A documentation address (RFC 5737): were it tried, it would be a timeout and not this.
    for address in ["http://192.0.2.1/", "http://localhost.example.test/", "http://[2001:db8::1]/"] {
        let request = http::Request::get(address).body(Bytes::new()).unwrap();
        let fault = transport.send(request).await.unwrap_err();
        assert_eq!(fault.to_string(), "not sent: plain HTTP goes to this machine only", "{address}");
    }
}

#[tokio::test]
async fn a_body_beyond_the_cap_is_not_taken() {
    let server = RawServer::start(|head| {
        let body = vec![b' '; (64 << 10) + 1];
        match head.contains("/told") {
            true => (raw("200 OK", "", &body), false),
            // Without a length, so that only reading shows it.
            false => ([b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &body].concat(), true),
        }
    })
    .await;
    let client = over_network(&server.base());
    for path in ["/told", "/untold"] {
        let error = client.read("list users", Read, &Request::get(path)).await.unwrap_err();
        assert!(matches!(fault(&error), TransportFault::TooLarge { limit: 65_536 }), "{path}: {error}");
        assert_eq!((error.kind(), error.status()), (ErrorKind::Protocol, Status::Permanent));
        let error = client.attempt("set password", Write, &Request::post(path)).await.unwrap_err();
        assert_eq!(error.status(), Status::Unknown, "the write was answered, whatever it said");
    }
}

#[tokio::test]
async fn a_compressed_bomb_counts_as_what_it_unpacks_to() {
    // A mebibyte of zeros in a kilobyte of gzip.
    let bomb = include_bytes!("zeros.gz");
    let server = RawServer::start(|_| (raw("200 OK", "Content-Encoding: gzip\r\n", bomb), false)).await;
    let error = over_network(&server.base()).read("list users", Read, &Request::get("/users")).await.unwrap_err();
    assert!(matches!(fault(&error), TransportFault::TooLarge { .. }), "{error}");
    let roomy = HttpTransport::new(&TransportSettings::default().with_largest_body(1 << 20)).unwrap();
    let request = http::Request::get(server.base()).body(Bytes::new()).unwrap();
    let body = roomy.send(request).await.unwrap().into_body();
    assert_eq!((body.len(), body.iter().max()), (1 << 20, Some(&0)), "within the cap it is unpacked");
    let head = server.heads.lock().unwrap()[0].to_ascii_lowercase();
    let offered = head.lines().find_map(|line| line.strip_prefix("accept-encoding: ")).unwrap();
    assert!(offered.contains("gzip") && offered.contains("br"), "{offered}");
}

#[tokio::test]
async fn a_truncated_answer_leaves_a_write_unknown_and_a_read_temporary() {
    let server = RawServer::start(|_| (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half".to_vec(), true)).await;
    let client = over_network(&server.base());
    let write = Request::patch("/users/1").json(&["x"]).unwrap();
    let error = client.attempt("set password", Write, &write).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Transport, Status::Unknown));
    assert_eq!(server.count(), 1, "and it was not repeated");
    let error = client.attempt("look up", Read, &Request::get("/users/1")).await.unwrap_err();
    assert_eq!(error.status(), Status::Temporary);
}

#[tokio::test]
async fn a_connection_closed_in_place_of_an_answer_is_unknown() {
    let server = RawServer::start(|_| (Vec::new(), true)).await;
    let error = over_network(&server.base()).attempt("set password", Write, &Request::post("/x")).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Transport, Status::Unknown));
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_refused_connection_is_not_unknown() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = over_network(&base).attempt("set password", Write, &Request::post("/x")).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Transport, Status::Temporary));
    assert!(matches!(fault(&error), TransportFault::NotSent(_)));
    assert!(error.detail().starts_with("not sent: no connection"), "{error}");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = RawServer::start(|_| (raw("200 OK", "", b"{}"), false)).await;
    let client = over_network(&server.base());
    for _ in 0..20 {
        client.read("look up", Read, &Request::get("/users/1")).await.unwrap();
    }
    assert_eq!((server.count(), *server.connections.lock().unwrap()), (20, 1));
}

#[test]
fn one_transport_for_each_way_to_use_the_network() {
    let usual = TransportSettings::default();
    let (first, second) = (HttpTransport::shared(&usual).unwrap(), HttpTransport::shared(&usual).unwrap());
    assert!(Arc::ptr_eq(&first, &second));
    let other = HttpTransport::shared(&usual.with_largest_body(7)).unwrap();
    assert!(!Arc::ptr_eq(&first, &other));
}
