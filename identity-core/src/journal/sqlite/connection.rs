//! Connections to a journal's file: how it is opened, what it must be, and what its faults mean.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::{Error, ErrorKind, Result};

/// Marks a SQLite file as one of our journals: "idrj" in ASCII.
pub(super) const APPLICATION: i64 = 0x6964_726a;

/// The version of the schema, in `user_version`.
const SCHEMA_VERSION: i64 = 2;

const SCHEMA: &str = include_str!("schema.sql");

/// That of version 1.
pub(super) const SCHEMA_1: &str = include_str!("schema_1.sql");

/// How long somebody who looks at the file with another program may hold us up.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) const OPEN: &str = "open the journal";

/// Opens an existing file. SQLite makes none here.
pub(super) fn connect(path: &Path, read_only: bool) -> Result<Connection> {
    let access = if read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    let connect = || {
        let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(PATIENCE)?;
        // The file may come from anywhere: nothing in it is to run by itself.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        Ok(connection)
    };
    connect().map_err(|error| fault(error, OPEN, path))
}

/// Lays the schema out in an empty file, at once or not at all.
pub(super) fn lay_out(connection: &Connection, path: &Path) -> Result<()> {
    let script = format!(
        "BEGIN; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA_VERSION}; {SCHEMA} COMMIT;"
    );
    connection.execute_batch(&script).map_err(|error| fault(error, "create the journal", path))
}

/// Says no to a file that is not a journal of ours, or of a version that we do not know.
pub(super) fn recognise(connection: &Connection, path: &Path) -> Result<()> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let read = || Ok((pragma("application_id")?, pragma("user_version")?));
    let (application, version) = read().map_err(|error| fault(error, OPEN, path))?;
    if application != APPLICATION {
        return Err(not_a_journal(path));
    }
    let schema = match version {
        SCHEMA_VERSION => SCHEMA,
        1 => SCHEMA_1,
        _ => {
            return Err(Error::new(ErrorKind::Journal, OPEN)
                .with_detail(format!(
                    "{} has schema version {version}; this library knows versions 1 to {SCHEMA_VERSION}",
                    path.display()
                ))
                .with_advice("open it with the version of the library that wrote it, or a newer one"));
        }
    };
    let differs = || {
        let ours = Connection::open_in_memory()?;
        ours.execute_batch(schema)?;
        let (ours, found) = (objects(&ours)?, objects(connection)?);
        Ok(ours.symmetric_difference(&found).next().map(|(name, _)| name.clone()))
    };
    match differs().map_err(|error| fault(error, OPEN, path))? {
        None => Ok(()),
        Some(name) => Err(Error::new(ErrorKind::Journal, OPEN)
            .with_detail(format!("the schema of {} was changed: {name} is not as this library made it", path.display()))
            .with_advice("keep a copy; drop what was added with another program, or restore the file")),
    }
}

/// Names and definitions of what a file holds. The columns that progress is looked up by are
/// computed as the schema says: with another schema they would tell something else.
fn objects(connection: &Connection) -> rusqlite::Result<BTreeSet<(String, Option<String>)>> {
    let mut select = connection.prepare("SELECT name, sql FROM sqlite_schema")?;
    let objects = select.query_map([], |row| {
        let sql: Option<String> = row.get(1)?;
        // A checkout on Windows may have given the schema other line ends.
        Ok((row.get(0)?, sql.map(|sql| sql.replace('\r', ""))))
    })?;
    objects.collect()
}

/// Every commit is synced: in the write-ahead log, before it returns.
pub(super) fn make_durable(connection: &Connection, path: &Path) -> Result<()> {
    let set = || {
        let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        connection.pragma_update(None, "synchronous", "full")?;
        Ok(mode)
    };
    let mode = set().map_err(|error| fault(error, OPEN, path))?;
    if mode != "wal" {
        return Err(Error::new(ErrorKind::Journal, OPEN)
            .with_detail(format!("{} cannot have a write-ahead log here ({mode} instead)", path.display()))
            .with_advice("keep the journal on a local disk"));
    }
    Ok(())
}

/// Writes the log's content into the main file and syncs that.
pub(super) fn fold_log_in(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

pub(super) fn not_a_journal(path: &Path) -> Error {
    Error::new(ErrorKind::Journal, OPEN)
        .with_detail(format!("{} is not a journal of this library", path.display()))
        .with_advice("name the journal file in the run's folder")
}

/// What a fault of SQLite means to the reader.
pub(super) fn fault(error: rusqlite::Error, operation: &'static str, path: &Path) -> Error {
    let path = path.display();
    let code = error.sqlite_error_code();
    if code == Some(ErrorCode::NotADatabase) {
        return not_a_journal(path.to_string().as_ref()).with_source(error);
    }
    let (detail, advice) = match code {
        Some(ErrorCode::DiskFull) => {
            (format!("no space is left for {path}"), "free space on that file system, then resume the run")
        }
        Some(ErrorCode::SystemIoFailure) => (
            format!("the disk under {path} failed: {error}"),
            "copy the run's folder to a healthy disk and resume there",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            format!("another program holds {path}"),
            "close other programs that have the journal open, then resume the run",
        ),
        Some(ErrorCode::DatabaseCorrupt) => (
            format!("{path} is damaged: {error}"),
            "keep a copy, and restore the folder from a backup or a second machine",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => (
            format!("{path} cannot be opened for reading and writing: {error}"),
            "the file and its folder must exist and be writable",
        ),
        _ => (format!("{path}: {error}"), "resume the run; if this comes back, keep the files and report it"),
    };
    Error::new(ErrorKind::Journal, operation).with_detail(detail).with_advice(advice).with_source(error)
}
