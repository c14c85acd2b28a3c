//! What holds for every plan and every history, however odd.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{approved, error, left_out, rows_of, started};
use crate::account::DirectoryId;
use crate::error::ErrorKind;
use crate::journal::{Baseline, Event, StopReason, Verdict};
use crate::plan::{Disposition, LeftOutReason, PlanRow};
use crate::report::{ActionState, RowResult};
use crate::reset::Action;
use crate::vault::SealedRef;
use crate::verify::fixture::{SET, SET_MUST_CHANGE, at, entry};

#[derive(Clone, Debug)]
enum Planned {
    Reset(Vec<Action>, Vec<u8>),
    Manual(bool),
    LeftOut(bool),
}

fn action() -> impl Strategy<Value = Action> {
    prop::sample::select(vec![
        SET,
        SET_MUST_CHANGE,
        Action::Scramble,
        Action::SetTemporaryPassword,
        Action::ResetToRecovery { mail: true },
        Action::ExpirePassword,
        Action::Disable,
        Action::Unlock,
        Action::RevokeSessions,
    ])
}

fn planned() -> impl Strategy<Value = Planned> {
    prop_oneof![
        6 => (prop::collection::btree_set(action(), 1..4), prop::collection::vec(any::<u8>(), 0..8))
            .prop_map(|(actions, history)| Planned::Reset(actions.into_iter().collect(), history)),
        1 => any::<bool>().prop_map(Planned::Manual),
        2 => any::<bool>().prop_map(Planned::LeftOut),
    ]
}

/// Events of one entry, from bytes: in no sensible order.
fn history(seq: u64, actions: &[Action], bytes: &[u8]) -> Vec<Event> {
    let verdicts = [
        Verdict::Changed,
        Verdict::Unchanged,
        Verdict::ChangedByOwner,
        Verdict::ChangedByOther,
        Verdict::Unknown,
        Verdict::Gone,
    ];
    let kinds = [ErrorKind::Stopped, ErrorKind::Unavailable, ErrorKind::PlanDrift, ErrorKind::Timeout];
    let event = |byte: &u8| {
        let entry = seq;
        let choice = usize::from(*byte / 8);
        let action = actions[choice % actions.len()];
        let attempt = u32::from(*byte / 64);
        let error = error(kinds[choice % kinds.len()]);
        match byte % 8 {
            0 | 1 => {
                let sealed = action.needs_sealing().then(|| SealedRef(format!("ref-{seq}")));
                Event::Intent { entry, action, attempt: attempt.max(1), baseline: Baseline::default(), sealed }
            }
            2 | 3 => Event::Done {
                entry,
                action,
                attempt: attempt.max(1),
                at: Some(at(1)),
                request_id: None,
                read_back: *byte > 128,
                server_secret: None,
            },
            4 => Event::AttemptFailed { entry, action, attempt, error },
            5 => Event::AttemptUnknown { entry, action, attempt, error },
            6 => Event::Failed { entry, action, attempt, error },
            _ => Event::Verified { entry, verdict: verdicts[choice % verdicts.len()], last_set: None },
        }
    };
    bytes.iter().map(event).collect()
}

fn plan_and_events(planned: &[Planned], stopped: bool) -> (Vec<PlanRow>, Vec<Event>) {
    let directories = ["corp", "cloud"].map(|id| DirectoryId::new(id).unwrap());
    let (mut rows, mut events, mut seq) = (Vec::new(), vec![started(false), approved("workforce-1")], 0);
    for (place, planned) in planned.iter().enumerate() {
        let directory = &directories[place % 2];
        match planned {
            Planned::Reset(actions, bytes) => {
                seq += 1;
                let mut entry = entry(seq, directory, actions);
                entry.wave = format!("workforce-{}", place % 3);
                rows.push(PlanRow::Entry(entry));
                events.extend(history(seq, actions, bytes));
            }
            Planned::Manual(recorded) => {
                seq += 1;
                let mut entry = entry(seq, directory, &[]);
                entry.disposition = Disposition::Manual { reason: "r".into(), procedure: "p".into(), owner: None };
                rows.push(PlanRow::Entry(entry));
                if *recorded {
                    events.push(Event::ManualDone {
                        entry: Some(seq),
                        account: None,
                        by: "b".into(),
                        note: "n".into(),
                        evidence: crate::journal::ManualEvidence::default(),
                    });
                }
            }
            Planned::LeftOut(true) => {
                rows.push(left_out(place as u64, directory, LeftOutReason::Protected("p".into())));
            }
            Planned::LeftOut(false) => rows.push(left_out(place as u64, directory, LeftOutReason::NotSelected)),
        }
    }
    events.extend(stopped.then_some(Event::Stopped { reason: StopReason::Cancelled }));
    (rows, events)
}

proptest! {
    #[test]
    fn every_account_is_one_row_and_the_sums_hold(
        planned in prop::collection::vec(planned(), 0..40),
        stopped in any::<bool>(),
    ) {
        let (plan, events) = plan_and_events(&planned, stopped);
        let (rows, summary) = futures::executor::block_on(rows_of(&plan, events)).unwrap();

        prop_assert_eq!(rows.len(), plan.len());
        let accounts: BTreeSet<_> = rows.iter().map(|row| (&row.directory, &row.id)).collect();
        prop_assert_eq!(accounts.len(), plan.len());

        let count = |wanted: RowResult| rows.iter().filter(|row| row.result == wanted).count() as u64;
        let a = &summary.accounts;
        prop_assert_eq!(a.seen, rows.len() as u64);
        prop_assert_eq!(a.seen, a.planned + a.manual + a.left_out + a.protected);
        prop_assert_eq!(a.planned, a.verified + a.failed + a.unknown);
        prop_assert_eq!(a.verified, count(RowResult::Verified));
        prop_assert_eq!(a.failed, count(RowResult::Failed));
        prop_assert_eq!(a.unknown, count(RowResult::Unknown));
        prop_assert_eq!(a.manual, count(RowResult::Manual) + count(RowResult::ManualDone));
        prop_assert_eq!(a.not_attempted, rows.iter().filter(|row| row.not_attempted).count() as u64);
        prop_assert!(a.not_attempted <= a.failed && a.changed_by_owner <= a.verified);
        for of in [
            summary.waves.iter().map(|w| (w.planned, w.verified, w.failed, w.unknown)).collect::<Vec<_>>(),
            summary.directories.iter().map(|d| (d.planned, d.verified, d.failed, d.unknown)).collect(),
        ] {
            let sum = of.iter().fold((0, 0, 0, 0), |s, c| (s.0 + c.0, s.1 + c.1, s.2 + c.2, s.3 + c.3));
            prop_assert_eq!(sum, (a.planned, a.verified, a.failed, a.unknown));
        }
        let left = &summary.left;
        prop_assert_eq!(left.resume + left.read_back + left.by_hand, a.failed + a.unknown);

        for row in &rows {
            let done = row.actions.iter().all(|action| action.state == ActionState::Done);
            let shown = matches!(row.verdict, Some(Verdict::Changed | Verdict::ChangedByOwner));
            if row.result == RowResult::Verified {
                prop_assert!(done && shown && !row.actions.is_empty() && row.left.is_none(), "{:?}", row);
            } else {
                prop_assert!(!row.why.is_empty(), "{:?}", row);
            }
            let open = matches!(row.result, RowResult::Failed | RowResult::Unknown | RowResult::Manual);
            prop_assert_eq!(open, row.left.as_ref().is_some_and(|left| !left.advice.is_empty()), "{:?}", row);
            if row.not_attempted {
                prop_assert!(row.sealed.is_empty() && row.actions.iter().all(|action| action.attempts == 0), "{:?}", row);
            }
        }
    }
}
