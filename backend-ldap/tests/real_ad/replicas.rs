//! Two real controllers of one domain, the second joined to the first: `dc join` of the testkit. They
//! run when `IDENTITY_RESET_TEST_LDAP_REPLICA_URL` and `…_REPLICA_CA_FILE` are set too.

use std::io::Write;
use std::time::Duration;

use backend_ldap::{LdapConfig, LdapDirectory};
use futures::TryStreamExt;
use identity_core::account::{Account, DirectoryId};
use identity_core::directory::{AccountEnumerator, AccountQuery, Directory, ForcedReset, Scope};
use identity_core::limits::clock;
use identity_core::reset::{Action, Order, Outcome, Secret};

use crate::faults::address;
use crate::proxy::Proxy;
use crate::stage::{Stage, collect};

const OLD: &str = "Old-Passw0rd-1!";
const NEW: &str = "New-Passw0rd-2!";
/// Samba replicates every few seconds when it is told of a change.
const REPLICATION: Duration = Duration::from_secs(60);

/// The url of the second controller, and both authorities in one PEM.
fn replica(stage: &Stage) -> Option<(String, Vec<u8>)> {
    let variable = |name: &str| std::env::var(format!("IDENTITY_RESET_TEST_LDAP_REPLICA_{name}")).ok();
    let (Some(url), Some(ca_file)) = (variable("URL"), variable("CA_FILE")) else {
        let _ = std::io::stderr().write_all(b"NO REPLICA: set IDENTITY_RESET_TEST_LDAP_REPLICA_URL and _CA_FILE\n");
        return None;
    };
    let mut pem = std::fs::read(&stage.site.ca_file).expect("ca_file");
    pem.extend(std::fs::read(ca_file).expect("ca_file of the replica"));
    Some((url, pem))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_finished_on_the_second_controller_when_the_first_is_lost() {
    let Some(mut stage) = Stage::set("two controllers").await else { return };
    let Some((second, pem)) = replica(&stage) else { return stage.strike().await };
    for n in 0..6 {
        stage.user(&format!("u{n}"), OLD, &[]).await;
    }
    // The second one has to hear of the accounts before it can take over.
    let alone = LdapConfig::new(DirectoryId::new("second").expect("id"), &second)
        .bind(&stage.site.bind_dn, stage.site.password.clone().into())
        .ca_pem(pem.clone());
    let alone = LdapDirectory::connect(alone).await.expect("connects");
    let begun = clock::instant();
    let accounts = loop {
        let unit = AccountQuery::of(Scope::Unit(stage.unit.clone()));
        let found: Result<Vec<_>, _> = alone.accounts(&unit).try_collect().await;
        match found {
            Ok(accounts) if accounts.len() == 6 => break accounts,
            other => assert!(begun.elapsed() < REPLICATION, "not replicated: {other:?}"),
        }
        clock::sleep(Duration::from_millis(500)).await;
    };

    let (host, target) = address(&stage);
    let proxy = Proxy::between(&host, target).await;
    let config = LdapConfig::new(DirectoryId::new("corp").expect("id"), &second)
        .also(format!("ldaps://{host}:{}", proxy.port))
        .bind(&stage.site.bind_dn, stage.site.password.clone().into())
        .ca_pem(pem)
        .deadline(Duration::from_secs(10))
        .failover_after(Duration::from_millis(500));
    let directory = LdapDirectory::connect(config).await.expect("connects");
    let findings = directory.preflight().await.expect("reads").findings;
    let chosen = findings.iter().find(|finding| finding.text.contains("takes the changes of this run")).expect("said");
    assert!(chosen.text.starts_with("dc1."), "the PDC emulator, though named second: {chosen:?}");

    let set = |account: &Account| {
        Order::new(account.id.clone(), Action::SetPassword { must_change: false })
            .with_password(Secret::new(NEW.into()))
    };
    for account in &accounts[..3] {
        assert!(matches!(directory.apply(&[set(account)]).await[0], Outcome::Done(_)));
    }
    proxy.close();
    for account in &accounts[3..6] {
        let mut outcome = directory.apply(&[set(account)]).await.remove(0);
        if matches!(outcome, Outcome::Unknown(_)) {
            // Sent as the wire was cut: the same password again, after reading back.
            directory.lookup(std::slice::from_ref(&account.id)).await.expect("reads");
            outcome = directory.apply(&[set(account)]).await.remove(0);
        }
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
    // The second one knows of all in the end: what it took, and what the first one took.
    let version = |accounts: &[Account], name: &str| {
        accounts.iter().find(|account| account.name == name).and_then(|account| account.password.version)
    };
    loop {
        let now = collect(&alone, Scope::Unit(stage.unit.clone())).await;
        let risen = |account: &&Account| version(&now, &account.name) > account.password.version;
        if accounts.iter().filter(risen).count() == accounts.len() {
            break;
        }
        assert!(begun.elapsed() < 2 * REPLICATION, "not replicated");
        clock::sleep(Duration::from_millis(500)).await;
    }
    // And the first one of what it took, and no more: nothing was repeated there.
    let first = collect(&*stage.directory().await, Scope::Unit(stage.unit.clone())).await;
    let there = accounts.iter().filter(|account| version(&first, &account.name) > account.password.version).count();
    assert!((3..=4).contains(&there), "{there}: one more if it was sent as the wire was cut");
    stage.strike().await;
}
