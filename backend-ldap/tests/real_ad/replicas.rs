//! Two real controllers of one domain, the second joined to the first: `dc join` of the testkit. They
//! run when `IDENTITY_RESET_TEST_LDAP_REPLICA_URL`, `…_REPLICA_CA_FILE` and `…_REPLICA_DIR` are set too.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backend_ldap::{LdapConfig, LdapDirectory};
use identity_core::account::{Account, DirectoryId};
use identity_core::directory::{AccountEnumerator, Backend, Directory, ForcedReset, Scope};
use identity_core::engine::Run;
use identity_core::journal::{Journal, MemoryJournal};
use identity_core::plan::{Approvals, PlanSpec, Selection};
use identity_core::report::Report;
use identity_core::reset::{Action, Order, Outcome, Secret};
use identity_core::vault::MemoryVault;
use identity_core::verify::{Convergence, ServerConvergence, Verifier};

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

/// Lets the second controller take what the first one has; by itself Samba takes minutes.
fn replicate() {
    let directory =
        std::env::var("IDENTITY_RESET_TEST_LDAP_REPLICA_DIR").expect("IDENTITY_RESET_TEST_LDAP_REPLICA_DIR");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/samba/dc");
    let output = std::process::Command::new(script).args(["replicate", &directory]).output().expect("the script runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A run of 12 accounts on the first controller: the second one is named as behind, with counts, until it
/// has them.
#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_is_behind_is_named_and_after_replication_it_is_not() {
    let Some(mut stage) = Stage::set("convergence of two controllers").await else { return };
    let Some((second, pem)) = replica(&stage) else { return stage.strike().await };
    for n in 0..12 {
        stage.user(&format!("p{n}"), "Old-Passw0rd-1!", &[]).await;
    }
    // Both know of the accounts before the run, as in any domain that was left alone for an hour.
    replicate();
    let name = |n: u8| format!("dc{n}.{}", stage.domain.replace("DC=", "").replace(',', ".").to_lowercase());
    let config = LdapConfig::new(DirectoryId::new("corp").expect("id"), &stage.site.url)
        .bind(&stage.site.bind_dn, stage.site.password.clone().into())
        .ca_pem(pem)
        .deadline(Duration::from_secs(20))
        .controller_url(name(1), &stage.site.url)
        .controller_url(name(2), &second);
    let directory = LdapDirectory::connect(config).await.expect("connects");
    let backend: Arc<dyn Backend> = directory;
    let folder = tempfile::tempdir().expect("a folder");
    let spec = PlanSpec::default().select(Selection::unit("corp", stage.unit.clone()));
    let plan = spec.builder().directory(Arc::clone(&backend)).write_to(folder.path().join("plan.jsonl"));
    let plan = plan.await.expect("a plan");
    assert_eq!(plan.header().counts.planned, 12);
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::new());
    let run = Run::new(plan.clone(), Arc::clone(&journal), Arc::new(MemoryVault::new()))
        .directory(Arc::clone(&backend))
        .approvals(Approvals::approve_all(&plan, "test").expect("approved"));
    assert_eq!(run.start().await.expect("starts").finish().await.expect("ends").stopped, None);
    let verifier = Verifier::new(Arc::clone(&journal)).directory(Arc::clone(&backend));
    verifier.run(|| plan.rows()).await.expect("verified");

    let ask = async || -> Vec<ServerConvergence> {
        let asking = Convergence::new(Arc::clone(&journal)).directory(Arc::clone(&backend)).patience(Duration::ZERO);
        asking.run(|| plan.rows()).await.expect("asked")
    };
    let counts = |found: &[ServerConvergence]| -> Vec<(String, u64, u64)> {
        found.iter().map(|server| (server.server.to_lowercase(), server.converged, server.behind)).collect()
    };
    let before = ask().await;
    assert_eq!(counts(&before), [(name(1), 12, 0), (name(2), 0, 12)], "{before:?}");
    replicate();
    let after = ask().await;
    assert_eq!(counts(&after), [(name(1), 12, 0), (name(2), 12, 0)], "{after:?}");
    assert!(after.iter().all(ServerConvergence::is_converged));
    let report = Report::of_plan(Arc::clone(&journal), &plan);
    let summary = report.visit(plan.rows().expect("rows"), |_| Ok(())).await.expect("a report");
    assert_eq!(summary.servers, after, "the report has the newest");
    stage.strike().await;
    // What was removed is removed on both, for the tests that follow.
    replicate();
}
