//! What is to go wrong, and when.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use identity_core::account::AccountId;
use identity_core::error::ErrorKind;
use jiff::SignedDuration;

/// What goes wrong with one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The call never returns: only a caller's own timeout ends it. The order was not carried out.
    Hang,
    /// The connection breaks after the order was sent; it is carried out this much later.
    LateApply(Duration),
    /// No answer within the deadline; the order was not carried out.
    NoAnswer,
    /// The directory refuses, for this reason.
    Refused(ErrorKind),
    /// The order is carried out, and the connection breaks before the answer.
    ResetAfterApply,
    /// The connection breaks after the order was sent; it was not carried out.
    ResetBeforeApply,
    /// The directory cannot serve now (LDAP unavailable, HTTP 503).
    Temporary,
    /// The directory asks to slow down, and to come back after this time.
    Throttled(Duration),
}

/// A fault script. Of several rules that match a write, the one for its account goes first, then
/// the one for its number, then the general ones in the order given.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    pub(super) accounts: HashMap<AccountId, VecDeque<Fault>>,
    numbered: HashMap<u64, Fault>,
    general: Vec<(Often, Fault)>,
    pub(super) storms: Vec<Storm>,
    pub(super) truncated_listings: u32,
    pub(super) hidden_memberships: u32,
    pub(super) cut_connections: u32,
    pub(super) skew: SignedDuration,
}

#[derive(Clone, Copy, Debug)]
enum Often {
    Every(u64),
    Share { share: f64, seed: u64 },
}

/// A time in which every request is refused for pace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storm {
    pub(super) from: Duration,
    pub(super) until: Duration,
}

impl Faults {
    /// The next `times` writes to this account go wrong; then they work.
    #[must_use]
    pub fn on_account(mut self, account: &AccountId, fault: Fault, times: u32) -> Self {
        self.add(account, fault, times);
        self
    }

    /// The write of this number goes wrong, counted over all accounts from 1.
    #[must_use]
    pub fn on_write(mut self, number: u64, fault: Fault) -> Self {
        self.numbered.insert(number, fault);
        self
    }

    /// Every `n`th write goes wrong.
    #[must_use]
    pub fn on_every(mut self, n: u64, fault: Fault) -> Self {
        self.general.push((Often::Every(n.max(1)), fault));
        self
    }

    /// This share of all writes (0 to 1) goes wrong, drawn from the seed.
    #[must_use]
    pub fn on_share(mut self, share: f64, seed: u64, fault: Fault) -> Self {
        self.general.push((Often::Share { share, seed }, fault));
        self
    }

    /// Every request is told to slow down from `from` after the directory was built, for
    /// `lasting`; Retry-After is what is left of the storm.
    #[must_use]
    pub fn storm(mut self, from: Duration, lasting: Duration) -> Self {
        self.storms.push(Storm { from, until: from.saturating_add(lasting) });
        self
    }

    /// The next `times` listings end midway with an error.
    #[must_use]
    pub fn truncate_listings(mut self, times: u32) -> Self {
        self.truncated_listings = times;
        self
    }

    /// The next `times` classifications cannot read everything.
    #[must_use]
    pub fn hide_memberships(mut self, times: u32) -> Self {
        self.hidden_memberships = times;
        self
    }

    /// The directory's clock is ahead of ours by this much (behind, where negative).
    #[must_use]
    pub fn skew(mut self, skew: SignedDuration) -> Self {
        self.skew = skew;
        self
    }

    pub(super) fn add(&mut self, account: &AccountId, fault: Fault, times: u32) {
        let queue = self.accounts.entry(account.clone()).or_default();
        queue.extend((0..times).map(|_| fault));
    }

    /// What goes wrong with the write of this number to this account.
    pub(super) fn next(&mut self, number: u64, account: &AccountId) -> Option<Fault> {
        let queued = self.accounts.get_mut(account).and_then(VecDeque::pop_front);
        queued.or_else(|| self.numbered.get(&number).copied()).or_else(|| {
            let mut general = self.general.iter();
            general.find(|(often, _)| often.matches(number)).map(|(_, fault)| *fault)
        })
    }
}

impl Often {
    #[expect(clippy::cast_precision_loss, reason = "53 bits are plenty for a share")]
    fn matches(self, number: u64) -> bool {
        match self {
            Self::Every(n) => number.is_multiple_of(n),
            Self::Share { share, seed } => {
                let drawn = mix(seed ^ mix(number)) >> 11;
                (drawn as f64) / ((1_u64 << 53) as f64) < share
            }
        }
    }
}

/// SplitMix64's finisher: spreads neighbouring numbers over the whole range.
pub(super) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_about_that_share_and_the_same_each_time() {
        let mut faults = Faults::default().on_share(0.1, 7, Fault::Temporary);
        let id = AccountId::new("1").unwrap();
        let drawn: Vec<bool> = (1..=10_000).map(|n| faults.next(n, &id).is_some()).collect();
        let hits = drawn.iter().filter(|hit| **hit).count();
        assert!((900..1100).contains(&hits), "{hits}");
        let again: Vec<bool> = (1..=10_000).map(|n| faults.next(n, &id).is_some()).collect();
        assert_eq!(drawn, again);
    }

    #[test]
    fn the_account_goes_before_the_number_and_its_faults_are_used_up() {
        let id = AccountId::new("1").unwrap();
        let mut faults =
            Faults::default().on_account(&id, Fault::NoAnswer, 2).on_write(2, Fault::Temporary).on_every(3, Fault::Hang);
        let seen: Vec<Option<Fault>> = [2, 2, 2, 3, 4].map(|n| faults.next(n, &id)).to_vec();
        let expected =
            [Some(Fault::NoAnswer), Some(Fault::NoAnswer), Some(Fault::Temporary), Some(Fault::Hang), None];
        assert_eq!(seen, expected);
    }
}
