//! The first line of a plan file.

use serde::{Deserialize, Serialize};

use super::{PlanSpec, PlannedPersons, PlannedReadiness, Wave};
use crate::directory::DirectoryInfo;

/// What [`PlanHeader::format`] says.
pub(super) const FORMAT: &str = "identity-reset plan";

/// The version of the format that this library writes and reads.
pub(super) const VERSION: u32 = 1;

/// The first line of a plan file: what was decided, over which directories, and how much came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlanHeader {
    /// `identity-reset plan`.
    pub format: String,
    /// The version of the format.
    pub version: u32,
    /// The version of the library that made the plan.
    pub library: String,
    /// What the organisation decided.
    pub spec: PlanSpec,
    /// The directories, by id.
    pub directories: Vec<PlannedDirectory>,
    /// The waves, in the order they run in.
    pub waves: Vec<Wave>,
    /// The counts over all directories.
    pub counts: Counts,
    /// The persons behind the accounts, where accounts of several directories were joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persons: Option<PlannedPersons>,
    /// The readiness file that hand-offs to recovery were decided by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<PlannedReadiness>,
    /// What whoever approves should know about the plan as a whole, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The first line as it is written: with a tag that tells it from the rows.
#[derive(Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
pub(super) enum HeaderRow {
    Header(PlanHeader),
}

/// A directory of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlannedDirectory {
    /// What the directory is.
    pub info: DirectoryInfo,
    /// Its counts.
    pub counts: Counts,
}

impl PlanHeader {
    /// Whether the plan is one of a [rehearsal](crate::rehearsal): its directories are simulated.
    #[must_use]
    pub fn is_rehearsal(&self) -> bool {
        self.directories.iter().any(|planned| planned.info.rehearsal)
    }
}

impl PlannedDirectory {
    /// A directory and its counts.
    #[must_use]
    pub fn new(info: DirectoryInfo, counts: Counts) -> Self {
        Self { info, counts }
    }
}

/// How many accounts there are of each sort. Every account that was seen is planned, manual or
/// left out: `seen = planned + manual + left_out`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Counts {
    /// Accounts that the enumeration gave.
    pub seen: u64,
    /// Accounts that the engine resets.
    pub planned: u64,
    /// Accounts that are left to people.
    pub manual: u64,
    /// Accounts that are left out.
    pub left_out: u64,
    /// Of those left out: protected.
    pub protected: u64,
    /// Of those seen: tier 0, tier 1, or planned with them because it could not be told.
    pub privileged: u64,
}
