//! Signing in by Kerberos, with the ticket that the environment names (KRB5_CONFIG, KRB5CCNAME).

use std::io::Write;
use std::time::Duration;

use backend_ldap::LdapDirectory;
use identity_core::directory::{Directory, ForcedReset};
use identity_core::error::ErrorKind;
use identity_core::reset::{Action, Order, Outcome, Secret};

use crate::stage::Stage;

const OLD: &str = "Old-Passw0rd-1!";
const NEW: &str = "New-Passw0rd-2!";

fn has_ticket() -> bool {
    let has = std::env::var_os("KRB5CCNAME").is_some();
    if !has {
        let _ = std::io::stderr().write_all(b"NOT RUN: kerberos: needs a ticket, set KRB5_CONFIG and KRB5CCNAME\n");
    }
    has
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_stands_for_name_and_password() {
    let Some(mut stage) = Stage::set("kerberos").await else { return };
    if !has_ticket() {
        return stage.strike().await;
    }
    stage.user("u", OLD, &[]).await;
    let by_password = stage.directory().await.preflight().await.expect("reads").principal;
    // No name and no password here.
    let config = stage.site.config().bind("", String::new().into()).kerberos().deadline(Duration::from_secs(20));
    let directory = LdapDirectory::connect(config).await.expect("signs in");
    let principal = directory.preflight().await.expect("reads").principal;
    assert!(principal.is_some() && principal == by_password, "the own account is known: {principal:?}");
    let account = stage.account(&directory, "u").await;
    let set = Order::new(account.id, Action::SetPassword { must_change: false }).with_password(Secret::new(NEW.into()));
    let outcome = directory.apply(&[set]).await.remove(0);
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    assert_eq!(stage.site.sign_in(&format!("CN=u,{}", stage.unit), NEW).await.0, 0);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_after_starttls_and_never_in_clear() {
    let Some(stage) = Stage::set("kerberos, starttls").await else { return };
    if !has_ticket() {
        return stage.strike().await;
    }
    let (host, _) = crate::faults::address(&stage);
    let config = |url: String| {
        let directory = identity_core::account::DirectoryId::new("corp").expect("id");
        backend_ldap::LdapConfig::new(directory, url).kerberos().ca_file(&stage.site.ca_file)
    };
    let plain = LdapDirectory::connect(config(format!("ldap://{host}:389"))).await.expect_err("in clear");
    assert_eq!(plain.kind(), ErrorKind::ConfigInvalid, "{plain:?}");
    let directory = LdapDirectory::connect(config(format!("ldap://{host}:389")).starttls()).await.expect("signs in");
    assert!(directory.preflight().await.expect("reads").principal.is_some());
    stage.strike().await;
}
