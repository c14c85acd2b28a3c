//! One person, one row: the accounts of a report by the person they belong to.

use std::path::Path;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::row::{Row, RowResult};
use super::write::fault;
use crate::account::{AccountId, DirectoryId};
use crate::error::Result;
use crate::person::PersonId;

/// A person of the plan with all accounts of theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PersonRow {
    /// The person.
    pub person: PersonId,
    /// How the person stands.
    pub state: PersonState,
    /// The accounts, by directory.
    pub accounts: Vec<PersonAccount>,
}

/// One account of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PersonAccount {
    /// The directory.
    pub directory: DirectoryId,
    /// The account.
    pub id: AccountId,
    /// Its sign-in name.
    pub name: String,
    /// What came of it.
    pub result: RowResult,
    /// Why the result is what it is.
    pub why: String,
}

/// How a person stands. The first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PersonState {
    /// The plan leaves out every account.
    NotPlanned,
    /// An account is not verified, and not recorded as done by hand.
    Open,
    /// Every planned account is verified or recorded as done, and the plan leaves out others.
    Partly,
    /// Every account is verified or recorded as done.
    Done,
}

impl PersonState {
    /// The word for it in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotPlanned => "not_planned",
            Self::Open => "open",
            Self::Partly => "partly",
            Self::Done => "done",
        }
    }

    fn of(done: u64, open: u64, left_out: u64) -> Self {
        match (done, open, left_out) {
            (0, 0, _) => Self::NotPlanned,
            (_, 1.., _) => Self::Open,
            (_, 0, 1..) => Self::Partly,
            (_, 0, 0) => Self::Done,
        }
    }
}

/// Persons by what came of them. seen = planned + not_planned, planned = done + partly + open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PersonTotals {
    /// Persons with an account in the plan.
    pub seen: u64,
    /// Of these, with accounts in several directories.
    pub joined: u64,
    /// Persons with an account that is to be reset, by the run or by hand.
    pub planned: u64,
    /// Of these, with every account verified or recorded as done.
    pub done: u64,
    /// Of these, with every planned account done, and others that the plan leaves out.
    pub partly: u64,
    /// Of these, with an account that is not done.
    pub open: u64,
    /// Persons with accounts that are left out only.
    pub not_planned: u64,
}

/// Where accounts wait for the others of their person: a database in a temporary folder, so that
/// memory stays flat. What a report says belongs nowhere but beside it: without a folder no name is
/// kept.
#[derive(Debug)]
pub(super) struct People {
    // The connection has to be closed before its folder goes.
    connection: Connection,
    folder: Option<TempDir>,
    any: bool,
}

impl People {
    /// Of a report that is written into `folder`, or of one that is only counted.
    pub(super) fn open(folder: Option<&Path>) -> Result<Self> {
        let folder = folder
            .map(|folder| tempfile::Builder::new().prefix(".persons-").tempdir_in(folder))
            .transpose()
            .map_err(fault)?;
        let connection = match &folder {
            Some(folder) => Connection::open(folder.path().join("persons.sqlite")),
            // A temporary file of SQLite's own, which goes with the connection.
            None => Connection::open(""),
        };
        let connection = connection.map_err(fault)?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384;
                 PRAGMA temp_store = FILE;
                 CREATE TABLE accounts (place INTEGER PRIMARY KEY, person TEXT NOT NULL, state INTEGER NOT NULL,
                     directory TEXT NOT NULL, account TEXT);
                 BEGIN;",
            )
            .map_err(fault)?;
        Ok(Self { connection, folder, any: false })
    }

    /// Takes the next account in.
    pub(super) fn take(&mut self, row: &Row) -> Result<()> {
        let Some(person) = &row.person else { return Ok(()) };
        self.any = true;
        let state = match row.result {
            RowResult::Verified | RowResult::ManualDone => 0,
            RowResult::Failed | RowResult::Unknown | RowResult::Manual | RowResult::ManualUnconfirmed => 1,
            RowResult::LeftOut | RowResult::Protected => 2,
        };
        let account = self.folder.is_some().then(|| PersonAccount {
            directory: row.directory.clone(),
            id: row.id.clone(),
            name: row.name.clone(),
            result: row.result,
            why: row.why.clone(),
        });
        let account = account.map(|account| serde_json::to_string(&account)).transpose().map_err(fault)?;
        self.connection
            .prepare("INSERT INTO accounts (person, state, directory, account) VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut keep| keep.execute(params![person.as_str(), state, row.directory.as_str(), account]))
            .map(drop)
            .map_err(fault)
    }

    /// Counts the persons; nothing where the plan joined none.
    pub(super) fn totals(&self) -> Result<Option<PersonTotals>> {
        if !self.any {
            return Ok(None);
        }
        let mut all = self
            .connection
            .prepare("SELECT sum(state = 0), sum(state = 1), sum(state = 2), count(*) FROM accounts GROUP BY person")
            .map_err(fault)?;
        let mut rows = all.query([]).map_err(fault)?;
        let mut totals = PersonTotals::default();
        while let Some(row) = rows.next().map_err(fault)? {
            let [done, open, left_out, accounts]: [u64; 4] =
                [count(row, 0)?, count(row, 1)?, count(row, 2)?, count(row, 3)?];
            totals.seen += 1;
            totals.joined += u64::from(accounts > 1);
            let place = match PersonState::of(done, open, left_out) {
                PersonState::NotPlanned => &mut totals.not_planned,
                PersonState::Open => &mut totals.open,
                PersonState::Partly => &mut totals.partly,
                PersonState::Done => &mut totals.done,
            };
            *place += 1;
        }
        totals.planned = totals.seen - totals.not_planned;
        Ok(Some(totals))
    }

    /// Shows each person with their accounts, by id.
    pub(super) fn each(&self, mut each: impl FnMut(&PersonRow) -> Result<()>) -> Result<()> {
        let mut all = self
            .connection
            .prepare("SELECT person, account FROM accounts WHERE account IS NOT NULL ORDER BY person, directory, place")
            .map_err(fault)?;
        let mut rows = all.query([]).map_err(fault)?;
        let mut open: Option<PersonRow> = None;
        while let Some(row) = rows.next().map_err(fault)? {
            let person: String = row.get(0).map_err(fault)?;
            let text = row.get_ref(1).map_err(fault)?.as_str().map_err(fault)?;
            let account: PersonAccount = serde_json::from_str(text).map_err(fault)?;
            match &mut open {
                Some(open) if open.person.as_str() == person => open.accounts.push(account),
                _ => {
                    let person = PersonId::try_from(person).map_err(fault)?;
                    let begun = PersonRow { person, state: PersonState::Open, accounts: vec![account] };
                    if let Some(whole) = open.replace(begun) {
                        each(&whole.settled())?;
                    }
                }
            }
        }
        open.map_or(Ok(()), |whole| each(&whole.settled()))
    }
}

impl PersonRow {
    fn settled(mut self) -> Self {
        let count = |fits: fn(RowResult) -> bool| self.accounts.iter().filter(|one| fits(one.result)).count() as u64;
        let done = count(|result| matches!(result, RowResult::Verified | RowResult::ManualDone));
        let left_out = count(|result| matches!(result, RowResult::LeftOut | RowResult::Protected));
        self.state = PersonState::of(done, self.accounts.len() as u64 - done - left_out, left_out);
        self
    }
}

fn count(row: &rusqlite::Row<'_>, column: usize) -> Result<u64> {
    let count: i64 = row.get(column).map_err(fault)?;
    Ok(u64::try_from(count).unwrap_or(0))
}
