//! The one writer.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};

use super::super::ChainHead;
use super::super::chain::Row;
use super::connection::{OPEN, connect, fault, fold_log_in, lay_out, make_durable, not_a_journal, recognise};
use super::read::{newest, row_before, sql_number};
use crate::durable::{FileLock, Store, create_private, sync_parent};
use crate::error::{Error, ErrorKind, Result};

pub(super) struct Writer {
    path: PathBuf,
    connection: Connection,
    head: ChainHead,
    // After the connection: the lock is let go when the file is closed.
    _lock: FileLock,
}

impl Writer {
    pub(super) fn create(path: &Path) -> Result<Self> {
        const CREATE: &str = "create the journal";
        let lock = FileLock::take(path, ErrorKind::Journal, CREATE)?;
        create_private(path).map_err(|error| {
            let advice = if error.kind() == std::io::ErrorKind::AlreadyExists {
                "resume the run that it belongs to, or choose another folder"
            } else {
                "the folder must exist and be writable"
            };
            Error::new(ErrorKind::Journal, CREATE)
                .with_detail(format!("{} cannot be made: {error}", path.display()))
                .with_advice(advice)
                .with_source(error)
        })?;
        let connection = connect(path, false)?;
        lay_out(&connection, path)?;
        make_durable(&connection, path)?;
        sync_parent(path).map_err(|error| {
            Error::new(ErrorKind::Journal, CREATE)
                .with_detail(format!("the folder of {} cannot be synced: {error}", path.display()))
                .with_source(error)
        })?;
        Ok(Self { path: path.to_owned(), connection, head: ChainHead::default(), _lock: lock })
    }

    /// Leaves it to the operating system when what is written reaches the disk.
    pub(super) fn leave_unsynced(&self) -> Result<()> {
        let set = self.connection.pragma_update(None, "synchronous", "off");
        set.map_err(|error| fault(error, "create the journal", &self.path))
    }

    pub(super) fn open(path: &Path) -> Result<Self> {
        let length = std::fs::metadata(path).map_err(|error| {
            Error::new(ErrorKind::Journal, OPEN)
                .with_detail(format!("{} cannot be read: {error}", path.display()))
                .with_advice("name the journal file in the run's folder")
                .with_source(error)
        })?;
        let lock = FileLock::take(path, ErrorKind::Journal, OPEN)?;
        if !length.is_file() {
            return Err(not_a_journal(path));
        }
        if length.len() == 0 {
            return Err(Error::new(ErrorKind::Journal, OPEN)
                .with_detail(format!(
                    "{} is empty: its creation was cut short and nothing was recorded",
                    path.display()
                ))
                .with_advice("delete it and start the run anew"));
        }
        let connection = connect(path, false)?;
        recognise(&connection, path)?;
        make_durable(&connection, path)?;
        // What an earlier process wrote but could not sync may be readable only from the memory
        // of the operating system. Writing it into the main file makes what we read durable.
        fold_log_in(&connection).map_err(|error| fault(error, OPEN, path))?;
        let head = checked_head(&connection, path)?;
        Ok(Self { path: path.to_owned(), connection, head, _lock: lock })
    }

    fn insert(&self, wishes: Vec<(String, Vec<String>)>) -> rusqlite::Result<ChainHead> {
        let mut head = self.head.clone();
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut insert =
            self.connection.prepare("INSERT INTO records (number, at, body, hash) VALUES (?1, ?2, ?3, ?4)")?;
        for (at, bodies) in wishes {
            for body in bodies {
                let row = Row::after(&head, at.clone(), body);
                insert.execute(params![sql_number(row.number), row.at, row.body, row.hash])?;
                head = row.head();
            }
        }
        self.connection.execute_batch("COMMIT")?;
        Ok(head)
    }

    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: u32) -> rusqlite::Result<()> {
        self.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
    }
}

impl Store for Writer {
    /// A time, and the bodies of the events recorded at it.
    type Wish = (String, Vec<String>);
    type Answer = ();
    const KIND: ErrorKind = ErrorKind::Journal;
    const OPERATION: &'static str = "append to the journal";

    fn commit(&mut self, wishes: Vec<Self::Wish>) -> Result<Vec<()>> {
        let answers = vec![(); wishes.len()];
        match self.insert(wishes) {
            Ok(head) => {
                self.head = head;
                Ok(answers)
            }
            Err(error) => {
                // Fails where SQLite rolled back by itself; nothing follows on this connection.
                let _ = self.connection.execute_batch("ROLLBACK");
                Err(fault(error, Self::OPERATION, &self.path))
            }
        }
    }

    fn close(self, clean: bool) {
        // Best effort, both: the write-ahead log holds everything, and the next to open reads it.
        if clean {
            let _ = fold_log_in(&self.connection);
        } else {
            // What is on the disk is unknown; the next to open looks at it with fresh eyes.
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }
}

/// The head, if the newest record fits the one before it.
fn checked_head(connection: &Connection, path: &Path) -> Result<ChainHead> {
    let read = || {
        let Some(row) = newest(connection)? else { return Ok(None) };
        let before = row_before(connection, row.number)?;
        Ok(Some((row, before)))
    };
    let Some((row, before)) = read().map_err(|error| fault(error, OPEN, path))? else {
        return Ok(ChainHead::default());
    };
    let head = row.head();
    row.verify(&before)?;
    Ok(head)
}
