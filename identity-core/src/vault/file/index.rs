//! Where each password lies, in little memory.

use std::collections::BTreeSet;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::super::SealedRef;

/// Where each password lies.
#[derive(Default)]
pub(super) struct Index {
    /// Where line 1, 2, … begins in the file, and the fingerprint of what it seals.
    lines: Vec<(u64, Fingerprint)>,
    places: BTreeSet<(u64, Place)>,
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

    /// Adds the next line. Lines before entries: an entry never points to a line that is not there.
    pub(super) fn add(&mut self, offset: u64, fingerprint: Fingerprint, entries: impl Iterator<Item = u64>) {
        let Some(line) = self.next_line() else { return };
        self.lines.push((offset, fingerprint));
        self.places.extend(entries.zip(0..).map(|(entry, place)| (entry, Place { line, place })));
    }

    /// Where a line begins, and its fingerprint.
    pub(super) fn line(&self, number: u32) -> Option<(u64, Fingerprint)> {
        let before = usize::try_from(number.checked_sub(1)?).ok()?;
        self.lines.get(before).copied()
    }

    /// The passwords of an entry, oldest first.
    pub(super) fn references(&self, entry: u64) -> impl Iterator<Item = Reference> {
        let (first, last) = (Place { line: 0, place: 0 }, Place { line: u32::MAX, place: u32::MAX });
        self.places.range((entry, first)..=(entry, last)).filter_map(|(_, place)| {
            let (_, fingerprint) = self.line(place.line)?;
            Some(Reference { place: *place, fingerprint })
        })
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
