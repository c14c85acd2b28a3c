//! Where each password lies, in little memory.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::super::SealedRef;

/// Where each password lies. A line mostly holds entries that follow one another, so that runs of
/// them are kept and not each: a million passwords take a few hundred kilobytes.
#[derive(Default)]
pub(super) struct Index {
    /// Where line 1, 2, … begins in the file.
    offsets: Vec<u64>,
    /// By first entry and its place, how many entries follow one another from there, each one
    /// place after the one before.
    runs: BTreeMap<(u64, Place), u32>,
    /// The longest run: how far before an entry one that holds it can begin.
    longest: u32,
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
        let mut open: Option<(u64, u32, u32)> = None;
        for (entry, place) in entries.zip(0..) {
            open = match open {
                Some((first, at, length)) if entry.checked_sub(u64::from(length)) == Some(first) => {
                    Some((first, at, length + 1))
                }
                ended => {
                    self.keep(line, ended);
                    Some((entry, place, 1))
                }
            };
        }
        self.keep(line, open);
    }

    pub(super) fn offset(&self, line: u32) -> Option<u64> {
        let before = usize::try_from(line.checked_sub(1)?).ok()?;
        self.offsets.get(before).copied()
    }

    /// The places of an entry, oldest first.
    pub(super) fn places(&self, entry: u64) -> Vec<Place> {
        let earliest = entry.saturating_sub(u64::from(self.longest.saturating_sub(1)));
        let (first, last) = (Place { line: 0, place: 0 }, Place { line: u32::MAX, place: u32::MAX });
        let runs = self.runs.range((earliest, first)..=(entry, last));
        let holding = runs.filter_map(|((begin, at), length)| {
            let after = u32::try_from(entry - begin).ok().filter(|after| after < length)?;
            Some(Place { line: at.line, place: at.place.checked_add(after)? })
        });
        let mut places: Vec<Place> = holding.collect();
        places.sort_unstable();
        places
    }

    fn keep(&mut self, line: u32, run: Option<(u64, u32, u32)>) {
        if let Some((first, place, length)) = run {
            self.runs.insert((first, Place { line, place }), length);
            self.longest = self.longest.max(length);
        }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_runs_say_what_a_list_of_all_would(lines in prop::collection::vec(prop::collection::vec(0u64..12, 1..10), 0..8)) {
            let mut index = Index::default();
            let mut all: Vec<(u64, Place)> = Vec::new();
            for (entries, line) in lines.iter().zip(1..) {
                index.add(u64::from(line) * 100, entries.iter().copied());
                all.extend(entries.iter().zip(0..).map(|(entry, place)| (*entry, Place { line, place })));
            }
            for entry in 0..13 {
                let wanted: Vec<Place> = all.iter().filter(|(of, _)| *of == entry).map(|(_, place)| *place).collect();
                prop_assert_eq!(index.places(entry), wanted);
            }
        }
    }

    #[test]
    fn entries_that_follow_one_another_take_one_place() {
        let mut index = Index::default();
        for line in 0..100u64 {
            index.add(line * 1000, line * 64..(line + 1) * 64);
        }
        assert_eq!(index.runs.len(), 100);
        assert_eq!(index.places(6399), [Place { line: 100, place: 63 }]);
        assert_eq!(index.places(u64::MAX), []);
    }
}
