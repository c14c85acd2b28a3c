//! Where accounts and their anchors wait while they are joined: a database in a temporary folder.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use tempfile::TempDir;

use super::anchor::{Anchor, Joining};
use super::conflict::{Conflict, Member};
use super::id::PersonId;
use super::persons::Place;
use crate::account::{Account, AccountId, AccountKind, DirectoryId};
use crate::error::{Error, ErrorKind, Result};

/// The database. It is deleted when dropped.
#[derive(Debug)]
pub(super) struct Record {
    // The connection has to be closed before its folder goes.
    connection: Connection,
    _folder: TempDir,
    /// The directories, in the order of their accounts.
    directories: Vec<DirectoryId>,
}

/// An account that carries a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carrier {
    pub(super) place: u32,
    pub(super) directory: i64,
}

/// An account among those that it is joined with.
#[derive(Debug)]
pub(super) struct Linked {
    pub(super) root: u32,
    pub(super) place: u32,
    pub(super) directory: i64,
    /// Whether its immutable id is its own, and no pointer to an account elsewhere.
    pub(super) is_own: bool,
    /// Its hard anchors, in their order.
    pub(super) hard: [Option<String>; 2],
}

impl Record {
    /// Opens one in a fresh folder inside `folder`.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(".persons-").tempdir_in(folder).map_err(failed)?;
        let connection = Connection::open(folder.path().join("persons.sqlite")).map_err(failed)?;
        // Nothing here has to survive a crash; the page cache is bounded to 16 MiB.
        connection
            .execute_batch(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
                 PRAGMA cache_size = -16384; PRAGMA temp_store = FILE;
                 CREATE TABLE accounts (place INTEGER PRIMARY KEY, directory INTEGER NOT NULL, id TEXT NOT NULL,
                     own INTEGER NOT NULL, person INTEGER NOT NULL, immutable_id TEXT, security_id TEXT);
                 CREATE TABLE anchors (anchor INTEGER NOT NULL, value TEXT NOT NULL, place INTEGER NOT NULL,
                     directory INTEGER NOT NULL);
                 CREATE TABLE linked (root INTEGER NOT NULL, place INTEGER NOT NULL);
                 CREATE TABLE conflicts (number INTEGER PRIMARY KEY, conflict TEXT NOT NULL);",
            )
            .map_err(failed)?;
        Ok(Self { connection, _folder: folder, directories: Vec::new() })
    }

    /// Keeps accounts from this place on.
    pub(super) fn put(&mut self, first: u32, accounts: &[Account], joining: &Joining) -> Result<()> {
        let Self { connection, directories, .. } = self;
        let transaction = connection.transaction().map_err(failed)?;
        {
            let mut keep =
                transaction.prepare("INSERT INTO accounts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)").map_err(failed)?;
            let mut note = transaction.prepare("INSERT INTO anchors VALUES (?1, ?2, ?3, ?4)").map_err(failed)?;
            for (place, account) in (first..).zip(accounts) {
                if directories.last() != Some(&account.directory) {
                    directories.push(account.directory.clone());
                }
                let directory = i64::try_from(directories.len()).unwrap_or(i64::MAX) - 1;
                // Of an anchor that nobody asked for nothing is known, so that it contradicts nothing.
                let hard = |anchor: Anchor| {
                    joining.hard().any(|asked| *asked == anchor).then(|| anchor.value(account)).flatten()
                };
                let (immutable, security) = (hard(Anchor::ImmutableId), hard(Anchor::SecurityId));
                let own = Anchor::ImmutableId.value(account).is_some_and(|id| {
                    uuid::Uuid::try_parse(account.id.as_str())
                        .map_or_else(|_| account.id.as_str().to_lowercase() == id, |own| own.to_string() == id)
                });
                let person = matches!(account.kind, AccountKind::Person | AccountKind::Guest | AccountKind::Unknown);
                keep.execute(params![place, directory, account.id.as_str(), own, person, immutable, security])
                    .map_err(failed)?;
                for (number, anchor) in (0_i64..).zip(joining.in_order()) {
                    if let Some(value) = anchor.value(account) {
                        note.execute(params![number, value, place, directory]).map_err(failed)?;
                    }
                }
            }
        }
        transaction.commit().map_err(failed)
    }

    /// When all accounts are there: what makes them quick to find.
    pub(super) fn index(&self) -> Result<()> {
        self.connection
            .execute_batch(
                "CREATE INDEX anchors_order ON anchors (anchor, value, place, directory);
                 CREATE INDEX accounts_order ON accounts (directory, id);",
            )
            .map_err(failed)
    }

    /// Shows the accounts of each value that is on more than one, by directory and id.
    pub(super) fn each_value(&self, anchor: usize, mut each: impl FnMut(&str, &[Carrier]) -> Result<()>) -> Result<()> {
        let mut all = self
            .connection
            .prepare("SELECT value, place, directory FROM anchors WHERE anchor = ?1 ORDER BY value, place")
            .map_err(failed)?;
        let mut rows = all.query(params![i64::try_from(anchor).unwrap_or(i64::MAX)]).map_err(failed)?;
        let (mut value, mut carriers) = (String::new(), Vec::new());
        while let Some(row) = rows.next().map_err(failed)? {
            let found = row.get_ref(0).map_err(failed)?.as_str().map_err(failed)?;
            if found != value {
                if carriers.len() > 1 {
                    each(&value, &carriers)?;
                }
                carriers.clear();
                found.clone_into(&mut value);
            }
            let (place, directory) = (row.get(1).map_err(failed)?, row.get(2).map_err(failed)?);
            carriers.push(Carrier { place, directory });
        }
        if carriers.len() > 1 {
            each(&value, &carriers)?;
        }
        Ok(())
    }

    /// Begins anew with who is joined with whom.
    pub(super) fn link(&mut self, links: impl Iterator<Item = (u32, u32)>) -> Result<()> {
        let transaction = self.connection.transaction().map_err(failed)?;
        {
            transaction.execute("DELETE FROM linked", []).map_err(failed)?;
            let mut keep = transaction.prepare("INSERT INTO linked VALUES (?1, ?2)").map_err(failed)?;
            for (root, place) in links {
                keep.execute(params![root, place]).map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    /// Shows those that are joined, one after another.
    pub(super) fn each_linked(&self, mut each: impl FnMut(Linked) -> Result<()>) -> Result<()> {
        let mut all = self
            .connection
            .prepare(
                "SELECT linked.root, linked.place, directory, own, immutable_id, security_id
                 FROM linked JOIN accounts ON accounts.place = linked.place ORDER BY linked.root, linked.place",
            )
            .map_err(failed)?;
        let mut rows = all.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(Linked {
                root: row.get(0).map_err(failed)?,
                place: row.get(1).map_err(failed)?,
                directory: row.get(2).map_err(failed)?,
                is_own: row.get(3).map_err(failed)?,
                hard: [row.get(4).map_err(failed)?, row.get(5).map_err(failed)?],
            })?;
        }
        Ok(())
    }

    /// Keeps a conflict.
    pub(super) fn put_conflict(&self, conflict: &Conflict) -> Result<()> {
        let text = serde_json::to_string(conflict).map_err(failed)?;
        self.connection
            .prepare("INSERT INTO conflicts (conflict) VALUES (?1)")
            .and_then(|mut keep| keep.execute(params![text]))
            .map(drop)
            .map_err(failed)
    }

    /// The first conflicts, in the order they were found in.
    pub(super) fn conflicts(&self, most: usize) -> Result<Vec<Conflict>> {
        let mut all =
            self.connection.prepare("SELECT conflict FROM conflicts ORDER BY number LIMIT ?1").map_err(failed)?;
        let mut rows = all.query(params![i64::try_from(most).unwrap_or(i64::MAX)]).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let text = row.get_ref(0).map_err(failed)?.as_str().map_err(failed)?;
            found.push(serde_json::from_str(text).map_err(failed)?);
        }
        Ok(found)
    }

    /// How many conflicts there are.
    pub(super) fn count_conflicts(&self) -> Result<u64> {
        let count: i64 =
            self.connection.query_row("SELECT count(*) FROM conflicts", [], |row| row.get(0)).map_err(failed)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The account at a place.
    pub(super) fn member(&self, place: u32) -> Result<Member> {
        let (directory, id): (i64, String) = self
            .connection
            .prepare("SELECT directory, id FROM accounts WHERE place = ?1")
            .and_then(|mut one| one.query_row(params![place], |row| Ok((row.get(0)?, row.get(1)?))))
            .map_err(failed)?;
        self.named(directory, id)
    }

    /// The accounts at consecutive places: who each one is by itself, and whether it is somebody's
    /// even where it is joined with no other.
    pub(super) fn persons(&self, first: u32, count: u32) -> Result<Vec<(PersonId, bool)>> {
        let mut page = self
            .connection
            .prepare("SELECT directory, id, person FROM accounts WHERE place >= ?1 ORDER BY place LIMIT ?2")
            .map_err(failed)?;
        let mut rows = page.query(params![first, count]).map_err(failed)?;
        let mut persons = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let member = self.named(row.get(0).map_err(failed)?, row.get(1).map_err(failed)?)?;
            persons.push((PersonId::of(&member.directory, &member.id), row.get(2).map_err(failed)?));
        }
        Ok(persons)
    }

    fn named(&self, directory: i64, id: String) -> Result<Member> {
        let directory = usize::try_from(directory).ok().and_then(|place| self.directories.get(place).cloned());
        let directory = directory.ok_or_else(|| failed("an account without a directory"))?;
        Ok(Member { directory, id: AccountId::new(id).map_err(failed)? })
    }

    /// Shows the places of accounts that are somebody's even where they are joined with no other.
    pub(super) fn each_person(&self, mut each: impl FnMut(u32)) -> Result<()> {
        let mut all =
            self.connection.prepare("SELECT place FROM accounts WHERE person ORDER BY place").map_err(failed)?;
        let mut rows = all.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(row.get(0).map_err(failed)?);
        }
        Ok(())
    }

    /// Where an account is.
    pub(super) fn find(&self, directory: &DirectoryId, id: &AccountId) -> Result<Option<Place>> {
        let Some(directory) = self.directories.iter().position(|known| known == directory) else { return Ok(None) };
        self.connection
            .prepare("SELECT place FROM accounts WHERE directory = ?1 AND id = ?2")
            .and_then(|mut one| {
                let directory = i64::try_from(directory).unwrap_or(i64::MAX);
                one.query_row(params![directory, id.as_str()], |row| row.get(0)).optional()
            })
            .map(|found| found.map(Place))
            .map_err(failed)
    }

    /// The places of the accounts joined below this one, itself among them.
    pub(super) fn members(&self, root: u32) -> Result<Vec<u32>> {
        self.connection
            .prepare("SELECT place FROM linked WHERE root = ?1 ORDER BY place")
            .and_then(|mut all| all.query_map(params![root], |row| row.get(0))?.collect())
            .map_err(failed)
    }

    /// When nothing is joined any more: what makes the accounts of a person quick to find.
    pub(super) fn index_linked(&self) -> Result<()> {
        self.connection.execute_batch("CREATE INDEX linked_order ON linked (root, place)").map_err(failed)
    }
}

pub(super) fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let error = error.into();
    Error::new(ErrorKind::Unexpected, "join accounts of persons")
        .with_detail(error.to_string())
        .with_advice("see that the folder of the plan can be written and has room: about 1 KB an account")
        .with_source(error)
}
