//! What is known of one plan entry, folded from its events.

use jiff::Timestamp;

use super::{Baseline, ErrorRecord, Event, ManualDone, Verdict};
use crate::evidence::EntryEvidence;
use crate::reset::Action;
use crate::vault::SealedRef;

/// What is known of one plan entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryProgress {
    /// The entry's sequence number in the plan.
    pub entry: u64,
    /// What is known of each action that was begun, in the order begun.
    pub actions: Vec<ActionProgress>,
    /// The newest verdict of verification, and when the password was set.
    pub verdict: Option<(Verdict, Option<Timestamp>)>,
    /// What the directory's own audit log says of it.
    pub evidence: Option<EntryEvidence>,
    /// What was noted.
    pub notes: Vec<String>,
    /// That the manual procedure was carried out, where somebody recorded it and nobody took it back.
    pub manual_done: Option<ManualDone>,
}

/// What is known of one action of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionProgress {
    /// The action.
    pub action: Action,
    /// The last attempt's number; 0 when none was made.
    pub attempt: u32,
    /// What the directory said of the password before the first attempt that may have had an
    /// effect: attempts that are known to have had none are left out.
    pub baseline: Baseline,
    /// Where the password of the last attempt is sealed.
    pub sealed: Option<SealedRef>,
    /// How it stands.
    pub finality: Finality,
    /// The last attempt that had no answer: what it carried may be in force, or land yet, whatever
    /// became of later ones.
    pub unanswered: Option<u32>,
}

/// How an action stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finality {
    /// An order may have been sent, and no answer is recorded: read back before repeating.
    Open,
    /// The last attempt failed without effect.
    Retryable(ErrorRecord),
    /// Done, by the directory's clock where it says so.
    Done {
        /// When.
        at: Option<Timestamp>,
        /// Whether seen by reading back.
        read_back: bool,
        /// The server's id of the request.
        request_id: Option<String>,
        /// Where a secret that the server generated is sealed.
        server_secret: Option<SealedRef>,
    },
    /// Given up for good, without effect.
    Failed(ErrorRecord),
}

impl Finality {
    /// Whether nothing more will be tried.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Failed(_))
    }
}

impl EntryProgress {
    /// Nothing known yet of the entry.
    #[must_use]
    pub fn new(entry: u64) -> Self {
        Self { entry, ..Self::default() }
    }

    /// What is known of one action.
    #[must_use]
    pub fn action(&self, action: Action) -> Option<&ActionProgress> {
        self.actions.iter().find(|known| known.action == action)
    }

    /// Takes the next event of this entry in. Events of other entries are ignored.
    pub fn fold(&mut self, event: &Event) {
        if event.entry() != Some(self.entry) {
            return;
        }
        match event {
            Event::Intent { action, attempt, baseline, sealed, .. } => {
                let known = self.known(*action);
                if known.finality.is_final() {
                    return;
                }
                // While an earlier attempt may still land, only the state before it tells
                // whether the password moved. After a failure without effect it is the other way
                // round: what moved before this attempt was moved by somebody else.
                if known.attempt == 0 || matches!(known.finality, Finality::Retryable(_)) {
                    known.baseline = baseline.clone();
                } else {
                    // It was open: a process ended before it recorded what became of it.
                    known.unanswered = Some(known.attempt);
                }
                if sealed.is_some() {
                    known.sealed.clone_from(sealed);
                }
                known.settle(*attempt, Finality::Open);
            }
            Event::Done { action, attempt, at, request_id, read_back, server_secret, .. } => {
                let done = Finality::Done {
                    at: *at,
                    read_back: *read_back,
                    request_id: request_id.clone(),
                    server_secret: server_secret.clone(),
                };
                self.known(*action).settle(*attempt, done);
            }
            Event::AttemptFailed { action, attempt, error, .. } => {
                self.known(*action).settle_attempt(*attempt, Finality::Retryable(error.clone()));
            }
            Event::AttemptUnknown { action, attempt, .. } => {
                let known = self.known(*action);
                known.unanswered = known.unanswered.max(Some(*attempt));
                known.settle_attempt(*attempt, Finality::Open);
            }
            Event::Failed { action, attempt, error, .. } => {
                self.known(*action).settle(*attempt, Finality::Failed(error.clone()));
            }
            Event::Noted { note, .. } => {
                if !self.notes.contains(note) {
                    self.notes.push(note.clone());
                }
            }
            Event::Verified { verdict, last_set, .. } => self.verdict = Some((*verdict, *last_set)),
            Event::Evidenced { evidence, .. } => self.evidence = Some(evidence.clone()),
            Event::ManualDone { by, note, evidence, .. } => {
                // One that stands is taken back first.
                let done = || ManualDone { by: by.clone(), note: note.clone(), evidence: evidence.clone() };
                self.manual_done.get_or_insert_with(done);
            }
            Event::ManualUndone { .. } => self.manual_done = None,
            Event::RunStarted { .. }
            | Event::Approved { .. }
            | Event::WaveStarted { .. }
            | Event::WaveFinished { .. }
            | Event::Converged { .. }
            | Event::LogRead { .. }
            | Event::MessageIntended { .. }
            | Event::MessageSent { .. }
            | Event::MessageFailed { .. }
            | Event::MessageUnknown { .. }
            | Event::MessageReleased { .. }
            | Event::Stopped { .. }
            | Event::RunFinished => {}
        }
    }

    fn known(&mut self, action: Action) -> &mut ActionProgress {
        let place = self.actions.iter().position(|known| known.action == action).unwrap_or_else(|| {
            self.actions.push(ActionProgress {
                action,
                attempt: 0,
                baseline: Baseline::default(),
                sealed: None,
                finality: Finality::Open,
                unanswered: None,
            });
            self.actions.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place was just found or pushed")]
        &mut self.actions[place]
    }
}

impl ActionProgress {
    /// The first final outcome stays: a record that comes late cannot open the action again.
    fn settle(&mut self, attempt: u32, finality: Finality) {
        if !self.finality.is_final() {
            self.attempt = self.attempt.max(attempt);
            self.finality = finality;
        }
    }

    /// What became of an attempt says nothing of a later one that was sent meanwhile.
    fn settle_attempt(&mut self, attempt: u32, finality: Finality) {
        if attempt >= self.attempt {
            self.settle(attempt, finality);
        }
    }
}

#[cfg(test)]
mod tests;
