//! What the directory's own audit log says of a run: a second witness, which the run does not write.
//!
//! The journal says what the run did, verification what the accounts look like. The audit log of the
//! directory says who did what, and it has the ids of the run's own requests. [`Evidence`] reads it
//! for the minutes in which the run worked, joins it with the journal and the plan, records in the
//! journal what it found of each account, and shows what is not the run's.
//!
//! | the log | finding |
//! |---|---|
//! | has an event with the id of the request, that shows the action, on this account | confirmed |
//! | has one of our principal on the account, where the answer was lost and no id is known | confirmed |
//! | has one that failed, or on another account | contradicted |
//! | has one of an order that the journal holds as without effect | contradicted |
//! | has none, after all patience | not found |
//!
//! Whatever else it has of these minutes is shown, told apart by [`Whose`]: events of the run's own
//! principal that the journal does not know (somebody else signs in with it), events of others on
//! planned accounts, events of others elsewhere with actions that a run uses, and what owners did to
//! their own accounts.
//!
//! Events come late, out of order and twice. The first reading begins when the log has had its
//! [lag](AuditLog::lag) since the last order; what is missing then is read again, with growing waits,
//! until the patience ends. Memory stays flat however long plan, journal and log are: they are
//! joined on disk, in a database without a name that is gone afterwards.
//!
//! ```
//! use std::sync::Arc;
//!
//! use identity_core::directory::Backend;
//! use identity_core::error::Result;
//! use identity_core::evidence::{Evidence, Found, Whose};
//! use identity_core::journal::Journal;
//! use identity_core::plan::Plan;
//!
//! async fn witnessed(journal: Arc<dyn Journal>, org: Arc<dyn Backend>, plan: &Plan) -> Result<bool> {
//!     let evidence = Evidence::new(journal).directory(org);
//!     let logs = evidence.gather(plan, |found| {
//!         if let Found::Other(other) = &found {
//!             println!("{}: {} by {}", other.whose.as_str(), other.event.what, other.event.actor);
//!         }
//!         Ok(())
//!     });
//!     Ok(logs.await?.iter().all(|log| log.is_clean()))
//! }
//! ```

mod found;
mod index;
mod judge;
mod log;
mod reader;
mod spans;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::account::DirectoryId;
use crate::directory::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Event, Journal};
use crate::plan::{Disposition, Plan, PlanRow};
use crate::reset::Action;

pub use found::{AccountEvidence, EntryEvidence, Found, LogFinding, LogReading, OrderEvidence, OtherEvent, Whose};
pub use log::{Actor, AuditEvent, AuditLog};

use index::{Index, IndexedEntry, KnownRequest};
use reader::Reader;
use spans::Spans;

/// How long events that are missing are waited for by default, counted from the beginning.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(180);

/// How much before and after the run's orders the log is read by default: "the same minutes".
pub const DEFAULT_MARGIN: Duration = Duration::from_secs(600);

/// Rows and records that are held at once.
const CHUNK: usize = 512;

/// Matches the audit logs of directories with a plan and its journal.
///
/// Can be done again at any time: what is found anew replaces what was found before.
#[derive(Debug)]
pub struct Evidence {
    journal: Arc<dyn Journal>,
    backends: Vec<Arc<dyn Backend>>,
    patience: Duration,
    margin: Duration,
    cancelled: CancellationToken,
}

impl Evidence {
    /// Matches with, and records to, this journal.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self {
            journal,
            backends: Vec::new(),
            patience: DEFAULT_PATIENCE,
            margin: DEFAULT_MARGIN,
            cancelled: CancellationToken::new(),
        }
    }

    /// Adds a directory. One without an audit log that can be read is passed over.
    #[must_use]
    pub fn directory(mut self, backend: Arc<dyn Backend>) -> Self {
        self.backends.push(backend);
        self
    }

    /// Adds directories.
    #[must_use]
    pub fn directories(mut self, backends: impl IntoIterator<Item = Arc<dyn Backend>>) -> Self {
        self.backends.extend(backends);
        self
    }

    /// How long events that are missing are waited for, counted from the beginning; zero reads the
    /// log once, at once. [`DEFAULT_PATIENCE`] unless said otherwise.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How much before and after the run's orders the log is read. [`DEFAULT_MARGIN`] unless said
    /// otherwise; a day at the most. The clocks of this machine and of the directory may differ by it.
    #[must_use]
    pub fn margin(mut self, margin: Duration) -> Self {
        self.margin = margin.min(Duration::from_secs(86_400));
        self
    }

    /// Stops when this is cancelled, even while a log does not answer; nothing is recorded then.
    #[must_use]
    pub fn until(mut self, cancelled: CancellationToken) -> Self {
        self.cancelled = cancelled;
        self
    }

    /// Matches the logs with a plan and the journal. `each` is shown every account that the run
    /// worked on, in the order of the plan, then every event that is not the run's, by time; one
    /// directory after the other. Says what each log said as a whole; nothing where no directory has
    /// a log.
    ///
    /// # Errors
    /// As of [`run`](Self::run).
    pub async fn gather(&self, plan: &Plan, each: impl FnMut(Found) -> Result<()> + Send) -> Result<Vec<LogReading>> {
        self.run(plan.rows()?, each).await
    }

    /// As [`gather`](Self::gather), with the rows of a plan.
    ///
    /// A log that cannot be read is no error: [`LogReading::unreadable`] says why, and nothing is
    /// recorded of its accounts.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] without a directory or with two of one id;
    /// [`ErrorKind::Stopped`] when it is cancelled; otherwise when the plan or the journal cannot be
    /// read, a finding cannot be recorded, or `each` fails.
    pub async fn run<I>(&self, rows: I, mut each: impl FnMut(Found) -> Result<()> + Send) -> Result<Vec<LogReading>>
    where
        I: IntoIterator<Item = Result<PlanRow>> + Send,
        I::IntoIter: Send,
    {
        let mut known = BTreeSet::new();
        for backend in &self.backends {
            let id = backend.info().id.clone();
            if !known.insert(id.clone()) {
                return Err(config("two directories have one id").with_directory(id));
            }
        }
        if known.is_empty() {
            return Err(config("no directory whose log could be read"));
        }
        let logs: Vec<(DirectoryId, &dyn AuditLog)> = self
            .backends
            .iter()
            .filter_map(|backend| Some((backend.info().id.clone(), backend.audit_log()?)))
            .collect();
        if logs.is_empty() {
            return Ok(Vec::new());
        }
        let gathered = self.gather_from(&logs, rows.into_iter(), &mut each);
        self.cancelled.run_until_cancelled(gathered).await.unwrap_or_else(|| {
            Err(Error::new(ErrorKind::Stopped, "match the audit log").with_detail("stopped before the log was matched"))
        })
    }

    async fn gather_from(
        &self,
        logs: &[(DirectoryId, &dyn AuditLog)],
        rows: impl Iterator<Item = Result<PlanRow>> + Send,
        each: &mut (impl FnMut(Found) -> Result<()> + Send),
    ) -> Result<Vec<LogReading>> {
        let index = Index::open()?;
        index_plan(&index, logs, rows).await?;
        let margin = SignedDuration::try_from(self.margin).unwrap_or(SignedDuration::ZERO);
        let mut spans = vec![Spans::new(margin.saturating_add(margin)); logs.len()];
        self.index_journal(&index, &mut spans).await?;
        let mut readers = Vec::with_capacity(logs.len());
        for (place, ((directory, log), spans)) in logs.iter().zip(spans).enumerate() {
            readers.push(Reader::new(index.clone(), place, directory.clone(), *log, spans, margin));
        }
        // The logs are waited for side by side.
        join_all(readers.iter_mut().map(|reader| reader.read(self.patience)))
            .await
            .into_iter()
            .collect::<Result<()>>()?;
        let mut readings = Vec::with_capacity(readers.len());
        for reader in readers {
            readings.push(reader.tell(self.journal.as_ref(), each).await?);
        }
        let events = readings.iter().cloned().map(|reading| Event::LogRead { reading }).collect();
        self.journal.append(events).await?;
        Ok(readings)
    }

    /// Takes every request that the journal knows into the index, and the moments of each directory.
    async fn index_journal(&self, index: &Index, spans: &mut [Spans]) -> Result<()> {
        let mut records = self.journal.records(1);
        let mut requests = Vec::with_capacity(CHUNK);
        while let Some(record) = records.next().await {
            let record = record?;
            requests.extend(requests_of(&record.event, record.at));
            if requests.len() >= CHUNK {
                take(index, spans, std::mem::take(&mut requests)).await?;
            }
        }
        take(index, spans, requests).await
    }
}

async fn take(index: &Index, spans: &mut [Spans], requests: Vec<KnownRequest>) -> Result<()> {
    for (place, at) in index.add_requests(requests).await? {
        if let Some(spans) = spans.get_mut(place) {
            spans.take(at);
        }
    }
    Ok(())
}

/// What an event of the journal says of requests: when it was recorded, and when the directory says
/// that it was done.
fn requests_of(event: &Event, recorded: Timestamp) -> Vec<KnownRequest> {
    let known =
        |entry: u64, request: Option<&String>, done, at| KnownRequest { entry, request: request.cloned(), done, at };
    match event {
        Event::Intent { entry, .. } => vec![known(*entry, None, None, recorded)],
        Event::Done { entry, action, at, request_id, .. } => {
            vec![
                known(*entry, request_id.as_ref(), Some(bit(*action).trailing_zeros()), at.unwrap_or(recorded)),
                known(*entry, None, None, recorded),
            ]
        }
        Event::AttemptFailed { entry, error, .. } | Event::AttemptUnknown { entry, error, .. } => {
            vec![known(*entry, error.request_id.as_ref(), None, recorded)]
        }
        // Given up before the first attempt, when a stop came: nothing was asked.
        Event::Failed { entry, attempt, error, .. } if *attempt > 0 => {
            vec![known(*entry, error.request_id.as_ref(), None, recorded)]
        }
        _ => Vec::new(),
    }
}

/// Takes every account that the run works on into the index.
async fn index_plan(
    index: &Index,
    logs: &[(DirectoryId, &dyn AuditLog)],
    rows: impl Iterator<Item = Result<PlanRow>> + Send,
) -> Result<()> {
    let mut entries = Vec::with_capacity(CHUNK);
    for row in rows {
        let PlanRow::Entry(entry) = row? else { continue };
        let place = logs.iter().position(|(directory, _)| *directory == entry.directory);
        if let (Some(place), Disposition::Reset { .. }) = (place, &entry.disposition) {
            let account = entry.id.as_str().to_owned();
            entries.push(IndexedEntry { seq: entry.seq, place, account, name: entry.name });
        }
        if entries.len() >= CHUNK {
            index.add_entries(std::mem::take(&mut entries)).await?;
        }
    }
    index.add_entries(entries).await
}

/// The bit of an action, by its place among all.
fn bit(action: Action) -> u32 {
    let place = Action::ALL.iter().position(|known| *known == action);
    place.and_then(|place| u32::try_from(place).ok()).and_then(|place| 1_u32.checked_shl(place)).unwrap_or(0)
}

fn config(detail: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "match the audit log").with_detail(detail)
}
