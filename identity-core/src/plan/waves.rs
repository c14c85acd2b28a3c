//! Which wave an entry is reset in.

use sha2::{Digest, Sha256};

use super::entry::{Disposition, Entry, PlanRow, Population, WaveKind};
use crate::account::{AccountId, DirectoryId};

/// The most slices that the workforce is cut into.
pub(super) const MOST_SLICES: i64 = 1_000;

/// The fewest candidates that a canary is drawn from.
const FEWEST_FOR_CANARY: u64 = 20;

/// The place of a wave in the plan: a number that grows in the order the waves run in. What is left
/// out comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(i64);

impl Slot {
    pub(super) const CANARY: Self = Self(0);
    pub(super) const PRIVILEGED: Self = Self(1);
    pub(super) const FIRST_WORKFORCE: Self = Self(2);
    pub(super) const OTHERS: Self = Self(2 + MOST_SLICES);
    const PRIVILEGED_ELSEWHERE: Self = Self(3 + MOST_SLICES);
    const ELSEWHERE: Self = Self(4 + MOST_SLICES);
    pub(super) const LEFT_OUT: Self = Self(5 + MOST_SLICES);

    pub(super) fn number(self) -> i64 {
        self.0
    }

    pub(super) fn of_number(number: i64) -> Self {
        Self(number)
    }

    /// Where a decision goes before the canary is drawn and the workforce is cut.
    pub(super) fn of_row(row: &PlanRow) -> Self {
        match row {
            PlanRow::LeftOut { .. } => Self::LEFT_OUT,
            PlanRow::Entry(entry) => match entry.population {
                Population::Privileged if entry.follows_another_directory() => Self::PRIVILEGED_ELSEWHERE,
                _ if entry.follows_another_directory() => Self::ELSEWHERE,
                Population::Privileged => Self::PRIVILEGED,
                Population::Workforce => Self::FIRST_WORKFORCE,
                Population::Service | Population::Dormant | Population::Other => Self::OTHERS,
            },
        }
    }

    pub(super) fn kind(self) -> WaveKind {
        match self {
            Self::CANARY => WaveKind::Canary,
            Self::PRIVILEGED => WaveKind::Privileged,
            Self::PRIVILEGED_ELSEWHERE => WaveKind::PrivilegedElsewhere,
            Self::ELSEWHERE => WaveKind::Elsewhere,
            slot if slot < Self::OTHERS => WaveKind::Workforce,
            _ => WaveKind::Others,
        }
    }

    /// The name of the wave: `canary`, `privileged`, `workforce-1`, …, `others`,
    /// `privileged-elsewhere`, `elsewhere`.
    pub(super) fn name(self) -> String {
        match self.kind() {
            WaveKind::Canary => "canary".to_owned(),
            WaveKind::Privileged => "privileged".to_owned(),
            WaveKind::Workforce => format!("workforce-{}", self.0 - Self::FIRST_WORKFORCE.0 + 1),
            WaveKind::Others => "others".to_owned(),
            WaveKind::PrivilegedElsewhere => "privileged-elsewhere".to_owned(),
            WaveKind::Elsewhere => "elsewhere".to_owned(),
        }
    }
}

/// Whether the engine resets what this row is about.
pub(super) fn is_reset(row: &PlanRow) -> bool {
    matches!(row, PlanRow::Entry(Entry { disposition: Disposition::Reset { .. }, .. }))
}

/// Where an account comes in the draw: nothing but the seed and its name decide.
pub(super) fn rank(seed: u64, directory: &DirectoryId, id: &AccountId) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(directory.as_str());
    hash.update([0]);
    hash.update(id.as_str());
    let digest: [u8; 32] = hash.finalize().into();
    let mut rank = [0; 16];
    for (to, from) in rank.iter_mut().zip(digest) {
        *to = from;
    }
    rank
}

/// How many of the candidates the canary takes: at most `most`, at most 1 %, at least 1; none where
/// there are so few that the canary would be the run.
pub(super) fn canary_size(candidates: u64, most: u32) -> u32 {
    if candidates < FEWEST_FOR_CANARY {
        return 0;
    }
    u32::try_from((candidates / 100).max(1)).unwrap_or(u32::MAX).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canary_is_small_but_there() {
        let sizes: Vec<u32> = [0, 19, 20, 199, 200, 999, 1_000, 1_000_000].map(|n| canary_size(n, 10)).to_vec();
        assert_eq!(sizes, [0, 0, 1, 1, 2, 9, 10, 10]);
        assert_eq!(canary_size(1_000, 0), 0);
    }

    #[test]
    fn the_draw_depends_on_the_seed_and_on_nothing_ambiguous() {
        let (a, b) = (DirectoryId::new("a").unwrap(), DirectoryId::new("ab").unwrap());
        let (bc, c) = (AccountId::new("bc").unwrap(), AccountId::new("c").unwrap());
        assert_ne!(rank(1, &a, &bc), rank(1, &b, &c));
        assert_ne!(rank(1, &a, &c), rank(2, &a, &c));
        assert_eq!(rank(1, &a, &c), rank(1, &a, &c));
    }
}
