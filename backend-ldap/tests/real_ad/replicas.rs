//! Two real controllers of one domain, the second joined to the first: `dc join` of the testkit. They
//! run when `IDENTITY_RESET_TEST_LDAP_REPLICA_URL` and `…_REPLICA_CA_FILE` are set too.

use std::io::Write;
use std::time::Duration;

use backend_ldap::{LdapConfig, LdapDirectory};
use identity_core::account::{Account, DirectoryId};
use identity_core::directory::{AccountEnumerator, Directory, ForcedReset, Scope};
use identity_core::reset::{Action, Order, Outcome, Secret};

use crate::faults::address;
use crate::proxy::Proxy;
use crate::stage::{Stage, collect};

/// The url of the second controller, and both authorities in one PEM.
fn replica(stage: &Stage) -> Option<(String, Vec<u8>)> {
    let variable = |name: &str| std::env::var(format!("IDENTITY_RESET_TEST_LDAP_REPLICA_{name}")).ok();
    let (Some(url), Some(ca_file)) = (variable("URL"), variable("CA_FILE")) else {
        let _ = std::io::stderr()
            .write_all(b"NOT RUN: two controllers: set IDENTITY_RESET_TEST_LDAP_REPLICA_URL and _REPLICA_CA_FILE\n");
        return None;
    };
    let mut pem = std::fs::read(&stage.site.ca_file).expect("ca_file");
    pem.extend(std::fs::read(ca_file).expect("ca_file of the replica"));
    Some((url, pem))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_finished_on_the_second_controller_when_the_first_is_lost() {
    let Some(stage) = Stage::set("two controllers").await else { return };
    let Some((second, pem)) = replica(&stage) else { return stage.strike().await };
    let signed_in =
        |config: LdapConfig| config.bind(&stage.site.bind_dn, stage.site.password.clone().into()).ca_pem(pem.clone());
    let id = || DirectoryId::new("corp").expect("id");
    let (host, target) = address(&stage);
    let proxy = Proxy::between(&host, target).await;
    let config = LdapConfig::new(id(), &second)
        .also(format!("ldaps://{host}:{}", proxy.port))
        .deadline(Duration::from_secs(10))
        .failover_after(Duration::from_millis(500));
    let directory = LdapDirectory::connect(signed_in(config)).await.expect("connects");
    let findings = directory.preflight().await.expect("reads").findings;
    let chosen = findings.iter().find(|finding| finding.text.contains("takes the changes of this run")).expect("said");
    assert!(chosen.text.starts_with("dc1."), "the PDC emulator, though named second: {chosen:?}");

    // An account that both had from the beginning: Samba takes minutes to tell of a new one.
    let first = stage.directory().await;
    let second = LdapDirectory::connect(signed_in(LdapConfig::new(id(), &second))).await.expect("connects");
    let guest = async |directory: &LdapDirectory| -> Account {
        collect(directory, Scope::Native("(sAMAccountName=Guest)".into())).await.remove(0)
    };
    let version = async |directory: &LdapDirectory| guest(directory).await.password.version;
    let before = (version(&first).await, version(&second).await);
    let account = guest(&first).await.id;
    let set = || {
        Order::new(account.clone(), Action::SetPassword { must_change: false })
            .with_password(Secret::new("New-Passw0rd-2!".into()))
    };
    let outcome = directory.apply(&[set()]).await.remove(0);
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    let between = (version(&first).await, version(&second).await);
    assert!(between.0 > before.0, "the first one took it: {before:?} {between:?}");

    proxy.close();
    let mut outcome = directory.apply(&[set()]).await.remove(0);
    if matches!(outcome, Outcome::Unknown(_)) {
        // Sent as the wire was cut: the same password again, after reading back.
        directory.lookup(std::slice::from_ref(&account)).await.expect("reads");
        outcome = directory.apply(&[set()]).await.remove(0);
    }
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    assert!(version(&second).await > before.1, "the second one took over");
    stage.strike().await;
}
