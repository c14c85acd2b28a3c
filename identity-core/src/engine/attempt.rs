//! One action on the accounts of a cohort, attempt after attempt, until each is final.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::cohort::Cohort;
use super::lane::Lane;
use super::read_back::read_back;
use super::send::send;
use crate::error::{Error, ErrorKind, Result, Status};
use crate::journal::{ActionProgress, Baseline, ErrorRecord, Event, Finality};
use crate::limits::{RetryCause, clock};
use crate::reset::{Action, Outcome, Receipt, Secret, SecretKind};
use crate::vault::{SealedRef, Sealing};

/// One action on one account, not final yet.
#[derive(Debug)]
pub(super) struct Work {
    /// Place of the account in the cohort.
    pub(super) subject: usize,
    pub(super) action: Action,
    /// The last attempt's number over all processes of the run.
    pub(super) attempt: u32,
    /// Attempts of this process.
    tries: u32,
    /// How many passwords this process tried.
    passwords: u32,
    pub(super) password: Option<Secret>,
    sealed: Option<SealedRef>,
    pub(super) baseline: Baseline,
    /// An order may have been sent and its outcome is not known: read back first.
    pub(super) open: bool,
    /// An attempt had no answer: what it carried may be in force, or land yet. Until a later one is
    /// confirmed, no refusal is final and no other password is made.
    maybe_in_force: bool,
    /// Its password was sealed although no intent is recorded.
    unrecorded: bool,
    /// Reading back does not tell this one's landing from an earlier action's on the same account:
    /// only the directory's own answer counts.
    pub(super) uncertain: bool,
    /// An attempt had no answer, and with it may be lost a secret that the server made.
    lost: Option<u32>,
    throttled: u32,
    wait: Duration,
}

impl Work {
    /// An action of which nothing is recorded.
    pub(super) fn new(subject: usize, action: Action, baseline: Baseline) -> Self {
        Self {
            subject,
            action,
            attempt: 0,
            tries: 0,
            passwords: 0,
            password: None,
            sealed: None,
            baseline,
            open: false,
            maybe_in_force: false,
            unrecorded: false,
            uncertain: false,
            lost: None,
            throttled: 0,
            wait: Duration::ZERO,
        }
    }

    /// An action that an earlier process began.
    pub(super) fn resumed(subject: usize, known: &ActionProgress) -> Self {
        let rejected =
            matches!(&known.finality, Finality::Retryable(error) if error.kind == ErrorKind::PasswordRejected);
        let open = known.finality == Finality::Open;
        // A later attempt that was refused for pace takes nothing back of one without an answer.
        let unanswered = open.then_some(known.attempt).or(known.unanswered);
        Self {
            attempt: known.attempt,
            sealed: known.sealed.clone().filter(|_| !rejected),
            open,
            maybe_in_force: unanswered.is_some() && known.action.needs_password(),
            lost: unanswered.and_then(|attempt| lost(known.action, attempt)),
            ..Self::new(subject, known.action, known.baseline.clone())
        }
    }

    /// Says whether an earlier action may show as this one would.
    pub(super) fn uncertain(mut self, uncertain: bool) -> Self {
        self.uncertain = uncertain;
        self
    }

    /// A password that was sealed although no intent is recorded: it is used, not replaced.
    pub(super) fn with_sealed(mut self, sealed: SealedRef) -> Self {
        self.sealed = Some(sealed);
        self.unrecorded = true;
        self
    }
}

/// Carries the works out until each is final or must be left open.
pub(super) async fn carry_out(lane: &Lane, cohort: &mut Cohort, mut pending: Vec<Work>) -> Result<()> {
    while !pending.is_empty() {
        pending = read_back(lane, cohort, pending).await?;
        if pending.is_empty() || lane.must_stop() {
            return Ok(());
        }
        pending = provide_passwords(lane, cohort, pending).await?;
        record_intents(lane, cohort, &mut pending).await?;
        if pending.is_empty() {
            return Ok(());
        }
        let outcomes = send(lane, cohort, &pending).await;
        pending = settle(lane, cohort, pending, outcomes).await?;
        let wait = pending.iter().map(|work| work.wait).max().unwrap_or_default();
        if !wait.is_zero() {
            tokio::select! {
                () = clock::sleep(wait) => {}
                () = lane.guard.stopped() => {}
            }
        }
    }
    Ok(())
}

/// Gives each work that needs one its password: the one it had, or a fresh one, sealed first.
async fn provide_passwords(lane: &Lane, cohort: &mut Cohort, pending: Vec<Work>) -> Result<Vec<Work>> {
    let mut ready = Vec::with_capacity(pending.len());
    let mut to_seal: Vec<(usize, Sealing)> = Vec::new();
    let mut notes = Vec::new();
    for mut work in pending {
        if work.action.needs_password() && work.password.is_none() {
            // The password of an intent that the journal lost may have been sent as well.
            let entry = cohort.entry(work.subject);
            let moved = cohort.account(work.subject).password.last_set != entry.expected.last_set;
            let begun = work.attempt > 0 || (work.unrecorded && moved);
            match reopened(lane, &work).await? {
                Reopened::Password(password) => work.password = Some(password),
                Reopened::NoKey if begun => {
                    // It may have been sent. Another one would break the promise that nobody
                    // ends with a password that the vault does not name as the last.
                    lane.held.fetch_add(1, Ordering::Relaxed);
                    notes.push(Event::Noted {
                        entry: cohort.entry(work.subject).seq,
                        note: "its password may have been sent and cannot be opened again: resume with the vault's identity"
                            .to_owned(),
                    });
                    continue;
                }
                Reopened::NoKey | Reopened::Nothing => {
                    let password = lane.fresh_password(cohort.account(work.subject), work.action)?;
                    work.passwords += 1;
                    if work.action.needs_sealing() {
                        to_seal
                            .push((ready.len(), sealing(cohort, work.subject, SecretKind::Password, password.clone())));
                    }
                    work.password = Some(password);
                    work.sealed = None;
                }
            }
        }
        ready.push(work);
    }
    if !notes.is_empty() {
        cohort.record(lane, notes).await?;
    }
    if !to_seal.is_empty() {
        let (places, sealings): (Vec<usize>, Vec<Sealing>) = to_seal.into_iter().unzip();
        let references = sealed(lane, sealings).await?;
        for (place, reference) in places.into_iter().zip(references) {
            if let Some(work) = ready.get_mut(place) {
                work.sealed = Some(reference);
            }
        }
    }
    Ok(ready)
}

/// Seals; one reference for each.
async fn sealed(lane: &Lane, sealings: Vec<Sealing>) -> Result<Vec<SealedRef>> {
    let count = sealings.len();
    let references = lane.vault.seal(sealings).await?;
    if references.len() == count {
        return Ok(references);
    }
    Err(Error::new(ErrorKind::Vault, "seal passwords").with_detail("the vault did not name one for each"))
}

enum Reopened {
    Password(Secret),
    NoKey,
    Nothing,
}

async fn reopened(lane: &Lane, work: &Work) -> Result<Reopened> {
    let Some(sealed) = &work.sealed else { return Ok(Reopened::Nothing) };
    Ok(lane.vault.reopen(sealed).await?.map_or(Reopened::NoKey, Reopened::Password))
}

fn sealing(cohort: &Cohort, subject: usize, kind: SecretKind, password: Secret) -> Sealing {
    let entry = cohort.entry(subject);
    Sealing {
        entry: entry.seq,
        directory: entry.directory.clone(),
        account: entry.id.clone(),
        name: cohort.account(subject).name.clone(),
        kind,
        password,
    }
}

async fn record_intents(lane: &Lane, cohort: &mut Cohort, pending: &mut [Work]) -> Result<()> {
    let mut events = Vec::with_capacity(pending.len());
    for work in pending {
        work.attempt += 1;
        work.tries += 1;
        events.push(Event::Intent {
            entry: cohort.entry(work.subject).seq,
            action: work.action,
            attempt: work.attempt,
            baseline: work.baseline.clone(),
            sealed: work.sealed.clone(),
        });
    }
    cohort.record(lane, events).await
}

/// Records the outcomes; what is to be tried again stays pending.
async fn settle(
    lane: &Lane,
    cohort: &mut Cohort,
    pending: Vec<Work>,
    outcomes: Vec<Option<Outcome>>,
) -> Result<Vec<Work>> {
    let mut events = Vec::with_capacity(pending.len());
    let mut again = Vec::new();
    let mut seal_first: Vec<(Work, Receipt, Secret)> = Vec::new();
    for (work, outcome) in pending.into_iter().zip(outcomes) {
        let entry = cohort.entry(work.subject).seq;
        let Some(outcome) = outcome else {
            let stopped = Error::new(ErrorKind::Stopped, "send")
                .with_status(Status::Temporary)
                .with_detail("not sent: the run stopped");
            events.push(attempt_failed(&work, entry, &stopped));
            continue;
        };
        match outcome {
            Outcome::Done(mut receipt) => {
                lane.guard.succeeded();
                lane.backend.governor().retry_budget().deposit();
                match receipt.server_secret.take() {
                    Some(secret) => seal_first.push((work, receipt, secret)),
                    None => {
                        events.extend(untold(&work, entry));
                        let done = done(&work, entry, &receipt, None);
                        events.extend(cohort.followed(work.subject).record(done));
                    }
                }
            }
            Outcome::Refused(error) if work.maybe_in_force && error.kind() != ErrorKind::AccountNotFound => {
                // An earlier one without an answer may be why (the history knows the password, or
                // its age is too small): it stays open, to be read back.
                events.push(attempt_unknown(&work, entry, &error));
                lane.stop_if_fatal(&error);
            }
            Outcome::Refused(error) => {
                let more = work.passwords < lane.guard.rails().passwords_per_account;
                if error.kind() == ErrorKind::PasswordRejected && work.action.needs_password() && more {
                    events.push(attempt_failed(&work, entry, &error));
                    again.push(Work { password: None, sealed: None, wait: Duration::ZERO, ..work });
                } else if lane.stop_if_fatal(&error) {
                    // Not this account's failure: a resume tries it again.
                    events.push(attempt_failed(&work, entry, &error));
                } else {
                    let error = error.with_attempts(work.attempt);
                    given_up(lane, &work, entry, &error, &mut events);
                }
            }
            Outcome::Throttled(error) => {
                events.push(attempt_failed(&work, entry, &error));
                let throttled = work.throttled + 1;
                match lane.delay(throttled, &error, RetryCause::Throttled) {
                    Some(wait) => again.push(Work { throttled, wait, ..work }),
                    None => give_up(lane, &work, entry, error, &mut events),
                }
            }
            Outcome::Temporary(error) => {
                events.push(attempt_failed(&work, entry, &error));
                match lane.delay(work.tries - work.throttled, &error, RetryCause::Fault) {
                    Some(wait) => again.push(Work { wait, ..work }),
                    None => give_up(lane, &work, entry, error, &mut events),
                }
            }
            Outcome::Unknown(error) => {
                events.push(attempt_unknown(&work, entry, &error));
                // Without another try it stays open: a resume, or verification, reads it back.
                if let Some(wait) = lane.delay(work.tries - work.throttled, &error, RetryCause::Timeout) {
                    let maybe_in_force = work.action.needs_password();
                    let lost = lost(work.action, work.attempt);
                    again.push(Work { open: true, maybe_in_force, lost, wait, ..work });
                }
            }
        }
    }
    if !seal_first.is_empty() {
        let sealings = seal_first
            .iter()
            .map(|(work, _, secret)| sealing(cohort, work.subject, server_kind(work.action), secret.clone()))
            .collect();
        let references = sealed(lane, sealings).await?;
        for ((work, receipt, _), reference) in seal_first.into_iter().zip(references) {
            let entry = cohort.entry(work.subject).seq;
            if let Some(attempt) = work.lost {
                let (kind, newer) = (server_kind(work.action), work.attempt);
                let note =
                    format!("{kind}: the answer to attempt {attempt} is lost; that of attempt {newer} supersedes it");
                events.push(Event::Noted { entry, note });
            }
            events.push(done(&work, entry, &receipt, Some(reference)));
        }
    }
    cohort.record(lane, events).await?;
    Ok(again)
}

/// What a secret is that the server answered this action with: a password where the server sets
/// one of its own making.
fn server_kind(action: Action) -> SecretKind {
    action.server_secret().unwrap_or_default()
}

fn give_up(lane: &Lane, work: &Work, entry: u64, error: Error, events: &mut Vec<Event>) {
    if work.maybe_in_force {
        events.push(attempt_unknown(work, entry, &error));
        return;
    }
    given_up(lane, work, entry, &error.with_status(Status::Persistent).with_attempts(work.attempt), events);
}

fn given_up(lane: &Lane, work: &Work, entry: u64, error: &Error, events: &mut Vec<Event>) {
    if let (Some(attempt), Some(kind)) = (work.lost, work.action.server_secret()) {
        let note = format!("attempt {attempt} had no answer: it may have made one ({kind}) that nobody has");
        events.push(Event::Noted { entry, note });
    }
    events.push(failed(work, entry, error));
    lane.failed(error);
}

/// What is noted of a confirmation without the secret that should have come with it. A recovery link
/// may have gone to the person.
fn untold(work: &Work, entry: u64) -> Option<Event> {
    let kind = work.action.server_secret().filter(|_| work.action != Action::SendRecoveryLink)?;
    let note = format!("{}: confirmed, and the {kind} did not come with it: nobody has it", work.action);
    Some(Event::Noted { entry, note })
}

/// The attempt, where a secret may be lost with its answer.
fn lost(action: Action, attempt: u32) -> Option<u32> {
    action.server_secret().map(|_| attempt)
}

fn done(work: &Work, entry: u64, receipt: &Receipt, server_secret: Option<SealedRef>) -> Event {
    Event::Done {
        entry,
        action: work.action,
        attempt: work.attempt,
        at: receipt.at,
        request_id: receipt.request_id.clone(),
        read_back: false,
        server_secret,
    }
}

fn attempt_unknown(work: &Work, entry: u64, error: &Error) -> Event {
    Event::AttemptUnknown { entry, action: work.action, attempt: work.attempt, error: ErrorRecord::from(error) }
}

fn attempt_failed(work: &Work, entry: u64, error: &Error) -> Event {
    Event::AttemptFailed { entry, action: work.action, attempt: work.attempt, error: ErrorRecord::from(error) }
}

pub(super) fn failed(work: &Work, entry: u64, error: &Error) -> Event {
    Event::Failed { entry, action: work.action, attempt: work.attempt, error: ErrorRecord::from(error) }
}
