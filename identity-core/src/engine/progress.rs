//! What a run tells while it goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::observe::{Observed, Observer};
use crate::account::{AccountId, DirectoryId};
use crate::journal::{ErrorRecord, StopReason};

/// An event of a run in progress. Events are dropped when nobody takes them in time; each carries
/// the [`Tally`], so that a dropped one falsifies nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A wave begins.
    WaveStarted {
        /// Its name.
        wave: String,
        /// How many accounts it has.
        accounts: u64,
    },
    /// An entry has its final outcomes, or is left open for a later resume.
    EntryEnded {
        /// The wave.
        wave: String,
        /// The directory.
        directory: DirectoryId,
        /// The account.
        account: AccountId,
        /// Its sign-in name.
        name: String,
        /// How it ended.
        result: EntryResult,
        /// Why, where an action failed or its last attempt did; boxed, because most have none.
        failure: Option<Box<ErrorRecord>>,
        /// The wave's counts so far.
        tally: Tally,
    },
    /// A wave has ended. Where a directory has classes of orders that are paced apart, the next
    /// wave may have begun before.
    WaveFinished {
        /// Its name.
        wave: String,
        /// Its counts.
        tally: Tally,
    },
    /// Nothing is begun for a while: new passwords are synchronised meanwhile
    /// ([`Guardrails::sync_wait`](super::Guardrails::sync_wait)), or the plan asks for a pause
    /// ([`PlanSpec::pauses`](crate::plan::PlanSpec::pauses)).
    Waiting {
        /// The wave that comes after it.
        wave: String,
        /// How long, in seconds.
        seconds: u64,
    },
    /// The run stops; what is in flight is finished and recorded.
    Stopping {
        /// Why.
        reason: StopReason,
    },
}

/// How an entry ended in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryResult {
    /// Every action is done. Not verified yet.
    Done,
    /// An action was given up.
    Failed,
    /// An action's outcome is unknown, or it was left for a resume.
    Open,
}

/// Counts of entries in a wave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Every action done.
    pub done: u64,
    /// An action given up.
    pub failed: u64,
    /// Unknown, or left for a resume.
    pub open: u64,
}

impl Tally {
    fn count(&mut self, result: EntryResult) {
        match result {
            EntryResult::Done => self.done += 1,
            EntryResult::Failed => self.failed += 1,
            EntryResult::Open => self.open += 1,
        }
    }
}

/// The sending side: counts always, tells when somebody listens.
#[derive(Debug)]
pub(super) struct Teller {
    /// By wave: two can be under way.
    tallies: Mutex<BTreeMap<String, Tally>>,
    sender: mpsc::Sender<Progress>,
    observer: Option<Arc<dyn Observer>>,
}

impl Teller {
    pub(super) fn new() -> (Self, mpsc::Receiver<Progress>) {
        let (sender, receiver) = mpsc::channel(4096);
        (Self { tallies: Mutex::default(), sender, observer: None }, receiver)
    }

    /// With somebody who is told of each send and each write.
    pub(super) fn observed_by(self, observer: Option<Arc<dyn Observer>>) -> Self {
        Self { observer, ..self }
    }

    /// Tells the observer, where there is one.
    pub(super) fn observe(&self, observed: &Observed<'_>) {
        if let Some(observer) = &self.observer {
            observer.observe(observed);
        }
    }

    pub(super) fn wave_started(&self, wave: &str, accounts: u64) {
        self.with_tally(wave, |tally| *tally = Tally::default());
        self.tell(Progress::WaveStarted { wave: wave.to_owned(), accounts });
    }

    pub(super) fn waiting(&self, wave: &str, wait: Duration) {
        self.tell(Progress::Waiting {
            wave: wave.to_owned(),
            seconds: wait.as_secs() + u64::from(wait.subsec_nanos() > 0),
        });
    }

    pub(super) fn entry_ended(&self, entry: &crate::plan::Entry, result: EntryResult, failure: Option<&ErrorRecord>) {
        let tally = self.with_tally(&entry.wave, |tally| {
            tally.count(result);
            *tally
        });
        self.tell(Progress::EntryEnded {
            wave: entry.wave.clone(),
            directory: entry.directory.clone(),
            account: entry.id.clone(),
            name: entry.name.clone(),
            result,
            failure: failure.cloned().map(Box::new),
            tally,
        });
    }

    pub(super) fn wave_finished(&self, wave: &str) {
        let tally = self.with_tally(wave, |tally| *tally);
        self.tell(Progress::WaveFinished { wave: wave.to_owned(), tally });
    }

    pub(super) fn tell(&self, progress: Progress) {
        // A listener that is slow or gone must not hold up the run.
        let _ = self.sender.try_send(progress);
    }

    fn with_tally<T>(&self, wave: &str, work: impl FnOnce(&mut Tally) -> T) -> T {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        work(tallies.entry(wave.to_owned()).or_default())
    }
}
