//! The whole journey on the real server: plan, approve, execute, verify, report; undisturbed, and with
//! the server killed in the middle.

use std::num::NonZeroU32;
use std::sync::Arc;

use backend_ldap::{PlainConfig, PlainDirectory};
use futures::StreamExt;
use identity_core::account::DirectoryId;
use identity_core::directory::Backend;
use identity_core::engine::{EntryResult, Guardrails, Progress, Run};
use identity_core::journal::{Journal, MemoryJournal};
use identity_core::plan::{Approvals, Disposition, Entry, Plan, PlanRow, PlanSpec, PopulationActions, Selection};
use identity_core::report::{DirectoryRun, Report};
use identity_core::reset::Action;
use identity_core::vault::MemoryVault;
use identity_core::verify::Verifier;
use testkit::conformance::SignIn;

use crate::population::Population;
use crate::server::Server;

struct Journey {
    directory: Arc<PlainDirectory>,
    plan: Plan,
    journal: MemoryJournal,
    vault: MemoryVault,
    folder: tempfile::TempDir,
}

impl Journey {
    async fn planned(config: PlainConfig) -> Self {
        let directory = PlainDirectory::connect(config).await.expect("connects");
        let folder = tempfile::tempdir().expect("a folder");
        let mut actions = PopulationActions::default();
        actions.workforce = vec![Action::SetPassword { must_change: true }];
        let plan = PlanSpec::default()
            .select(Selection::everyone())
            .with_actions(actions)
            .protect("unix", Population::dn("p020"))
            .builder()
            .directory(Arc::clone(&directory) as Arc<dyn Backend>)
            .write_to(folder.path().join("plan.jsonl"))
            .await
            .expect("a plan");
        Self { directory, plan, journal: MemoryJournal::new(), vault: MemoryVault::new(), folder }
    }

    fn run(&self) -> Run {
        let mut guardrails = Guardrails::default();
        guardrails.canary_failures = u64::MAX;
        guardrails.failure_floor = u64::MAX;
        guardrails.consecutive_refusals = u64::MAX;
        Run::new(self.plan.clone(), Arc::new(self.journal.clone()), Arc::new(self.vault.clone()))
            .directory(Arc::clone(&self.directory) as Arc<dyn Backend>)
            .approvals(Approvals::approve_all(&self.plan, "test").expect("approved"))
            .guardrails(guardrails)
    }

    fn resets(&self) -> Vec<Entry> {
        let rows = self.plan.rows().expect("rows");
        rows.filter_map(|row| match row.expect("a row") {
            PlanRow::Entry(entry) if matches!(entry.disposition, Disposition::Reset { .. }) => Some(entry),
            _ => None,
        })
        .collect()
    }

    /// Each planned account has one password: the last one that the vault holds. The old one and
    /// everything else that was sealed is refused.
    async fn assert_one_password_each(&self, server: &Server) {
        for entry in self.resets() {
            let dn = Population::dn(&entry.name);
            let sealed: Vec<_> = self.vault.sealed().into_iter().filter(|sealing| sealing.entry == entry.seq).collect();
            assert_eq!(sealed.len(), 1, "{}: passwords sealed", entry.name);
            let expected = if entry.name.starts_with('d') { SignIn::Refused } else { SignIn::MustChange };
            assert_eq!(server.sign_in(&dn, sealed[0].password.expose()).await, expected, "{}: the new one", entry.name);
            let old = Population::old_password(&entry.name);
            assert_eq!(server.sign_in(&dn, &old).await, SignIn::Refused, "{}: the old one", entry.name);
        }
    }

    async fn assert_report(&self) {
        let journal: Arc<dyn Journal> = Arc::new(self.journal.clone());
        let verifier = Verifier::new(Arc::clone(&journal)).directory(Arc::clone(&self.directory) as Arc<dyn Backend>);
        let counts = verifier.run(|| self.plan.rows()).await.expect("verified");
        let planned = self.resets().len() as u64;
        assert!(counts.is_clean(), "{counts:?}");
        assert_eq!(counts.changed, planned, "{counts:?}");
        let summary = Report::of_plan(journal, &self.plan)
            .directory(DirectoryRun::new(DirectoryId::new("unix").expect("id"), "ldap-plain"))
            .write(self.plan.rows().expect("rows"), self.folder.path())
            .await
            .expect("a report");
        assert_eq!((summary.accounts.verified, summary.accounts.failed), (planned, 0), "{summary:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_accounts_from_plan_to_report() {
    let population = Population { people: 300 };
    let Some(server) = Server::start("journey", &population.ldif()) else { return };
    let journey = Journey::planned(server.config()).await;
    let planned: Vec<String> = journey.resets().into_iter().map(|entry| entry.name).collect();
    assert!(planned.len() >= 300, "{} planned", planned.len());
    for left_out in ["p020", "svc-identity-reset"] {
        assert!(!planned.contains(&left_out.to_owned()), "{left_out} is planned");
    }
    let end = journey.run().start().await.expect("starts").finish().await.expect("ends");
    assert_eq!((end.stopped, end.held), (None, 0));
    journey.assert_report().await;
    journey.assert_one_password_each(&server).await;
    let untouched = server.sign_in(&Population::dn("p020"), &Population::old_password("p020")).await;
    assert_eq!(untouched, SignIn::Accepted, "the protected one was touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_in_the_middle_leaves_nobody_with_two_passwords() {
    let population = Population { people: 300 };
    let Some(server) = Server::start("killed server", &population.ldif()) else { return };
    // Slow enough to be hit in the middle.
    let writes = NonZeroU32::new(150).expect("not 0");
    let slow =
        PlainConfig::new(server.transport().writes_per_second(writes).deadline(std::time::Duration::from_secs(3)))
            .default_policy(crate::server::POLICY)
            .privileged_group("admins");
    let journey = Journey::planned(slow).await;
    let mut ends = Vec::new();
    for _ in 0..5 {
        let mut running = journey.run().start().await.expect("starts");
        let mut seen = 0;
        while let Some(progress) = running.next().await {
            seen += u32::from(matches!(progress, Progress::EntryEnded { result: EntryResult::Done, .. }));
            if ends.is_empty() && seen == 100 {
                server.kill();
                tokio::task::yield_now().await;
                server.again();
                seen += 1_000;
            }
        }
        let end = running.finish().await.expect("ends");
        let is_whole = end.stopped.is_none() && end.held == 0;
        assert!(!ends.is_empty() || seen > 1_000, "the server was not killed in the middle: {seen} were done");
        ends.push(end);
        if is_whole && open(&journey).await == 0 {
            break;
        }
    }
    assert_eq!(open(&journey).await, 0, "{ends:?}");
    journey.assert_report().await;
    journey.assert_one_password_each(&server).await;
}

/// How many planned accounts have no final outcome of success.
async fn open(journey: &Journey) -> usize {
    let mut open = 0;
    for entry in journey.resets() {
        let progress = journey.journal.progress(&[entry.seq]).await.expect("progress").remove(0);
        let done = |action: &identity_core::journal::ActionProgress| {
            matches!(action.finality, identity_core::journal::Finality::Done { .. })
        };
        open += usize::from(progress.actions.is_empty() || !progress.actions.iter().all(done));
    }
    open
}
