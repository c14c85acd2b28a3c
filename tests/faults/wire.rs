//! What can go wrong between us and a directory, on the mock AD over real TLS.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use identity_reset::account::DirectoryId;
use identity_reset::engine::{Guardrails, Run, RunEnd};
use identity_reset::error::{Result, Status};
use identity_reset::journal::{Journal, SqliteJournal, StopReason};
use identity_reset::ldap::{LdapConfig, LdapDirectory};
use identity_reset::limits::{RetryPolicy, clock};
use identity_reset::plan::{Approvals, Plan, PlanSpec, Selection};
use identity_reset::prelude::Backend;
use identity_reset::report::{Report, Summary};
use identity_reset::vault::{Identity, SealedFile, Vault};
use identity_reset::verify::Verifier;
use jiff::SignedDuration;
use tempfile::TempDir;
use testkit::fault::{Fault, FaultScript, When};
use testkit::mock_ad::MockAd;
use testkit::organisation::{Organisation, special};

use crate::support::{Evidence, PromisedState};

const ACCOUNTS: u64 = 100;
/// How often a script makes its fault. Enough to hit batches in many places.
const FAULTS: u64 = 24;
const ATTEMPTS: NonZeroU32 = NonZeroU32::new(8).unwrap();
/// The longest that an operation may take: short, so that silence is soon noticed.
const DEADLINE: Duration = Duration::from_secs(1);

struct World {
    mock: MockAd,
    folder: TempDir,
    identity: Identity,
    plan: Plan,
}

impl World {
    /// The plan is made before anything goes wrong.
    async fn new(script: FaultScript) -> Self {
        let mock = MockAd::builder().organisation(Organisation::new(11, ACCOUNTS)).start().await.expect("a mock");
        let folder = tempfile::tempdir().expect("a folder");
        let mut spec = PlanSpec::default().select(Selection::everyone());
        for index in [special::BREAK_GLASS_1, special::BREAK_GLASS_2] {
            spec = spec.protect("corp", mock.organisation().account(index).dn(&mock.base()));
        }
        let directory = connect(&mock).await as Arc<dyn Backend>;
        let path = folder.path().join("plan.jsonl");
        let plan = spec.builder().directory(directory).write_to(path).await.expect("a plan");
        mock.set_faults(script);
        Self { mock, folder, identity: Identity::generate(), plan }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One process of a run, as it were: opens what is there, goes on, verifies, reports.
    ///
    /// The error of a run that cannot start: nothing is touched then.
    async fn go(&self) -> Result<(Summary, RunEnd)> {
        let recipients = vec![self.identity.recipient()];
        let (vault, journal) = (self.file("vault.jsonl"), self.file("journal.sqlite"));
        let vault = match vault.exists() {
            true => SealedFile::open(vault, recipients),
            false => SealedFile::create(vault, recipients),
        };
        let vault = vault.expect("a vault").with_identities(vec![self.identity.clone()]);
        let journal = match journal.exists() {
            true => SqliteJournal::open(journal),
            false => SqliteJournal::create(journal),
        };
        let journal: Arc<dyn Journal> = Arc::new(journal.expect("a journal"));
        let directory = try_connect(&self.mock).await? as Arc<dyn Backend>;
        let mut guardrails = Guardrails::default();
        guardrails.canary_failures = u64::MAX;
        guardrails.failure_floor = u64::MAX;
        guardrails.consecutive_refusals = u64::MAX;
        // So many that a fault on one write in five never uses them up.
        let mut patience = RetryPolicy::default().with_max_attempts(ATTEMPTS);
        patience.base = Duration::from_millis(50);
        patience.cap = Duration::from_millis(500);
        let run = Run::new(self.plan.clone(), Arc::clone(&journal), Arc::new(vault) as Arc<dyn Vault>)
            .directory(Arc::clone(&directory))
            .approvals(Approvals::approve_all(&self.plan, "test").expect("approved"))
            .guardrails(guardrails)
            .retry(patience);
        let end = run.start().await?.finish().await.expect("ends");
        let verifier = Verifier::new(Arc::clone(&journal)).directory(directory).patience(Duration::from_secs(5));
        verifier.run(|| self.plan.rows()).await.expect("verified");
        let report = Report::new(journal, self.plan.digest());
        Ok((report.write(self.plan.rows().expect("rows"), self.folder.path()).await.expect("a report"), end))
    }

    /// Goes on until nothing is open; the promised state, and how many processes it took.
    async fn settle(&self, what: &str) -> (PromisedState, u32) {
        for process in 1..=5 {
            let before = self.mock.counts().modifies;
            let (summary, end) = match self.go().await {
                Ok(went) => went,
                Err(error) => {
                    assert!(error.status() != Status::Permanent, "{what}: {error}");
                    println!("{what}: process {process} could not start: {error}");
                    assert_eq!(self.mock.counts().modifies, before, "{what}: nothing is touched without a start");
                    continue;
                }
            };
            assert_eq!(end.held, 0, "{what}");
            // A directory that cannot be read for long stops the run, and a resume goes on.
            let stopped = matches!(end.stopped, Some(StopReason::Fatal { .. }));
            if stopped || summary.accounts.unknown > 0 {
                println!("{what}: process {process} left something: {:?} {:?}", end.stopped, summary.accounts);
            }
            assert!(stopped || end.stopped.is_none(), "{what}: {end:?}");
            let accounts = &summary.accounts;
            assert_eq!(accounts.planned, accounts.verified + accounts.failed + accounts.unknown, "{what}");
            assert_eq!(accounts.seen, ACCOUNTS, "{what}");
            assert!(stopped || accounts.failed == 0, "{what}: every fault passes within the attempts: {summary}");
            if accounts.unknown + accounts.failed == 0 {
                let evidence = Evidence::read(self.folder.path(), &self.identity).await;
                return (evidence.assert_promised_state(&self.mock), process);
            }
        }
        panic!("{what}: something is open after five processes");
    }
}

async fn connect(mock: &MockAd) -> Arc<LdapDirectory> {
    try_connect(mock).await.expect("connects")
}

async fn try_connect(mock: &MockAd) -> Result<Arc<LdapDirectory>> {
    let config = LdapConfig::new(DirectoryId::new("corp").expect("an id"), mock.url())
        .ca_pem(mock.ca_pem())
        .bind(mock.bind_dn(), mock.bind_password().into())
        .deadline(DEADLINE)
        .in_flight(16);
    LdapDirectory::connect(config).await
}

/// Every fault that a write can meet. None of them leaves an account lost, or with two passwords.
#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_the_wire_ends_in_the_promised_state() {
    let faults = [
        Fault::CutBeforeApply,
        Fault::CutAfterApply,
        Fault::CutMidAnswer,
        Fault::LateApply(Duration::from_millis(400)),
        Fault::NoticeOfDisconnection,
        Fault::Busy,
        Fault::Unavailable,
        Fault::Slow(Duration::from_millis(500)),
        Fault::Slow(DEADLINE + Duration::from_millis(500)),
        Fault::NeverAnswer,
        Fault::Swallow,
        Fault::GarbledMessage,
        Fault::Overtaken,
        Fault::RefusePassword,
    ];
    println!(
        "{:32}{:>8}{:>8}{:>8}{:>10}{:>11}{:>11}",
        "fault", "made", "planned", "sets", "repeated", "read back", "processes"
    );
    for fault in faults {
        let often = match fault {
            // Each costs a deadline.
            Fault::NeverAnswer | Fault::Swallow | Fault::Slow(_) => FAULTS / 3,
            _ => FAULTS,
        };
        let script = match fault {
            // Three in a row for one account are its end, so they are spread.
            Fault::RefusePassword => [10, 20, 30, 40, 50, 60, 70]
                .into_iter()
                .fold(FaultScript::new(21), |script, nth| script.rule(When::write().nth(nth), fault.clone())),
            _ => FaultScript::new(21).rule(When::write().chance(0.2).times(often), fault.clone()),
        };
        let world = World::new(script).await;
        let what = format!("{fault:?}");
        let (state, processes) = world.settle(&what).await;
        let counts = world.mock.counts();
        assert!(counts.faults >= 7, "{what}: only {} faults were made", counts.faults);
        let PromisedState { planned, sets, repeated, read_back, .. } = state;
        println!("{what:32}{:>8}{planned:>8}{sets:>8}{repeated:>10}{read_back:>11}{processes:>11}", counts.faults);
        match fault {
            // A whole connection breaks with the one order that it was made for.
            Fault::CutAfterApply | Fault::CutMidAnswer => assert!(read_back >= 1, "{what}"),
            Fault::NeverAnswer => assert!(read_back >= counts.faults, "{what}: found by reading back"),
            Fault::CutBeforeApply | Fault::Swallow | Fault::Busy | Fault::Unavailable | Fault::GarbledMessage => {
                assert!(repeated >= counts.faults, "{what}: sent again");
                assert!(sets >= planned, "{what}");
            }
            Fault::RefusePassword => assert_eq!(sets, planned, "{what}: a refused one is not in force"),
            _ => {}
        }
        world.mock.shutdown().await;
    }
}

/// The times that the directory tells are its own: an hour of difference confuses nobody.
#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_clock_skew_changes_no_verdict() {
    for hours in [-1, 1] {
        let script = FaultScript::new(3)
            .clock_skew(SignedDuration::from_hours(hours))
            .rule(When::write().chance(0.1).times(8), Fault::CutAfterApply);
        let world = World::new(script).await;
        let (state, processes) = world.settle(&format!("{hours} h")).await;
        println!("clock skew {hours} h: {state:?}, {processes} processes");
        let skew = world.mock.record().iter().map(|set| set.at.duration_since(clock::now()).as_hours()).max();
        assert!(skew.is_some_and(|skew| (skew - hours).abs() <= 1), "the directory's clock was off: {skew:?}");
        world.mock.shutdown().await;
    }
}

/// Everything at once, and all connections broken five times meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_day_ends_in_the_promised_state() {
    let script = FaultScript::new(8)
        .rule(When::write().every(17).times(4), Fault::CutAfterApply)
        .rule(When::write().every(19).times(4), Fault::LateApply(Duration::from_millis(300)))
        .rule(When::write().every(13).times(6), Fault::Busy)
        .rule(When::write().every(23).times(3), Fault::RefusePassword)
        .rule(When::read().every(23).times(3), Fault::CutBeforeApply)
        .rule(When::read().every(29).times(2), Fault::Unavailable);
    let world = World::new(script).await;
    world.mock.set_latency(Duration::from_millis(10));
    let storm = async {
        for _ in 0..5 {
            clock::sleep(Duration::from_millis(900)).await;
            world.mock.cut_connections();
        }
    };
    let ((state, processes), ()) = tokio::join!(world.settle("a bad day"), storm);
    println!("a bad day: {state:?}, {processes} processes, {} faults", world.mock.counts().faults);
}
