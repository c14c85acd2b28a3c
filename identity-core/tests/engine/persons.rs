//! Sessions of a person in one directory, and their password in another.

use std::sync::Arc;

use identity_core::account::{Account, AccountId, AccountKind, DirectoryId, PasswordAuthority};
use identity_core::directory::Backend;
use identity_core::engine::Guardrails;
use identity_core::engine::{Run, RunEnd};
use identity_core::journal::{Finality, Journal, MemoryJournal};
use identity_core::plan::{Approvals, Entry, Plan, PlanRow};
use identity_core::report::{PersonTotals, Report, Retry, Row, Summary};
use identity_core::reset::Action;
use identity_core::vault::MemoryVault;
use identity_core::verify::Verifier;
use testkit::fault::Fault;
use testkit::memory::MemoryDirectory;

use crate::support::everyone;

const SET: Action = Action::SetPassword { must_change: true };

struct Hybrid {
    corp: Arc<MemoryDirectory>,
    cloud: Arc<MemoryDirectory>,
    plan: Plan,
    journal: MemoryJournal,
    vault: MemoryVault,
    folder: tempfile::TempDir,
}

/// 12 persons with a password on-prem and sessions in the cloud.
async fn hybrid() -> Hybrid {
    let directory = |name: &str| {
        let id = DirectoryId::new(name).unwrap();
        let person = |number: u32| {
            let account = AccountId::new(format!("{name}-{number}")).unwrap();
            let mut account = Account::new(id.clone(), account, format!("p{number}"), AccountKind::Person);
            account.anchors.security_id = Some(format!("S-1-5-21-1-2-3-{}", 2_000 + number));
            account.created = Some("2020-01-01T00:00:00Z".parse().unwrap());
            if name == "cloud" {
                account.authority = PasswordAuthority::OnPrem;
            }
            account
        };
        MemoryDirectory::builder(name).accounts((0..12).map(person)).build().unwrap()
    };
    let (corp, cloud) = (directory("corp"), directory("cloud"));
    let folder = tempfile::tempdir().unwrap();
    let backends = [Arc::clone(&corp) as Arc<dyn Backend>, Arc::clone(&cloud) as Arc<dyn Backend>];
    let mut spec = everyone();
    // What is asked of a password elsewhere is left out there.
    spec.actions.workforce = vec![SET, Action::RevokeSessions];
    let plan = spec.builder().directories(backends).write_to(folder.path().join("plan.jsonl")).await.unwrap();
    Hybrid { corp, cloud, plan, journal: MemoryJournal::new(), vault: MemoryVault::new(), folder }
}

impl Hybrid {
    async fn run(&self) -> RunEnd {
        let mut guardrails = Guardrails::default();
        guardrails.failure_floor = u64::MAX;
        guardrails.canary_failures = u64::MAX;
        Run::new(self.plan.clone(), Arc::new(self.journal.clone()), Arc::new(self.vault.clone()))
            .directory(self.corp.clone())
            .directory(self.cloud.clone())
            .approvals(Approvals::approve_all(&self.plan, "test").unwrap())
            .guardrails(guardrails)
            .start()
            .await
            .unwrap()
            .finish()
            .await
            .unwrap()
    }

    fn entry(&self, directory: &str, name: &str) -> Entry {
        let rows = self.plan.rows().unwrap().filter_map(|row| match row.unwrap() {
            PlanRow::Entry(entry) => Some(entry),
            PlanRow::LeftOut { .. } => None,
        });
        rows.into_iter().find(|entry| entry.directory.as_str() == directory && entry.name == name).unwrap()
    }

    async fn sessions(&self, entry: &Entry) -> (u32, Finality) {
        let progress = self.journal.progress(&[entry.seq]).await.unwrap().remove(0);
        let known = progress.action(Action::RevokeSessions).unwrap();
        (known.attempt, known.finality.clone())
    }

    async fn report(&self) -> (Summary, PersonTotals, Vec<Row>) {
        let journal: Arc<dyn Journal> = Arc::new(self.journal.clone());
        let backends = [Arc::clone(&self.corp) as Arc<dyn Backend>, Arc::clone(&self.cloud) as Arc<dyn Backend>];
        Verifier::new(Arc::clone(&journal)).directories(backends.clone()).verify(&self.plan).await.unwrap();
        let report = Report::of_plan(journal, &self.plan).directories(backends);
        let mut rows = Vec::new();
        let summary = report
            .visit(self.plan.rows().unwrap(), |row| {
                rows.push(row.clone());
                Ok(())
            })
            .await
            .unwrap();
        report.write(self.plan.rows().unwrap(), self.folder.path()).await.unwrap();
        let persons = summary.persons.unwrap();
        (summary, persons, rows)
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_is_done_when_password_and_sessions_are() {
    let hybrid = hybrid().await;
    assert_eq!(hybrid.run().await.stopped, None);
    let (summary, persons, rows) = hybrid.report().await;
    assert_eq!((summary.accounts.planned, summary.accounts.verified), (24, 24), "{summary}");
    assert_eq!((persons.seen, persons.joined, persons.done, persons.open), (12, 12, 12, 0));
    assert_eq!(rows.len(), 24);
}

/// The password of one person gets no answer, time after time, and stays open. Their sessions in the
/// cloud end; a resume sets the password, and ends those that an attacker opened since.
#[tokio::test(start_paused = true)]
async fn sessions_that_ended_before_the_password_was_set_end_again() {
    let hybrid = hybrid().await;
    let (password, sessions) = (hybrid.entry("corp", "p3"), hybrid.entry("cloud", "p3"));
    assert_eq!(sessions.follows, [password.seq]);
    hybrid.corp.break_next(&password.id, Fault::CutBeforeApply, 4);
    assert_eq!(hybrid.run().await.stopped, None);
    let (attempts, finality) = hybrid.sessions(&sessions).await;
    assert!(matches!(&finality, Finality::Retryable(error) if error.text.contains("still open")), "{finality:?}");
    assert_eq!(attempts, 1);
    let (_, finality) = hybrid.sessions(&hybrid.entry("cloud", "p4")).await;
    assert!(matches!(finality, Finality::Done { .. }), "the others are done");
    let (summary, persons, rows) = hybrid.report().await;
    assert_eq!((persons.done, persons.open, summary.left.resume), (11, 1, 2), "{summary}");
    let row = rows.iter().find(|row| row.id == sessions.id).unwrap();
    assert!(row.why.contains("the old one opens new sessions"), "{}", row.why);
    assert_eq!(row.left.as_ref().unwrap().retry, Retry::Resume);

    assert_eq!(hybrid.run().await.stopped, None);
    let (attempts, finality) = hybrid.sessions(&sessions).await;
    assert!(matches!(finality, Finality::Done { .. }), "{finality:?}");
    assert_eq!(attempts, 2, "once more, after the password");
    assert_eq!(hybrid.sessions(&hybrid.entry("cloud", "p4")).await.0, 1);
    let (_, persons, _) = hybrid.report().await;
    assert_eq!((persons.done, persons.open), (12, 0));
    // Nothing is left: a third time does nothing.
    let writes = hybrid.cloud.writes();
    hybrid.run().await;
    assert_eq!(hybrid.cloud.writes(), writes);
}

/// A password that the directory refuses for good: the sessions end, and it is said that this is not
/// enough.
#[tokio::test(start_paused = true)]
async fn sessions_beside_a_password_that_is_given_up_are_told() {
    let hybrid = hybrid().await;
    let (password, sessions) = (hybrid.entry("corp", "p5"), hybrid.entry("cloud", "p5"));
    hybrid.corp.delete(&password.id);
    assert_eq!(hybrid.run().await.stopped, None);
    let (_, finality) = hybrid.sessions(&sessions).await;
    assert!(matches!(finality, Finality::Done { .. }), "{finality:?}");
    let (_, persons, rows) = hybrid.report().await;
    assert_eq!((persons.done, persons.open), (11, 1));
    let row = rows.iter().find(|row| row.id == sessions.id).unwrap();
    assert!(row.notes.iter().any(|note| note.contains("was not set")), "{:?}", row.notes);
}
