//! Reads back from each directory that each password really changed.
//!
//! A confirmed order is a claim; what the directory says when it is asked again is the evidence.
//! [`Verifier`] streams a plan, looks every account up whose actions the journal holds as done,
//! compares what it reads with what was recorded just before the account was touched, and records
//! a [`Verdict`] for each. The directories are read side by side.
//!
//! What it can tell, best evidence first:
//!
//! | the directory tells | verdict |
//! |---|---|
//! | a version that grew by the sets of this run (one a set; at most one an attempt) | changed |
//! | a version that did not grow | unchanged |
//! | a version that grew further, and the must-change flag that was asked for is gone | changed by the owner |
//! | a version that grew further otherwise | changed by somebody else |
//! | no version, a time after the recorded one | changed |
//! | no version, a time later than the confirmation | changed by the owner or somebody else, by the flag |
//! | no version and no time, a must-change flag that was not there before | changed |
//! | sessions were revoked, and are valid from a later moment than before and than the order | changed |
//! | sessions were revoked, and are valid from before | unchanged |
//! | no account | gone |
//! | anything else | unknown |
//!
//! What has not changed yet may only not have been replicated yet: it is read again, with growing
//! waits, until the patience ends. Patience counts from the beginning of the verification, not
//! from each account's first reading: every set was confirmed before that.
//!
//! ```
//! use std::sync::Arc;
//!
//! use identity_core::directory::Backend;
//! use identity_core::error::Result;
//! use identity_core::journal::Journal;
//! use identity_core::plan::Plan;
//! use identity_core::verify::Verifier;
//!
//! async fn verify(journal: Arc<dyn Journal>, corp: Arc<dyn Backend>, plan: &Plan) -> Result<bool> {
//!     let counts = Verifier::new(journal).directory(corp).verify(plan).await?;
//!     Ok(counts.is_clean())
//! }
//! ```

mod convergence;
mod expectation;
mod judge;
mod lane;
mod still_old;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::account::DirectoryId;
use crate::directory::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{ErrorRecord, Journal, Verdict};
use crate::plan::{Plan, PlanRow};

pub use convergence::{Convergence, ServerConvergence};
pub(crate) use expectation::shows;
use lane::{Lane, Settings};
pub use still_old::{OldPassword, still_old};

/// How long what has not changed yet is read again by default. Within one Active Directory site
/// a change reaches the other controllers in about 15 seconds; directories that answer from
/// replicas of a cloud take up to a minute.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(60);

/// Reads back from each directory that each password really changed.
///
/// Resumable: an account that was found changed is not read again, unless [`Verifier::again`].
#[derive(Debug)]
pub struct Verifier {
    journal: Arc<dyn Journal>,
    backends: Vec<Arc<dyn Backend>>,
    settings: Settings,
    cancelled: CancellationToken,
}

impl Verifier {
    /// A verifier that compares with, and records to, this journal.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self {
            journal,
            backends: Vec::new(),
            settings: Settings { patience: DEFAULT_PATIENCE, again: false },
            cancelled: CancellationToken::new(),
        }
    }

    /// Adds a directory to read from. Without it the accounts of that directory stay unverified.
    #[must_use]
    pub fn directory(mut self, backend: Arc<dyn Backend>) -> Self {
        self.backends.push(backend);
        self
    }

    /// Adds directories to read from.
    #[must_use]
    pub fn directories(mut self, backends: impl IntoIterator<Item = Arc<dyn Backend>>) -> Self {
        self.backends.extend(backends);
        self
    }

    /// How long what has not changed yet is read again, counted from the beginning of the
    /// verification; zero reads each account once. [`DEFAULT_PATIENCE`] unless said otherwise.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.settings.patience = patience;
        self
    }

    /// Reads again what was already found changed: to see whether somebody changed it since.
    #[must_use]
    pub fn again(mut self) -> Self {
        self.settings.again = true;
        self
    }

    /// Stops reading when this is cancelled, even while a directory does not answer: what was found
    /// is recorded, and the rest is counted as unread.
    #[must_use]
    pub fn until(mut self, cancelled: CancellationToken) -> Self {
        self.cancelled = cancelled;
        self
    }

    /// Verifies the accounts of a plan and records the verdicts.
    ///
    /// # Errors
    /// As of [`run`](Self::run).
    pub async fn verify(&self, plan: &Plan) -> Result<VerifyCounts> {
        self.run(|| plan.rows()).await
    }

    /// Verifies the accounts of these rows of a plan and records the verdicts.
    ///
    /// `rows` gives the plan's rows from the start; it is called once a directory, so that a slow
    /// directory does not hold up the others. A directory that cannot be read any more ends its
    /// own lane only, and is named in [`VerifyCounts::unreadable`].
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] without a directory or with two of one id; otherwise when the
    /// plan or the journal cannot be read, or a verdict cannot be recorded.
    pub async fn run<F, I>(&self, rows: F) -> Result<VerifyCounts>
    where
        F: Fn() -> Result<I>,
        I: Iterator<Item = Result<PlanRow>> + Send,
    {
        let mut known = BTreeSet::new();
        for backend in &self.backends {
            let id = backend.info().id.clone();
            if !known.insert(id.clone()) {
                return Err(config("two directories have one id").with_directory(id));
            }
        }
        if known.is_empty() {
            return Err(config("no directory to read from"));
        }
        let mut lanes = Vec::with_capacity(self.backends.len());
        for (place, backend) in self.backends.iter().enumerate() {
            // One lane, the first, counts the accounts that no lane reads.
            let others = (place == 0).then_some(&known);
            let lane = Lane::new(backend.as_ref(), self.journal.as_ref(), self.settings, others, &self.cancelled);
            lanes.push(lane.run(rows()?));
        }
        let mut counts = VerifyCounts::default();
        for lane in join_all(lanes).await {
            counts.add(lane?);
        }
        Ok(counts)
    }
}

/// What a verification found, in accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VerifyCounts {
    /// Changed, by this run.
    pub changed: u64,
    /// Changed by this run, and by the owner since, as asked.
    pub changed_by_owner: u64,
    /// Changed by somebody else since.
    pub changed_by_other: u64,
    /// Not as it was ordered, after all patience.
    pub unchanged: u64,
    /// The directory could not tell.
    pub unknown: u64,
    /// Gone.
    pub gone: u64,
    /// Found changed by an earlier verification, and not read again.
    pub already: u64,
    /// Due, but not read: the directory cannot be read any more. Verify again later.
    pub unread: u64,
    /// Planned in directories that were not given to this verifier.
    pub elsewhere: u64,
    /// The directories whose reading stopped, and why.
    pub unreadable: BTreeMap<DirectoryId, ErrorRecord>,
}

impl VerifyCounts {
    /// Whether everything that was due was read and found as ordered.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.changed_by_other + self.unchanged + self.unknown + self.gone + self.unread + self.elsewhere == 0
            && self.unreadable.is_empty()
    }

    fn count(&mut self, verdict: Verdict) {
        let place = match verdict {
            Verdict::Changed => &mut self.changed,
            Verdict::ChangedByOwner => &mut self.changed_by_owner,
            Verdict::ChangedByOther => &mut self.changed_by_other,
            Verdict::Unchanged => &mut self.unchanged,
            Verdict::Unknown => &mut self.unknown,
            Verdict::Gone => &mut self.gone,
        };
        *place += 1;
    }

    fn add(&mut self, other: Self) {
        self.changed += other.changed;
        self.changed_by_owner += other.changed_by_owner;
        self.changed_by_other += other.changed_by_other;
        self.unchanged += other.unchanged;
        self.unknown += other.unknown;
        self.gone += other.gone;
        self.already += other.already;
        self.unread += other.unread;
        self.elsewhere += other.elsewhere;
        self.unreadable.extend(other.unreadable);
    }
}

fn config(detail: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "verify").with_detail(detail)
}
