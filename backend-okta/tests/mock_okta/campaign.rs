//! A plan for some users, and the run that carries it out: engine, journal and vault, in virtual time.

use std::sync::Arc;

use backend_okta::OktaDirectory;
use futures::TryStreamExt as _;
use identity_core::directory::Backend;
use identity_core::engine::Run;
use identity_core::journal::{EntryProgress, Event, Journal, MemoryJournal, Record};
use identity_core::plan::{Approvals, Disposition, Entry, Plan, PlanRow, PlanSpec, Selection};
use identity_core::reset::{Action, Secret, SecretKind};
use identity_core::vault::MemoryVault;
use identity_core::verify::{Verifier, VerifyCounts};
use testkit::mock_okta::{MockOkta, OktaUser};

/// A plan, and what came of it.
pub(crate) struct Campaign {
    pub(crate) plan: Plan,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) vault: MemoryVault,
    directory: Arc<OktaDirectory>,
    _folder: tempfile::TempDir,
}

impl Campaign {
    /// Plans these actions for these users; each of them has to be planned.
    pub(crate) async fn planned(directory: &Arc<OktaDirectory>, users: &[OktaUser], actions: &[Action]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut spec = PlanSpec::default().select(Selection::listed(users.iter().map(|user| user.id.as_str())));
        spec.actions.workforce = actions.to_vec();
        // What is known of their recovery is what is asked of the mock; here it is not.
        spec = spec.waive_readiness("what a recovery does is tested, not who can recover");
        // The canary is waited for: one wave, so that the whole time is a time of orders.
        spec.waves.canary = 0;
        let backend = Arc::clone(directory) as Arc<dyn Backend>;
        let plan = spec.builder().directory(backend).write_to(folder.path().join("plan.jsonl")).await.unwrap();
        assert_eq!(plan.header().counts.planned, users.len() as u64, "{}", plan.summary());
        Self {
            plan,
            journal: Arc::default(),
            vault: MemoryVault::new(),
            directory: Arc::clone(directory),
            _folder: folder,
        }
    }

    /// Carries it out, until nothing is open: what stays so is left to a resume, as people would do.
    pub(crate) async fn finished(self) -> Self {
        for _ in 0..4 {
            let journal = Arc::clone(&self.journal) as Arc<dyn Journal>;
            let run = Run::new(self.plan.clone(), journal, Arc::new(self.vault.clone()))
                .directory(Arc::clone(&self.directory) as Arc<dyn Backend>)
                .approvals(Approvals::approve_all(&self.plan, "test").unwrap())
                .start()
                .await
                .unwrap();
            let end = run.finish().await.unwrap();
            assert_eq!(end.stopped, None);
            if self.records().await.iter().any(|record| matches!(record.event, Event::WaveFinished { .. })) {
                return self;
            }
        }
        panic!("the wave does not end");
    }

    pub(crate) async fn verified(&self) -> VerifyCounts {
        let verifier = Verifier::new(Arc::clone(&self.journal) as Arc<dyn Journal>);
        verifier.directory(Arc::clone(&self.directory) as Arc<dyn Backend>).again().verify(&self.plan).await.unwrap()
    }

    pub(crate) async fn records(&self) -> Vec<Record> {
        self.journal.records(1).try_collect().await.unwrap()
    }

    /// The entry of a user.
    pub(crate) fn entry(&self, user: &OktaUser) -> Entry {
        let entries = self.plan.rows().unwrap().filter_map(|row| match row.unwrap() {
            PlanRow::Entry(entry) if matches!(entry.disposition, Disposition::Reset { .. }) => Some(entry),
            _ => None,
        });
        entries.into_iter().find(|entry| entry.id.as_str() == user.id).unwrap()
    }

    pub(crate) async fn progress(&self, user: &OktaUser) -> EntryProgress {
        self.journal.progress(&[self.entry(user).seq]).await.unwrap().remove(0)
    }

    /// What the vault keeps of a user, of one kind, oldest first.
    pub(crate) fn kept(&self, user: &OktaUser, kind: SecretKind) -> Vec<Secret> {
        let seq = self.entry(user).seq;
        let sealed = self.vault.sealed().into_iter();
        sealed.filter(|one| one.entry == seq && one.kind == kind).map(|one| one.password).collect()
    }

    /// How many of an action were done, and the seconds from the first order of any to the last of it.
    pub(crate) async fn course(&self, wanted: Action) -> (usize, f64) {
        let records = self.records().await;
        let first = records.iter().find(|record| matches!(record.event, Event::Intent { .. })).unwrap().at;
        let done = records.iter().filter_map(|record| match record.event {
            Event::Done { action, .. } if action == wanted => Some(record.at.duration_since(first).as_secs_f64()),
            _ => None,
        });
        done.fold((0, 0.0), |(count, last), at| (count + 1, f64::max(last, at)))
    }
}

/// How often something was done to a user, as the org's own log has it.
pub(crate) fn events(mock: &MockOkta, user: &OktaUser, event_type: &str) -> usize {
    mock.events().iter().filter(|event| event.target == user.id && event.event_type == event_type).count()
}
