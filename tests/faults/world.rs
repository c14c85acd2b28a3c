//! A run on a mock of Active Directory, in as many processes as it takes.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use identity_reset::account::DirectoryId;
use identity_reset::engine::{Guardrails, Run, RunEnd};
use identity_reset::error::{Result, Status};
use identity_reset::journal::{Journal, SqliteJournal, StopReason};
use identity_reset::ldap::{LdapConfig, LdapDirectory};
use identity_reset::limits::RetryPolicy;
use identity_reset::plan::{Approvals, Plan, PlanSpec, Selection};
use identity_reset::prelude::Backend;
use identity_reset::report::{Report, Summary};
use identity_reset::vault::{Identity, SealedFile, Vault};
use identity_reset::verify::{Convergence, Verifier};
use tempfile::TempDir;
use testkit::fault::FaultScript;
use testkit::mock_ad::MockAd;
use testkit::organisation::{Organisation, special};

use crate::support::{Evidence, PromisedState};

const ATTEMPTS: NonZeroU32 = NonZeroU32::new(8).unwrap();
/// The longest that an operation may take: short, so that silence is soon noticed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(1);

pub(crate) struct World {
    pub(crate) mock: MockAd,
    /// Another controller of the domain, which takes over when the first one is lost.
    pub(crate) second: Option<MockAd>,
    folder: TempDir,
    identity: Identity,
    plan: Plan,
}

impl World {
    /// The plan is made before anything goes wrong.
    pub(crate) async fn new(organisation: Organisation, script: FaultScript) -> Self {
        Self::begin(organisation, None, script).await
    }

    /// With a second controller, which learns of a change so long after it was made.
    pub(crate) async fn of_two(organisation: Organisation, lag: Duration, script: FaultScript) -> Self {
        Self::begin(organisation, Some(lag), script).await
    }

    async fn begin(organisation: Organisation, lag: Option<Duration>, script: FaultScript) -> Self {
        let mock = MockAd::builder().organisation(organisation).start().await.expect("a mock");
        let second = match lag {
            Some(lag) => Some(mock.replica(lag).await.expect("a second one")),
            None => None,
        };
        let folder = tempfile::tempdir().expect("a folder");
        let mut spec = PlanSpec::default().select(Selection::everyone());
        for index in [special::BREAK_GLASS_1, special::BREAK_GLASS_2] {
            spec = spec.protect("corp", mock.organisation().account(index).dn(&mock.base()));
        }
        let directory = connect(&mock, second.as_ref()).await.expect("connects") as Arc<dyn Backend>;
        let path = folder.path().join("plan.jsonl");
        let plan = spec.builder().directory(directory).write_to(path).await.expect("a plan");
        mock.set_faults(script);
        Self { mock, second, folder, identity: Identity::generate(), plan }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One process of a run, as it were: opens what is there, goes on, verifies, reports.
    ///
    /// The error of a run that cannot start: nothing is touched then.
    pub(crate) async fn go(&self) -> Result<(Summary, RunEnd)> {
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
        let directory = connect(&self.mock, self.second.as_ref()).await? as Arc<dyn Backend>;
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
        let verifier = Verifier::new(Arc::clone(&journal)).directory(Arc::clone(&directory));
        verifier.patience(Duration::from_secs(5)).run(|| self.plan.rows()).await.expect("verified");
        if self.second.is_some() {
            let convergence = Convergence::new(Arc::clone(&journal)).directory(directory).patience(Duration::ZERO);
            convergence.run(|| self.plan.rows()).await.expect("asked");
        }
        let report = Report::new(journal, self.plan.digest());
        Ok((report.write(self.plan.rows().expect("rows"), self.folder.path()).await.expect("a report"), end))
    }

    /// Goes on until nothing is open; the promised state, and how many processes it took.
    pub(crate) async fn settle(&self, what: &str) -> (PromisedState, u32) {
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
            assert_eq!(accounts.seen, self.mock.organisation().len(), "{what}");
            assert!(stopped || accounts.failed == 0, "{what}: every fault passes within the attempts: {summary}");
            if accounts.unknown + accounts.failed == 0 {
                return (self.promised_state().await, process);
            }
        }
        panic!("{what}: something is open after five processes");
    }

    /// What was promised, counted against the directory's own record.
    pub(crate) async fn promised_state(&self) -> PromisedState {
        let evidence = Evidence::read(self.folder.path(), &self.identity).await;
        for mock in self.second.iter() {
            evidence.assert_promised_state(mock);
        }
        evidence.assert_promised_state(&self.mock)
    }
}

async fn connect(mock: &MockAd, second: Option<&MockAd>) -> Result<Arc<LdapDirectory>> {
    let mut config = LdapConfig::new(DirectoryId::new("corp").expect("an id"), mock.url())
        .ca_pem(mock.ca_pem())
        .bind(mock.bind_dn(), mock.bind_password().into())
        .deadline(DEADLINE)
        .in_flight(16);
    if let Some(second) = second {
        config = config.also(second.url()).failover_after(Duration::from_millis(200));
        for controller in [mock, second] {
            config = config.controller_url(controller.host(), controller.url());
        }
    }
    LdapDirectory::connect(config).await
}
