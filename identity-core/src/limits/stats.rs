//! What a governor has seen so far, as a whole and quota by quota.

use std::time::Duration;

use jiff::Timestamp;

/// What a governor has seen so far, and how it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GovernorStats {
    /// Operations that were answered.
    pub requests: u64,
    /// Of these, refused for pace.
    pub throttled: u64,
    /// Of these, refused for load, or not answered in time.
    pub busy: u64,
    /// The time that batches waited for their permits, added up over all lanes.
    pub waited: Duration,
    /// What is in flight now, in requests (see [`BatchCost`](super::BatchCost)).
    pub in_flight: u32,
    /// The most that may be in flight now.
    pub ceiling: u32,
    /// Until when nothing may go because the directory asked for a pause.
    pub closed_until: Option<Timestamp>,
}

/// What was used of one quota, and how it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct QuotaStats {
    /// [`Quota::name`](super::Quota::name).
    pub name: &'static str,
    /// [`Quota::window`](super::Quota::window).
    pub window: Duration,
    /// Permits per window: as stated, or, where they are learnt, as the server said last; `None`
    /// before it said anything.
    pub limit: Option<u32>,
    /// Permits per window that this run uses: its share of `limit`, or of what is assumed before
    /// that is known.
    pub allowed: f64,
    /// What the server says is left of its window, whoever used the rest; `None` where permits are
    /// not learnt or no window is open.
    pub remaining: Option<u32>,
    /// Permits that this run has used.
    pub used: u64,
    /// What `allowed` came to between the first use and the last, in permits.
    pub share: f64,
    /// Operations that were refused for pace.
    pub refused: u64,
}

impl QuotaStats {
    /// The part of the share that was used between the first use and the last, 1 being all of it;
    /// `None` until that is a permit at least. The first permit is there at once, so that it can be
    /// a little above 1.
    #[must_use]
    pub fn used_part(&self) -> Option<f64> {
        (self.share >= 1.0).then(|| self.used as f64 / self.share)
    }

    /// How long so many permits take at this pace; for estimates.
    #[must_use]
    pub fn time_for(&self, permits: u64) -> Duration {
        let windows = permits as f64 / self.allowed.max(f64::MIN_POSITIVE);
        Duration::try_from_secs_f64(windows * self.window.as_secs_f64()).unwrap_or(Duration::MAX)
    }
}
