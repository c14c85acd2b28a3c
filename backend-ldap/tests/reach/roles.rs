//! Who takes the changes, who takes the listings, and who takes over.

use std::time::Duration;

use backend_ldap::LdapDirectory;
use futures::TryStreamExt;
use identity_core::directory::{AccountEnumerator, AccountQuery, Directory, Severity};
use identity_core::error::ErrorKind;
use identity_core::reset::Outcome;
use testkit::fault::{Fault, When};
use testkit::organisation::{Organisation, special};

use crate::stage::{NEVER, SIZE, config, connect, finish, lose, mock, people, set, set_all, version};

#[tokio::test(flavor = "multi_thread")]
async fn changes_go_to_the_pdc_emulator_wherever_it_stands_in_the_list_and_never_to_a_read_only_one() {
    let pdc = mock().start().await.expect("starts");
    let second = pdc.replica(NEVER).await.expect("starts");
    let read_only = pdc.read_only_replica(NEVER).await.expect("starts");
    let directory = connect(config(&[&read_only, &second, &pdc])).await;
    set_all(&directory, &people(&pdc, 20)).await;
    assert_eq!((pdc.counts().applied, second.counts().modifies, read_only.counts().modifies), (20, 0, 0));
    let preflight = directory.preflight().await.expect("reads");
    assert!(!preflight.is_fatal(), "{:?}", preflight.findings);
    let said = |words: &str| preflight.findings.iter().any(|finding| finding.text.contains(words));
    assert!(said("dc1.corp.example.test takes the changes"), "{:?}", preflight.findings);
    assert!(said("rodc3.corp.example.test is a read-only controller"), "{:?}", preflight.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_writable_controller_nothing_is_sent() {
    let pdc = mock().start().await.expect("starts");
    let read_only = pdc.read_only_replica(NEVER).await.expect("starts");
    let directory = connect(config(&[&read_only])).await;
    let outcome = set(&directory, &people(&pdc, 1)[0]).await;
    assert!(matches!(&outcome, Outcome::Refused(error) if error.detail().contains("read-only")), "{outcome:?}");
    assert_eq!(read_only.counts().modifies, 0);
    assert!(directory.preflight().await.expect("reads").is_fatal());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pdc_emulator_is_lost_mid_run_and_the_run_is_finished_on_another_one_which_stays() {
    let pdc = mock().start().await.expect("starts");
    let read_only = pdc.read_only_replica(Duration::ZERO).await.expect("starts");
    let second = pdc.replica(Duration::ZERO).await.expect("starts");
    let directory = connect(config(&[&pdc, &read_only, &second])).await;
    let people = people(&pdc, 60);
    set_all(&directory, &people[..20]).await;
    lose(&pdc);
    finish(&directory, &people[20..40]).await;
    assert_eq!((pdc.counts().applied, second.counts().applied, read_only.counts().modifies), (20, 20, 0));
    // It comes back, and is not gone back to.
    pdc.refuse_connections(false);
    set_all(&directory, &people[40..]).await;
    assert_eq!((pdc.counts().applied, second.counts().applied), (20, 40));
    let found = directory.lookup(&people[..32]).await.expect("reads");
    assert!(found.iter().all(Option::is_some));
    assert_eq!(pdc.record().len(), 60, "each once, over all controllers");
    // The second one is lost as well: the first takes over again.
    lose(&second);
    finish(&directory, &people[..1]).await;
    assert_eq!(pdc.counts().applied, 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_blinks_keeps_its_role() {
    let pdc = mock().start().await.expect("starts");
    let second = pdc.replica(NEVER).await.expect("starts");
    let directory = connect(config(&[&pdc, &second]).failover_after(Duration::from_secs(60))).await;
    let people = people(&pdc, 2);
    lose(&pdc);
    let late = async {
        tokio::task::yield_now().await;
        pdc.refuse_connections(false);
    };
    tokio::join!(late, finish(&directory, &people[..1]));
    assert_eq!((pdc.counts().applied, second.counts().modifies), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_spare_the_pdc_emulator_where_that_is_wanted_and_reads_around_a_change_do_not() {
    let pdc = mock().start().await.expect("starts");
    let second = pdc.replica(NEVER).await.expect("starts");
    let directory = connect(config(&[&pdc, &second]).reads_elsewhere(true)).await;
    let before = pdc.counts().entries;
    let all: Vec<_> = directory.accounts(&AccountQuery::everyone()).try_collect().await.expect("whole");
    assert_eq!(all.len(), usize::try_from(SIZE).expect("small"));
    assert_eq!(pdc.counts().entries, before, "nothing of it was read there");
    // The other controller will not hear of the change: the read-back has to be where it was made.
    let person = people(&pdc, 1).remove(0);
    let old = version(&directory, &person).await;
    set_all(&directory, std::slice::from_ref(&person)).await;
    assert_eq!(version(&directory, &person).await, old + 1);
    // Who takes the listings is lost: they go on elsewhere.
    lose(&second);
    let all: Vec<_> = directory.accounts(&AccountQuery::everyone()).try_collect().await.expect("whole");
    assert_eq!(all.len(), usize::try_from(SIZE).expect("small"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_is_read_where_it_was_taken() {
    let pdc = mock().start().await.expect("starts");
    let second = pdc.replica(NEVER).await.expect("starts");
    let directory = connect(config(&[&pdc, &second]).reads_elsewhere(true)).await;
    let person = people(&pdc, 1).remove(0);
    let mark = directory.mark().await.expect("a mark");
    set_all(&directory, std::slice::from_ref(&person)).await;
    let changed: Vec<_> = directory.changed_since(&mark).try_collect().await.expect("whole");
    assert!(changed.iter().any(|account| account.id == person), "{} changed", changed.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_password_is_sent_once_however_many_controllers_there_are() {
    let pdc = mock().start().await.expect("starts");
    let second = pdc.replica(NEVER).await.expect("starts");
    let third = pdc.replica(NEVER).await.expect("starts");
    let config = config(&[&pdc, &second, &third]).bind(pdc.bind_dn(), "planted-wrong-secret".into());
    let error = LdapDirectory::connect(config).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let tried: u64 = [&pdc, &second, &third].iter().map(|mock| mock.counts().failed_binds).sum();
    assert_eq!(tried, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_reached_is_named_and_one_of_another_domain_is_refused() {
    let pdc = mock().start().await.expect("starts");
    let second = pdc.replica(NEVER).await.expect("starts");
    lose(&second);
    let directory = connect(config(&[&second, &pdc])).await;
    let preflight = directory.preflight().await.expect("reads");
    let lost = preflight.findings.iter().find(|finding| finding.text.contains("cannot be reached")).expect("named");
    assert!(lost.text.contains(&second.url()) && lost.severity == Severity::Warning, "{lost:?}");
    set_all(&directory, &people(&pdc, 1)).await;

    lose(&pdc);
    let error = LdapDirectory::connect(config(&[&second, &pdc])).await.expect_err("nobody");
    assert_eq!(error.kind(), ErrorKind::Transport, "{error:?}");

    pdc.refuse_connections(false);
    let other = mock().organisation(Organisation::new(5, 50).with_domain("other.test")).start().await.expect("starts");
    // The same runner, with the same password, in both; believed are both authorities.
    let config = config(&[&pdc, &other])
        .ca_pem([pdc.ca_pem(), other.ca_pem()].concat())
        .bind(format!("CORP\\{}", pdc.organisation().account(special::RUNNER).name), pdc.bind_password().into());
    let error = LdapDirectory::connect(config).await.expect_err("two domains");
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid, "{error:?}");
    assert!(error.detail().contains("DC=other,DC=test"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn domains_that_nobody_covers_are_named() {
    let pdc = mock().child_domain("child").child_domain("lab").start().await.expect("starts");
    let directory = connect(config(&[&pdc])).await;
    let mut forest: Vec<String> =
        directory.forest().await.expect("reads").into_iter().map(|domain| domain.dns).collect();
    forest.sort();
    assert_eq!(forest, ["child.corp.example.test", "corp.example.test", "lab.corp.example.test"]);
    let coverage = async || {
        let findings = directory.preflight().await.expect("reads").findings;
        findings.into_iter().map(|finding| finding.text).find(|text| text.starts_with("coverage"))
    };
    let text = coverage().await.expect("said");
    assert!(text.contains("no directory covers: child.corp.example.test, lab.corp.example.test;"), "{text}");
    directory.covered_elsewhere(["Child.corp.example.test".to_owned()]);
    let text = coverage().await.expect("said");
    assert!(text.contains("no directory covers: lab.corp.example.test;"), "{text}");
    directory.covered_elsewhere(["lab.corp.example.test".to_owned()]);
    assert_eq!(coverage().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn controllers_that_were_found_but_cannot_be_reached_do_no_harm() {
    let pdc = mock().start().await.expect("starts");
    let _second = pdc.replica(NEVER).await.expect("starts");
    // The names that the configuration partition gives resolve nowhere here.
    let directory = connect(config(&[&pdc]).discover()).await;
    let findings = directory.preflight().await.expect("reads").findings;
    let named =
        |host: &str| findings.iter().any(|finding| finding.text.contains(&format!("ldaps://{host}:{}", pdc.port())));
    assert!(named("dc2.corp.example.test"), "{findings:?}");
    pdc.add_fault(When::write().times(1), Fault::Busy);
    let people = people(&pdc, 2);
    assert!(!matches!(set(&directory, &people[0]).await, Outcome::Done(_)));
    set_all(&directory, &people).await;
}
