//! Against a server that answers what no server should: malformed, cut short, busy. Whatever it
//! sends, the process lives, nothing is called done that was not, and no listing is short in silence.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod client;
#[allow(dead_code, reason = "the tests of traps use the rest")]
mod server;

use std::sync::atomic::Ordering;

use backend_ldap::{LdapConfig, LdapDirectory};
use client::{config, connect, list, order};
use identity_core::account::DirectoryId;
use identity_core::directory::{Directory, ForcedReset, RateLimitedBatching};
use identity_core::error::ErrorKind;
use identity_core::reset::{Order, Outcome};
use server::{Mischief, Server};

#[tokio::test(flavor = "multi_thread")]
async fn twenty_orders_over_four_connections_send_a_refused_password_once() {
    let server = Server::start().await;
    let directory = LdapDirectory::connect(config(&server).connections(4)).await.expect("connects");
    let before = server.binds.load(Ordering::SeqCst);
    server.plays(Mischief::RefuseSignIn);
    for _ in 0..3 {
        let orders: Vec<Order> = (0..20).map(|_| order()).collect();
        for outcome in directory.apply(&orders).await {
            assert!(
                matches!(outcome, Outcome::Refused(_) | Outcome::Unknown(_) | Outcome::Temporary(_)),
                "{outcome:?}"
            );
        }
    }
    assert_eq!(server.binds.load(Ordering::SeqCst), before + 1);
    let last = directory.apply(&[order()]).await.remove(0);
    assert_eq!(last.error().expect("refused").kind(), ErrorKind::Unauthenticated);
    assert!(last.error().is_some_and(|error| error.advice().is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_is_throttled_for_an_order_and_waited_for_in_a_listing() {
    let server = Server::start().await;
    let directory = connect(&server).await;
    server.plays(Mischief::Busy);
    let outcome = directory.apply(&[order()]).await.remove(0);
    assert!(matches!(outcome, Outcome::Throttled(_)), "{outcome:?}");
    server.busy.store(2, Ordering::SeqCst);
    server.plays(Mischief::BusyTwice);
    assert_eq!(list(&directory).await.expect("in the end").len(), 4);
    assert_eq!(server.busy.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_is_gone_leaves_orders_unsent() {
    let server = Server::start().await;
    let directory = connect(&server).await;
    server.stop();
    // Each of the two connections may be found dying once, with the order on its way.
    for _ in 0..2 {
        let _ = directory.apply(&[order()]).await;
    }
    let outcome = directory.apply(&[order()]).await.remove(0);
    assert!(matches!(&outcome, Outcome::Temporary(error) if error.kind() == ErrorKind::Transport), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_is_refused_with_the_remedy() {
    let server = Server::start_as("elsewhere.test").await;
    let error = LdapDirectory::connect(config(&server)).await.expect_err("another name");
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid, "{error:?}");
    assert!(error.detail().contains("another name") && error.advice().is_some(), "{error:?}");
    assert_eq!(server.binds.load(Ordering::SeqCst), 0, "the password was not sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_ldap_is_refused_before_anything_is_sent() {
    let server = Server::start().await;
    let config = LdapConfig::new(DirectoryId::new("corp").expect("id"), format!("ldap://127.0.0.1:{}", server.port))
        .bind("CN=reset,DC=x", "a secret".into());
    let error = LdapDirectory::connect(config).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn preflight_says_what_is_wrong_with_a_controller() {
    let server = Server::start().await;
    server.plays(Mischief::ReadOnly);
    let directory = connect(&server).await;
    let preflight = directory.preflight().await.expect("reads");
    assert!(preflight.is_fatal(), "read-only");
    let outcome = directory.apply(&[order()]).await.remove(0);
    assert!(matches!(&outcome, Outcome::Refused(error) if error.kind() == ErrorKind::Unsupported), "{outcome:?}");
    assert_eq!((preflight.password_policy.min_length, preflight.password_policy.complexity), (11, false));
    let said = |words: &str| preflight.findings.iter().any(|finding| finding.text.contains(words));
    for words in [
        "read-only",
        "use ldaps://dc9.x",
        "clock",
        "caught up",
        "replPropertyMetaData",
        "access control",
        "policies cannot be read",
    ] {
        assert!(said(words), "{words}: {:?}", preflight.findings);
    }
    assert!(preflight.principal.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_prints_the_bind_secret() {
    let server = Server::start().await;
    let directory = connect(&server).await;
    assert!(!format!("{directory:?} {:?}", config(&server)).contains("a secret"));
    assert!(!directory.capabilities().observe_version, "the server keeps no versions");
    assert_eq!(directory.limits().in_flight.get(), 16);
}
