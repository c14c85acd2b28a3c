//! What a directory allows: batches, requests in flight, quotas with costs.

use std::num::NonZeroU32;
use std::time::Duration;

/// A class of operations that a quota prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum OperationClass {
    /// Reading accounts, groups, roles, states.
    Read,
    /// Changing an account.
    Write,
    /// A class with a bucket of its own, by the backend's word for it.
    Named(&'static str),
}

/// One quota of a directory: so many permits in any window of time.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Quota {
    /// The directory's or our word for it; it appears in statistics.
    pub name: &'static str,
    /// Permits per window, before the share is taken.
    pub permits: NonZeroU32,
    /// The window.
    pub window: Duration,
    /// The part of the permits that this run may use, above 0 and at most 1; the rest is left to
    /// production sign-ins and to others.
    pub share: f64,
    /// The most permits that may be used at once after a quiet time; 1 spreads the permits
    /// evenly over the window, which is what never exceeds a rolling window.
    pub burst: NonZeroU32,
    /// What one operation of a class costs; a class that is not listed costs nothing here.
    pub costs: Vec<(OperationClass, u32)>,
}

impl Quota {
    /// A quota of `permits` per `window` on operations of `class`, one permit each, used whole
    /// and evenly.
    #[must_use]
    pub fn new(name: &'static str, permits: NonZeroU32, window: Duration, class: OperationClass) -> Self {
        Self { name, permits, window, share: 1.0, burst: NonZeroU32::MIN, costs: vec![(class, 1)] }
    }
}

/// What a batch weighs among the requests in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BatchCost {
    /// A batch is one request (`$batch` of Microsoft Graph).
    OneRequest,
    /// Each operation of a batch is a request of its own (pipelined LDAP, one HTTP call each).
    PerOperation,
}

/// What a directory allows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// The most orders that [`apply`](crate::directory::ForcedReset::apply) takes at once.
    pub max_batch: NonZeroU32,
    /// What a batch weighs among the requests in flight.
    pub batch_cost: BatchCost,
    /// The most requests that may be in flight at once.
    pub in_flight: NonZeroU32,
    /// The quotas; none means that only `in_flight` limits.
    pub quotas: Vec<Quota>,
    /// The longest that one `apply` or one read may take before it counts as unanswered.
    pub deadline: Duration,
}

impl Limits {
    /// Batches of `max_batch`, at most `in_flight` requests at once, each operation a request, no
    /// quota, a deadline of 60 seconds.
    #[must_use]
    pub fn new(max_batch: NonZeroU32, in_flight: NonZeroU32) -> Self {
        Self {
            max_batch,
            batch_cost: BatchCost::PerOperation,
            in_flight,
            quotas: Vec::new(),
            deadline: Duration::from_secs(60),
        }
    }

    /// Adds a quota.
    #[must_use]
    pub fn with_quota(mut self, quota: Quota) -> Self {
        self.quotas.push(quota);
        self
    }
}
