//! What changed from one inventory to another: two sorted files, merged.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::differences::{self, Doubts};
use super::file::fault;
use super::{Difference, Inventory, InventoryHeader, InventoryRow, InventoryRows, Reading, Side};
use crate::account::{AccountId, AccountKind, DirectoryId};
use crate::error::Result;
use crate::privilege::{Ground, Tier};

/// One account that is not as it was. `Display` is one line for each difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InventoryChange {
    /// The directory.
    pub directory: DirectoryId,
    /// The account.
    pub id: AccountId,
    /// What people call it.
    pub name: String,
    /// Its kind, as of the newer inventory that has it.
    pub kind: AccountKind,
    /// Its tier, as of the newer inventory that has it.
    pub tier: Tier,
    /// What is different; never empty.
    pub differences: Vec<Difference>,
}

/// A directory as a whole that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum DirectoryChange {
    /// Only the newer inventory is about it.
    Added {
        /// The directory.
        directory: DirectoryId,
    },
    /// The newer inventory is not about it.
    Removed {
        /// The directory.
        directory: DirectoryId,
    },
    /// It could be read further, or less far, than before.
    Reading {
        /// The directory.
        directory: DirectoryId,
        /// Before.
        from: Reading,
        /// Now.
        to: Reading,
    },
    /// Every account of it has a ground that none had before.
    EverybodyGained {
        /// The directory.
        directory: DirectoryId,
        /// The ground.
        ground: Ground,
    },
    /// No account has a ground any more that every account had.
    EverybodyLost {
        /// The directory.
        directory: DirectoryId,
        /// The ground.
        ground: Ground,
    },
}

/// The changes by directory and id; see [`Inventory::changes_since`]. It ends after an error.
#[derive(Debug)]
pub struct InventoryChanges {
    older: (InventoryHeader, Rows),
    newer: (InventoryHeader, Rows),
    directories: Vec<DirectoryChange>,
    failed: bool,
}

type Rows = std::iter::Peekable<InventoryRows>;

/// What is not said of a directory that the inventory is not about.
const NOT_ABOUT: &str = "the inventory is not about this directory";

impl InventoryChanges {
    pub(super) fn new(older: &Inventory, newer: &Inventory) -> Result<Self> {
        let (old, new) = (older.header().clone(), newer.header().clone());
        for directory in &new.directories {
            let before = old.directory(directory.info.id.as_str()).map(|before| &before.info);
            // One that was not reached did not say what it is.
            let told = |info: &&crate::directory::DirectoryInfo| !info.tenant.is_empty();
            if let Some(before) =
                before.filter(told).filter(|before| told(&&directory.info) && before.tenant != directory.info.tenant)
            {
                let (id, now) = (&directory.info.id, &directory.info.tenant);
                return Err(fault(newer.path(), &format!("{id} is {now}, and {} in the older one", before.tenant)));
            }
        }
        let directories = directory_changes(&old, &new);
        let (before, after) = (older.rows()?.peekable(), newer.rows()?.peekable());
        Ok(Self { older: (old, before), newer: (new, after), directories, failed: false })
    }

    /// What changed of the directories as a whole.
    #[must_use]
    pub fn directories(&self) -> &[DirectoryChange] {
        &self.directories
    }

    fn read_next(&mut self) -> Result<Option<InventoryChange>> {
        loop {
            let order = match (key(&mut self.older.1)?, key(&mut self.newer.1)?) {
                (None, None) => return Ok(None),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.cmp(&new),
            };
            let old = if order == Ordering::Greater { None } else { self.older.1.next().transpose()? };
            let new = if order == Ordering::Less { None } else { self.newer.1.next().transpose()? };
            if let Some(change) = self.change(old, new) {
                return Ok(Some(change));
            }
        }
    }

    fn change(&self, old: Option<InventoryRow>, new: Option<InventoryRow>) -> Option<InventoryChange> {
        let directory = &new.as_ref().or(old.as_ref())?.directory;
        let doubts = Doubts { older: doubt(&self.older.0, directory), newer: doubt(&self.newer.0, directory) };
        let missing = |doubt: Option<&str>, missing_in, certain| {
            vec![doubt.map_or(certain, |because| Difference::Unread { missing_in, because: because.to_owned() })]
        };
        let differences = match (&old, &new) {
            (Some(old), Some(new)) => differences::between(old, new, doubts),
            (Some(_), None) => missing(doubts.newer, Side::Newer, Difference::Removed),
            (None, _) => missing(doubts.older, Side::Older, Difference::Added),
        };
        let row = new.or(old).filter(|_| !differences.is_empty())?;
        Some(InventoryChange {
            name: row.label().to_owned(),
            directory: row.directory,
            id: row.id,
            kind: row.kind,
            tier: row.tier,
            differences,
        })
    }
}

impl Iterator for InventoryChanges {
    type Item = Result<InventoryChange>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let change = self.read_next().transpose();
        self.failed = matches!(change, None | Some(Err(_)));
        change
    }
}

impl std::iter::FusedIterator for InventoryChanges {}

/// The account that comes next.
fn key(rows: &mut Rows) -> Result<Option<(DirectoryId, AccountId)>> {
    match rows.peek() {
        None => Ok(None),
        Some(Ok(row)) => Ok(Some((row.directory.clone(), row.id.clone()))),
        Some(Err(_)) => match rows.next() {
            Some(Err(error)) => Err(error),
            _ => Ok(None),
        },
    }
}

/// Why an account may be missing in an inventory, or a ground of one.
fn doubt<'a>(header: &'a InventoryHeader, directory: &DirectoryId) -> Option<&'a str> {
    match header.directory(directory.as_str()) {
        Some(known) => known.reading.because(),
        None => Some(NOT_ABOUT),
    }
}

fn directory_changes(old: &InventoryHeader, new: &InventoryHeader) -> Vec<DirectoryChange> {
    let mut changes = Vec::new();
    for after in &new.directories {
        let directory = || after.info.id.clone();
        let Some(before) = old.directory(after.info.id.as_str()) else {
            changes.push(DirectoryChange::Added { directory: directory() });
            continue;
        };
        if before.reading != after.reading {
            let (from, to) = (before.reading.clone(), after.reading.clone());
            changes.push(DirectoryChange::Reading { directory: directory(), from, to });
        }
        // Of a directory that was not read nothing is gained or lost.
        if matches!(before.reading, Reading::Unread { .. }) || matches!(after.reading, Reading::Unread { .. }) {
            continue;
        }
        for ground in after.everybody.iter().filter(|ground| !before.everybody.contains(ground)) {
            changes.push(DirectoryChange::EverybodyGained { directory: directory(), ground: ground.clone() });
        }
        for ground in before.everybody.iter().filter(|ground| !after.everybody.contains(ground)) {
            changes.push(DirectoryChange::EverybodyLost { directory: directory(), ground: ground.clone() });
        }
    }
    for before in &old.directories {
        if new.directory(before.info.id.as_str()).is_none() {
            changes.push(DirectoryChange::Removed { directory: before.info.id.clone() });
        }
    }
    changes
}

impl fmt::Display for InventoryChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, difference) in self.differences.iter().enumerate() {
            if place > 0 {
                writeln!(f)?;
            }
            write!(f, "{} {} (tier {}, {}): {difference}", self.directory, self.name, self.tier.number(), self.kind)?;
        }
        Ok(())
    }
}

impl fmt::Display for DirectoryChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { directory } => write!(f, "{directory}: a directory that the older inventory is not about"),
            Self::Removed { directory } => write!(f, "{directory}: the newer inventory is not about this directory"),
            Self::Reading { directory, to, .. } => match to.because() {
                None => write!(f, "{directory}: read in full again"),
                Some(because) => write!(f, "{directory}: NOT READ IN FULL: {because}"),
            },
            Self::EverybodyGained { directory, ground } => write!(f, "{directory}: every account gained {ground}"),
            Self::EverybodyLost { directory, ground } => write!(f, "{directory}: no account has any more {ground}"),
        }
    }
}
