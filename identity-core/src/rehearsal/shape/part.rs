//! One directory of a shape: its lines, found by number or by id.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::invalid;
use super::row::{Flag, ShapeRow, ShapedAccount, ShapedDirectory};
use crate::account::AccountId;
use crate::error::Result;
use crate::privilege::Tier;

/// One directory of a shape.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) directory: ShapedDirectory,
    pub(crate) salt: String,
    pub(crate) protected: Vec<String>,
    /// The grounds of whoever has any, by place.
    pub(crate) privileged: Vec<(u32, Vec<(Tier, String)>)>,
    pub(crate) unknown: Vec<u32>,
    file: Mutex<File>,
    /// Where each line begins, and where the last one ends.
    offsets: Vec<u64>,
    /// From ids to places, by id.
    places: Vec<(u128, u32)>,
    /// The line that was read last: what asks for one often asks for it again.
    last: Mutex<Option<(u32, Arc<ShapedAccount>)>>,
}

/// A part while its lines go by.
#[derive(Debug)]
pub(super) struct PartBuilder {
    directory: ShapedDirectory,
    protected: Vec<String>,
    privileged: Vec<(u32, Vec<(Tier, String)>)>,
    unknown: Vec<u32>,
    offsets: Vec<u64>,
    places: Vec<(u128, u32)>,
}

impl PartBuilder {
    pub(super) fn new(directory: ShapedDirectory) -> Self {
        Self {
            directory,
            protected: Vec::new(),
            privileged: Vec::new(),
            unknown: Vec::new(),
            offsets: Vec::new(),
            places: Vec::new(),
        }
    }

    pub(super) fn directory(&self) -> &ShapedDirectory {
        &self.directory
    }

    /// Notes a line that begins at `offset`.
    pub(super) fn add(&mut self, account: &ShapedAccount, offset: u64) -> Result<()> {
        let number = number(&account.id).ok_or_else(|| invalid("an id is not in the form of a GUID"))?;
        let place = u32::try_from(self.offsets.len()).map_err(|_| invalid("too many accounts"))?;
        self.offsets.push(offset);
        self.places.push((number, place));
        if account.has(Flag::Protected) {
            self.protected.push(account.id.clone());
        }
        if account.has(Flag::PrivilegeUnknown) {
            self.unknown.push(place);
        }
        if !account.grounds.is_empty() {
            self.privileged.push((place, account.grounds.clone()));
        }
        Ok(())
    }

    pub(super) fn open(mut self, path: &Path, salt: &str) -> Result<Part> {
        let file = File::open(path).map_err(|error| invalid(format!("{}: {error}", path.display())))?;
        // A listing may give an account twice; its first line counts.
        self.places.sort_unstable();
        self.places.dedup_by_key(|(number, _)| *number);
        Ok(Part {
            directory: self.directory,
            salt: salt.to_owned(),
            protected: self.protected,
            privileged: self.privileged,
            unknown: self.unknown,
            file: Mutex::new(file),
            offsets: self.offsets,
            places: self.places,
            last: Mutex::new(None),
        })
    }
}

impl Part {
    /// How many lines there are.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// The place of an account.
    pub(crate) fn place(&self, id: &AccountId) -> Option<u32> {
        let number = number(id.as_str())?;
        let found = self.places.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        self.places.get(found).map(|(_, place)| *place)
    }

    /// The account at a place.
    pub(crate) fn account(&self, place: u32) -> Result<Arc<ShapedAccount>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, account)) = &*last
            && *known == place
        {
            return Ok(Arc::clone(account));
        }
        let account = self.accounts(place as usize, 1)?.pop().map(|(_, account)| Arc::new(account));
        let account = account.ok_or_else(|| invalid("the file became shorter"))?;
        *last = Some((place, Arc::clone(&account)));
        Ok(account)
    }

    /// So many accounts from a place on, with their places; without those that are there a second time.
    pub(crate) fn accounts(&self, from: usize, count: usize) -> Result<Vec<(u32, ShapedAccount)>> {
        let places = self.offsets.iter().skip(from).take(count);
        let (Some(first), lines) = (self.offsets.get(from).copied(), places.count()) else { return Ok(Vec::new()) };
        let fault = |error: std::io::Error| invalid(error.to_string());
        let mut bytes = Vec::new();
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(first)).map_err(fault)?;
            match self.offsets.get(from + lines) {
                Some(end) => {
                    file.by_ref().take(end.saturating_sub(first)).read_to_end(&mut bytes).map_err(fault)?;
                }
                None => read_lines(&mut file, lines, &mut bytes).map_err(fault)?,
            }
        }
        let mut accounts = Vec::with_capacity(lines);
        for (ahead, line) in bytes.split(|byte| *byte == b'\n').take(lines).enumerate() {
            let row = serde_json::from_slice(line).map_err(|error| invalid(format!("it changed: {error}")))?;
            let ShapeRow::Account(account) = row else { return Err(invalid("it changed while it was in use")) };
            let place = u32::try_from(from + ahead).unwrap_or(u32::MAX);
            let id = number(&account.id);
            let is_first = id.is_some_and(|id| self.places.binary_search(&(id, place)).is_ok());
            if is_first {
                accounts.push((place, *account));
            }
        }
        Ok(accounts)
    }
}

/// The last lines of a directory: what follows them is another directory's, and of any length.
fn read_lines(file: &mut File, lines: usize, into: &mut Vec<u8>) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    let mut left = lines;
    while left > 0 {
        let read = file.read(&mut buffer)?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
        left = left.saturating_sub(part.iter().filter(|byte| **byte == b'\n').count());
        into.extend_from_slice(part);
    }
    Ok(())
}

fn number(id: &str) -> Option<u128> {
    Uuid::try_parse(id).ok().map(|id| id.as_u128())
}
