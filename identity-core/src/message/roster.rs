//! Who is to be told: the persons behind a plan, with where messages may go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::addressee::{AddressedAccount, plain};
use super::{Addressee, Occasion, Readiness};
use crate::account::{Account, AccountId, AccountKind, DirectoryId};
use crate::directory::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::OperationClass;
use crate::person::PersonId;
use crate::plan::{Disposition, Entry, Plan, Population};

/// Accounts that are read at once.
const PAGE: usize = 200;

/// Columns of a contacts file; `directory` and `account` say whose row it is.
const COLUMNS: [&str; 9] =
    ["directory", "account", "name", "mail", "phone", "place", "language", "audience", "readiness"];

/// The persons behind a plan who are to be told something. They wait in a temporary database, so that
/// memory stays flat; it goes when this is dropped.
#[derive(Debug)]
pub struct Roster {
    // The connection has to be closed before its folder goes.
    connection: Mutex<Connection>,
    _folder: TempDir,
    occasion: Occasion,
    plan_digest: String,
}

/// Gathers a [`Roster`]; see [`Roster::of`].
#[derive(Debug)]
#[must_use]
pub struct Gathering {
    plan: Plan,
    occasion: Occasion,
    waves: Vec<String>,
    backends: Vec<Arc<dyn Backend>>,
    contacts: Option<PathBuf>,
}

impl Roster {
    /// Begins with who is told on an occasion: enabled accounts of persons that the plan resets; for an
    /// exception whoever answers for what it leaves to people.
    pub fn of(plan: &Plan, occasion: Occasion) -> Gathering {
        Gathering { plan: plan.clone(), occasion, waves: Vec::new(), backends: Vec::new(), contacts: None }
    }

    /// What they are told for.
    #[must_use]
    pub fn occasion(&self) -> Occasion {
        self.occasion
    }

    pub(super) fn plan_digest(&self) -> &str {
        &self.plan_digest
    }

    /// How many there are.
    ///
    /// # Errors
    /// What the disk says.
    pub fn len(&self) -> Result<u64> {
        let count: i64 =
            self.with(|connection| connection.query_row("SELECT count(*) FROM people", [], |row| row.get(0)))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Whether there is nobody.
    ///
    /// # Errors
    /// What the disk says.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The next persons after one, by id; the first ones without it.
    ///
    /// # Errors
    /// What the disk says.
    pub fn page(&self, after: Option<&PersonId>, most: u32) -> Result<Vec<Addressee>> {
        let bodies: Vec<String> = self.with(|connection| {
            let mut page = connection.prepare("SELECT body FROM people WHERE person > ?1 ORDER BY person LIMIT ?2")?;
            page.query_map(params![after.map_or("", PersonId::as_str), most], |row| row.get(0))?.collect()
        })?;
        bodies.iter().map(|body| serde_json::from_str(body).map_err(failed)).collect()
    }

    /// What is kept of a person besides.
    pub(super) fn note(&self, person: &PersonId) -> Result<Option<String>> {
        self.with(|connection| {
            let mut one = connection.prepare("SELECT note FROM notes WHERE person = ?1")?;
            one.query_row([person.as_str()], |row| row.get(0)).optional()
        })
    }

    pub(super) fn keep_note(&self, person: &PersonId, note: &str) -> Result<()> {
        self.with(|connection| {
            let mut keep = connection.prepare("INSERT OR REPLACE INTO notes VALUES (?1, ?2)")?;
            keep.execute([person.as_str(), note]).map(drop)
        })
    }

    pub(super) fn forget_notes(&self) -> Result<()> {
        self.with(|connection| connection.execute("DELETE FROM notes", []).map(drop))
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        work(&self.connection.lock().unwrap_or_else(PoisonError::into_inner)).map_err(failed)
    }

    fn open(folder: &Path, occasion: Occasion, plan_digest: String) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(".messages-").tempdir_in(folder).map_err(failed)?;
        let connection = Connection::open(folder.path().join("roster.sqlite")).map_err(failed)?;
        // Nothing here has to survive a crash; the page cache is bounded to 16 MiB.
        connection
            .execute_batch(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
                 PRAGMA cache_size = -16384; PRAGMA temp_store = FILE;
                 CREATE TABLE people (person TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
                 CREATE TABLE notes (person TEXT PRIMARY KEY, note TEXT NOT NULL) WITHOUT ROWID;
                 CREATE TABLE contacts (directory TEXT NOT NULL, account TEXT NOT NULL, row TEXT NOT NULL,
                     PRIMARY KEY (directory, account)) WITHOUT ROWID;",
            )
            .map_err(failed)?;
        Ok(Self { connection: Mutex::new(connection), _folder: folder, occasion, plan_digest })
    }

    fn put(&self, new: Addressee) -> Result<()> {
        let known: Option<String> = self.with(|connection| {
            let mut one = connection.prepare("SELECT body FROM people WHERE person = ?1")?;
            one.query_row([new.person.as_str()], |row| row.get(0)).optional()
        })?;
        let whole = match known {
            Some(body) => {
                let mut known: Addressee = serde_json::from_str(&body).map_err(failed)?;
                known.merge(new);
                known
            }
            None => new,
        };
        let body = serde_json::to_string(&whole).map_err(failed)?;
        self.with(|connection| {
            let mut keep = connection.prepare("INSERT OR REPLACE INTO people VALUES (?1, ?2)")?;
            keep.execute([whole.person.as_str(), body.as_str()]).map(drop)
        })
    }

    /// What the contacts file says of an account, by its id or one of its names.
    fn contact(&self, directory: &DirectoryId, names: &[&str]) -> Result<Option<BTreeMap<String, String>>> {
        for name in names {
            let row: Option<String> = self.with(|connection| {
                // A row of this directory before one of any.
                let mut one = connection.prepare(
                    "SELECT row FROM contacts WHERE account = ?2 AND directory IN (?1, '') ORDER BY directory DESC LIMIT 1",
                )?;
                one.query_row([directory.as_str(), &name.to_lowercase()], |row| row.get(0)).optional()
            })?;
            if let Some(row) = row {
                return serde_json::from_str(&row).map(Some).map_err(failed);
            }
        }
        Ok(None)
    }

    fn read_contacts(&self, path: &Path) -> Result<()> {
        let wrong = |what: String| {
            Error::new(ErrorKind::InputInvalid, "read the contacts").with_detail(format!("{}: {what}", path.display()))
        };
        let mut rows = csv::Reader::from_path(path).map_err(|fault| wrong(fault.to_string()))?;
        let header: Vec<String> = rows
            .headers()
            .map_err(|fault| wrong(fault.to_string()))?
            .iter()
            .map(|name| name.trim().to_owned())
            .collect();
        if let Some(unknown) = header.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
            return Err(wrong(format!("line 1: {unknown:?} is no column; there are {}", COLUMNS.join(", "))));
        }
        if !header.iter().any(|name| name == "account") {
            return Err(wrong("line 1: has no column account".to_owned()));
        }
        for row in rows.records() {
            let row = row.map_err(|fault| wrong(fault.to_string()))?;
            let line = row.position().map_or(0, csv::Position::line);
            let mut row: BTreeMap<String, String> =
                header.iter().cloned().zip(row.iter().map(plain)).filter(|(_, value)| !value.is_empty()).collect();
            if let Some(Err(fault)) = row.get("readiness").map(|word| word.parse::<Readiness>()) {
                return Err(wrong(format!("line {line}: readiness: {fault}")));
            }
            let directory = row.remove("directory").unwrap_or_default();
            let Some(account) = row.remove("account") else {
                return Err(wrong(format!("line {line}: names no account")));
            };
            let body = serde_json::to_string(&row).map_err(failed)?;
            let kept = self.with(|connection| {
                let mut keep = connection.prepare("INSERT OR IGNORE INTO contacts VALUES (?1, ?2, ?3)")?;
                keep.execute([directory.as_str(), &account.to_lowercase(), &body])
            })?;
            if kept == 0 {
                return Err(wrong(format!("line {line}: {account} is there twice")));
            }
        }
        Ok(())
    }
}

impl Gathering {
    /// Only whose account is in one of these waves.
    pub fn waves(mut self, waves: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.waves = waves.into_iter().map(Into::into).collect();
        self
    }

    /// Reads names, addresses and languages from these directories. A directory that an incident has
    /// compromised may tell what the attacker wrote: what a contacts file says comes first.
    pub fn directories(mut self, backends: impl IntoIterator<Item = Arc<dyn Backend>>) -> Self {
        self.backends.extend(backends);
        self
    }

    /// Reads a CSV file with a row for each account; its format is in `docs/messages.md`.
    pub fn contacts(mut self, path: impl Into<PathBuf>) -> Self {
        self.contacts = Some(path.into());
        self
    }

    /// Reads plan, contacts and directories.
    ///
    /// # Errors
    /// What the plan, the contacts file or a directory says; a wave that the plan does not have.
    pub async fn build(self) -> Result<Roster> {
        for wave in &self.waves {
            self.plan.wave(wave)?;
        }
        let roster = Roster::open(self.plan.folder(), self.occasion, self.plan.digest().to_owned())?;
        if let Some(path) = &self.contacts {
            roster.read_contacts(path)?;
        }
        let mut page: Vec<Entry> = Vec::new();
        for row in self.plan.rows()? {
            let crate::plan::PlanRow::Entry(entry) = row? else { continue };
            if !is_told(&entry, self.occasion) || !(self.waves.is_empty() || self.waves.contains(&entry.wave)) {
                continue;
            }
            // Entries come by directory: a page is of one.
            if page.len() == PAGE || page.first().is_some_and(|first| first.directory != entry.directory) {
                self.take(&roster, &std::mem::take(&mut page)).await?;
            }
            page.push(entry);
        }
        self.take(&roster, &page).await?;
        Ok(roster)
    }

    async fn take(&self, roster: &Roster, entries: &[Entry]) -> Result<()> {
        let Some(first) = entries.first() else { return Ok(()) };
        let backend = self.backends.iter().find(|backend| backend.info().id == first.directory);
        let mut accounts: BTreeMap<AccountId, Account> = BTreeMap::new();
        // Whoever answers for an account is not its own: its attributes tell nothing of them.
        if let Some(backend) = backend.filter(|_| self.occasion != Occasion::Exception) {
            let most = backend.limits().batch_of(OperationClass::Read).get() as usize;
            let ids: Vec<AccountId> = entries.iter().map(|entry| entry.id.clone()).collect();
            for ids in ids.chunks(most.max(1)) {
                accounts
                    .extend(backend.lookup(ids).await?.into_iter().flatten().map(|found| (found.id.clone(), found)));
            }
        }
        for entry in entries {
            roster.put(addressee(roster, entry, accounts.get(&entry.id), self.occasion)?)?;
        }
        Ok(())
    }
}

/// Whether somebody is told of an account.
fn is_told(entry: &Entry, occasion: Occasion) -> bool {
    match (&entry.disposition, occasion) {
        (Disposition::Manual { .. }, Occasion::Exception) => true,
        (Disposition::Manual { .. }, _) | (Disposition::Reset { .. }, Occasion::Exception) => false,
        (Disposition::Reset { .. }, _) => {
            let of_a_person = matches!(entry.kind, AccountKind::Person | AccountKind::Guest | AccountKind::Unknown);
            of_a_person && entry.population != Population::Dormant && entry.expected.enabled
        }
    }
}

fn addressee(roster: &Roster, entry: &Entry, account: Option<&Account>, occasion: Occasion) -> Result<Addressee> {
    let owner = match &entry.disposition {
        Disposition::Manual { owner, .. } if occasion == Occasion::Exception => owner.as_deref(),
        _ => None,
    };
    let person = match (owner, &entry.person) {
        // Who answers for many accounts is one.
        (Some(owner), _) => {
            let key = format!("owner-{}", hex::encode(Sha256::digest(owner.to_lowercase())));
            AccountId::new(key).map(|key| PersonId::of(&entry.directory, &key)).map_err(failed)?
        }
        (None, Some(person)) => person.clone(),
        (None, None) => PersonId::of(&entry.directory, &entry.id),
    };
    let mut to = Addressee::new(person, entry.population.as_str());
    to.accounts.push(AddressedAccount {
        directory: entry.directory.clone(),
        id: entry.id.clone(),
        name: plain(&entry.name),
    });
    let contact = match owner {
        Some(owner) => roster.contact(&entry.directory, &[owner])?,
        None => roster.contact(&entry.directory, &[entry.id.as_str(), &entry.name])?,
    };
    if let Some(contact) = contact {
        let said = |name: &str| contact.get(name).cloned();
        to.name = said("name").unwrap_or_default();
        to.language = said("language");
        to.audience = said("audience").unwrap_or(to.audience);
        to.readiness = said("readiness").and_then(|word| word.parse().ok()).unwrap_or_default();
        for kind in ["mail", "phone", "place"] {
            to.reach(kind, contact.get(kind).map_or("", String::as_str), None);
        }
    }
    if to.name.is_empty() {
        to.name = plain(owner.unwrap_or_default());
    }
    if let Some(account) = account {
        if to.name.is_empty() {
            to.name = plain(account.display_name.as_deref().unwrap_or_default());
        }
        let language = ["preferredLanguage", "locale"].iter().find_map(|name| account.attributes.get(*name));
        to.language = to.language.or_else(|| language.map(|language| plain(language)));
        to.reach("mail", account.mail.as_deref().unwrap_or_default(), Some(&account.directory));
        for (name, value) in &account.attributes {
            to.reach(name, value, Some(&account.directory));
        }
    }
    Ok(to)
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let error = error.into();
    Error::new(ErrorKind::Unexpected, "gather who is told")
        .with_detail(error.to_string())
        .with_advice("see that the folder of the plan can be written and has room: about 1 KB a person")
        .with_source(error)
}
