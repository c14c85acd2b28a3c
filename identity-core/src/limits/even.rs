//! An even rate by the `governor` crate, and an exact ledger of the last window.

use std::num::NonZeroU32;
use std::ops::Add;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use tokio::time::Instant;

use super::clock;
use super::rolling::RollingUse;

/// The longest window that is worked with, so that no sum of times can overflow.
pub(super) const LONGEST_WINDOW: Duration = Duration::from_secs(31 * 24 * 3600);
/// Two requests that left a window apart can arrive closer: the window is taken longer by this
/// part of itself.
const TRAVEL: u32 = 128;
/// A wait that ends late (timers tick in milliseconds, machines are busy) does not lower the
/// rate, as long as it is not later than this.
const LATENESS: Duration = Duration::from_millis(25);
/// The finest that one permit's interval is divided, so that lateness is made good in small steps.
const FINEST_CELL: Duration = Duration::from_micros(500);

type Limiter = governor::RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Moment>>;

/// So many permits in any window, spread evenly.
pub(super) struct EvenRate {
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

impl EvenRate {
    /// `allowed` permits per window, of which `burst` may be used at once after a quiet time.
    pub(super) fn new(allowed: f64, window: Duration, burst: NonZeroU32) -> Self {
        let window = window.clamp(Duration::from_micros(1), LONGEST_WINDOW);
        let window = window + window / TRAVEL;
        // Half a permit per window is one permit in two windows. The small addition undoes the
        // rounding of products such as 100 x 0.29, which is just below 29.
        let (limit, window) =
            if allowed >= 1.0 { ((allowed + 1e-6) as u32, window) } else { (1, window.div_f64(allowed)) };
        let interval = Duration::from_nanos(nanos(window).div_ceil(u64::from(limit)));
        let cells = (nanos(interval) / nanos(FINEST_CELL)).clamp(1, 1000) as u32;
        let cell = Duration::from_nanos(nanos(interval).div_ceil(u64::from(cells)).max(1));
        let part = burst.get().min(limit).min(u32::MAX / 4 / cells);
        let late = (nanos(LATENESS) / nanos(cell)).min(u64::from(u32::MAX / 4)) as u32;
        let burst = NonZeroU32::new(part * cells + late).unwrap_or(NonZeroU32::MIN);
        let pace = governor::Quota::with_period(cell)
            .unwrap_or_else(|| governor::Quota::per_second(NonZeroU32::MIN))
            .allow_burst(burst);
        let rate = Limiter::direct_with_clock(pace, TokioClock);
        Self { limit, rate, cells, part, prepaid: 0, last_window: RollingUse::new(window) }
    }

    /// The same, with nothing saved up: the first permit is there an interval from now.
    pub(super) fn begun(allowed: f64, window: Duration, burst: NonZeroU32) -> Self {
        let even = Self::new(allowed, window, burst);
        let cells = NonZeroU32::new(even.part * even.cells).unwrap_or(NonZeroU32::MIN);
        let _spent = even.rate.check_n(cells);
        even
    }

    /// Permits that a window may see.
    pub(super) fn limit(&self) -> u32 {
        self.limit
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
