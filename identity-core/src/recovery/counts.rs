//! Counts over accounts by group. Their size does not grow with the accounts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{MethodKind, Readiness, Standing, Strength};

/// The most groups that are counted apart: an attribute can have as many values as there are accounts.
const MOST: usize = 500;

/// Where the accounts of further groups are counted together.
const FURTHER: &str = "(further values)";

/// How the accounts of one group stand.
///
/// `accounts = ready + too_weak + not_alone + unknown`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GroupCounts {
    /// What it is a group of: `population`, `attribute:employeeType`, …
    pub by: String,
    /// Its name among these.
    pub group: String,
    /// Accounts of persons that can sign in.
    pub accounts: u64,
    /// Could come back alone, as safely as their tier asks.
    pub ready: u64,
    /// Could come back alone, by methods that are weaker than their tier asks.
    pub too_weak: u64,
    /// Could not come back alone.
    pub not_alone: u64,
    /// Of these it is not known.
    pub unknown: u64,
    /// Have a method that was enrolled lately.
    pub recent: u64,
    /// Have a method that was enrolled long ago.
    pub old: u64,
    /// Have a method of which it is not known when it was enrolled.
    pub undated: u64,
    /// The directory worked out too long ago what they have.
    pub stale: u64,
    /// How many have each method.
    pub methods: BTreeMap<MethodKind, u64>,
    /// How many have a method of each strength as their strongest.
    pub strongest: BTreeMap<Strength, u64>,
}

impl GroupCounts {
    /// How many stand so.
    #[must_use]
    pub fn of(&self, standing: Standing) -> u64 {
        match standing {
            Standing::Ready => self.ready,
            Standing::TooWeak => self.too_weak,
            Standing::NotAlone => self.not_alone,
            Standing::Unknown => self.unknown,
        }
    }

    pub(super) fn add(&mut self, kinds: &[MethodKind], readiness: &Readiness) {
        self.accounts += 1;
        let place = match readiness.standing {
            Standing::Ready => &mut self.ready,
            Standing::TooWeak => &mut self.too_weak,
            Standing::NotAlone => &mut self.not_alone,
            Standing::Unknown => &mut self.unknown,
        };
        *place += 1;
        self.recent += u64::from(!readiness.recent.is_empty());
        self.old += u64::from(!readiness.old.is_empty());
        self.undated += u64::from(!readiness.undated.is_empty());
        self.stale += u64::from(readiness.stale);
        for kind in kinds {
            *self.methods.entry(*kind).or_default() += 1;
        }
        *self.strongest.entry(readiness.strongest).or_default() += 1;
    }
}

/// Counts by group while accounts go by.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<(String, String), GroupCounts>);

impl Tally {
    pub(super) fn add(&mut self, by: &str, group: &str, kinds: &[MethodKind], readiness: &Readiness) {
        let mut key = (by.to_owned(), group.to_owned());
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            FURTHER.clone_into(&mut key.1);
        }
        let counts = self.0.entry(key).or_insert_with_key(|(by, group)| GroupCounts {
            by: by.clone(),
            group: group.clone(),
            ..GroupCounts::default()
        });
        counts.add(kinds, readiness);
    }

    /// By what, then by name.
    pub(super) fn into_groups(self) -> Vec<GroupCounts> {
        self.0.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_of_a_million_values_takes_the_memory_of_some_hundred() {
        let mut tally = Tally::default();
        let readiness = Readiness {
            standing: Standing::NotAlone,
            because: None,
            strongest: Strength::Refused,
            recent: vec![],
            old: vec![],
            undated: vec![],
            stale: false,
        };
        (0..10_000).for_each(|n| tally.add("attribute:x", &n.to_string(), &[], &readiness));
        let groups = tally.into_groups();
        assert_eq!(groups.len(), MOST + 1);
        assert_eq!(groups.iter().map(|group| group.accounts).sum::<u64>(), 10_000);
    }
}
