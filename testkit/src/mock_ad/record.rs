//! What the directory itself knows of a run: the record that tests count against.

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

/// One password that took effect.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordSet {
    /// The account, by objectGUID.
    pub account: Uuid,
    /// When, by the directory's clock.
    pub at: Timestamp,
    /// SHA-256 of the password in UTF-8.
    pub sha256: [u8; 32],
    /// The version of `unicodePwd` after it.
    pub version: u32,
    /// Set by an administrator; otherwise changed by its owner.
    pub by_administrator: bool,
}

impl fmt::Debug for PasswordSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A fingerprint of a password helps whoever guesses: it stays out of logs.
        f.debug_struct("PasswordSet")
            .field("account", &self.account)
            .field("at", &self.at)
            .field("version", &self.version)
            .field("by_administrator", &self.by_administrator)
            .finish_non_exhaustive()
    }
}

/// How much a mock was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Connections that were accepted.
    pub connections: u64,
    /// Requests of every kind.
    pub requests: u64,
    /// Sign-ins that succeeded.
    pub binds: u64,
    /// Sign-ins that were refused.
    pub failed_binds: u64,
    /// Pages of searches.
    pub searches: u64,
    /// Entries that were given.
    pub entries: u64,
    /// Modify requests.
    pub modifies: u64,
    /// Modify requests that took effect.
    pub applied: u64,
    /// Operations being worked on or waiting now.
    pub in_flight: u64,
    /// The most that were at once.
    pub most_in_flight: u64,
    /// Faults that were made.
    pub faults: u64,
}

/// The sets in order, and by account.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) sets: Vec<PasswordSet>,
    by_account: HashMap<Uuid, Vec<usize>>,
    pub(super) counts: Counts,
}

impl Record {
    pub(super) fn add(&mut self, set: PasswordSet) {
        self.by_account.entry(set.account).or_default().push(self.sets.len());
        self.sets.push(set);
    }

    pub(super) fn of(&self, account: &Uuid) -> Vec<PasswordSet> {
        let places = self.by_account.get(account).into_iter().flatten();
        places.filter_map(|place| self.sets.get(*place)).cloned().collect()
    }

    pub(super) fn enter(&mut self) {
        self.counts.requests += 1;
        self.counts.in_flight += 1;
        self.counts.most_in_flight = self.counts.most_in_flight.max(self.counts.in_flight);
    }

    pub(super) fn leave(&mut self) {
        self.counts.in_flight = self.counts.in_flight.saturating_sub(1);
    }
}
