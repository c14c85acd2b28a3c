//! What was used in the last window, exactly: the ledger that makes "never exceeded" true for
//! batches and bursts too, which an even rate alone does not.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Uses within one slot (a small part of a window) are kept as one entry, so that the ledger is
/// small however large the quota is.
const SLOTS: u32 = 1024;

/// The permits used in the last window.
#[derive(Debug)]
pub(super) struct RollingUse {
    window: Duration,
    entries: VecDeque<Entry>,
    used: u64,
}

#[derive(Debug)]
struct Entry {
    first: Instant,
    last: Instant,
    permits: u64,
}

impl RollingUse {
    pub(super) fn new(window: Duration) -> Self {
        Self { window, entries: VecDeque::new(), used: 0 }
    }

    /// When `cost` more fit under `limit`, if not now. A cost above the limit fits when nothing
    /// else is in the window.
    pub(super) fn until_fits(&mut self, cost: u64, limit: u64, now: Instant) -> Option<Instant> {
        self.forget(now);
        let mut excess = (self.used + cost).saturating_sub(limit).min(self.used);
        let mut until = None;
        for entry in &self.entries {
            if excess == 0 {
                break;
            }
            excess = excess.saturating_sub(entry.permits);
            until = Some(entry.last + self.window);
        }
        until
    }

    pub(super) fn record(&mut self, cost: u64, now: Instant) {
        self.used += cost;
        match self.entries.back_mut() {
            Some(entry) if now < entry.first + self.window / SLOTS => {
                // An entry leaves the window when its last use does: late, never early.
                entry.last = entry.last.max(now);
                entry.permits += cost;
            }
            _ => self.entries.push_back(Entry { first: now, last: now, permits: cost }),
        }
    }

    /// What was used in the window that ends now.
    pub(super) fn used(&mut self, now: Instant) -> u64 {
        self.forget(now);
        self.used
    }

    fn forget(&mut self, now: Instant) {
        while let Some(entry) = self.entries.front().filter(|entry| entry.last + self.window <= now) {
            self.used -= entry.permits;
            self.entries.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::clock;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_use_leaves_the_window_a_window_later() {
        let mut ledger = RollingUse::new(MINUTE);
        let begin = clock::instant();
        ledger.record(3, begin);
        ledger.record(2, begin + MINUTE / 2);
        assert_eq!(ledger.until_fits(5, 10, begin + MINUTE / 2), None);
        assert_eq!(ledger.until_fits(6, 10, begin + MINUTE / 2), Some(begin + MINUTE));
        assert_eq!(ledger.until_fits(9, 10, begin + MINUTE / 2), Some(begin + MINUTE * 3 / 2));
        assert_eq!(ledger.until_fits(8, 10, begin + MINUTE), None);
        assert_eq!(ledger.until_fits(11, 10, begin + MINUTE), Some(begin + MINUTE * 3 / 2));
        assert_eq!(ledger.until_fits(11, 10, begin + MINUTE * 3 / 2), None, "alone, it goes");
    }

    #[tokio::test(start_paused = true)]
    async fn the_ledger_stays_small_however_much_is_used() {
        let mut ledger = RollingUse::new(MINUTE);
        let begin = clock::instant();
        for number in 0..300_000 {
            let now = begin + MINUTE * number / 100_000;
            ledger.forget(now);
            ledger.record(1, now);
            // A slot more than asked is the most that is remembered too long.
            assert!(ledger.used <= 100_000 + 2 * 100_000 / u64::from(SLOTS));
        }
        assert!(ledger.entries.len() <= SLOTS as usize + 1, "{}", ledger.entries.len());
    }
}
