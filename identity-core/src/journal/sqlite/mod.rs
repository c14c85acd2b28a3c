//! The durable journal: one SQLite file.

mod connection;
mod read;
mod write;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;

use self::read::Reader;
use self::write::Writer;
use super::chain;
use super::{ChainHead, EntryProgress, Event, Journal, Record};
use crate::durable::GroupCommit;
use crate::error::Result;
use crate::limits::clock;

/// A journal in one SQLite file (write-ahead log, full sync), which the `sqlite3` program can
/// read: the table `records`, and the view `standing` with one row per entry and action.
///
/// One process has it at a time: a lock file `<path>.lock` is held for the life of the value, and
/// stays behind afterwards. The file must lie on a local disk, not on a network share.
///
/// [`append`](Journal::append) returns when its events are synced to disk; calls that wait at the
/// same time share one transaction and one sync. After a write error every later append fails:
/// nothing is recorded on top of an unknown state. Open the journal anew to go on.
///
/// To take a run to another machine, copy the file, and `<path>-wal` beside it if it is there.
///
/// ```
/// use identity_core::journal::{Event, Journal, SqliteJournal};
///
/// # async fn record() -> identity_core::error::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder");
/// # let path = folder.path().join("journal.sqlite");
/// let journal = SqliteJournal::create(&path)?;
/// journal.append(vec![Event::WaveStarted { wave: "canary".into() }]).await?;
/// drop(journal);
///
/// let journal = SqliteJournal::open(&path)?;
/// assert_eq!(journal.verify_chain().await?.number, 1);
/// # Ok(())
/// # }
/// # futures::executor::block_on(record()).expect("recorded");
/// ```
pub struct SqliteJournal {
    path: PathBuf,
    // Dropped first, so that the writer is the last connection and can fold the log in.
    reader: Arc<Reader>,
    writer: GroupCommit<Writer>,
}

impl SqliteJournal {
    /// Makes a new, empty journal. Blocks for a few syncs.
    ///
    /// # Errors
    /// When the file exists already or cannot be made, or the lock is held.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::start(path, Writer::create(path)?)
    }

    /// Makes a new journal whose writes are not synced: of a rehearsal, which after a crash of the
    /// machine is begun anew. Everything else is as in a run.
    ///
    /// # Errors
    /// As of [`create`](Self::create).
    pub(crate) fn create_unsynced(path: &Path) -> Result<Self> {
        let writer = Writer::create(path)?;
        writer.leave_unsynced()?;
        Self::start(path, writer)
    }

    /// Opens a journal that an earlier process left, however it ended. Blocks for a few syncs.
    ///
    /// Its newest record is checked against the chain; [`SqliteJournal::verify_chain`] checks all.
    ///
    /// # Errors
    /// When the file is missing, is no journal, is of a newer version of this library or is
    /// damaged, or when another process has it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::start(path, Writer::open(path)?)
    }

    /// Opens a journal where there is one, and makes a new one where there is none: for a program
    /// that begins and resumes with the same call. Where a run is known to have begun,
    /// [`open`](Self::open) does not take a wrong folder for a new run.
    ///
    /// # Errors
    /// As of [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if path.exists() { Self::open(path) } else { Self::create(path) }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many transactions there were since it was opened: fewer than appends when calls
    /// were grouped.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    /// Checks the file's own structure (every record is in the index and the other way round),
    /// then follows the chain from the first record to the head. Reads the whole file, in flat
    /// memory.
    ///
    /// # Errors
    /// As [`verify_chain`](super::verify_chain).
    pub async fn verify_chain(&self) -> Result<ChainHead> {
        Reader::blocking(&self.reader, Reader::check_structure).await?;
        chain::verify_chain(self).await
    }

    fn start(path: &Path, writer: Writer) -> Result<Self> {
        let reader = Arc::new(Reader::open(path)?);
        Ok(Self { path: path.to_owned(), reader, writer: GroupCommit::new(writer) })
    }

    /// Lets the file grow no further: a full disk, for tests.
    #[cfg(test)]
    fn limit_pages(&self, pages: u32) {
        let limit = self.writer.with_store(|writer| writer.limit_pages(pages));
        assert!(limit.is_some_and(|done| done.is_ok()));
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn append(&self, events: Vec<Event>) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        // The time is taken here and not on the writer's thread, where a paused clock is not seen.
        let at = clock::now().to_string();
        let bodies = events.iter().map(chain::body).collect::<Result<Vec<_>>>()?;
        self.writer.submit((at, bodies)).await
    }

    async fn progress(&self, entries: &[u64]) -> Result<Vec<EntryProgress>> {
        let entries = entries.to_vec();
        Reader::blocking(&self.reader, move |reader| reader.progress(&entries)).await
    }

    fn records(&self, from: u64) -> BoxStream<'static, Result<Record>> {
        Reader::records(&self.reader, from)
    }

    async fn head(&self) -> Result<ChainHead> {
        Reader::blocking(&self.reader, Reader::head).await
    }
}

impl fmt::Debug for SqliteJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteJournal").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
