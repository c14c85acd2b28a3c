//! The first line of an inventory.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::InventoryRow;
use crate::directory::{DirectoryInfo, Finding};
use crate::privilege::{Ground, Tier};

/// What [`InventoryHeader::format`] says.
pub(super) const FORMAT: &str = "identity-reset inventory";

/// The version of the format that this library writes and reads.
pub(super) const VERSION: u32 = 1;

/// The first line of an inventory: when it was taken, of which directories, how much was found, and what
/// could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct InventoryHeader {
    /// `identity-reset inventory`.
    pub format: String,
    /// The version of the format.
    pub version: u32,
    /// The version of the library that took it.
    pub library: String,
    /// When it was taken, by this machine's clock.
    pub taken_at: Timestamp,
    /// The directories, by id.
    pub directories: Vec<InventoriedDirectory>,
    /// What was found in all of them.
    pub counts: InventoryCounts,
    /// SHA-256 of the lines after this one, in hexadecimal: `tail -n +2 FILE | sha256sum`.
    pub rows_sha256: String,
    /// Names of the settings that fit no account, and accounts that could not be joined; one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A directory of an inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct InventoriedDirectory {
    /// What it is.
    pub info: DirectoryInfo,
    /// How far it could be read.
    pub reading: Reading,
    /// Its own clock when it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_time: Option<Timestamp>,
    /// What was noticed in it before it was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What every account of it holds alike: it raises nobody's tier, and is to be taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub everybody: Vec<Ground>,
    /// What was found in it.
    pub counts: InventoryCounts,
}

/// How far a directory could be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reading {
    /// To its end.
    Whole,
    /// Its accounts, but not in full who is privileged: accounts may be privileged that are not listed.
    Incomplete {
        /// Why, one line each.
        because: Vec<String>,
    },
    /// Not at all: nothing is known of its accounts.
    Unread {
        /// Why.
        because: String,
    },
}

/// How many rows of each sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct InventoryCounts {
    /// Accounts that were looked at.
    pub seen: u64,
    /// Rows.
    pub rows: u64,
    /// Of the rows, tier 0.
    pub tier_0: u64,
    /// Of the rows, tier 1.
    pub tier_1: u64,
    /// Of the rows, those whose verdict is not certain.
    pub unknown: u64,
    /// Of the rows, accounts that need hands.
    pub hands: u64,
    /// Of those, without an owner.
    pub unowned: u64,
}

impl InventoryHeader {
    /// Whether every directory was read to its end: then what is not listed is not privileged.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.directories.iter().all(|directory| directory.reading == Reading::Whole)
    }

    /// What is not known, one line each.
    #[must_use]
    pub fn gaps(&self) -> Vec<String> {
        self.directories.iter().flat_map(InventoriedDirectory::gaps).collect()
    }

    pub(super) fn directory(&self, id: &str) -> Option<&InventoriedDirectory> {
        self.directories.iter().find(|known| known.info.id.as_str() == id)
    }
}

impl InventoriedDirectory {
    fn gaps(&self) -> Vec<String> {
        let id = &self.info.id;
        match &self.reading {
            Reading::Whole => Vec::new(),
            Reading::Incomplete { because } => because
                .iter()
                .map(|because| format!("{id}: accounts may be privileged that are not listed: {because}"))
                .collect(),
            Reading::Unread { because } => vec![format!("{id}: could not be read: {because}")],
        }
    }
}

impl Reading {
    /// Why it is not whole.
    pub(super) fn because(&self) -> Option<&str> {
        match self {
            Self::Whole => None,
            Self::Incomplete { because } => Some(because.first().map_or("it was not read in full", String::as_str)),
            Self::Unread { because } => Some(because),
        }
    }
}

impl InventoryCounts {
    pub(super) fn add(&mut self, row: &InventoryRow) {
        self.rows += 1;
        self.tier_0 += u64::from(row.tier == Tier::Control);
        self.tier_1 += u64::from(row.tier == Tier::Management);
        self.unknown += u64::from(row.unknown_because.is_some());
        self.hands += u64::from(row.hands.is_some());
        self.unowned += u64::from(row.hands.is_some() && row.owner.is_none());
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        self.seen += other.seen;
        self.rows += other.rows;
        self.tier_0 += other.tier_0;
        self.tier_1 += other.tier_1;
        self.unknown += other.unknown;
        self.hands += other.hands;
        self.unowned += other.unowned;
    }
}
