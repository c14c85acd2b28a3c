//! Traps of resetting: what is accepted and does nothing, refused passwords, answers that get lost, a busy
//! controller, clocks.

use std::sync::Arc;
use std::time::Duration;

use identity_core::directory::{AccountEnumerator, Backend, Directory, ForcedReset, RateLimitedBatching};
use identity_core::error::ErrorKind;
use identity_core::plan::{Disposition, Entry, PlanRow, PlanSpec, PopulationActions};
use identity_core::reset::{Action, Order, Outcome, Secret};
use identity_core::verify::Verifier;
use jiff::SignedDuration;
use testkit::fault::{Fault, When};
use testkit::organisation::{SPECIAL, special};
use uuid::Uuid;

use crate::stage::{Journey, builder, config, connect, id};

fn entries(journey: &Journey) -> Vec<Entry> {
    let rows = journey.plan.rows().expect("rows").map(|row| row.expect("a row"));
    rows.filter_map(|row| if let PlanRow::Entry(entry) = row { Some(entry) } else { None }).collect()
}

fn guid(entry: &Entry) -> Uuid {
    entry.id.as_str().parse().expect("a GUID")
}

/// Trap 6: the controller takes pwdLastSet=0 on an account whose password never expires, or that signs in
/// by smart card, and does not act on it.
#[tokio::test(flavor = "multi_thread")]
async fn trap_06_to_expire_a_password_that_never_expires_is_replaced_by_what_works() {
    let mock = builder().start().await.expect("starts");
    let directory = connect(config(&mock, &[])).await;
    let asked = [special::NEVER_EXPIRES, special::SMART_CARD, special::PLAIN].map(|index| id(&mock, index));
    // The trap itself: accepted, and without effect.
    let flag = Order::new(asked[0].clone(), Action::ExpirePassword);
    assert!(matches!(directory.apply(&[flag]).await.remove(0), Outcome::Done(_)));
    let now = directory.lookup(&asked[..1]).await.expect("read").remove(0).expect("there");
    assert!(!now.password.must_change, "what has no effect is not claimed");
    let mut actions = PopulationActions::default();
    actions.workforce = vec![Action::ExpirePassword];
    let journey = Journey::plan(&directory, &asked, PlanSpec::default().with_actions(actions)).await;
    let set = Action::SetPassword { must_change: false };
    for entry in entries(&journey) {
        let expected = if entry.id == asked[0] {
            set
        } else if entry.id == asked[1] {
            Action::Scramble
        } else {
            Action::ExpirePassword
        };
        assert_eq!(entry.disposition, Disposition::Reset { actions: vec![expected] }, "{}", entry.name);
        let says = entry.notes.iter().any(|note| note.contains("replaced by"));
        assert_eq!(says, expected != Action::ExpirePassword, "{:?}", entry.notes);
    }
    journey.run(&directory).await;
    for index in [special::NEVER_EXPIRES, special::SMART_CARD] {
        assert_eq!(mock.sets(&mock.organisation().account(index).guid).len(), 1, "the old password is dead");
    }
}

/// Trap 7: `0000052D` from a password filter. Another password may pass; not for ever.
#[tokio::test(flavor = "multi_thread")]
async fn trap_07_a_refused_password_is_followed_by_another_and_not_without_end() {
    let mock = builder().start().await.expect("starts");
    let directory = connect(config(&mock, &[])).await;
    let asked = [SPECIAL, SPECIAL + 1, special::PLAIN].map(|index| id(&mock, index));
    let journey = Journey::plan(&directory, &asked, PlanSpec::default()).await;
    mock.add_fault(When::write().on(asked[0].as_str()).times(2), Fault::RefusePassword);
    mock.add_fault(When::write().on(asked[1].as_str()), Fault::RefusePassword);
    assert_eq!(journey.run(&directory).await.stopped, None);
    let sets = |place: usize| mock.sets(&asked[place].as_str().parse().expect("a GUID")).len();
    assert_eq!((sets(0), sets(1), sets(2)), (1, 0, 1));
    let sent = mock.counts().modifies;
    assert_eq!(sent, 3 + 3 + 1, "three tries at most");
    let all = journey.journal.progress(&entries(&journey).iter().map(|entry| entry.seq).collect::<Vec<_>>()).await;
    assert_eq!(all.expect("read").len(), 3);
}

/// Trap 8: the change landed and its answer did not.
#[tokio::test(flavor = "multi_thread")]
async fn trap_08_a_set_whose_answer_is_lost_is_read_back_and_done_once() {
    let mock = builder().start().await.expect("starts");
    let directory = connect(config(&mock, &[])).await;
    let asked = [SPECIAL, SPECIAL + 1].map(|index| id(&mock, index));
    let journey = Journey::plan(&directory, &asked, PlanSpec::default()).await;
    for account in &asked {
        mock.add_fault(When::write().on(account.as_str()).times(1), Fault::CutAfterApply);
    }
    assert_eq!(journey.run(&directory).await.stopped, None);
    assert_eq!(mock.counts().faults, 2, "each happened");
    let planned = entries(&journey);
    assert_eq!(planned.len(), 2);
    for entry in &planned {
        assert_eq!(mock.sets(&guid(entry)).len(), 1, "{}: exactly one", entry.name);
        let sealed = journey.vault.sealed().into_iter().find(|sealed| sealed.entry == entry.seq).expect("sealed");
        assert!(mock.password_matches(&guid(entry), sealed.password.expose()), "and it is the sealed one");
    }
    let backend: Arc<dyn Backend> = directory;
    let verified =
        Verifier::new(Arc::clone(&journey.journal)).directory(backend).run(|| journey.plan.rows()).await.expect("read");
    assert!(verified.is_clean(), "{verified:?}");
}

/// Trap 9: a controller that says *busy* gets less at once, never more than the ceiling, and nobody is lost.
#[tokio::test(flavor = "multi_thread")]
async fn trap_09_a_busy_controller_is_given_less_and_never_more_than_the_ceiling() {
    let mock = builder().start().await.expect("starts");
    mock.set_latency(Duration::from_millis(5));
    let directory = connect(config(&mock, &[]).in_flight(4).connections(2)).await;
    let people: Vec<_> = (SPECIAL..SPECIAL + 24).map(|index| id(&mock, index)).collect();
    let journey = Journey::plan(&directory, &people, PlanSpec::default()).await;
    let planned = entries(&journey).into_iter().filter(|entry| matches!(entry.disposition, Disposition::Reset { .. }));
    let planned: Vec<Entry> = planned.collect();
    mock.add_fault(When::write().times(3), Fault::Busy);
    assert_eq!(directory.governor().stats().ceiling, 4);
    assert_eq!(journey.run(&directory).await.stopped, None);
    let stats = directory.governor().stats();
    assert!(stats.busy >= 3 && stats.ceiling <= 4, "{stats:?}");
    assert!(mock.counts().most_in_flight <= 4, "{:?}", mock.counts());
    for entry in &planned {
        assert_eq!(mock.sets(&guid(entry)).len(), 1, "{}", entry.name);
    }
    assert!(planned.len() > 10, "{}", planned.len());
}

/// Trap 13: pwdLastSet is the controller's clock, which may be an hour off this machine's.
#[tokio::test(flavor = "multi_thread")]
async fn trap_13_times_are_compared_by_the_controllers_clock() {
    for hours in [-1, 1] {
        let mock = builder().start().await.expect("starts");
        mock.set_clock_skew(SignedDuration::from_hours(hours));
        let directory = connect(config(&mock, &[])).await;
        let preflight = directory.preflight().await.expect("reads");
        assert!(preflight.findings.iter().any(|finding| finding.text.contains("clock")), "{preflight:?}");
        let asked = [SPECIAL, special::PLAIN].map(|index| id(&mock, index));
        let journey = Journey::plan(&directory, &asked, PlanSpec::default()).await;
        mock.add_fault(When::write().on(asked[0].as_str()).times(1), Fault::CutAfterApply);
        mock.add_fault(When::write().on(asked[1].as_str()).times(1), Fault::CutBeforeApply);
        assert_eq!(journey.run(&directory).await.stopped, None);
        for entry in &entries(&journey) {
            assert_eq!(mock.sets(&guid(entry)).len(), 1, "{hours} h: {}", entry.name);
        }
        let backend: Arc<dyn Backend> = directory;
        let verifier = Verifier::new(Arc::clone(&journey.journal)).directory(backend);
        let verified = verifier.run(|| journey.plan.rows()).await.expect("read");
        assert!(verified.is_clean(), "{hours} h: {verified:?}");
    }
}

/// Trap 11: by its name the change would miss the account, or hit another one.
#[tokio::test(flavor = "multi_thread")]
async fn trap_11_who_was_renamed_moved_or_enabled_since_the_plan_is_still_the_one_that_was_meant() {
    let mock = builder().start().await.expect("starts");
    let directory = connect(config(&mock, &[])).await;
    let asked = [SPECIAL, special::DISABLED].map(|index| id(&mock, index));
    let journey = Journey::plan(&directory, &asked, PlanSpec::default()).await;
    let renamed = mock.organisation().account(SPECIAL);
    let taker = mock.organisation().account(SPECIAL + 1);
    mock.change(&renamed.guid, |account| {
        account.cn = "Somebody Else".to_owned();
        account.name = "somebody.else".to_owned();
        account.unit = "CN=Users".to_owned();
    })
    .expect("changed");
    // Another account takes the place and the name that the plan saw.
    mock.change(&taker.guid, |account| {
        account.cn.clone_from(&renamed.cn);
        account.name.clone_from(&renamed.name);
        account.unit.clone_from(&renamed.unit);
    })
    .expect("changed");
    let disabled = mock.organisation().account(special::DISABLED);
    mock.change(&disabled.guid, |account| account.uac &= !2).expect("changed");
    assert_eq!(journey.run(&directory).await.stopped, None);
    assert_eq!((mock.sets(&renamed.guid).len(), mock.sets(&disabled.guid).len()), (1, 1));
    assert!(mock.untouched(&taker.guid), "whoever has the name now is nobody of the plan");
    let planned = entries(&journey);
    let told = journey.journal.progress(&planned.iter().map(|entry| entry.seq).collect::<Vec<_>>()).await;
    let notes: Vec<String> = told.expect("read").into_iter().flat_map(|progress| progress.notes).collect();
    for words in ["renamed since the plan", "moved since the plan", "enabled since the plan"] {
        assert!(notes.iter().any(|note| note.starts_with(words)), "{words}: {notes:?}");
    }
    let order = Order::new(asked[0].clone(), Action::SetPassword { must_change: false });
    mock.delete(&renamed.guid).expect("deleted");
    let outcome =
        directory.apply(&[order.with_password(Secret::new("Correct7horse!Battery".to_owned()))]).await.remove(0);
    assert!(matches!(&outcome, Outcome::Refused(error) if error.kind() == ErrorKind::AccountNotFound), "{outcome:?}");
}
