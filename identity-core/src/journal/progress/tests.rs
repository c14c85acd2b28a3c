//! Any prefix of a legal sequence of events, as a crash leaves it, folds into a state from which
//! resuming is right.

use proptest::prelude::*;

use super::*;
use crate::error::{ErrorKind, Status};

const ENTRY: u64 = 7;

/// What the engine may do next with one action.
#[derive(Clone, Debug)]
enum Step {
    /// An attempt fails without effect.
    Fails,
    /// An attempt gets no answer and is repeated with the same password.
    Unknown,
    /// The process dies after the intent; the next one tries again.
    Dies,
}

#[derive(Clone, Debug)]
enum End {
    Done {
        read_back: bool,
    },
    Failed,
    /// The directory refuses before anything is sent.
    NeverSent,
    /// The run stops here.
    Left,
}

/// The truth that the fold is compared with, kept by the sequence's maker and not derived from it.
#[derive(Clone, Debug, PartialEq)]
enum Truth {
    NotBegun,
    MayHaveLanded,
    Harmless,
    Done,
    Failed,
}

#[derive(Clone, Debug)]
struct Moment {
    event: Event,
    action: Action,
    truth: Truth,
    attempt: u32,
    baseline: u64,
    sealed: Option<u32>,
}

fn error(text: &str) -> ErrorRecord {
    ErrorRecord {
        kind: ErrorKind::Unavailable,
        status: Status::Temporary,
        text: text.into(),
        advice: None,
        request_id: None,
    }
}

fn seal(number: u32) -> SealedRef {
    SealedRef(format!("{number}:0"))
}

/// A legal sequence of events of one action, each with the truth after it.
fn sequence(action: Action, steps: &[Step], end: &End) -> Vec<Moment> {
    let entry = ENTRY;
    let mut moments = Vec::new();
    let (mut attempt, mut version, mut password) = (0, 100, 0);
    let (mut baseline, mut sealed, mut open) = (0, None, false);
    let mut push = |event, truth, attempt, baseline, sealed| {
        moments.push(Moment { event, action, truth, attempt, baseline, sealed });
    };
    let mut intent = |attempt: &mut u32, baseline: &mut u64, sealed: &mut Option<u32>, open: &mut bool| {
        *attempt += 1;
        // The directory's state moves on between attempts, by other hands.
        version += 1;
        if !*open {
            *baseline = version;
            password += 1;
            *sealed = action.needs_sealing().then_some(password);
        }
        *open = true;
        let baseline = Baseline { version: Some(version), ..Baseline::default() };
        Event::Intent { entry, action, attempt: *attempt, baseline, sealed: sealed.map(seal) }
    };
    for step in steps {
        let event = intent(&mut attempt, &mut baseline, &mut sealed, &mut open);
        push(event, Truth::MayHaveLanded, attempt, baseline, sealed);
        match step {
            Step::Fails => {
                open = false;
                let event = Event::AttemptFailed { entry, action, attempt, error: error("busy") };
                push(event, Truth::Harmless, attempt, baseline, sealed);
            }
            Step::Unknown => {
                let event = Event::AttemptUnknown { entry, action, attempt, error: error("no answer") };
                push(event, Truth::MayHaveLanded, attempt, baseline, sealed);
            }
            Step::Dies => {}
        }
    }
    match end {
        End::Done { read_back } => {
            let event = intent(&mut attempt, &mut baseline, &mut sealed, &mut open);
            push(event, Truth::MayHaveLanded, attempt, baseline, sealed);
            let event = Event::Done {
                entry,
                action,
                attempt,
                at: None,
                request_id: None,
                read_back: *read_back,
                server_secret: None,
            };
            push(event, Truth::Done, attempt, baseline, sealed);
        }
        End::Failed => {
            let event = intent(&mut attempt, &mut baseline, &mut sealed, &mut open);
            push(event, Truth::MayHaveLanded, attempt, baseline, sealed);
            push(
                Event::Failed { entry, action, attempt, error: error("no") },
                Truth::Failed,
                attempt,
                baseline,
                sealed,
            );
        }
        End::NeverSent => {
            push(
                Event::Failed { entry, action, attempt, error: error("no") },
                Truth::Failed,
                attempt,
                baseline,
                sealed,
            );
        }
        End::Left => {}
    }
    moments
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(prop_oneof![Just(Step::Fails), Just(Step::Unknown), Just(Step::Dies)], 0..6)
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        any::<bool>().prop_map(|read_back| End::Done { read_back }),
        Just(End::Failed),
        Just(End::NeverSent),
        Just(End::Left)
    ]
}

/// Some actions of one entry, one after another as the engine does them.
fn entry_sequence() -> impl Strategy<Value = Vec<Moment>> {
    let actions = [
        Action::Disable,
        Action::SetPassword { must_change: true },
        Action::Scramble,
        Action::SetTemporaryPassword,
        Action::ResetToRecovery { mail: false },
        Action::RevokeSessions,
        Action::SetPassword { must_change: false },
    ];
    let parts = prop::collection::vec((prop::sample::select(actions.to_vec()), steps(), end()), 1..4);
    let moments = parts.prop_map(|mut parts| {
        parts.sort_by_key(|(action, ..)| (action.rank(), *action));
        parts.dedup_by_key(|(action, ..)| *action);
        parts.iter().flat_map(|(action, steps, end)| sequence(*action, steps, end)).collect::<Vec<_>>()
    });
    moments.prop_filter("nothing begun", |moments| !moments.is_empty())
}

fn truth_of(known: Option<&ActionProgress>) -> Truth {
    match known.map(|known| &known.finality) {
        None => Truth::NotBegun,
        Some(Finality::Open) => Truth::MayHaveLanded,
        Some(Finality::Retryable(_)) => Truth::Harmless,
        Some(Finality::Done { .. }) => Truth::Done,
        Some(Finality::Failed(_)) => Truth::Failed,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn any_prefix_resumes_right(moments in entry_sequence(), cut in any::<prop::sample::Index>()) {
        let prefix = &moments[..=cut.index(moments.len())];
        let mut progress = EntryProgress::new(ENTRY);
        for moment in prefix {
            progress.fold(&moment.event);
        }
        for action in moments.iter().map(|moment| moment.action) {
            let last = prefix.iter().rev().find(|moment| moment.action == action);
            let known = progress.action(action);
            prop_assert_eq!(truth_of(known), last.map_or(Truth::NotBegun, |moment| moment.truth.clone()));
            let (Some(last), Some(known)) = (last, known) else { continue };
            prop_assert_eq!(known.attempt, last.attempt);
            prop_assert_eq!(known.sealed.clone(), last.sealed.map(seal));
            if last.attempt > 0 {
                prop_assert_eq!(known.baseline.version, Some(last.baseline), "{:?}", last);
            }
        }
    }

    #[test]
    fn a_record_that_comes_late_or_twice_changes_nothing(moments in entry_sequence(), late in any::<prop::sample::Index>()) {
        let mut progress = EntryProgress::new(ENTRY);
        for moment in &moments {
            progress.fold(&moment.event);
        }
        let late = &moments[late.index(moments.len())];
        let known = progress.action(late.action).cloned();
        let is_final = known.as_ref().is_some_and(|known| known.finality.is_final());
        let is_older = known.as_ref().is_some_and(|known| known.attempt > late.attempt);
        let of_attempt = matches!(late.event, Event::AttemptFailed { .. } | Event::AttemptUnknown { .. });
        if is_final || is_older && of_attempt {
            progress.fold(&late.event);
            prop_assert_eq!(progress.action(late.action), known.as_ref());
        }
    }
}

#[test]
fn events_of_other_entries_are_not_ours() {
    let mut progress = EntryProgress::new(ENTRY);
    progress.fold(&Event::Noted { entry: ENTRY + 1, note: "moved".into() });
    progress.fold(&Event::RunFinished);
    assert_eq!(progress, EntryProgress::new(ENTRY));
    progress.fold(&Event::Noted { entry: ENTRY, note: "moved".into() });
    progress.fold(&Event::Noted { entry: ENTRY, note: "moved".into() });
    assert_eq!(progress.notes, ["moved"]);
}

/// What had no answer may be in force, whatever a later attempt met.
#[test]
fn an_attempt_without_an_answer_is_remembered_behind_a_later_refusal_for_pace() {
    let action = Action::SetPassword { must_change: true };
    let intent =
        |attempt| Event::Intent { entry: ENTRY, action, attempt, baseline: Baseline::default(), sealed: Some(seal(1)) };
    let refused = |attempt| Event::AttemptFailed { entry: ENTRY, action, attempt, error: error("busy") };
    let unknown = Event::AttemptUnknown { entry: ENTRY, action, attempt: 1, error: error("no answer") };
    let folded = |events: &[Event]| {
        let mut progress = EntryProgress::new(ENTRY);
        events.iter().for_each(|event| progress.fold(event));
        progress.action(action).unwrap().clone()
    };
    let known = folded(&[intent(1), unknown, intent(2), refused(2)]);
    assert!(matches!(known.finality, Finality::Retryable(_)));
    assert_eq!((known.unanswered, known.sealed), (Some(1), Some(seal(1))));
    assert_eq!(folded(&[intent(1), intent(2), refused(2)]).unanswered, Some(1), "a process ended after the first");
    assert_eq!(folded(&[intent(1), refused(1), intent(2), refused(2)]).unanswered, None);
}
