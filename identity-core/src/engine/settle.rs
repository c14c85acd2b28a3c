//! What came of orders: judged the moment a batch is answered, recorded while others are under way.

use std::time::Duration;

use futures::future::join3;
use tokio::sync::mpsc;

use super::attempt::{Work, sealed, sealing};
use super::cohort::Cohort;
use super::follows::Followed;
use super::lane::Lane;
use super::send::{batches, send};
use crate::error::{Error, ErrorKind, Result, Status};
use crate::journal::{ErrorRecord, Event};
use crate::limits::RetryCause;
use crate::reset::{Action, Outcome, Receipt, Secret, SecretKind};
use crate::vault::SealedRef;

/// What came of some orders, before it is recorded.
#[derive(Default)]
struct Judged {
    orders: usize,
    events: Vec<Event>,
    /// What is to be tried again.
    again: Vec<Work>,
    /// Done with a secret of the server's, which the vault gets first: with the number of the entry.
    seal_first: Vec<(Work, u64, Receipt, Secret)>,
}

/// Sends the orders, and records what came of them; what is to be tried again stays pending.
///
/// A failure counts the moment its batch is answered, however many batches the cohort has and
/// however long the disk takes: no more leaves after a stop rule than is in flight.
pub(super) async fn send_and_settle(lane: &Lane, cohort: &mut Cohort, pending: Vec<Work>) -> Result<Vec<Work>> {
    let batches = batches(lane, cohort, &pending);
    // Small batches share a sync.
    let classes = pending.iter().map(|work| lane.limits.batch_of(lane.backend.class_of(work.action)).get());
    let together = classes.min().unwrap_or(1) as usize;
    let mut unrecorded = pending.len();
    let places: Vec<(u64, Followed)> =
        pending.iter().map(|work| (cohort.entry(work.subject).seq, cohort.followed(work.subject))).collect();
    let mut open: Vec<Option<(Work, (u64, Followed))>> = pending.into_iter().zip(places).map(Some).collect();
    let (tell, mut told) = mpsc::unbounded_channel();
    let (pass_on, mut passed) = mpsc::unbounded_channel();
    let judging = async move {
        while let Some(answered) = told.recv().await {
            let mut judged = Judged::default();
            for (place, outcome) in answered {
                if let Some((work, (entry, followed))) = open.get_mut(place).and_then(Option::take) {
                    judge(lane, work, entry, followed, outcome, &mut judged);
                }
            }
            // Whoever records waits for all.
            let _ = pass_on.send(judged);
        }
    };
    let recording = async {
        let (mut again, mut fault, mut journal_failed) = (Vec::new(), None, false);
        let mut all = Judged::default();
        while let Some(judged) = passed.recv().await {
            all.take_in(judged);
            while let Ok(judged) = passed.try_recv() {
                all.take_in(judged);
            }
            if all.orders < together.min(unrecorded) {
                continue;
            }
            unrecorded = unrecorded.saturating_sub(all.orders);
            let mut judged = std::mem::take(&mut all);
            if journal_failed {
                continue;
            }
            again.append(&mut judged.again);
            // What the vault does not take must not hide what else came of the orders.
            let unsealed = seal(lane, cohort, &mut judged).await.err();
            let unrecorded = cohort.record(lane, judged.events).await.err();
            journal_failed = unrecorded.is_some();
            if let Some(error) = unrecorded.or(unsealed) {
                // Nothing more of this cohort leaves either.
                lane.guard.fatal(&error, &lane.teller);
                fault = fault.or(Some(error));
            }
        }
        fault.map_or(Ok(again), Err)
    };
    let ((), (), recorded) = join3(send(lane, batches, tell), judging, recording).await;
    recorded
}

impl Judged {
    fn take_in(&mut self, mut other: Self) {
        self.orders += other.orders;
        self.events.append(&mut other.events);
        self.again.append(&mut other.again);
        self.seal_first.append(&mut other.seal_first);
    }
}

/// Says what an outcome means, and tells it to whoever counts; nothing is recorded yet.
fn judge(lane: &Lane, work: Work, entry: u64, followed: Followed, outcome: Option<Outcome>, judged: &mut Judged) {
    judged.orders += 1;
    let Judged { events, again, seal_first, .. } = judged;
    let Some(outcome) = outcome else {
        let stopped = Error::new(ErrorKind::Stopped, "send")
            .with_status(Status::Temporary)
            .with_detail("not sent: the run stopped");
        events.push(attempt_failed(&work, entry, &stopped));
        return;
    };
    match outcome {
        Outcome::Done(mut receipt) => {
            lane.guard.succeeded();
            lane.backend.governor().retry_budget().deposit();
            match receipt.server_secret.take() {
                Some(secret) => seal_first.push((work, entry, receipt, secret)),
                None => {
                    events.extend(untold(&work, entry));
                    events.extend(followed.record(done(&work, entry, &receipt, None)));
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
                given_up(lane, &work, entry, &error, events);
            }
        }
        Outcome::Throttled(error) => {
            events.push(attempt_failed(&work, entry, &error));
            let throttled = work.throttled + 1;
            match lane.delay(throttled, &error, RetryCause::Throttled) {
                Some(wait) => again.push(Work { throttled, wait, ..work }),
                None => give_up(lane, &work, entry, error, events),
            }
        }
        Outcome::Temporary(error) => {
            events.push(attempt_failed(&work, entry, &error));
            match lane.delay(work.tries - work.throttled, &error, RetryCause::Fault) {
                Some(wait) => again.push(Work { wait, ..work }),
                None => give_up(lane, &work, entry, error, events),
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

/// Seals what the server made; done is only what the vault has.
async fn seal(lane: &Lane, cohort: &Cohort, judged: &mut Judged) -> Result<()> {
    let Judged { events, seal_first, .. } = judged;
    let seal_first = std::mem::take(seal_first);
    if !seal_first.is_empty() {
        let sealings = seal_first
            .iter()
            .map(|(work, _, _, secret)| sealing(cohort, work.subject, server_kind(work.action), secret.clone()))
            .collect();
        let references = sealed(lane, sealings).await?;
        for ((work, entry, receipt, _), reference) in seal_first.into_iter().zip(references) {
            if let Some(attempt) = work.lost {
                let (kind, newer) = (server_kind(work.action), work.attempt);
                let note =
                    format!("{kind}: the answer to attempt {attempt} is lost; that of attempt {newer} supersedes it");
                events.push(Event::Noted { entry, note });
            }
            events.push(done(&work, entry, &receipt, Some(reference)));
        }
    }
    Ok(())
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
pub(super) fn lost(action: Action, attempt: u32) -> Option<u32> {
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
