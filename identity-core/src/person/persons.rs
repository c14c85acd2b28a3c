//! The persons that were found.

use serde::{Deserialize, Serialize};

use super::conflict::{Conflict, ConflictKind, Member};
use super::forest::Forest;
use super::id::PersonId;
use super::record::Record;
use crate::account::{AccountId, DirectoryId};
use crate::error::Result;

/// The persons that a [`Joiner`](super::Joiner) found. The temporary database goes when it is
/// dropped.
#[derive(Debug)]
pub struct Persons {
    record: Record,
    forest: Forest,
    marks: Marks,
    counts: PersonCounts,
}

/// Where an account is among all that were taken in, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place(pub(super) u32);

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PersonCounts {
    /// Persons: joined accounts count once, each other account of a person, a guest or of unknown
    /// kind by itself.
    pub persons: u64,
    /// Of these, with accounts in several directories.
    pub joined: u64,
    /// The accounts of those.
    pub accounts: u64,
    /// Conflicts: accounts that were not joined because it would have been a guess.
    pub conflicts: u64,
}

/// What is known of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Membership {
    /// The person; nothing for an account that is nobody's own (a computer, a service) and joined
    /// with no other.
    pub person: Option<PersonId>,
    /// Where the person's first account is, for a person with accounts in several directories.
    pub joined: Option<Place>,
    /// The conflicts that it is in.
    pub conflicts: Vec<ConflictKind>,
}

impl Persons {
    pub(super) fn new(record: Record, mut forest: Forest, marks: Marks) -> Result<Self> {
        record.index_linked()?;
        let mut counts = PersonCounts::default();
        let mut of_joined = 0;
        for number in 0..forest.len() {
            if marks.is_joined(number) {
                counts.accounts += 1;
                of_joined += u64::from(forest.root(number) == number);
            }
        }
        counts.joined = of_joined;
        let mut alone = 0;
        record.each_person(|place| alone += u64::from(!marks.is_joined(place)))?;
        counts.persons = of_joined + alone;
        counts.conflicts = record.count_conflicts()?;
        Ok(Self { record, forest, marks, counts })
    }

    /// How many there are.
    #[must_use]
    pub fn counts(&self) -> PersonCounts {
        self.counts
    }

    /// The first conflicts: those of hard anchors, then those of soft ones, each in the order of
    /// anchors and values.
    ///
    /// # Errors
    /// What the disk says.
    pub fn conflicts(&self, most: usize) -> Result<Vec<Conflict>> {
        self.record.conflicts(most)
    }

    /// Where an account is; `None` where it was not taken in.
    ///
    /// # Errors
    /// What the disk says.
    pub fn find(&self, directory: &DirectoryId, id: &AccountId) -> Result<Option<Place>> {
        self.record.find(directory, id)
    }

    /// What is known of the accounts from a place on, at most so many.
    ///
    /// # Errors
    /// What the disk says.
    pub fn memberships(&mut self, first: Place, most: u32) -> Result<Vec<Membership>> {
        let alone = self.record.persons(first.0, most)?;
        let mut memberships = Vec::with_capacity(alone.len());
        for (place, (person, is_person)) in (first.0..).zip(alone) {
            let joined = self.joined(Place(place));
            let person = match joined {
                Some(Place(root)) if root != place => {
                    let first = self.record.member(root)?;
                    Some(PersonId::of(&first.directory, &first.id))
                }
                Some(_) => Some(person),
                None => is_person.then_some(person),
            };
            memberships.push(Membership { person, joined, conflicts: self.marks.conflicts(place) });
        }
        Ok(memberships)
    }

    /// Where the first account of the person is, where the account at a place is joined with others.
    pub fn joined(&mut self, place: Place) -> Option<Place> {
        self.marks.is_joined(place.0).then(|| Place(self.forest.root(place.0)))
    }

    /// The accounts of the person that the account at a place belongs to, itself among them, by
    /// directory.
    ///
    /// # Errors
    /// What the disk says.
    pub fn accounts(&mut self, place: Place) -> Result<Vec<Member>> {
        let Place(place) = place;
        if !self.marks.is_joined(place) {
            return Ok(vec![self.record.member(place)?]);
        }
        let root = self.forest.root(place);
        self.record.members(root)?.into_iter().map(|place| self.record.member(place)).collect()
    }
}

impl Place {
    /// The place of the account that was taken in after so many others.
    #[must_use]
    pub fn after(others: u32) -> Self {
        Self(others)
    }

    /// The number of accounts that were taken in before.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

/// One byte for each account: the conflicts it is in, and whether it is joined with another.
#[derive(Debug)]
pub(super) struct Marks(Vec<u8>);

const JOINED: u8 = 1 << 7;
const KINDS: [ConflictKind; 3] = [ConflictKind::Shared, ConflictKind::Contradiction, ConflictKind::Ambiguous];

impl Marks {
    pub(super) fn of(count: u32) -> Self {
        Self(vec![0; count as usize])
    }

    fn at(&self, place: u32) -> u8 {
        self.0.get(place as usize).copied().unwrap_or_default()
    }

    fn add(&mut self, place: u32, bit: u8) {
        if let Some(mark) = self.0.get_mut(place as usize) {
            *mark |= bit;
        }
    }

    pub(super) fn set(&mut self, place: u32, kind: ConflictKind) {
        self.add(place, bit(kind));
    }

    pub(super) fn set_joined(&mut self, place: u32) {
        self.add(place, JOINED);
    }

    pub(super) fn is_joined(&self, place: u32) -> bool {
        self.at(place) & JOINED != 0
    }

    pub(super) fn forget_joined(&mut self) {
        self.0.iter_mut().for_each(|mark| *mark &= !JOINED);
    }

    /// Whether it is joined with nobody, by no anchor.
    pub(super) fn is_out(&self, place: u32) -> bool {
        self.at(place) & (bit(ConflictKind::Shared) | bit(ConflictKind::Contradiction)) != 0
    }

    fn conflicts(&self, place: u32) -> Vec<ConflictKind> {
        KINDS.into_iter().filter(|kind| self.at(place) & bit(*kind) != 0).collect()
    }
}

fn bit(kind: ConflictKind) -> u8 {
    match kind {
        ConflictKind::Shared => 1,
        ConflictKind::Contradiction => 2,
        ConflictKind::Ambiguous => 4,
    }
}
