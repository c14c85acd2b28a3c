//! Where accounts wait while a plan is made: a database in a temporary folder, so that memory
//! stays flat however many there are, duplicates collapse, and the order they came in is forgotten.

use std::num::NonZeroU64;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use tempfile::TempDir;

use super::entry::PlanRow;
use super::waves::{self, Slot};
use crate::account::Account;
use crate::error::{Error, ErrorKind, Result};
use crate::person::Place;
use crate::recovery::Enrolment;

const OPERATION: &str = "stage accounts";

/// The database. It is deleted when dropped.
#[derive(Debug)]
pub(crate) struct Stage {
    // The connection has to be closed before its folder goes.
    connection: Connection,
    _folder: TempDir,
}

/// Which set of accounts a scope's enumeration marks.
pub(crate) type Mark = i64;

/// An account as it waits: the place of its directory in the plan, and the marks it has.
#[derive(Debug)]
pub(crate) struct StagedAccount {
    pub(crate) directory: usize,
    pub(crate) account: Account,
    pub(crate) marks: Vec<Mark>,
    /// What is known of its recovery, where that was put here.
    pub(crate) enrolment: Option<Enrolment>,
}

/// A decision as it waits for its wave.
#[derive(Debug)]
pub(crate) struct StagedRow {
    pub(crate) directory: usize,
    pub(super) slot: Slot,
    /// Where the account comes in the draw, for those that may be drawn.
    pub(crate) rank: Option<[u8; 16]>,
    /// Where the person's first account is, for a person with accounts in several directories.
    pub(crate) person: Option<Place>,
    pub(crate) row: PlanRow,
}

impl Stage {
    /// Opens one in a fresh folder inside `folder`.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(".plan-stage-").tempdir_in(folder).map_err(failed)?;
        let connection = Connection::open(folder.path().join("stage.sqlite")).map_err(failed)?;
        // Nothing here has to survive a crash. The page cache is bounded to 16 MiB: accounts come in no
        // order of their ids, so they are appended, and only a small index is kept in order.
        connection
            .execute_batch(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
                 PRAGMA cache_size = -16384; PRAGMA temp_store = FILE;
                 CREATE TABLE accounts (directory INTEGER, id TEXT, account TEXT NOT NULL,
                     PRIMARY KEY (directory, id));
                 CREATE TABLE marks (directory INTEGER, id TEXT, mark INTEGER,
                     PRIMARY KEY (directory, id, mark)) WITHOUT ROWID;
                 CREATE TABLE enrolments (directory INTEGER, id TEXT, enrolment TEXT NOT NULL,
                     PRIMARY KEY (directory, id));
                 CREATE TABLE decided (place INTEGER PRIMARY KEY, slot INTEGER NOT NULL, directory INTEGER NOT NULL,
                     rank BLOB, reset INTEGER NOT NULL, person INTEGER, decision TEXT NOT NULL);
                 CREATE TABLE passwords (person INTEGER, seq INTEGER, PRIMARY KEY (person, seq)) WITHOUT ROWID;",
            )
            .map_err(failed)?;
        Ok(Self { connection, _folder: folder })
    }

    /// Keeps accounts of an enumeration of everyone; of duplicates, the one that came last.
    pub(crate) fn put_accounts(&mut self, directory: usize, accounts: &[Account]) -> Result<()> {
        self.put(directory, accounts, "INSERT OR REPLACE INTO accounts VALUES (?1, ?2, ?3)", None)
    }

    /// Marks accounts of an enumeration of one scope. An account that was seen only there is kept
    /// as well.
    pub(crate) fn put_marked(&mut self, directory: usize, mark: Mark, accounts: &[Account]) -> Result<()> {
        self.put(directory, accounts, "INSERT OR IGNORE INTO accounts VALUES (?1, ?2, ?3)", Some(mark))
    }

    fn put(&mut self, directory: usize, accounts: &[Account], sql: &str, mark: Option<Mark>) -> Result<()> {
        let transaction = self.connection.transaction().map_err(failed)?;
        {
            let mut keep = transaction.prepare(sql).map_err(failed)?;
            let mut note = transaction.prepare("INSERT OR IGNORE INTO marks VALUES (?1, ?2, ?3)").map_err(failed)?;
            for account in accounts {
                let text = serde_json::to_string(account).map_err(failed)?;
                keep.execute(params![signed(directory), account.id.as_str(), text]).map_err(failed)?;
                if let Some(mark) = mark {
                    note.execute(params![signed(directory), account.id.as_str(), mark]).map_err(failed)?;
                }
            }
        }
        transaction.commit().map_err(failed)
    }

    /// Forgets the accounts of a directory, before its enumeration is begun again.
    pub(crate) fn forget_accounts(&self, directory: usize) -> Result<()> {
        self.connection
            .execute("DELETE FROM accounts WHERE directory = ?1", params![signed(directory)])
            .map(drop)
            .map_err(failed)
    }

    /// Forgets all of a directory that could not be read to its end.
    pub(super) fn forget_directory(&self, directory: usize) -> Result<()> {
        self.forget_accounts(directory)?;
        self.connection
            .execute("DELETE FROM marks WHERE directory = ?1", params![signed(directory)])
            .map(drop)
            .map_err(failed)
    }

    /// Whether an account of this directory has exactly this id.
    pub(super) fn has_exactly(&self, directory: usize, id: &str) -> Result<bool> {
        self.connection
            .prepare("SELECT 1 FROM accounts WHERE directory = ?1 AND id = ?2")
            .and_then(|mut one| one.exists(params![signed(directory), id]))
            .map_err(failed)
    }

    /// Forgets a mark, before its enumeration is begun again.
    pub(crate) fn forget_mark(&self, mark: Mark) -> Result<()> {
        self.connection.execute("DELETE FROM marks WHERE mark = ?1", params![mark]).map(drop).map_err(failed)
    }

    /// Keeps what is known of accounts' recovery; of duplicates, what came last.
    pub(crate) fn put_enrolments(&mut self, directory: usize, enrolments: &[Enrolment]) -> Result<()> {
        let transaction = self.connection.transaction().map_err(failed)?;
        {
            let mut keep =
                transaction.prepare("INSERT OR REPLACE INTO enrolments VALUES (?1, ?2, ?3)").map_err(failed)?;
            for enrolment in enrolments {
                let text = serde_json::to_string(enrolment).map_err(failed)?;
                keep.execute(params![signed(directory), enrolment.account.as_str(), text]).map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    /// Forgets what is known of the recovery of a directory's accounts, before it is read again.
    pub(crate) fn forget_enrolments(&self, directory: usize) -> Result<()> {
        self.connection
            .execute("DELETE FROM enrolments WHERE directory = ?1", params![signed(directory)])
            .map(drop)
            .map_err(failed)
    }

    /// The next accounts by directory and id, after the one given.
    pub(crate) fn accounts_after(&self, after: Option<(usize, &str)>, limit: u32) -> Result<Vec<StagedAccount>> {
        let (directory, id) = after.map_or((-1, ""), |(directory, id)| (signed(directory), id));
        let mut accounts = self
            .connection
            .prepare(
                "SELECT directory, account, (SELECT enrolment FROM enrolments AS known
                     WHERE known.directory = accounts.directory AND known.id = accounts.id)
                 FROM accounts WHERE (directory, id) > (?1, ?2) ORDER BY directory, id LIMIT ?3",
            )
            .map_err(failed)?;
        let mut marks = self
            .connection
            .prepare("SELECT mark FROM marks WHERE directory = ?1 AND id = ?2 ORDER BY mark")
            .map_err(failed)?;
        let mut rows = accounts.query(params![directory, id, limit]).map_err(failed)?;
        let mut page = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let directory: i64 = row.get(0).map_err(failed)?;
            let text = row.get_ref(1).map_err(failed)?.as_str().map_err(failed)?;
            let account: Account = serde_json::from_str(text).map_err(failed)?;
            let marks = marks
                .query_map(params![directory, account.id.as_str()], |row| row.get(0))
                .and_then(Iterator::collect)
                .map_err(failed)?;
            let enrolment = row.get_ref(2).map_err(failed)?.as_str_or_null().map_err(failed)?;
            let enrolment = enrolment.map(serde_json::from_str).transpose().map_err(failed)?;
            let directory = usize::try_from(directory).map_err(failed)?;
            page.push(StagedAccount { directory, account, marks, enrolment });
        }
        Ok(page)
    }

    /// Keeps decisions; to be called in the order of directory and id.
    pub(crate) fn put_rows(&mut self, rows: &[StagedRow]) -> Result<()> {
        let transaction = self.connection.transaction().map_err(failed)?;
        {
            let mut keep = transaction
                .prepare(
                    "INSERT INTO decided (slot, directory, rank, reset, person, decision)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )
                .map_err(failed)?;
            for row in rows {
                let text = serde_json::to_string(&row.row).map_err(failed)?;
                let reset = waves::is_reset(&row.row);
                keep.execute(params![
                    row.slot.number(),
                    signed(row.directory),
                    row.rank,
                    reset,
                    row.person.map(Place::number),
                    text
                ])
                .map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    /// Draws the canary of one directory from its workforce, by rank.
    pub(crate) fn draw_canary(&self, directory: usize, most: u32) -> Result<()> {
        let candidates: i64 = self
            .connection
            .query_row(
                "SELECT count(*) FROM decided WHERE slot = ?1 AND directory = ?2 AND rank IS NOT NULL",
                params![Slot::FIRST_WORKFORCE.number(), signed(directory)],
                |row| row.get(0),
            )
            .map_err(failed)?;
        let size = waves::canary_size(u64::try_from(candidates).unwrap_or(0), most);
        self.connection
            .execute(
                "UPDATE decided SET slot = ?1 WHERE place IN (SELECT place FROM decided
                     WHERE slot = ?2 AND directory = ?3 AND rank IS NOT NULL ORDER BY rank, place LIMIT ?4)",
                params![Slot::CANARY.number(), Slot::FIRST_WORKFORCE.number(), signed(directory), size],
            )
            .map(drop)
            .map_err(failed)
    }

    /// Cuts what is left of the workforce into slices, by rank.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] when there would be too many.
    pub(crate) fn cut_workforce(&self, slice: NonZeroU64) -> Result<()> {
        let first = Slot::FIRST_WORKFORCE.number();
        let count: i64 = self
            .connection
            .query_row("SELECT count(*) FROM decided WHERE slot = ?1 AND rank IS NOT NULL", params![first], |row| {
                row.get(0)
            })
            .map_err(failed)?;
        let size = i64::try_from(slice.get()).unwrap_or(i64::MAX);
        let slices = count / size + i64::from(count % size != 0);
        if slices > waves::MOST_SLICES {
            return Err(Error::new(ErrorKind::ConfigInvalid, "cut the workforce into waves")
                .with_detail(format!("{count} accounts in slices of {size} are {slices} waves"))
                .with_advice(format!("raise the size of a slice: at most {} waves are made", waves::MOST_SLICES)));
        }
        self.connection
            .execute(
                "UPDATE decided SET slot = ?1 + drawn.slice FROM
                     (SELECT place AS drawn_place, (row_number() OVER (ORDER BY rank, place) - 1) / ?2 AS slice
                      FROM decided WHERE slot = ?1 AND rank IS NOT NULL) AS drawn
                 WHERE place = drawn.drawn_place",
                params![first, size],
            )
            .map(drop)
            .map_err(failed)
    }

    /// Every slot that has entries, in order, with the number of those that the engine resets.
    pub(super) fn slots(&self) -> Result<Vec<(Slot, u64)>> {
        self.connection.execute_batch("CREATE INDEX decided_order ON decided (slot)").map_err(failed)?;
        let mut slots = self
            .connection
            .prepare("SELECT slot, sum(reset) FROM decided WHERE slot < ?1 GROUP BY slot ORDER BY slot")
            .map_err(failed)?;
        let mut rows = slots.query(params![Slot::LEFT_OUT.number()]).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let count: i64 = row.get(1).map_err(failed)?;
            found.push((Slot::of_number(row.get(0).map_err(failed)?), u64::try_from(count).unwrap_or(0)));
        }
        Ok(found)
    }

    /// Gives every decision in the plan's order: by slot, then by directory and id; each with the
    /// place of its person's first account, for a person with accounts in several directories.
    pub(super) fn each_row(&self, mut take: impl FnMut(Slot, Option<Place>, PlanRow) -> Result<()>) -> Result<()> {
        let mut decided = self
            .connection
            .prepare("SELECT slot, decision, person FROM decided ORDER BY slot, place")
            .map_err(failed)?;
        let mut rows = decided.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let slot = Slot::of_number(row.get(0).map_err(failed)?);
            let text = row.get_ref(1).map_err(failed)?.as_str().map_err(failed)?;
            let person: Option<u32> = row.get(2).map_err(failed)?;
            take(slot, person.map(Place::after), serde_json::from_str(text).map_err(failed)?)?;
        }
        Ok(())
    }

    /// Keeps that the entry with this number resets a password of a person.
    pub(crate) fn put_password(&self, person: Place, seq: u64) -> Result<()> {
        let mut keep = self.connection.prepare("INSERT INTO passwords VALUES (?1, ?2)").map_err(failed)?;
        let seq = i64::try_from(seq).map_err(failed)?;
        keep.execute(params![person.number(), seq]).map(drop).map_err(failed)
    }

    /// The numbers of the entries that reset passwords of a person, as far as they were kept.
    pub(crate) fn passwords_of(&self, person: Place) -> Result<Vec<u64>> {
        let mut all =
            self.connection.prepare("SELECT seq FROM passwords WHERE person = ?1 ORDER BY seq").map_err(failed)?;
        let mut rows = all.query(params![person.number()]).map_err(failed)?;
        let mut numbers = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let seq: i64 = row.get(0).map_err(failed)?;
            numbers.push(u64::try_from(seq).map_err(failed)?);
        }
        Ok(numbers)
    }

    /// Whether an account of this directory has this id, in any case of letters.
    pub(crate) fn has_account(&self, directory: usize, id: &str) -> Result<bool> {
        self.connection
            .query_row(
                "SELECT 1 FROM accounts WHERE directory = ?1 AND (id = ?2 OR lower(id) = lower(?2)) LIMIT 1",
                params![signed(directory), id],
                |_| Ok(()),
            )
            .optional()
            .map(|found| found.is_some())
            .map_err(failed)
    }
}

fn signed(directory: usize) -> i64 {
    i64::try_from(directory).unwrap_or(i64::MAX)
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let error = error.into();
    Error::new(ErrorKind::Unexpected, OPERATION)
        .with_detail(error.to_string())
        .with_advice("see that the folder of the plan can be written and has room: about 2 KB an account")
        .with_source(error)
}
