//! One quota at work: an even rate by the `governor` crate, and an exact ledger of the last window.

use std::num::NonZeroU32;
use std::ops::Add;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use tokio::time::Instant;

use super::rolling::RollingUse;
use super::{OperationClass, Quota, clock};

/// The least share that is worked with; less (or nonsense) counts as this.
const LEAST_SHARE: f64 = 0.001;
/// The longest window that is worked with, so that no sum of times can overflow.
const LONGEST_WINDOW: Duration = Duration::from_secs(31 * 24 * 3600);
/// Two requests that left a window apart can arrive closer: the window is taken longer by this
/// part of itself.
const TRAVEL: u32 = 128;
/// A wait that ends late (timers tick in milliseconds, machines are busy) does not lower the
/// rate, as long as it is not later than this.
const LATENESS: Duration = Duration::from_millis(25);
/// The finest that one permit's interval is divided, so that lateness is made good in small steps.
const FINEST_CELL: Duration = Duration::from_micros(500);

/// Into how many batches a window's share should divide at least.
const BATCHES_IN_A_WINDOW: u32 = 8;

type Limiter = governor::RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Moment>>;

/// One quota at work.
pub(super) struct Bucket {
    quota: Quota,
    share: f64,
    /// Permits that a window may see.
    limit: u32,
    /// Spreads the permits. It counts in cells, of which a permit has `cells`.
    rate: Limiter,
    cells: u32,
    /// The most permits that are asked of `rate` in one go.
    part: u32,
    /// Permits that the rate has given and nobody has used yet: the parts of a batch that is
    /// still waiting. They stay here when that wait is given up, so nothing is lost.
    prepaid: u32,
    last_window: RollingUse,
}

impl Bucket {
    pub(super) fn new(quota: &Quota) -> Self {
        let share = if quota.share >= LEAST_SHARE { quota.share.min(1.0) } else { LEAST_SHARE };
        let allowed = f64::from(quota.permits.get()) * share;
        let window = quota.window.clamp(Duration::from_micros(1), LONGEST_WINDOW);
        let window = window + window / TRAVEL;
        // Half a permit per window is one permit in two windows. The small addition undoes the
        // rounding of products such as 100 x 0.29, which is just below 29.
        let (limit, window) =
            if allowed >= 1.0 { ((allowed + 1e-6) as u32, window) } else { (1, window.div_f64(allowed)) };
        let interval = Duration::from_nanos(nanos(window).div_ceil(u64::from(limit)));
        let cells = (nanos(interval) / nanos(FINEST_CELL)).clamp(1, 1000) as u32;
        let cell = Duration::from_nanos(nanos(interval).div_ceil(u64::from(cells)).max(1));
        let part = quota.burst.get().min(limit).min(u32::MAX / 4 / cells);
        let late = (nanos(LATENESS) / nanos(cell)).min(u64::from(u32::MAX / 4)) as u32;
        let burst = NonZeroU32::new(part * cells + late).unwrap_or(NonZeroU32::MIN);
        let pace = governor::Quota::with_period(cell)
            .unwrap_or_else(|| governor::Quota::per_second(NonZeroU32::MIN))
            .allow_burst(burst);
        Self {
            share,
            limit,
            rate: Limiter::direct_with_clock(pace, TokioClock),
            cells,
            part,
            prepaid: 0,
            last_window: RollingUse::new(window),
            quota: quota.clone(),
        }
    }

    /// What a batch of so many operations of `class` costs here.
    pub(super) fn cost(&self, class: OperationClass, operations: u32) -> u32 {
        self.quota.cost(class).saturating_mul(operations)
    }

    /// The most operations of `class` that a batch should have: a small part of what one window's
    /// share pays for, so that what is left of a window is never too little for the next batch;
    /// at least one.
    pub(super) fn batch_room(&self, class: OperationClass) -> u32 {
        let in_window = self.limit.checked_div(self.quota.cost(class));
        in_window.map_or(u32::MAX, |room| (room / BATCHES_IN_A_WINDOW).max(1))
    }

    /// The part of the permits that this run may use, for the windows that a server tells of.
    pub(super) fn share(&self, class: OperationClass) -> Option<f64> {
        (self.quota.cost(class) > 0).then_some(self.share)
    }

    /// When `cost` permits may be used, if not now. Parts that the rate gives are kept meanwhile.
    pub(super) fn until_ready(&mut self, cost: u32, now: Instant) -> Option<Instant> {
        while self.prepaid < cost {
            let part = self.part.min(cost - self.prepaid).max(1);
            let cells = NonZeroU32::new(part * self.cells).unwrap_or(NonZeroU32::MIN);
            match self.rate.check_n(cells) {
                Ok(Ok(())) => self.prepaid += part,
                Ok(Err(not_until)) => {
                    return Some(now + not_until.wait_time_from(Moment(now)).max(Duration::from_nanos(1)));
                }
                // The burst was made no smaller than a part.
                Err(_) => return Some(now + LATENESS),
            }
        }
        self.last_window.until_fits(u64::from(cost), u64::from(self.limit), now)
    }

    /// Uses permits that [`until_ready`](Self::until_ready) said may be used now.
    pub(super) fn spend(&mut self, cost: u32, now: Instant) {
        self.prepaid = self.prepaid.saturating_sub(cost);
        if cost > 0 {
            self.last_window.record(u64::from(cost), now);
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// `governor` on tokio's clock: its own waiting does not see a paused runtime.
#[derive(Clone, Copy, Debug)]
struct TokioClock;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(Instant);

impl Clock for TokioClock {
    type Instant = Moment;

    fn now(&self) -> Moment {
        Moment(clock::instant())
    }
}

impl Reference for Moment {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        self.0.checked_sub(duration.into()).map_or(*self, Self)
    }
}

impl Add<Nanos> for Moment {
    type Output = Self;

    fn add(self, wait: Nanos) -> Self {
        self.0.checked_add(wait.into()).map_or(self, Self)
    }
}
