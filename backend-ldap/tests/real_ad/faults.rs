//! What goes wrong on the way: a wrong authority, a refused sign-in, a cut or silent wire.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::Ordering;
use std::time::Duration;

use backend_ldap::{AdError, LdapConfig, LdapDirectory};
use futures::StreamExt;
use identity_core::account::DirectoryId;
use identity_core::directory::{AccountEnumerator, AccountQuery, ForcedReset, Scope};
use identity_core::error::ErrorKind;
use identity_core::reset::{Action, Order, Outcome, Secret};

use crate::proxy::Proxy;
use crate::stage::{Stage, search};

const OLD: &str = "Old-Passw0rd-1!";
const NEW: &str = "New-Passw0rd-2!";

/// The host of the controller, and its LDAPS address.
pub(crate) fn address(stage: &Stage) -> (String, SocketAddr) {
    let host = stage.site.url.trim_start_matches("ldaps://").split([':', '/']).next().expect("a host").to_owned();
    let port =
        stage.site.url.trim_start_matches("ldaps://").split([':', '/']).nth(1).and_then(|port| port.parse().ok());
    let address = (host.as_str(), port.unwrap_or(636)).to_socket_addrs().expect("resolves").next().expect("an address");
    (host, address)
}

fn through(stage: &Stage, host: &str, proxy: &Proxy) -> LdapConfig {
    LdapConfig::new(DirectoryId::new("corp").expect("id"), format!("ldaps://{host}:{}", proxy.port))
        .bind(&stage.site.bind_dn, stage.site.password.clone().into())
        .ca_file(&stage.site.ca_file)
        .connections(1)
        .page_size(2)
        .deadline(Duration::from_secs(3))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_sign_in_is_tried_once_and_says_why() {
    let Some(mut stage) = Stage::set("refused sign-in").await else { return };
    let dn = stage.user("binder", OLD, &[]).await;
    let config = stage.site.config().bind(&dn, "planted-wrong-secret".into()).connections(4);
    let error = LdapDirectory::connect(config).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.detail().contains("52e") && error.advice().is_some(), "{error:?}");
    assert!(!format!("{error:?}").contains("planted-wrong-secret"));
    let source =
        std::error::Error::source(&error).and_then(|source| source.downcast_ref::<AdError>()).expect("AD's own");
    assert_eq!(source.sign_in, Some(0x52e));
    let found = search(&mut stage.admin, &dn, ldap3::Scope::Base, "(objectClass=*)", &["badPwdCount"]).await;
    let count = found[0].attrs.get("badPwdCount").map_or("0", |values| values[0].as_str());
    assert!(["0", "1"].contains(&count), "tried {count} times");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_changed_during_a_run_ends_it_for_good() {
    let Some(mut stage) = Stage::set("password changed during the run").await else { return };
    let dn = stage.user("binder", OLD, &[]).await;
    let (host, target) = address(&stage);
    let proxy = Proxy::between(&host, target).await;
    let config = through(&stage, &host, &proxy).bind(&dn, OLD.into());
    let directory = LdapDirectory::connect(config).await.expect("connects");
    let admin = stage.directory().await;
    let account = stage.account(&admin, "binder").await;
    let set = Order::new(account.id.clone(), Action::SetPassword { must_change: false })
        .with_password(Secret::new(NEW.into()));
    assert!(matches!(admin.apply(&[set]).await[0], Outcome::Done(_)));
    proxy.cut();
    tokio::task::yield_now().await;
    let mut kinds = Vec::new();
    for _ in 0..5 {
        kinds.push(directory.lookup(std::slice::from_ref(&account.id)).await.expect_err("cannot sign in").kind());
    }
    // The first may be the one that notices the cut.
    assert!(kinds[1..].iter().all(|kind| *kind == ErrorKind::Unauthenticated), "{kinds:?}");
    assert_eq!(proxy.connections.load(Ordering::SeqCst), 2, "one to begin with, one refused, and no more");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_authority_names_the_file_and_the_remedy() {
    let Some(stage) = Stage::set("wrong ca").await else { return };
    let other = rcgen::generate_simple_self_signed(["other.test".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.pem");
    std::fs::write(&path, other.cert.pem()).expect("written");
    let error = LdapDirectory::connect(stage.site.config().ca_file(&path)).await.expect_err("not believed");
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid, "{error:?}");
    assert!(
        error.detail().contains("other.pem") && error.advice().is_some_and(|advice| advice.contains("ca_file")),
        "{error:?}"
    );
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn starttls_works_and_encrypts_before_the_sign_in() {
    let Some(stage) = Stage::set("starttls").await else { return };
    let (host, _) = address(&stage);
    let config = LdapConfig::new(DirectoryId::new("corp").expect("id"), format!("ldap://{host}:389"))
        .starttls()
        .bind(&stage.site.bind_dn, stage.site.password.clone().into())
        .ca_file(&stage.site.ca_file);
    // Samba refuses a sign-in in clear, so that success shows the encryption.
    let directory = LdapDirectory::connect(config).await.expect("connects");
    assert!(directory.mark().await.is_ok());
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_wire_does_not_break_a_listing_that_can_be_begun_again() {
    let Some(mut stage) = Stage::set("cut wire").await else { return };
    for n in 0..6 {
        stage.user(&format!("u{n}"), OLD, &[]).await;
    }
    let (host, target) = address(&stage);
    let proxy = Proxy::between(&host, target).await;
    let directory = LdapDirectory::connect(through(&stage, &host, &proxy)).await.expect("connects");
    let mut listing = directory.accounts(&AccountQuery::of(Scope::Unit(stage.unit.clone())));
    assert!(listing.next().await.expect("the first").is_ok());
    proxy.cut();
    let rest: Vec<_> = listing.collect().await;
    assert!(rest.iter().all(Result::is_ok), "{rest:?}");
    assert_eq!(rest.len(), 5, "the rest, and none twice");
    let again = crate::stage::collect(&directory, Scope::Unit(stage.unit.clone())).await;
    assert_eq!(again.len(), 6);
    assert_eq!(proxy.connections.load(Ordering::SeqCst), 2);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_is_unknown_and_the_read_back_tells() {
    let Some(mut stage) = Stage::set("silent wire").await else { return };
    stage.user("u", OLD, &[]).await;
    let (host, target) = address(&stage);
    let proxy = Proxy::between(&host, target).await;
    let directory = LdapDirectory::connect(through(&stage, &host, &proxy)).await.expect("connects");
    let before = stage.account(&directory, "u").await;
    proxy.gag(true);
    let set = Order::new(before.id.clone(), Action::SetPassword { must_change: false })
        .with_password(Secret::new(NEW.into()));
    let outcome = directory.apply(&[set]).await.remove(0);
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    proxy.gag(false);
    let after = directory
        .lookup(std::slice::from_ref(&before.id))
        .await
        .expect("on a new connection")
        .remove(0)
        .expect("there");
    assert_eq!(
        after.password.version.expect("version"),
        before.password.version.expect("version") + 1,
        "it had landed, once"
    );
    assert_eq!(stage.site.sign_in(&format!("CN=u,{}", stage.unit), NEW).await.0, 0);

    proxy.gag(true);
    let error = directory.lookup(std::slice::from_ref(&before.id)).await.expect_err("no answer");
    assert!(error.is_temporary(), "a read can be repeated: {error:?}");
    proxy.gag(false);
    stage.strike().await;
}
