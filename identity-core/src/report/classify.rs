//! From a plan row and what the journal knows of it to the row of the report.

use super::history::History;
use super::row::{ActionRow, ActionState, Left, Retry, Row, RowResult};
use super::survivor::{OldPassword, survivors};
use crate::error::{ErrorKind, Status};
use crate::evidence::LogFinding;
use crate::journal::{EntryProgress, ErrorRecord, Finality, ManualDone, ManualEvidence, Verdict};
use crate::plan::{Disposition, Entry, LeftOutReason, PlanRow};
use crate::reset::{Action, Containment};
use crate::verify::shows;

/// The row of one account. `directory_kind` is the backend's word for its directory.
pub(super) fn row(planned: PlanRow, known: &EntryProgress, history: &History, directory_kind: &str) -> Row {
    match planned {
        PlanRow::Entry(entry) => match entry.disposition.clone() {
            Disposition::Reset { actions } => reset(entry, &actions, known, history, directory_kind),
            Disposition::Manual { reason, procedure, owner } => {
                manual(entry, reason, Left { retry: Retry::ByHand, advice: procedure, owner }, known, directory_kind)
            }
        },
        PlanRow::LeftOut { directory, id, name, kind, tier, reason, refusals, person, .. } => {
            let (result, mut why) = left_out(reason);
            let by_hand = history.by_hand(&directory, &id).cloned();
            if let Some(done) = &by_hand {
                why = format!("{why}; {}", done_words(done));
            }
            Row {
                directory,
                id,
                name,
                kind,
                tier,
                entry: None,
                population: None,
                wave: None,
                result,
                not_attempted: false,
                why,
                left: None,
                actions: Vec::new(),
                verdict: None,
                last_set: None,
                by_hand,
                evidence: None,
                notes: Vec::new(),
                refusals,
                grounds: Vec::new(),
                sealed: Vec::new(),
                survives: Vec::new(),
                person,
            }
        }
    }
}

fn left_out(reason: LeftOutReason) -> (RowResult, String) {
    match reason {
        LeftOutReason::Protected(because) => (RowResult::Protected, because),
        LeftOutReason::Excluded(because) => (RowResult::LeftOut, format!("excluded: {because}")),
        LeftOutReason::NotSelected => (RowResult::LeftOut, "not selected".to_owned()),
        LeftOutReason::MasteredElsewhere(place) => {
            (RowResult::LeftOut, format!("its password is mastered elsewhere: {place}"))
        }
        LeftOutReason::NothingWorks(because) => (RowResult::LeftOut, format!("no action works on it: {because}")),
    }
}

fn manual(entry: Entry, reason: String, left: Left, known: &EntryProgress, directory_kind: &str) -> Row {
    let mut row = planned(entry, known);
    let Some(mut done) = known.manual_done.clone() else {
        row.result = RowResult::Manual;
        row.why = reason;
        row.left = Some(left);
        row.survives = survivors(directory_kind, OldPassword::Stands);
        return row;
    };
    // What verification read since is newer than what was read when it was recorded.
    if let Some((verdict, last_set)) = known.verdict {
        row.verdict = Some(verdict);
        row.last_set = last_set;
        done.evidence = match (verdict, last_set) {
            (Verdict::Changed | Verdict::ChangedByOwner | Verdict::ChangedByOther, Some(last_set)) => {
                ManualEvidence::Confirmed { last_set, since: None }
            }
            (Verdict::Unchanged, last_set) => ManualEvidence::Unchanged { last_set },
            _ => done.evidence,
        };
    }
    row.why = done_words(&done);
    if matches!(done.evidence, ManualEvidence::Unchanged { .. }) {
        row.result = RowResult::ManualUnconfirmed;
        row.left =
            Some(Left { retry: Retry::ByHand, advice: format!("{UNCONFIRMED}; {}", left.advice), owner: left.owner });
        row.survives = survivors(directory_kind, OldPassword::Stands);
    } else {
        row.result = RowResult::ManualDone;
        // A reading or somebody's word: what survives a reset is all that can be said.
        row.survives = survivors(directory_kind, OldPassword::Replaced);
    }
    row.by_hand = Some(done);
    row
}

/// What is left of an account whose record is contradicted.
const UNCONFIRMED: &str = "ask who recorded it which account they reset, and where";

fn done_words(done: &ManualDone) -> String {
    format!("recorded as done by {}: {} ({})", done.by, done.note, done.evidence)
}

fn reset(entry: Entry, actions: &[Action], known: &EntryProgress, history: &History, directory_kind: &str) -> Row {
    let mut row = planned(entry, known);
    row.actions = actions.iter().map(|action| action_row(*action, known)).collect();
    for begun in &known.actions {
        let server_secret = match &begun.finality {
            Finality::Done { server_secret, .. } => server_secret.as_ref(),
            _ => None,
        };
        row.sealed.extend(begun.sealed.iter().chain(server_secret).cloned());
    }
    row.sealed.dedup();
    if let Some((verdict, last_set)) = known.verdict {
        row.verdict = Some(verdict);
        row.last_set = last_set;
    }
    let finding = finding(&row, history, shows(actions, known));
    row.result = finding.result;
    row.not_attempted = finding.not_attempted;
    row.why = finding.why;
    row.left = finding.left;
    by_the_log(&mut row, shows(actions, known));
    row.survives = survivors(directory_kind, old_password(&row));
    row
}

fn planned(entry: Entry, known: &EntryProgress) -> Row {
    let mut notes = entry.notes;
    notes.extend(known.notes.iter().cloned());
    Row {
        directory: entry.directory,
        id: entry.id,
        name: entry.name,
        kind: entry.kind,
        tier: entry.tier,
        entry: Some(entry.seq),
        population: Some(entry.population),
        wave: Some(entry.wave),
        result: RowResult::Unknown,
        not_attempted: false,
        why: String::new(),
        left: None,
        actions: Vec::new(),
        verdict: None,
        last_set: None,
        by_hand: None,
        evidence: known.evidence.clone(),
        notes,
        refusals: entry.refusals,
        grounds: entry.grounds,
        sealed: Vec::new(),
        survives: Vec::new(),
        person: entry.person,
    }
}

fn action_row(action: Action, known: &EntryProgress) -> ActionRow {
    let mut row = ActionRow {
        action,
        state: ActionState::NotAttempted,
        attempts: 0,
        request_id: None,
        read_back: false,
        at: None,
        error: None,
    };
    let Some(begun) = known.action(action) else { return row };
    row.attempts = begun.attempt;
    match &begun.finality {
        Finality::Open => row.state = ActionState::Unknown,
        Finality::Done { at, read_back, request_id, .. } => {
            row.state = ActionState::Done;
            row.at = *at;
            row.read_back = *read_back;
            row.request_id.clone_from(request_id);
        }
        Finality::Retryable(error) | Finality::Failed(error) => {
            row.state = match begun.finality {
                Finality::Failed(_) => ActionState::Failed,
                _ => ActionState::Interrupted,
            };
            row.request_id.clone_from(&error.request_id);
            row.error = Some(error.clone());
        }
    }
    row
}

struct Finding {
    result: RowResult,
    not_attempted: bool,
    why: String,
    left: Option<Left>,
}

impl Finding {
    fn new(result: RowResult, why: impl Into<String>) -> Self {
        Self { result, not_attempted: false, why: why.into(), left: None }
    }

    fn left(mut self, retry: Retry, advice: impl Into<String>) -> Self {
        self.left = Some(Left { retry, advice: advice.into(), owner: None });
        self
    }
}

/// What came of an entry: first what was not done, then what is unknown, then what reading back
/// showed of what is done.
fn finding(row: &Row, history: &History, shows: bool) -> Finding {
    let untouched = |action: &ActionRow| match action.state {
        ActionState::NotAttempted => true,
        ActionState::Failed => action.attempts == 0 && action.error.as_ref().is_some_and(is_stop),
        _ => false,
    };
    if row.actions.iter().all(untouched) {
        let (why, advice) = history.not_attempted(row.wave.as_deref().unwrap_or_default());
        let final_already = row.actions.iter().any(|action| action.state == ActionState::Failed);
        let finding = Finding::new(RowResult::Failed, why);
        let mut finding = if final_already {
            finding.left(Retry::ByHand, "plan what is left and run it: this run has closed the entry")
        } else {
            finding.left(Retry::Resume, advice)
        };
        finding.not_attempted = true;
        return finding;
    }
    if let Some(failed) = row.actions.iter().find(|action| action.state == ActionState::Failed) {
        let (retry, advice) = failed.error.as_ref().map_or((Retry::ByHand, String::new()), after_failure);
        return Finding::new(RowResult::Failed, open_words(row)).left(retry, advice);
    }
    if row.actions.iter().any(|action| matches!(action.state, ActionState::Interrupted | ActionState::NotAttempted)) {
        return Finding::new(RowResult::Failed, open_words(row))
            .left(Retry::Resume, "resume the run: it carries out what is missing");
    }
    if row.actions.iter().any(|action| action.state == ActionState::Unknown) {
        return Finding::new(RowResult::Unknown, open_words(row))
            .left(Retry::Resume, "resume the run: it reads the account back before anything is repeated");
    }
    after_reading(row, shows)
}

/// Every action is confirmed: what did reading back show?
fn after_reading(row: &Row, shows: bool) -> Finding {
    let demanded = row.actions.iter().any(|action| action.action.demands_change());
    let recovers = row.actions.iter().any(|action| matches!(action.action, Action::ResetToRecovery { .. }));
    if !shows {
        return Finding::new(
            RowResult::Unknown,
            "confirmed by the directory; reading the account back does not show it",
        )
        .left(Retry::ByHand, "check it in the directory's own log or console");
    }
    match row.verdict {
        None => Finding::new(RowResult::Unknown, "confirmed by the directory, and not read back yet")
            .left(Retry::ReadBack, "verify the run"),
        Some(Verdict::Changed) if recovers => Finding::new(
            RowResult::Verified,
            "the old password is void; its owner has not come back by recovery yet",
        ),
        Some(Verdict::Changed) => Finding::new(RowResult::Verified, String::new()),
        Some(Verdict::ChangedByOwner) if recovers => Finding::new(
            RowResult::Verified,
            "the old password is void; a new one has been set since by recovery, as asked",
        ),
        Some(Verdict::ChangedByOwner) if demanded => Finding::new(
            RowResult::Verified,
            "the owner has signed in and chosen another password since, as asked; the generated one is not in use any more",
        ),
        Some(Verdict::ChangedByOwner | Verdict::ChangedByOther) => Finding::new(
            RowResult::Failed,
            "the password was set by this run, and once more by somebody else: it is not the one in the vault",
        )
        .left(
            Retry::ByHand,
            "find out in the directory's audit log who set it and whether they may; if not, reset the account again under a new plan",
        ),
        Some(Verdict::Unchanged) => Finding::new(
            RowResult::Failed,
            "the directory confirmed it, but reading back shows the account as it was",
        )
        .left(
            Retry::ByHand,
            "verify again once replication has caught up; if it stays, look whether a synchronisation or a person undid it, and reset it by hand",
        ),
        Some(Verdict::Gone) => {
            Finding::new(RowResult::Unknown, "confirmed by the directory; the account is gone since, so nothing shows it")
                .left(Retry::ByHand, "find out who deleted it; if it is restored, verify again")
        }
        Some(Verdict::Unknown) => {
            Finding::new(RowResult::Unknown, "confirmed by the directory, but what it shows does not tell whether it changed")
                .left(Retry::ReadBack, "verify again; if it stays unknown, look the account up in the directory's audit log")
        }
    }
}

/// What the directory's own audit log adds. Where nothing can be read back and every order was
/// confirmed, it is the second witness that makes the row verified; where it contradicts the journal,
/// nothing is called verified. Otherwise the account itself has the word.
fn by_the_log(row: &mut Row, shows: bool) {
    let Some(evidence) = &row.evidence else { return };
    let words = match evidence.finding {
        LogFinding::Contradicted => format!("the directory's audit log contradicts it: {}", evidence.because),
        LogFinding::Confirmed if row.result == RowResult::Unknown && !shows => {
            if row.actions.iter().all(|action| action.state == ActionState::Done) {
                row.result = RowResult::Verified;
                row.why = "reading the account back does not show it".to_owned();
                row.left = None;
            }
            "the directory's audit log has it".to_owned()
        }
        _ => return,
    };
    if evidence.finding == LogFinding::Contradicted && row.result == RowResult::Verified {
        row.result = RowResult::Unknown;
    }
    row.why = if row.why.is_empty() { words } else { format!("{}; {words}", row.why) };
    if evidence.finding == LogFinding::Contradicted && row.left.is_none() {
        let advice = "look the events up in the directory's audit log, by the ids that the report names, and find out who did what";
        row.left = Some(Left { retry: Retry::ByHand, advice: advice.to_owned(), owner: None });
    }
}

/// Whether the error says that a stop came before the first attempt.
fn is_stop(error: &ErrorRecord) -> bool {
    matches!(error.kind, ErrorKind::Stopped | ErrorKind::ApprovalMissing)
}

/// The open actions of an entry, each with what went wrong.
fn open_words(row: &Row) -> String {
    let mut words = Vec::new();
    for action in row.actions.iter().filter(|action| action.state != ActionState::Done) {
        words.push(match (&action.error, action.state) {
            (Some(error), _) => format!("{}: {}", action.action, error.text),
            (None, ActionState::Unknown) => format!("{}: no answer came", action.action),
            (None, _) => format!("{}: not attempted", action.action),
        });
    }
    words.join("; ")
}

fn after_failure(error: &ErrorRecord) -> (Retry, String) {
    let retry = match error.status {
        // Given up for good is final for the run, although it may pass: a new plan can try again.
        Status::Permanent | Status::Persistent | Status::Temporary => Retry::ByHand,
        Status::Unknown => Retry::ReadBack,
    };
    (retry, error.advice.clone().unwrap_or_else(|| advice_for(error).to_owned()))
}

/// What to do about an error that brought no advice of its own.
fn advice_for(error: &ErrorRecord) -> &'static str {
    match error.kind {
        ErrorKind::AccountNotFound => "the account is gone: find out who deleted it; nothing is left to reset",
        ErrorKind::ApprovalMissing => "approve the wave and resume the run",
        ErrorKind::Conflict | ErrorKind::PlanDrift => "look at what changed on the account, then plan it again",
        ErrorKind::InsufficientPrivilege => {
            "give the run's principal the right to reset this account, or have an administrator reset it by hand"
        }
        ErrorKind::PasswordRejected => {
            "compare the directory's password policy with the generator's, then plan it again"
        }
        ErrorKind::Protected => "follow this account's own procedure",
        ErrorKind::RateLimited | ErrorKind::Timeout | ErrorKind::Transport | ErrorKind::Unavailable => {
            "wait until the directory is well again, then plan what is left and run it"
        }
        ErrorKind::Stopped => "resume the run",
        ErrorKind::Unauthenticated => "mend the run's own sign-in, then plan what is left and run it",
        ErrorKind::Unsupported => "reset it by hand: the directory cannot do this action to this account",
        _ => "look the account up in the directory and reset it by hand",
    }
}

fn old_password(row: &Row) -> OldPassword {
    let done = |wanted: fn(Action) -> bool| {
        row.actions.iter().any(|action| action.state == ActionState::Done && wanted(action.action))
    };
    // Confirmed and yet unchanged, or not read back: it may stand.
    let shown = matches!(row.verdict, Some(Verdict::Changed | Verdict::ChangedByOwner | Verdict::ChangedByOther));
    let twice = done(|action| action == Action::Scramble) && done(Action::needs_sealing);
    if twice && shown {
        OldPassword::PushedOut
    } else if done(|action| action.containment() == Containment::OldPassword) && shown {
        OldPassword::Replaced
    } else if done(|action| action == Action::ExpirePassword) {
        if row.verdict == Some(Verdict::ChangedByOwner) { OldPassword::Replaced } else { OldPassword::Expired }
    } else {
        OldPassword::Stands
    }
}
