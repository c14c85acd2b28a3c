//! Where each password lies, in little memory.

use std::collections::BTreeSet;
use std::str::FromStr;

use super::super::SealedRef;

/// Where each password lies.
#[derive(Default)]
pub(super) struct Index {
    /// Where line 1, 2, … begins in the file.
    offsets: Vec<u64>,
    places: BTreeSet<(u64, Place)>,
}

/// One password in the file: its line, from 1, and its place in the line, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) place: u32,
}

impl Index {
    /// The number that the next line gets; nothing more fits after four thousand million.
    pub(super) fn next_line(&self) -> Option<u32> {
        u32::try_from(self.offsets.len()).ok()?.checked_add(1)
    }

    /// Adds the next line. Lines before entries: an entry never points to a line that is not there.
    pub(super) fn add(&mut self, offset: u64, entries: impl Iterator<Item = u64>) {
        let Some(line) = self.next_line() else { return };
        self.offsets.push(offset);
        self.places.extend(entries.zip(0..).map(|(entry, place)| (entry, Place { line, place })));
    }

    pub(super) fn offset(&self, line: u32) -> Option<u64> {
        let before = usize::try_from(line.checked_sub(1)?).ok()?;
        self.offsets.get(before).copied()
    }

    /// The places of an entry, oldest first.
    pub(super) fn places(&self, entry: u64) -> impl Iterator<Item = Place> {
        let (first, last) = (Place { line: 0, place: 0 }, Place { line: u32::MAX, place: u32::MAX });
        self.places.range((entry, first)..=(entry, last)).map(|(_, place)| *place)
    }
}

impl Place {
    pub(super) fn to_ref(self) -> SealedRef {
        SealedRef(format!("{}:{}", self.line, self.place))
    }
}

impl FromStr for Place {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (line, place) = text.split_once(':').ok_or(())?;
        Ok(Self { line: line.parse().map_err(drop)?, place: place.parse().map_err(drop)? })
    }
}
