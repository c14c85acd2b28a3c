//! Reading, on a connection of its own: nobody who reads keeps the writer waiting.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use rusqlite::{Connection, OptionalExtension, Row as SqlRow};

use super::super::chain;
use super::super::{ChainHead, EntryProgress, Event, Record};
use super::connection::{connect, fault};
use crate::durable::blocking;
use crate::error::{Error, ErrorKind, Result};

const READ: &str = "read the journal";

/// How many records are read at once: memory stays flat however long the journal is.
const CHUNK: i64 = 512;

pub(super) struct Reader {
    path: PathBuf,
    connection: Mutex<Connection>,
}

/// Where a stream of records stands.
struct Cursor {
    /// The number to read next.
    next: u64,
    /// The record before it, once known.
    head: Option<ChainHead>,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connect(path, true)?) })
    }

    /// Reads on a thread where waiting for the disk holds nobody up.
    pub(super) async fn blocking<T: Send + 'static>(
        reader: &Arc<Self>,
        read: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let reader = Arc::clone(reader);
        blocking(ErrorKind::Journal, READ, move || read(&reader)).await
    }

    pub(super) fn records(reader: &Arc<Self>, from: u64) -> BoxStream<'static, Result<Record>> {
        let reader = Arc::clone(reader);
        let start = Cursor { next: from.max(1), head: None };
        stream::try_unfold(Some(start), move |cursor| {
            let reader = Arc::clone(&reader);
            async move {
                let Some(cursor) = cursor else { return Ok(None) };
                Self::blocking(&reader, move |reader| reader.chunk(cursor)).await.map(Some)
            }
        })
        .map_ok(stream::iter)
        .try_flatten()
        .boxed()
    }

    pub(super) fn progress(&self, entries: &[u64]) -> Result<Vec<EntryProgress>> {
        let mut known = Vec::with_capacity(entries.len());
        let bodies = self.with(|connection| {
            let mut select = connection
                .prepare("SELECT number, body FROM records WHERE entry = ?1 AND number > 0 ORDER BY number")?;
            let mut all = Vec::with_capacity(entries.len());
            for entry in entries {
                let rows = select.query_map([sql_number(*entry)], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
                all.push((*entry, rows.collect::<rusqlite::Result<Vec<(i64, String)>>>()?));
            }
            Ok(all)
        })?;
        for (entry, rows) in bodies {
            let mut progress = EntryProgress::new(entry);
            for (number, body) in rows {
                let event: Event = serde_json::from_str(&body).map_err(|error| {
                    Error::new(ErrorKind::Journal, READ)
                        .with_detail(format!("record {number} of {} cannot be understood", self.path.display()))
                        .with_advice("check the journal's chain; a newer version of this library may have written it")
                        .with_source(error)
                })?;
                progress.fold(&event);
            }
            known.push(progress);
        }
        Ok(known)
    }

    pub(super) fn head(&self) -> Result<ChainHead> {
        Ok(self.with(newest)?.map(|row| row.head()).unwrap_or_default())
    }

    /// SQLite's own look at the file: pages, order of records, table against index.
    pub(super) fn check_structure(&self) -> Result<()> {
        let answer: String =
            self.with(|connection| connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)))?;
        if answer == "ok" {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Journal, READ)
            .with_detail(format!("{} is damaged: {answer}", self.path.display()))
            .with_advice("keep a copy, and restore the folder from a backup or a second machine"))
    }

    /// The next records; the last of them an error where the chain breaks.
    fn chunk(&self, cursor: Cursor) -> Result<(Vec<Result<Record>>, Option<Cursor>)> {
        let Cursor { next, head } = cursor;
        let (before, rows) = self.with(|connection| {
            let before = match head {
                Some(head) => head,
                None => row_before(connection, next)?,
            };
            let mut select = connection
                .prepare("SELECT number, at, body, hash FROM records WHERE number >= ?1 ORDER BY number LIMIT ?2")?;
            let rows = select.query_map([sql_number(next), CHUNK], row)?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok((before, rows))
        })?;
        if rows.is_empty() {
            return Ok((Vec::new(), None));
        }
        let mut head = before;
        let mut records = Vec::with_capacity(rows.len());
        for row in rows {
            let after = row.head();
            match row.verify(&head) {
                Ok(record) => records.push(Ok(record)),
                Err(error) => {
                    records.push(Err(error));
                    return Ok((records, None));
                }
            }
            head = after;
        }
        let next = head.number + 1;
        Ok((records, Some(Cursor { next, head: Some(head) })))
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        read(&connection).map_err(|error| fault(error, READ, &self.path))
    }
}

/// The newest record.
pub(super) fn newest(connection: &Connection) -> rusqlite::Result<Option<chain::Row>> {
    connection.query_row("SELECT number, at, body, hash FROM records ORDER BY number DESC LIMIT 1", [], row).optional()
}

/// What a chain must stand at for record `number` to follow. Where the record before is missing,
/// nothing follows.
pub(super) fn row_before(connection: &Connection, number: u64) -> rusqlite::Result<ChainHead> {
    if number <= 1 {
        return Ok(ChainHead::default());
    }
    let before = number - 1;
    let hash = connection
        .query_row("SELECT hash FROM records WHERE number = ?1", [sql_number(before)], |row| row.get(0))
        .optional()?;
    Ok(ChainHead { number: before, hash: hash.unwrap_or_default() })
}

/// SQLite's integers have a sign. No journal has 2^63 records, no plan as many entries.
pub(super) fn sql_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn row(row: &SqlRow<'_>) -> rusqlite::Result<chain::Row> {
    let number: i64 = row.get(0)?;
    Ok(chain::Row {
        // A negative number is in no chain; 0 does not fit anywhere either.
        number: u64::try_from(number).unwrap_or(0),
        at: row.get(1)?,
        body: row.get(2)?,
        hash: row.get(3)?,
    })
}
