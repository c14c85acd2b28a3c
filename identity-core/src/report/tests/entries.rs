//! What each history of one account makes of it.

use super::{DIGEST, approved, error, left_out, report, rows_of, started};
use crate::account::DirectoryId;
use crate::error::ErrorKind;
use crate::evidence::{EntryEvidence, LogFinding};
use crate::journal::{Baseline, Event, ManualEvidence, StopReason, Verdict};
use crate::plan::{Disposition, LeftOutReason, PlanRow};
use crate::report::{Report, Retry, Row, RowResult, Summary, Survivor};
use crate::reset::Action;
use crate::vault::SealedRef;
use crate::verify::fixture::{Ledger, SET, SET_MUST_CHANGE, at, corp, done, entry, row};

const REVOKE: Action = Action::RevokeSessions;

fn verified(verdict: Verdict) -> Event {
    Event::Verified { entry: 1, verdict, last_set: Some(at(7)) }
}

fn intent(action: Action) -> Event {
    let sealed = Some(SealedRef("ref-1".into()));
    Event::Intent { entry: 1, action, attempt: 1, baseline: Baseline::default(), sealed }
}

async fn one(actions: &[Action], events: Vec<Event>) -> Row {
    let begun = [started(false), approved("workforce-1"), Event::WaveStarted { wave: "workforce-1".into() }];
    let events = begun.into_iter().chain(events);
    rows_of(&[row(1, &corp(), actions)], events).await.unwrap().0.remove(0)
}

fn all_done(actions: &[Action]) -> Vec<Event> {
    actions.iter().flat_map(|action| done(1, *action, Baseline::default())).collect()
}

#[tokio::test]
async fn done_is_verified_only_when_reading_back_showed_it() {
    use RowResult::{Failed, Unknown, Verified};
    type Case = (&'static [Action], Option<Verdict>, RowResult, Option<Retry>);
    let cases: &[Case] = &[
        (&[SET], None, Unknown, Some(Retry::ReadBack)),
        (&[SET], Some(Verdict::Changed), Verified, None),
        (&[SET], Some(Verdict::Unchanged), Failed, Some(Retry::ByHand)),
        (&[SET], Some(Verdict::Unknown), Unknown, Some(Retry::ReadBack)),
        (&[SET], Some(Verdict::Gone), Unknown, Some(Retry::ByHand)),
        (&[SET], Some(Verdict::ChangedByOther), Failed, Some(Retry::ByHand)),
        (&[SET], Some(Verdict::ChangedByOwner), Failed, Some(Retry::ByHand)),
        (&[SET_MUST_CHANGE], Some(Verdict::ChangedByOwner), Verified, None),
        (&[Action::ExpirePassword], Some(Verdict::ChangedByOwner), Verified, None),
        (&[SET_MUST_CHANGE], Some(Verdict::ChangedByOther), Failed, Some(Retry::ByHand)),
        (&[SET, REVOKE], Some(Verdict::Changed), Verified, None),
        // Nothing of it can be read back: the directory's word is not a verification.
        (&[REVOKE], None, Unknown, Some(Retry::ByHand)),
    ];
    for (actions, verdict, result, retry) in cases {
        let mut events = all_done(actions);
        events.extend(verdict.map(verified));
        let row = one(actions, events).await;
        let found = (row.result, row.left.as_ref().map(|left| left.retry));
        assert_eq!(found, (*result, *retry), "{actions:?} {verdict:?}");
        assert!(row.left.as_ref().is_none_or(|left| !left.advice.is_empty()));
        assert!(*result == Verified || !row.why.is_empty(), "{actions:?} {verdict:?}");
    }
}

#[tokio::test]
async fn the_log_verifies_what_nothing_else_shows_and_nothing_more() {
    use LogFinding::{Confirmed, Contradicted, NotFound};
    use RowResult::{Failed, Unknown, Verified};
    type Case = (&'static [Action], Option<Verdict>, LogFinding, RowResult);
    let cases: &[Case] = &[
        (&[REVOKE], None, Confirmed, Verified),
        (&[REVOKE], None, NotFound, Unknown),
        (&[REVOKE], None, Contradicted, Unknown),
        // What the account itself shows, or would show, has the word.
        (&[SET], None, Confirmed, Unknown),
        (&[SET], Some(Verdict::Unchanged), Confirmed, Failed),
        (&[SET], Some(Verdict::Changed), NotFound, Verified),
        (&[SET], Some(Verdict::Changed), Contradicted, Unknown),
    ];
    let evidence = |finding| {
        let (because, events) = ("the words of the log".to_owned(), vec!["event-1".to_owned()]);
        Event::Evidenced { entry: 1, evidence: EntryEvidence { finding, because, events, others: 0 } }
    };
    for (actions, verdict, finding, result) in cases {
        let mut events = all_done(actions);
        events.extend(verdict.map(verified));
        events.push(evidence(*finding));
        let row = one(actions, events).await;
        assert_eq!(row.result, *result, "{actions:?} {verdict:?} {finding:?}");
        assert!(*result != Verified || row.left.is_none(), "{actions:?} {verdict:?} {finding:?}");
    }
    // An order without an answer stays to be settled, whatever the log has.
    let row = one(&[REVOKE], vec![intent(REVOKE), evidence(Confirmed)]).await;
    assert_eq!((row.result, row.left.unwrap().retry), (Unknown, Retry::Resume));
}

#[tokio::test]
async fn an_entry_with_an_open_action_is_failed_and_says_which() {
    let mut events = all_done(&[SET]);
    events.push(verified(Verdict::Changed));
    let row = one(&[SET, REVOKE], events.clone()).await;
    assert_eq!((row.result, row.left.unwrap().retry), (RowResult::Failed, Retry::Resume));
    assert_eq!(row.why, "revoke_sessions: not attempted");
    assert!(!row.not_attempted, "it was touched");

    events.push(Event::Failed { entry: 1, action: REVOKE, attempt: 2, error: error(ErrorKind::Unsupported) });
    let row = one(&[SET, REVOKE], events).await;
    assert_eq!((row.result, row.left.as_ref().unwrap().retry), (RowResult::Failed, Retry::ByHand));
    assert_eq!(row.why, "revoke_sessions: set password: unsupported");
    assert_eq!((row.actions[1].attempts, row.actions[1].request_id.as_deref()), (2, Some("rid-9")));
}

#[tokio::test]
async fn an_order_without_an_answer_is_unknown_and_one_that_is_to_follow_is_failed() {
    let row = one(&[SET], vec![intent(SET)]).await;
    assert_eq!((row.result, row.left.unwrap().retry), (RowResult::Unknown, Retry::Resume));
    assert_eq!(row.sealed, [SealedRef("ref-1".into())]);
    assert_eq!(row.survives[0], Survivor::OldPassword, "it may have been set, or not");

    let failed = Event::AttemptFailed { entry: 1, action: SET, attempt: 1, error: error(ErrorKind::Unavailable) };
    let row = one(&[SET], vec![intent(SET), failed]).await;
    assert_eq!((row.result, row.left.unwrap().retry), (RowResult::Failed, Retry::Resume));
}

#[tokio::test]
async fn what_was_never_attempted_is_failed_with_the_reason() {
    let plan = [row(1, &corp(), &[SET])];
    let budget = || Event::Stopped { reason: StopReason::FailureBudget { wave: "canary".into(), failures: 3 } };
    let cases = [
        (vec![], "not attempted: wave workforce-1 is not approved"),
        (vec![started(false)], "not attempted: wave workforce-1 is not approved"),
        (
            vec![started(false), approved("workforce-1"), budget()],
            "not attempted: the run stopped before (3 failures in wave canary: over its budget)",
        ),
        (vec![started(false), approved("workforce-1")], "not attempted: the run has not come to it"),
        (
            vec![started(false), approved("workforce-1"), budget(), started(true)],
            "not attempted: the run has not come to it",
        ),
    ];
    for (events, why) in cases {
        let (rows, summary) = rows_of(&plan, events).await.unwrap();
        assert_eq!((rows[0].result, rows[0].not_attempted, rows[0].why.as_str()), (RowResult::Failed, true, why));
        assert_eq!((summary.accounts.failed, summary.accounts.not_attempted, summary.left.resume), (1, 1, 1));
        assert_eq!(summary.waves[0].not_attempted, 1);
    }
}

#[tokio::test]
async fn a_manual_account_stays_until_somebody_records_it_as_done() {
    let mut manual = entry(1, &corp(), &[]);
    manual.disposition = Disposition::Manual {
        reason: "a domain administrator".into(),
        procedure: "reset it at the console".into(),
        owner: Some("Alice".into()),
    };
    let plan = [PlanRow::Entry(manual)];
    let (rows, summary) = rows_of(&plan, [started(false)]).await.unwrap();
    assert_eq!(rows[0].result, RowResult::Manual);
    let left = rows[0].left.as_ref().unwrap();
    assert_eq!((left.advice.as_str(), left.owner.as_deref()), ("reset it at the console", Some("Alice")));
    assert_eq!((summary.accounts.manual, summary.left.manual, summary.is_clean()), (1, 1, false));

    let recorded = |evidence| Event::ManualDone {
        entry: Some(1),
        account: None,
        by: "Bob".into(),
        note: "at 03:00".into(),
        evidence,
    };
    let counts = |summary: &Summary| {
        let a = &summary.accounts;
        (a.manual, a.manual_done, a.manual_confirmed, a.manual_unconfirmed, summary.left.manual, summary.is_clean())
    };
    let word = ManualEvidence::Stated { because: "nobody looked".into() };
    let (rows, summary) = rows_of(&plan, [started(false), recorded(word.clone())]).await.unwrap();
    assert_eq!(rows[0].result, RowResult::ManualDone);
    assert_eq!(rows[0].why, "recorded as done by Bob: at 03:00 (stated only: nobody looked)");
    assert_eq!(counts(&summary), (1, 1, 0, 0, 0, true));

    let confirmed = ManualEvidence::Confirmed { last_set: at(9), since: Some(at(0)) };
    let (_, summary) = rows_of(&plan, [started(false), recorded(confirmed)]).await.unwrap();
    assert_eq!(counts(&summary), (1, 1, 1, 0, 0, true));
    assert!(summary.to_string().contains("by hand  1 of 1 recorded as done (1 confirmed"), "{summary}");

    // The directory contradicts it, then or when it is verified.
    let unchanged = ManualEvidence::Unchanged { last_set: Some(at(0)) };
    let (rows, summary) = rows_of(&plan, [started(false), recorded(unchanged)]).await.unwrap();
    assert_eq!(rows[0].result, RowResult::ManualUnconfirmed);
    assert!(rows[0].left.as_ref().unwrap().advice.contains("reset it at the console"));
    assert_eq!(counts(&summary), (1, 0, 0, 1, 0, false));
    assert_eq!(summary.left.by_hand, 1);
    let seen = Event::Verified { entry: 1, verdict: Verdict::Unchanged, last_set: Some(at(0)) };
    let (_, summary) = rows_of(&plan, [started(false), recorded(word.clone()), seen]).await.unwrap();
    assert_eq!(counts(&summary), (1, 0, 0, 1, 0, false));
    let seen = Event::Verified { entry: 1, verdict: Verdict::Changed, last_set: Some(at(9)) };
    let (_, summary) = rows_of(&plan, [started(false), recorded(word.clone()), seen]).await.unwrap();
    assert_eq!(counts(&summary), (1, 1, 1, 0, 0, true));

    // Taken back: it is open again. And of two records the first stands.
    let undone = Event::ManualUndone { entry: Some(1), account: None, by: "Eve".into(), note: "wrong one".into() };
    let (rows, summary) = rows_of(&plan, [started(false), recorded(word.clone()), undone]).await.unwrap();
    assert_eq!(rows[0].result, RowResult::Manual);
    assert_eq!(counts(&summary), (1, 0, 0, 0, 1, false));
    let second = recorded(ManualEvidence::Confirmed { last_set: at(9), since: None });
    let (_, summary) = rows_of(&plan, [started(false), recorded(word), second]).await.unwrap();
    assert_eq!(counts(&summary), (1, 1, 0, 0, 0, true));
}

#[tokio::test]
async fn what_people_did_to_a_protected_account_is_shown_and_counted() {
    let plan = [left_out(1, &corp(), LeftOutReason::Protected("krbtgt".into()))];
    let PlanRow::LeftOut { directory, id, .. } = &plan[0] else { panic!() };
    let account = Some(crate::person::Member { directory: directory.clone(), id: id.clone() });
    let evidence = ManualEvidence::Confirmed { last_set: at(9), since: None };
    let done =
        Event::ManualDone { entry: None, account: account.clone(), by: "Bob".into(), note: "twice".into(), evidence };
    let (rows, summary) = rows_of(&plan, [started(false), done.clone()]).await.unwrap();
    assert_eq!(rows[0].result, RowResult::Protected);
    assert!(rows[0].why.starts_with("krbtgt; recorded as done by Bob: twice (confirmed"), "{}", rows[0].why);
    assert_eq!((summary.accounts.protected, summary.accounts.protected_done), (1, 1));
    let undone = Event::ManualUndone { entry: None, account, by: "Bob".into(), note: "once only".into() };
    let (rows, summary) = rows_of(&plan, [started(false), done, undone]).await.unwrap();
    assert_eq!((rows[0].why.as_str(), summary.accounts.protected_done), ("krbtgt", 0));
}

#[tokio::test]
async fn what_survives_is_named_by_what_was_shown() {
    let kerberos = Survivor::KerberosTickets;
    let mut events = all_done(&[SET]);
    assert_eq!(one(&[SET], events.clone()).await.survives[0], Survivor::OldPassword, "not read back");
    events.push(verified(Verdict::Changed));
    let survives = one(&[SET], events).await.survives;
    assert!(survives.contains(&kerberos) && survives.contains(&Survivor::NtlmOldPassword));
    assert!(!survives.contains(&Survivor::OldPassword));
    let expired = one(&[Action::ExpirePassword], all_done(&[Action::ExpirePassword])).await;
    assert_eq!(expired.survives[0], Survivor::OldPasswordOnce);

    let unlisted = Report::new(Ledger::of([started(false)]), DIGEST);
    let cloud = DirectoryId::new("cloud").unwrap();
    let mut survives = Vec::new();
    let plan = [Ok(row(1, &cloud, &[SET]))];
    unlisted
        .visit(plan, |row| {
            survives.clone_from(&row.survives);
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(survives, [Survivor::OldPassword, Survivor::NotListed]);
}

#[tokio::test]
async fn the_left_out_are_told_from_the_protected() {
    let plan = [
        left_out(1, &corp(), LeftOutReason::Protected("krbtgt".into())),
        left_out(2, &corp(), LeftOutReason::NotSelected),
        left_out(3, &corp(), LeftOutReason::MasteredElsewhere("corp".into())),
    ];
    let (rows, summary) = rows_of(&plan, []).await.unwrap();
    let results: Vec<_> = rows.iter().map(|row| (row.result, row.why.as_str())).collect();
    assert_eq!(results[0], (RowResult::Protected, "krbtgt"));
    assert_eq!(results[1], (RowResult::LeftOut, "not selected"));
    assert_eq!(results[2].1, "its password is mastered elsewhere: corp");
    let accounts = summary.accounts;
    assert_eq!((accounts.seen, accounts.protected, accounts.left_out), (3, 1, 2));
}

#[tokio::test]
async fn a_report_of_what_does_not_belong_together_is_refused() {
    let plan = |numbers: &[u64]| numbers.iter().map(|seq| Ok(row(*seq, &corp(), &[SET]))).collect::<Vec<_>>();
    let kind = |result: crate::error::Result<_>| result.map(drop).unwrap_err().kind();
    let none = |_: &Row| Ok(());

    let other = Report::new(Ledger::of([started(false)]), "sha256:another").visit(plan(&[1]), none).await;
    assert_eq!(kind(other), ErrorKind::InputInvalid, "a journal of another plan");
    let journal = Ledger::of([started(false), intent(SET)]);
    assert_eq!(kind(report(&journal).visit(plan(&[]), none).await), ErrorKind::InputInvalid, "an entry too few");
    for torn in [&[2][..], &[1, 3], &[1, 1]] {
        assert_eq!(kind(report(&journal).visit(plan(torn), none).await), ErrorKind::InputInvalid, "{torn:?}");
    }
    let grows = |_: &Row| {
        journal.add([Event::RunFinished]);
        Ok(())
    };
    assert_eq!(kind(report(&journal).visit(plan(&[1]), grows).await), ErrorKind::Conflict, "a run goes on");

    let gap = Ledger::of([started(false), intent(SET)]);
    gap.records.lock().unwrap().remove(0);
    assert_eq!(kind(report(&gap).visit(plan(&[1]), none).await), ErrorKind::Journal, "a record is missing");
}
