//! A cohort: the entries that one lane takes through their actions together.

use std::collections::HashMap;

use super::attempt::{Work, carry_out};
use super::follows::{Followed, followed};
use super::lane::{Lane, Part};
use super::observe::Observed;
use super::progress::EntryResult;
use super::recheck::{Recheck, recheck, still_possible};
use crate::account::{Account, AccountId};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Baseline, EntryProgress, ErrorRecord, Event, Finality};
use crate::limits::clock;
use crate::plan::{Disposition, Entry};
use crate::reset::{Action, Containment};

/// Entries with what is known of them.
#[derive(Debug)]
pub(super) struct Cohort {
    subjects: Vec<Subject>,
    /// Where each entry is among them.
    places: HashMap<u64, usize>,
}

#[derive(Debug)]
struct Subject {
    entry: Entry,
    account: Account,
    actions: Vec<Action>,
    share: Share,
    progress: EntryProgress,
    /// How the passwords of the same person stand that it follows.
    followed: Followed,
    /// It could not be read between two sets of its password: the second one waits for a resume.
    stale: bool,
}

/// What one pass takes of an account's actions: those from the first place to before the second.
#[derive(Clone, Copy, Debug)]
struct Share {
    from: usize,
    to: usize,
    /// Whether no other pass comes to the account after this one.
    is_last: bool,
}

impl Share {
    /// `None` where the pass has no business with the account.
    fn of(lane: &Lane, actions: &[Action], part: Part) -> Option<Self> {
        let lead = lane.lead_of(actions);
        let is_last = lead == actions.len();
        match part {
            Part::Lead => Some(Self { from: 0, to: lead, is_last }),
            Part::Rest => (!is_last).then_some(Self { from: lead, to: actions.len(), is_last: true }),
        }
    }

    /// Tells how the entry stands, once: when its last pass is done with it.
    fn tell(self, lane: &Lane, entry: &Entry, progress: &EntryProgress, actions: &[Action]) {
        if self.is_last {
            lane.teller.entry_ended(entry, result(progress, actions), failure(progress, actions));
        }
    }
}

/// Takes entries through a part of their actions, as far as the run may go.
pub(super) async fn process(lane: &Lane, entries: Vec<Entry>, part: Part) -> Result<()> {
    let Some(mut cohort) = Cohort::begin(lane, entries, part).await? else { return Ok(()) };
    let steps = cohort.subjects.iter().map(|subject| subject.share.to).max().unwrap_or(0);
    for step in 0..steps {
        if lane.must_stop() {
            break;
        }
        let works = cohort.works(lane, step).await?;
        carry_out(lane, &mut cohort, works).await?;
    }
    for subject in &cohort.subjects {
        subject.share.tell(lane, &subject.entry, &subject.progress, &subject.actions);
    }
    Ok(())
}

impl Cohort {
    /// Reads the journal and the directory, and holds what must not be touched.
    async fn begin(lane: &Lane, entries: Vec<Entry>, part: Part) -> Result<Option<Self>> {
        let sequence: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
        let known = lane.journal.progress(&sequence).await?;
        if known.len() != entries.len() || known.iter().zip(&sequence).any(|(known, asked)| known.entry != *asked) {
            return Err(Error::new(ErrorKind::Journal, "read the journal")
                .with_detail("it answered for other entries than it was asked about"));
        }
        let mut open = Vec::new();
        for (entry, progress) in entries.into_iter().zip(known) {
            let Disposition::Reset { actions } = &entry.disposition else { continue };
            let actions = actions.clone();
            let Some(share) = Share::of(lane, &actions, part) else { continue };
            let is_open = |from, to| {
                let mut actions = actions.iter().take(to).skip(from);
                actions.any(|action| !progress.action(*action).is_some_and(|known| known.finality.is_final()))
            };
            // What the pass before left open waits for a resume, and so does what follows it.
            if is_open(share.from, share.to) && !is_open(0, share.from) {
                open.push((entry, actions, progress, share));
            } else {
                share.tell(lane, &entry, &progress, &actions);
            }
        }
        if open.is_empty() {
            return Ok(None);
        }
        let ids: Vec<AccountId> = open.iter().map(|(entry, ..)| entry.id.clone()).collect();
        let accounts = match lane.lookup(&ids).await {
            Ok(accounts) => accounts,
            Err(error) => {
                // Not read again, so not touched. What cannot be read is a fault of the directory,
                // not of these accounts: they stay open, and the run stops if it goes on like this.
                tracing::warn!(%error, "accounts could not be read again before the touch");
                if !lane.stop_if_fatal(&error) && error.kind() != ErrorKind::Stopped {
                    for _ in &open {
                        lane.failed(&error);
                    }
                }
                for (entry, actions, progress, share) in &open {
                    share.tell(lane, entry, progress, actions);
                }
                return Ok(None);
            }
        };
        let followed = followed(lane, open.iter().map(|(entry, ..)| entry)).await?;
        let index = lane.index()?;
        let mut cohort = Self { subjects: Vec::with_capacity(open.len()), places: HashMap::with_capacity(open.len()) };
        let mut events = Vec::new();
        for (((entry, actions, mut progress, share), account), followed) in open.into_iter().zip(accounts).zip(followed)
        {
            let begun = !progress.actions.is_empty();
            match (recheck(&entry, account.as_ref(), index, lane.principal.as_ref(), &lane.protected, begun), account) {
                (Recheck::Go(notes), Some(account)) => {
                    for note in notes.into_iter().filter(|note| !progress.notes.contains(note)) {
                        events.push(Event::Noted { entry: entry.seq, note });
                    }
                    cohort.places.insert(entry.seq, cohort.subjects.len());
                    cohort.subjects.push(Subject { entry, account, actions, share, progress, followed, stale: false });
                }
                (Recheck::Hold(error), _) => {
                    for event in held(&entry, &actions, &progress, &error) {
                        progress.fold(&event);
                        events.push(event);
                    }
                    lane.failed(&error);
                    share.tell(lane, &entry, &progress, &actions);
                }
                (Recheck::Wait(note), _) => {
                    if !progress.notes.contains(&note) {
                        events.push(Event::Noted { entry: entry.seq, note });
                    }
                    share.tell(lane, &entry, &progress, &actions);
                }
                // recheck() holds what is not there.
                (Recheck::Go(_), None) => {}
            }
        }
        cohort.record(lane, events).await?;
        Ok((!cohort.subjects.is_empty()).then_some(cohort))
    }

    /// The works of one step: each account's action at that place, unless it is final.
    async fn works(&mut self, lane: &Lane, step: usize) -> Result<Vec<Work>> {
        self.read_again(lane, step).await?;
        let mut works = Vec::new();
        let mut events = Vec::new();
        for (place, subject) in self.subjects.iter().enumerate() {
            if !(subject.share.from..subject.share.to).contains(&step) {
                continue;
            }
            let Some(action) = subject.actions.get(step).copied() else { continue };
            let seq = subject.entry.seq;
            let known = subject.progress.action(action);
            if known.is_some_and(|known| known.finality.is_final()) {
                continue;
            }
            if let Some(error) = blocked(subject, action) {
                events.push(Event::Failed { entry: seq, action, attempt: 0, error });
                continue;
            }
            if subject.left_open_before(step) {
                continue;
            }
            if let Some(known) = known {
                works.push(Work::resumed(place, known).uncertain(subject.may_be_another(step)));
                continue;
            }
            if subject.stale {
                continue;
            }
            if let Err(error) = still_possible(lane.backend.as_ref(), &subject.account, action) {
                events.push(Event::Failed { entry: seq, action, attempt: 0, error: ErrorRecord::from(&error) });
                lane.failed(&error);
                continue;
            }
            let mut work =
                Work::new(place, action, Baseline::from(&subject.account)).uncertain(subject.may_be_another(step));
            if lane.resumed
                && action.needs_sealing()
                && let Some(sealed) = lane.vault.sealed_for(seq).await?.pop()
            {
                work = work.with_sealed(sealed);
            }
            works.push(work);
        }
        self.record(lane, events).await?;
        Ok(works)
    }

    /// Before a second set of a password: what the directory says after the first one. Compared
    /// with what was before the first, the second would seem to have landed although it had not.
    async fn read_again(&mut self, lane: &Lane, step: usize) -> Result<()> {
        let second = |subject: &&mut Subject| {
            step < subject.share.to
                && subject.actions.get(step).is_some_and(|action| action.needs_password())
                && subject.actions.iter().take(step).any(|action| action.needs_password())
                && !subject.left_open_before(step)
        };
        let mut again: Vec<&mut Subject> = self.subjects.iter_mut().filter(second).collect();
        if again.is_empty() {
            return Ok(());
        }
        let ids: Vec<AccountId> = again.iter().map(|subject| subject.entry.id.clone()).collect();
        match lane.lookup(&ids).await {
            Ok(accounts) => {
                // One that is gone meanwhile is left as it was: the order itself will say so.
                for (subject, account) in again.into_iter().zip(accounts) {
                    subject.account = account.unwrap_or_else(|| subject.account.clone());
                }
            }
            Err(error) => {
                tracing::warn!(%error, "accounts could not be read between two sets; the second one waits for a resume");
                again.iter_mut().for_each(|subject| subject.stale = true);
                lane.stop_if_fatal(&error);
            }
        }
        Ok(())
    }

    pub(super) fn entry(&self, subject: usize) -> &Entry {
        #[expect(clippy::indexing_slicing, reason = "places come from enumerating this vector, which never shrinks")]
        &self.subjects[subject].entry
    }

    pub(super) fn account(&self, subject: usize) -> &Account {
        #[expect(clippy::indexing_slicing, reason = "places come from enumerating this vector, which never shrinks")]
        &self.subjects[subject].account
    }

    pub(super) fn followed(&self, subject: usize) -> Followed {
        #[expect(clippy::indexing_slicing, reason = "places come from enumerating this vector, which never shrinks")]
        self.subjects[subject].followed
    }

    /// Makes events durable, then takes them in.
    pub(super) async fn record(&mut self, lane: &Lane, events: Vec<Event>) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let began = clock::instant();
        let recorded = lane.journal.append(events.clone()).await;
        let (records, took, ok) = (events.len(), clock::instant().duration_since(began), recorded.is_ok());
        lane.teller.observe(&Observed::Recorded { records, took, ok });
        recorded?;
        for event in &events {
            let place = event.entry().and_then(|entry| self.places.get(&entry));
            if let Some(subject) = place.and_then(|place| self.subjects.get_mut(*place)) {
                subject.progress.fold(event);
            }
        }
        Ok(())
    }
}

impl Subject {
    /// Whether an earlier action was left without a final outcome: the order of actions is part
    /// of containment (new password, then revoke), so the later ones wait for a resume.
    fn left_open_before(&self, step: usize) -> bool {
        self.actions
            .iter()
            .take(step)
            .any(|action| !self.progress.action(*action).is_some_and(|known| known.finality.is_final()))
    }

    /// Whether reading back cannot tell this action's effect from another one's: an earlier set of
    /// the password had an attempt without an answer, which may land at any time yet; or the
    /// action ends sessions, and an earlier set of the password may have ended some too.
    fn may_be_another(&self, step: usize) -> bool {
        let ends_sessions = self.actions.get(step) == Some(&Action::RevokeSessions);
        self.actions
            .iter()
            .take(step)
            .filter(|action| action.containment() == Containment::OldPassword)
            .any(|action| ends_sessions || self.progress.action(*action).is_some_and(|known| known.attempt > 1))
    }
}

/// Why an action is not carried out although the account may be touched: after a containing
/// action failed, only what contains goes on. An unlock would let the attacker back in.
fn blocked(subject: &Subject, action: Action) -> Option<ErrorRecord> {
    if action.containment() != Containment::None {
        return None;
    }
    let failed = subject.progress.actions.iter().find(|known| {
        known.action.containment() != Containment::None && matches!(known.finality, Finality::Failed(_))
    })?;
    let error = Error::new(ErrorKind::Stopped, "carry out")
        .with_detail(format!("not attempted, because {} failed before it", failed.action))
        .with_advice("settle the failed action first");
    Some(ErrorRecord::from(&error))
}

/// The events that end every action of an account that must not be touched.
///
/// An order that may have been sent is not called failed: it stays open, with the reason noted,
/// unless the account is gone.
fn held(entry: &Entry, actions: &[Action], progress: &EntryProgress, error: &Error) -> Vec<Event> {
    let gone = error.kind() == ErrorKind::AccountNotFound;
    let mut events = Vec::new();
    for action in actions {
        let known = progress.action(*action);
        match known.map(|known| &known.finality) {
            Some(Finality::Done { .. } | Finality::Failed(_)) => {}
            Some(Finality::Open) if !gone => events.push(Event::Noted {
                entry: entry.seq,
                note: format!("{action} may have been sent and is not repeated: {}", error.detail()),
            }),
            _ => events.push(Event::Failed {
                entry: entry.seq,
                action: *action,
                attempt: known.map_or(0, |known| known.attempt),
                error: ErrorRecord::from(error),
            }),
        }
    }
    events.retain(|event| !matches!(event, Event::Noted { note, .. } if progress.notes.contains(note)));
    events
}

/// Why an entry is not done, where the journal says so: its first action that failed, or
/// failed the last time it was tried.
fn failure<'a>(progress: &'a EntryProgress, actions: &[Action]) -> Option<&'a ErrorRecord> {
    let failed = |action: &Action| match &progress.action(*action)?.finality {
        Finality::Failed(error) | Finality::Retryable(error) => Some(error),
        Finality::Done { .. } | Finality::Open => None,
    };
    // The first: what follows it is often only "not attempted, because …".
    actions.iter().find_map(failed)
}

/// How an entry stands.
pub(super) fn result(progress: &EntryProgress, actions: &[Action]) -> EntryResult {
    let mut failed = false;
    for action in actions {
        match progress.action(*action).map(|known| &known.finality) {
            Some(Finality::Done { .. }) => {}
            Some(Finality::Failed(_)) => failed = true,
            Some(Finality::Open | Finality::Retryable(_)) | None => return EntryResult::Open,
        }
    }
    if failed { EntryResult::Failed } else { EntryResult::Done }
}
