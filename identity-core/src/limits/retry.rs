//! When to try again, and how often all lanes together may.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rand::{Rng, RngExt};

use crate::error::{Error, ErrorKind};

/// When to try again: exponential backoff with full jitter, and never before the server's
/// Retry-After.
///
/// ```
/// use identity_core::limits::RetryPolicy;
/// use rand::SeedableRng;
/// use std::time::Duration;
///
/// let policy = RetryPolicy::default();
/// let mut rng = rand::rngs::StdRng::seed_from_u64(1);
/// let asked = Duration::from_secs(30);
/// assert!(policy.delay(1, Some(asked), &mut rng).unwrap() >= asked);
/// assert!(policy.delay(1, None, &mut rng).unwrap() <= policy.base);
/// assert_eq!(policy.delay(policy.max_attempts.get(), None, &mut rng), None);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The most attempts, the first one included. Default 4.
    pub max_attempts: NonZeroU32,
    /// The most times that a request is refused for pace before it is given up. Such refusals
    /// are the governor's to avoid and do not count as attempts. Default 50.
    pub max_throttled: NonZeroU32,
    /// The longest backoff after the first attempt; it doubles with each attempt. Default 500
    /// milliseconds.
    pub base: Duration,
    /// The longest backoff of our own. Default 20 seconds.
    pub cap: Duration,
    /// The longest wait that a server's Retry-After can cause. Default 1 hour.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        const ATTEMPTS: NonZeroU32 = NonZeroU32::new(4).unwrap();
        const THROTTLED: NonZeroU32 = NonZeroU32::new(50).unwrap();
        Self {
            max_attempts: ATTEMPTS,
            max_throttled: THROTTLED,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(20),
            longest_wait: Duration::from_secs(3600),
        }
    }
}

impl RetryPolicy {
    /// One attempt and no more.
    #[must_use]
    pub fn never() -> Self {
        Self { max_attempts: NonZeroU32::MIN, max_throttled: NonZeroU32::MIN, ..Self::default() }
    }

    /// Sets the most attempts, the first one included.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the longest backoff after the first attempt, and after any.
    #[must_use]
    pub fn with_backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.base = base;
        self.cap = cap;
        self
    }

    /// How long to wait after `attempt` attempts (1 after the first); `None` when it was the last.
    #[must_use]
    pub fn delay<R: Rng + ?Sized>(&self, attempt: u32, retry_after: Option<Duration>, rng: &mut R) -> Option<Duration> {
        (attempt < self.max_attempts.get()).then(|| self.wait(attempt, retry_after, rng))
    }

    /// How long to wait after `throttled` refusals for pace; `None` when it was the last.
    #[must_use]
    pub fn delay_throttled<R: Rng + ?Sized>(
        &self,
        throttled: u32,
        retry_after: Option<Duration>,
        rng: &mut R,
    ) -> Option<Duration> {
        (throttled < self.max_throttled.get()).then(|| self.wait(throttled, retry_after, rng))
    }

    fn wait<R: Rng + ?Sized>(&self, attempt: u32, retry_after: Option<Duration>, rng: &mut R) -> Duration {
        let own = between(Duration::ZERO, doubled(self.base, attempt, self.cap), rng);
        retry_after.map_or(own, |asked| own.max(asked.min(self.longest_wait)))
    }
}

/// Why something is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryCause {
    /// Refused for pace: the governor's affair, it draws on no budget.
    Throttled,
    /// It failed without effect.
    Fault,
    /// No answer in time; such a retry costs the server more.
    Timeout,
}

impl From<&Error> for RetryCause {
    fn from(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::RateLimited => Self::Throttled,
            ErrorKind::Timeout => Self::Timeout,
            _ => Self::Fault,
        }
    }
}

/// What all lanes of a directory together may spend on retries, so that an outage does not turn
/// into a storm of them. The numbers are those of the AWS SDKs' standard retry mode.
///
/// ```
/// use identity_core::limits::{RetryBudget, RetryCause};
///
/// let budget = RetryBudget::default();
/// for _ in 0..100 {
///     assert!(budget.withdraw(RetryCause::Fault));
/// }
/// assert!(!budget.withdraw(RetryCause::Fault), "100 retries without a success between them are enough");
/// assert!(budget.withdraw(RetryCause::Throttled));
/// ```
#[derive(Debug)]
pub struct RetryBudget(AtomicU32);

impl RetryBudget {
    /// The tokens of a full budget.
    pub const FULL: u32 = 500;
    /// What a retry after a fault costs.
    pub const FAULT_COST: u32 = 5;
    /// What a retry after a timeout costs.
    pub const TIMEOUT_COST: u32 = 10;

    /// Takes what a retry for this cause costs; `false` when there is not enough, and then the
    /// retry must not be made.
    #[must_use]
    pub fn withdraw(&self, cause: RetryCause) -> bool {
        let cost = match cause {
            RetryCause::Throttled => return true,
            RetryCause::Fault => Self::FAULT_COST,
            RetryCause::Timeout => Self::TIMEOUT_COST,
        };
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |tokens| tokens.checked_sub(cost)).is_ok()
    }

    /// Gives one token back; for each success.
    pub fn deposit(&self) {
        let _full = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |tokens| (tokens < Self::FULL).then_some(tokens + 1));
    }

    /// The tokens that are left.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self(AtomicU32::new(Self::FULL))
    }
}

/// `base`, doubled with each time after the first, at most `cap`.
pub(super) fn doubled(base: Duration, times: u32, cap: Duration) -> Duration {
    let factor = 2_u32.saturating_pow(times.saturating_sub(1));
    base.saturating_mul(factor).min(cap)
}

/// A random duration from `low` to `high`.
pub(super) fn between<R: Rng + ?Sized>(low: Duration, high: Duration, rng: &mut R) -> Duration {
    if low < high { rng.random_range(low..=high) } else { high }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn the_backoff_doubles_up_to_its_cap() {
        let (base, cap) = (Duration::from_millis(500), Duration::from_secs(20));
        let seconds: Vec<f64> = (1..=8).map(|times| doubled(base, times, cap).as_secs_f64()).collect();
        assert_eq!(seconds, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]);
        assert_eq!(doubled(base, u32::MAX, cap), cap);
    }

    #[test]
    fn full_jitter_uses_the_whole_range() {
        let policy = RetryPolicy::default();
        let mut rng = StdRng::seed_from_u64(7);
        let delays: Vec<Duration> = (0..1000).map(|_| policy.delay(3, None, &mut rng).unwrap()).collect();
        assert!(delays.iter().min().unwrap() < &Duration::from_millis(100));
        assert!(delays.iter().max().unwrap() > &Duration::from_millis(1900));
        assert!(delays.iter().all(|delay| delay <= &Duration::from_secs(2)));
    }

    #[test]
    fn a_hostile_retry_after_is_capped() {
        let days = Duration::from_secs(1_000_000_000);
        let delay = RetryPolicy::default().delay(1, Some(days), &mut StdRng::seed_from_u64(1));
        assert_eq!(delay, Some(Duration::from_secs(3600)));
    }

    #[test]
    fn a_full_budget_takes_no_more_and_a_success_pays_a_fifth_of_a_retry() {
        let budget = RetryBudget::default();
        budget.deposit();
        assert_eq!(budget.tokens(), RetryBudget::FULL);
        while budget.withdraw(RetryCause::Timeout) {}
        assert_eq!(budget.tokens(), 0);
        for _ in 0..4 {
            budget.deposit();
            assert!(!budget.withdraw(RetryCause::Fault));
        }
        budget.deposit();
        assert!(budget.withdraw(RetryCause::Fault));
    }

    proptest! {
        #[test]
        fn a_delay_is_between_what_was_asked_and_the_larger_cap(
            attempt in 1_u32..200, asked in proptest::option::of(0_u64..10_000), seed: u64,
        ) {
            let policy = RetryPolicy::default().with_max_attempts(NonZeroU32::MAX);
            let asked = asked.map(Duration::from_secs);
            let delay = policy.delay(attempt, asked, &mut StdRng::seed_from_u64(seed)).unwrap();
            let least = asked.unwrap_or_default().min(policy.longest_wait);
            prop_assert!(delay >= least);
            prop_assert!(delay <= least.max(policy.cap));
        }
    }
}
