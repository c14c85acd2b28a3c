//! Verification and report over a durable journal: what one records, the other tells.

use std::sync::Arc;

use super::{DIGEST, approved, left_out, started};
use crate::account::AccountId;
use crate::error::ErrorKind;
use crate::journal::{Baseline, Event, Journal, SqliteJournal};
use crate::plan::{LeftOutReason, PlanRow};
use crate::report::{DirectoryRun, Report, RowResult};
use crate::verify::Verifier;
use crate::verify::fixture::{Paper, SET_MUST_CHANGE, at, corp, done, id, row};

/// Entries 1 to 5 are confirmed; the directory shows something else of each.
async fn a_run(journal: &SqliteJournal) -> Vec<PlanRow> {
    let before = Baseline { last_set: Some(at(0)), version: Some(5), must_change: false, ..Baseline::default() };
    let mut events = vec![started(false), approved("workforce-1")];
    events.extend((1..=5).flat_map(|seq| done(seq, SET_MUST_CHANGE, before.clone())));
    events.push(Event::RunFinished);
    journal.append(events).await.unwrap();
    let mut plan: Vec<_> = (1..=6).map(|seq| row(seq, &corp(), &[SET_MUST_CHANGE])).collect();
    plan.push(left_out(1, &corp(), LeftOutReason::NotSelected));
    plan
}

fn directory() -> Paper {
    Paper::new(&corp(), |_, asked: &AccountId| {
        let mut account = Paper::account(&corp(), asked);
        let (version, flag) = match asked {
            ours if *ours == id(1) => (6, true),
            owners if *owners == id(2) => (7, false),
            others if *others == id(3) => (7, true),
            untouched if *untouched == id(4) => (5, false),
            _ => return Ok(None),
        };
        account.password.version = Some(version);
        account.password.must_change = flag;
        Ok(Some(account))
    })
}

#[tokio::test(start_paused = true)]
async fn the_report_tells_what_verification_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(SqliteJournal::create(folder.path().join("journal.sqlite")).unwrap());
    let plan = a_run(&journal).await;
    let rows = || plan.iter().cloned().map(Ok);

    let report = Report::new(journal.clone(), DIGEST).directory(DirectoryRun::new(corp(), "ldap"));
    let unread = report.visit(rows(), |_| Ok(())).await.unwrap();
    assert_eq!((unread.accounts.verified, unread.accounts.unknown, unread.left.read_back), (0, 5, 5));

    let verifier = Verifier::new(journal.clone()).directory(Arc::new(directory()));
    let counts = verifier.run(|| Ok(rows())).await.unwrap();
    let found = (counts.changed, counts.changed_by_owner, counts.changed_by_other, counts.unchanged, counts.gone);
    assert_eq!(found, (1, 1, 1, 1, 1));

    let mut results = Vec::new();
    let summary = report
        .visit(rows(), |row| {
            results.push(row.result);
            Ok(())
        })
        .await
        .unwrap();
    use RowResult::{Failed, LeftOut, Unknown, Verified};
    assert_eq!(results, [Verified, Verified, Failed, Failed, Unknown, Failed, LeftOut]);
    assert_eq!((summary.accounts.changed_by_owner, summary.accounts.not_attempted), (1, 1));
    assert_eq!(summary.chain, journal.head().await.unwrap());
    assert_eq!(report.write(rows(), folder.path()).await.unwrap(), summary, "on a durable journal, and again");
}

#[tokio::test(start_paused = true)]
async fn a_report_of_a_journal_that_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let journal = SqliteJournal::create(&path).unwrap();
    let plan = a_run(&journal).await;
    let verdict = Event::Verified { entry: 4, verdict: crate::journal::Verdict::Unchanged, last_set: None };
    journal.append(vec![verdict]).await.unwrap();
    let report = Report::new(Arc::new(journal), DIGEST);
    report.write(plan.iter().cloned().map(Ok), folder.path()).await.unwrap();

    let other = rusqlite::Connection::open(&path).unwrap();
    let changed = "UPDATE records SET body = replace(body, '\"unchanged\"', '\"changed\"')";
    assert!(other.execute(changed, []).unwrap() > 0);
    let error = report.write(plan.into_iter().map(Ok), folder.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal, "{error}");
}
