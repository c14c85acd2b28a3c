//! What a directory allows: batches, requests in flight, quotas with costs.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

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

impl OperationClass {
    /// The word for it in metrics and on screens.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Named(name) => name,
        }
    }
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
    /// The most permits that may be used at once after a quiet time; 1 spreads them evenly over
    /// the window. Whatever the burst, no rolling window ever sees more than its share from one
    /// process; only evenly spread permits also hold across a restart.
    pub burst: NonZeroU32,
    /// What one operation of a class costs; a class that is not listed costs nothing here.
    pub costs: Vec<(OperationClass, u32)>,
    /// Whether the permits are learnt from what answers say of the window
    /// ([`WindowHint`](super::WindowHint)); `permits` is then what is assumed before.
    pub learnt: bool,
}

impl Quota {
    /// A quota of `permits` per `window` on operations of `class`, one permit each, used whole
    /// and evenly.
    #[must_use]
    pub fn new(name: &'static str, permits: NonZeroU32, window: Duration, class: OperationClass) -> Self {
        Self { name, permits, window, share: 1.0, burst: NonZeroU32::MIN, costs: vec![(class, 1)], learnt: false }
    }

    /// A quota whose permits the directory tells with its answers (the rate-limit headers of
    /// Okta), in fixed windows of length `window` that the first request after the last one's end
    /// opens.
    ///
    /// # Behavior
    /// * Before the first answer one batch at a time goes; `assumed` permits per window are what
    ///   it keeps to should answers tell nothing.
    /// * Afterwards the share of the permits is spread evenly. Besides, no window of the server's
    ///   sees more of ours than the share, counted by the answers of that window and what is under
    ///   way; and what others leave is not exceeded, as far as answers tell of it in time.
    /// * An answer counts as one permit. An order of several requests is priced at as many
    ///   ([`with_cost`](Self::with_cost)), and those it does not send are not made good.
    /// * A limit that changes is kept to from the answer on that tells it.
    /// * What the limit is a part of can be told: [`Governor::set_principal_part`].
    ///
    /// [`Governor::set_principal_part`]: super::Governor::set_principal_part
    ///
    /// ```
    /// use std::{num::NonZeroU32, time::Duration};
    /// use identity_core::limits::{OperationClass, Quota};
    ///
    /// let class = OperationClass::Named("users");
    /// let users = Quota::learnt("users", NonZeroU32::new(60).unwrap(), Duration::from_secs(60), class).with_share(0.5);
    /// assert!(users.learnt);
    /// ```
    #[must_use]
    pub fn learnt(name: &'static str, assumed: NonZeroU32, window: Duration, class: OperationClass) -> Self {
        Self { learnt: true, ..Self::new(name, assumed, window, class) }
    }

    /// Uses only this part of the permits; above 0 and at most 1.
    #[must_use]
    pub fn with_share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// Lets this many permits be used at once after a quiet time. A rolling window is never
    /// exceeded all the same.
    #[must_use]
    pub fn with_burst(mut self, burst: NonZeroU32) -> Self {
        self.burst = burst;
        self
    }

    /// Sets what one operation of `class` costs, in place of what was said of this class before.
    #[must_use]
    pub fn with_cost(mut self, class: OperationClass, cost: u32) -> Self {
        self.costs.retain(|(priced, _)| *priced != class);
        self.costs.push((class, cost));
        self
    }

    /// What one operation of `class` costs here; 0 for a class that is not listed.
    #[must_use]
    pub fn cost(&self, class: OperationClass) -> u32 {
        self.costs.iter().find(|(priced, _)| *priced == class).map_or(0, |(_, cost)| *cost)
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
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
/// use identity_core::limits::{Limits, OperationClass, Quota};
///
/// let of = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
/// // 600 changes a minute, of which this run uses half; at most ten at once.
/// let changes = Quota::new("changes", of(600), Duration::from_secs(60), OperationClass::Write).with_share(0.5);
/// let limits = Limits::new(of(1), of(10)).with_quota(changes);
/// assert_eq!(limits.quotas.len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// The most orders that [`apply`](crate::directory::ForcedReset::apply) takes at once, and the
    /// most ids that a lookup does, of classes without a [size of their own](Self::with_batch_of).
    pub max_batch: NonZeroU32,
    /// What a batch weighs among the requests in flight.
    pub batch_cost: BatchCost,
    /// The most requests that may be in flight at once.
    pub in_flight: NonZeroU32,
    /// The quotas; none means that only `in_flight` limits.
    pub quotas: Vec<Quota>,
    /// The longest that one `apply` or one read may take before it counts as unanswered.
    pub deadline: Duration,
    /// How many requests of one class that reads may be in flight beside those that `in_flight`
    /// counts; 0 unless [said otherwise](Self::with_reads_beside).
    pub reads_beside: u32,
    /// The class of those: [`Read`](OperationClass::Read) unless
    /// [said otherwise](Self::with_reads_beside_of).
    pub class_beside: OperationClass,
    batches: Vec<ClassBatch>,
}

/// The largest batch of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ClassBatch {
    class: OperationClass,
    most: NonZeroU32,
    /// Whether the quotas price the call and not each order in it.
    one_call: bool,
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
            reads_beside: 0,
            class_beside: OperationClass::Read,
            batches: Vec::new(),
        }
    }

    /// Sets the largest batch of one class; each order in it is priced by the quotas (20 orders in
    /// one `$batch` of Microsoft Graph are 20 writes, and authentication methods take one at a
    /// time).
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use identity_core::limits::{Limits, OperationClass};
    ///
    /// let of = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    /// let methods = OperationClass::Named("methods");
    /// let limits = Limits::new(of(20), of(8)).with_batch_of(methods, of(1));
    /// assert_eq!((limits.batch_of(methods), limits.batch_of(OperationClass::Write)), (of(1), of(20)));
    /// ```
    #[must_use]
    pub fn with_batch_of(self, class: OperationClass, most: NonZeroU32) -> Self {
        self.with_class_batch(ClassBatch { class, most, one_call: false })
    }

    /// Sets the largest batch of one class whose batch is a single call that names every account
    /// (`confirmCompromised` of Microsoft Graph takes up to 60): the quotas and the in-flight
    /// ceiling price the call as one operation, however many orders are in it.
    #[must_use]
    pub fn with_one_call_of(self, class: OperationClass, most: NonZeroU32) -> Self {
        self.with_class_batch(ClassBatch { class, most, one_call: true })
    }

    /// The most orders of this class in one batch; for [`Read`](OperationClass::Read) the most ids
    /// in one lookup.
    #[must_use]
    pub fn batch_of(&self, class: OperationClass) -> NonZeroU32 {
        self.class_batch(class).map_or(self.max_batch, |batch| batch.most)
    }

    /// Whether a batch of this class is a single call that is priced as one operation.
    #[must_use]
    pub fn is_one_call(&self, class: OperationClass) -> bool {
        self.class_batch(class).is_some_and(|batch| batch.one_call)
    }

    /// Adds a quota.
    #[must_use]
    pub fn with_quota(mut self, quota: Quota) -> Self {
        self.quotas.push(quota);
        self
    }

    /// Sets the longest that one `apply` or one read may take.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Lets so many requests that read be in flight beside `in_flight` (never more beside it than
    /// the ceiling of the moment): what reads accounts again before the touch then does not wait
    /// behind the batches that change others. Quotas price them as any read.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use identity_core::limits::{Governor, Limits, OperationClass};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let limits = Limits::new(NonZeroU32::MIN, NonZeroU32::MIN).with_reads_beside(1);
    /// let governor = Governor::new(&limits);
    /// let write = governor.acquire(OperationClass::Write, 1).await;
    /// let read = governor.acquire(OperationClass::Read, 1).await;
    /// assert_eq!(governor.stats().in_flight, 2);
    /// # drop((write, read));
    /// # }
    /// ```
    #[must_use]
    pub fn with_reads_beside(mut self, requests: u32) -> Self {
        self.reads_beside = requests;
        self
    }

    /// The same for reads of a class of the backend's own, where looking accounts up is priced by a
    /// bucket of its own (`GET /api/v1/users/{id}` of Okta).
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use identity_core::limits::{Limits, OperationClass};
    ///
    /// let user = OperationClass::Named("user");
    /// let limits = Limits::new(NonZeroU32::MIN, NonZeroU32::MIN).with_reads_beside_of(user, 10);
    /// assert_eq!((limits.reads_beside, limits.class_beside), (10, user));
    /// ```
    #[must_use]
    pub fn with_reads_beside_of(mut self, class: OperationClass, requests: u32) -> Self {
        self.class_beside = class;
        self.with_reads_beside(requests)
    }

    /// How many operations of `class` the quotas let go in a second, in the long run; `None` where
    /// none prices the class.
    #[must_use]
    pub fn per_second(&self, class: OperationClass) -> Option<f64> {
        let rate = |quota: &Quota| {
            let cost = quota.cost(class);
            (cost > 0)
                .then(|| f64::from(quota.permits.get()) * quota.share / quota.window.as_secs_f64() / f64::from(cost))
        };
        self.quotas.iter().filter_map(rate).reduce(f64::min)
    }

    /// Says what a batch weighs among the requests in flight.
    #[must_use]
    pub fn with_batch_cost(mut self, cost: BatchCost) -> Self {
        self.batch_cost = cost;
        self
    }

    /// Checks the numbers that come from a configuration. A [`Governor`](super::Governor) takes
    /// limits that fail here too, and then errs on the slow side.
    ///
    /// ```
    /// use identity_core::limits::{Limits, OperationClass, Quota};
    /// use std::{num::NonZeroU32, time::Duration};
    ///
    /// let writes = Quota::new("writes", NonZeroU32::new(3_000).unwrap(), Duration::from_secs(150), OperationClass::Write);
    /// let limits = Limits::new(NonZeroU32::new(20).unwrap(), NonZeroU32::new(8).unwrap());
    /// assert!(limits.clone().with_quota(writes.clone().with_share(0.8)).check().is_ok());
    /// assert!(limits.with_quota(writes.with_share(80.0)).check().is_err());
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] that names the quota whose share or window is out of range,
    /// or the deadline when it is zero.
    pub fn check(&self) -> Result<()> {
        let invalid = |detail: String, advice: &str| {
            Err(Error::new(ErrorKind::ConfigInvalid, "check limits").with_detail(detail).with_advice(advice))
        };
        for quota in &self.quotas {
            if !(quota.share > 0.0 && quota.share <= 1.0) {
                let detail = format!("the share of quota `{}` is {}", quota.name, quota.share);
                return invalid(detail, "set a share above 0 and at most 1, such as 0.8");
            }
            if quota.window.is_zero() {
                return invalid(format!("the window of quota `{}` is zero", quota.name), "set a window above zero");
            }
        }
        if self.deadline.is_zero() {
            return invalid("the deadline is zero".to_owned(), "set a deadline above zero, such as 60 seconds");
        }
        Ok(())
    }

    /// The classes with a batch of their own: the most orders, and whether it is one call.
    pub(crate) fn own_batches(&self) -> impl Iterator<Item = (OperationClass, NonZeroU32, bool)> {
        self.batches.iter().map(|batch| (batch.class, batch.most, batch.one_call))
    }

    fn with_class_batch(mut self, batch: ClassBatch) -> Self {
        self.batches.retain(|known| known.class != batch.class);
        self.batches.push(batch);
        self
    }

    fn class_batch(&self, class: OperationClass) -> Option<&ClassBatch> {
        self.batches.iter().find(|batch| batch.class == class)
    }
}
