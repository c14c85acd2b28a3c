//! One action on the accounts of a cohort, attempt after attempt, until each is final.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::cohort::Cohort;
use super::lane::Lane;
use super::observe::Observed;
use super::read_back::read_back;
use super::settle::{lost, send_and_settle};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{ActionProgress, Baseline, Event, Finality};
use crate::limits::clock;
use crate::reset::{Action, Secret, SecretKind};
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
    pub(super) tries: u32,
    /// How many passwords this process tried.
    pub(super) passwords: u32,
    pub(super) password: Option<Secret>,
    pub(super) sealed: Option<SealedRef>,
    pub(super) baseline: Baseline,
    /// An order may have been sent and its outcome is not known: read back first.
    pub(super) open: bool,
    /// An attempt had no answer: what it carried may be in force, or land yet. Until a later one is
    /// confirmed, no refusal is final and no other password is made.
    pub(super) maybe_in_force: bool,
    /// Its password was sealed although no intent is recorded.
    pub(super) unrecorded: bool,
    /// Reading back does not tell this one's landing from an earlier action's on the same account:
    /// only the directory's own answer counts.
    pub(super) uncertain: bool,
    /// An attempt had no answer, and with it may be lost a secret that the server made.
    pub(super) lost: Option<u32>,
    pub(super) throttled: u32,
    pub(super) wait: Duration,
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
        pending = send_and_settle(lane, cohort, pending).await?;
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
pub(super) async fn sealed(lane: &Lane, sealings: Vec<Sealing>) -> Result<Vec<SealedRef>> {
    let count = sealings.len();
    let began = clock::instant();
    let sealed = lane.vault.seal(sealings).await;
    let (took, ok) = (clock::instant().duration_since(began), sealed.is_ok());
    lane.teller.observe(&Observed::Sealed { passwords: count, took, ok });
    let references = sealed?;
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

pub(super) fn sealing(cohort: &Cohort, subject: usize, kind: SecretKind, password: Secret) -> Sealing {
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
