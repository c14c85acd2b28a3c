//! Whether each server of a directory knows the new passwords.
//!
//! Where a directory keeps its accounts on several servers, an old password works on each one that
//! the new one has not reached: such a server accepts it without asking another. [`Verifier`] reads
//! from the server that took the changes; [`Convergence`] asks every other one too, directly, waits
//! for replication with the same patience, and records for each server how many accounts are there,
//! which are behind, and why a server could not be asked.
//!
//! [`Verifier`]: super::Verifier
//!
//! ```
//! use std::sync::Arc;
//!
//! use identity_core::directory::Backend;
//! use identity_core::error::Result;
//! use identity_core::journal::Journal;
//! use identity_core::plan::Plan;
//! use identity_core::verify::Convergence;
//!
//! async fn everywhere(journal: Arc<dyn Journal>, corp: Arc<dyn Backend>, plan: &Plan) -> Result<bool> {
//!     let servers = Convergence::new(journal).directory(corp).run(|| plan.rows()).await?;
//!     Ok(servers.iter().all(|server| server.is_converged()))
//! }
//! ```

mod server;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::expectation::Expectation;
use super::{DEFAULT_PATIENCE, config};
use crate::account::{AccountId, DirectoryId};
use crate::directory::{Backend, Replicated};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{ErrorRecord, Event, Journal};
use crate::limits::clock;
use crate::plan::{Disposition, Entry, PlanRow};

use server::Server;

/// Accounts that every server is asked about at once.
const CHUNK: usize = 500;

/// Asks every server of each directory whether it knows the new passwords.
#[derive(Debug)]
pub struct Convergence {
    journal: Arc<dyn Journal>,
    backends: Vec<Arc<dyn Backend>>,
    patience: Duration,
    cancelled: CancellationToken,
}

/// What one server of a directory knows of a run's changes, in accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServerConvergence {
    /// The directory.
    pub directory: DirectoryId,
    /// The server's name.
    pub server: String,
    /// Where it stands, where the directory says so.
    pub site: Option<String>,
    /// It takes no changes. What it has cached of an account's secrets is not told by reading.
    pub read_only: bool,
    /// It has what was ordered.
    pub converged: u64,
    /// It had not, after all patience: there the old password works.
    pub behind: u64,
    /// It could not tell.
    pub unknown: u64,
    /// It has no such account.
    pub gone: u64,
    /// It was not asked about them, because it could not be reached.
    pub unread: u64,
    /// The names of the first accounts that are behind or unknown, at most ten.
    pub first_behind: Vec<String>,
    /// Why it could not be asked, or not to the end.
    pub unreachable: Option<ErrorRecord>,
}

/// An account that every server is to be asked about.
#[derive(Clone, Debug)]
struct Due {
    id: AccountId,
    name: String,
    expected: Expectation,
}

impl Convergence {
    /// Compares with, and records to, this journal.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, backends: Vec::new(), patience: DEFAULT_PATIENCE, cancelled: CancellationToken::new() }
    }

    /// Adds a directory. One whose servers cannot be asked one by one is passed over.
    #[must_use]
    pub fn directory(mut self, backend: Arc<dyn Backend>) -> Self {
        self.backends.push(backend);
        self
    }

    /// How long a server that is behind is asked again, counted from the beginning;
    /// [`DEFAULT_PATIENCE`] unless said otherwise. Between sites of Active Directory replication
    /// follows a schedule, by default every 180 minutes.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Stops asking when this is cancelled, even while a server does not answer; nothing is recorded
    /// then.
    #[must_use]
    pub fn until(mut self, cancelled: CancellationToken) -> Self {
        self.cancelled = cancelled;
        self
    }

    /// Asks, waits, and records one line per server. Empty where no directory has servers that can
    /// be asked one by one.
    ///
    /// `rows` gives the plan's rows from the start; it is called once a directory.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`](crate::error::ErrorKind::ConfigInvalid) without a directory;
    /// otherwise when a directory's servers cannot be listed, or the plan or the journal cannot be
    /// read or written; [`ErrorKind::Stopped`] when it is cancelled. A server that cannot be reached is no error: it is named in the answer.
    pub async fn run<F, I>(&self, rows: F) -> Result<Vec<ServerConvergence>>
    where
        F: Fn() -> Result<I>,
        I: Iterator<Item = Result<PlanRow>> + Send,
    {
        if self.backends.is_empty() {
            return Err(config("no directory to read from"));
        }
        let start = clock::instant();
        let ends = start.checked_add(self.patience).unwrap_or(start);
        let mut lanes = Vec::new();
        for backend in &self.backends {
            if let Some(replicated) = backend.replicated() {
                lanes.push(self.one(backend.as_ref(), replicated, rows()?, ends));
            }
        }
        let (mut found, mut failed) = (Vec::new(), None);
        let asked = self.cancelled.run_until_cancelled(join_all(lanes)).await.ok_or_else(|| {
            Error::new(ErrorKind::Stopped, "ask the servers").with_detail("stopped before every server was asked")
        })?;
        for lane in asked {
            match lane {
                Ok(servers) => found.extend(servers),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let events = found.iter().cloned().map(|server| Event::Converged { server }).collect::<Vec<_>>();
        if !events.is_empty() {
            self.journal.append(events).await?;
        }
        // What the others said is recorded before one that failed is spoken of.
        failed.map_or(Ok(found), Err)
    }

    async fn one(
        &self,
        backend: &dyn Backend,
        replicated: &dyn Replicated,
        rows: impl Iterator<Item = Result<PlanRow>> + Send,
        ends: Instant,
    ) -> Result<Vec<ServerConvergence>> {
        let directory = &backend.info().id;
        let mut servers: Vec<Server<'_>> = replicated
            .replicas()
            .await?
            .into_iter()
            .map(|replica| Server::new(replicated, directory, replica, ends))
            .collect();
        let mut rows = rows.fuse();
        loop {
            let chunk = self.chunk(directory, &mut rows).await?;
            if chunk.is_empty() {
                break;
            }
            join_all(servers.iter_mut().map(|server| server.take(&chunk))).await;
        }
        join_all(servers.iter_mut().map(Server::settle)).await;
        Ok(servers.into_iter().map(Server::into_convergence).collect())
    }

    /// The next accounts of this directory of which something is expected.
    async fn chunk(
        &self,
        directory: &DirectoryId,
        rows: &mut (impl Iterator<Item = Result<PlanRow>> + Send),
    ) -> Result<Vec<Due>> {
        let mut due = Vec::new();
        while due.is_empty() {
            let mut entries: Vec<Entry> = Vec::new();
            for row in rows.by_ref() {
                if let PlanRow::Entry(entry) = row?
                    && entry.directory == *directory
                    && matches!(entry.disposition, Disposition::Reset { .. })
                {
                    entries.push(entry);
                    if entries.len() == CHUNK {
                        break;
                    }
                }
            }
            if entries.is_empty() {
                break;
            }
            let numbers: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
            let known = self.journal.progress(&numbers).await?;
            due.extend(entries.into_iter().zip(known).filter_map(|(entry, known)| {
                let mut expected = Expectation::of(&entry, &known, false)?;
                // A lock-out is each server's own affair; what matters here is the old password.
                expected.unlocked = false;
                let shows = expected.touches_password() || expected.disabled;
                shows.then(|| Due { id: entry.id.clone(), name: entry.name.clone(), expected })
            }));
        }
        Ok(due)
    }
}

impl ServerConvergence {
    /// Whether it was asked about every account, and had what was ordered of each.
    #[must_use]
    pub fn is_converged(&self) -> bool {
        self.unreachable.is_none() && self.behind + self.unknown + self.unread == 0
    }
}

impl fmt::Display for ServerConvergence {
    /// One line for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.directory, self.server)?;
        if self.read_only {
            f.write_str(" (read-only)")?;
        }
        write!(f, ": {} converged, {} behind", self.converged, self.behind)?;
        for (count, what) in [(self.unknown, "unknown"), (self.gone, "gone"), (self.unread, "not asked")] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        if !self.first_behind.is_empty() {
            let all = self.behind + self.unknown;
            let more = if all > self.first_behind.len() as u64 { ", …" } else { "" };
            write!(f, " ({}{more})", self.first_behind.join(", "))?;
        }
        match &self.unreachable {
            Some(error) => write!(f, "; cannot be asked: {}", error.text),
            None => Ok(()),
        }
    }
}
