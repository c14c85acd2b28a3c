//! Where each password lies, in little memory.

use std::collections::BTreeMap;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::super::SealedRef;

/// Where each password lies. A line mostly holds entries that follow one another, so that runs of
/// them are kept and not each: a million passwords take a few hundred kilobytes.
#[derive(Default)]
pub(super) struct Index {
    /// Where line 1, 2, … begins in the file, and the fingerprint of what it seals.
    lines: Vec<(u64, Fingerprint)>,
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

/// The first half of the SHA-256 of a line's sealed text. It stands in every reference, so that
/// the journal's chain covers what was sealed: a line that is swapped afterwards (a public key is
/// enough to seal another password) does not open by the old reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 16]);

/// A password as the journal refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) place: Place,
    pub(super) fingerprint: Fingerprint,
}

impl Index {
    /// The number that the next line gets; nothing more fits after four thousand million.
    pub(super) fn next_line(&self) -> Option<u32> {
        u32::try_from(self.lines.len()).ok()?.checked_add(1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Adds the next line; `None` for what is not a password. Lines before entries: an entry never
    /// points to a line that is not there.
    pub(super) fn add(&mut self, offset: u64, fingerprint: Fingerprint, entries: impl Iterator<Item = Option<u64>>) {
        let Some(line) = self.next_line() else { return };
        self.lines.push((offset, fingerprint));
        let mut open: Option<(u64, u32, u32)> = None;
        for (entry, place) in entries.zip(0..) {
            open = match (open, entry) {
                (Some((first, at, length)), Some(entry)) if entry.checked_sub(u64::from(length)) == Some(first) => {
                    Some((first, at, length + 1))
                }
                (ended, entry) => {
                    self.keep(line, ended);
                    entry.map(|entry| (entry, place, 1))
                }
            };
        }
        self.keep(line, open);
    }

    /// Where a line begins, and its fingerprint.
    pub(super) fn line(&self, number: u32) -> Option<(u64, Fingerprint)> {
        let before = usize::try_from(number.checked_sub(1)?).ok()?;
        self.lines.get(before).copied()
    }

    /// The passwords of an entry, oldest first.
    pub(super) fn references(&self, entry: u64) -> Vec<Reference> {
        let known = |place: Place| Some(Reference { place, fingerprint: self.line(place.line)?.1 });
        self.places(entry).into_iter().filter_map(known).collect()
    }

    /// The places of an entry, oldest first.
    fn places(&self, entry: u64) -> Vec<Place> {
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

impl Fingerprint {
    pub(super) fn of(sealed: &str) -> Self {
        let mut half = [0; 16];
        half.iter_mut().zip(Sha256::digest(sealed)).for_each(|(byte, digest)| *byte = digest);
        Self(half)
    }
}

impl Reference {
    pub(super) fn to_ref(self) -> SealedRef {
        SealedRef(format!("{}:{}:{}", self.place.line, self.place.place, hex::encode(self.fingerprint.0)))
    }
}

impl FromStr for Reference {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (place, fingerprint) = text.rsplit_once(':').ok_or(())?;
        let mut half = [0; 16];
        hex::decode_to_slice(fingerprint, &mut half).map_err(drop)?;
        Ok(Self { place: place.parse()?, fingerprint: Fingerprint(half) })
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
                // Of entry 0 other secrets are kept, not passwords.
                let entries: Vec<Option<u64>> = entries.iter().map(|entry| Some(*entry).filter(|entry| *entry > 0)).collect();
                index.add(u64::from(line) * 100, Fingerprint::of("x"), entries.iter().copied());
                let placed = entries.iter().zip(0..).filter_map(|(entry, place)| Some(((*entry)?, Place { line, place })));
                all.extend(placed);
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
            index.add(line * 1000, Fingerprint::of("x"), (line * 64..(line + 1) * 64).map(Some));
        }
        assert_eq!(index.runs.len(), 100);
        assert_eq!(index.places(6399), [Place { line: 100, place: 63 }]);
        assert_eq!(index.places(u64::MAX), []);
    }
}
