//! The governor of one directory: decides when the next operation may go.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::state::{NotYet, Place, Request, Room, State};
use super::{
    BatchCost, Feedback, GovernorStats, Limits, OperationClass, Pacing, QuotaStats, RetryBudget, RetryPolicy, clock,
};

/// The governor of one directory. All lanes and all reads share it.
///
/// A permit is granted when all of these agree, and takes from all of them at once: the gate
/// (closed while the server asks us to wait; each class has one of its own besides, for refusals
/// that concern it alone), the window that the server tells of, every quota that prices the class,
/// and the in-flight ceiling, which adapts between 1 and
/// [`Limits::in_flight`].
///
/// # Behavior
/// * No rolling window of a quota sees more than `share` of its permits, and nearly all of the
///   share can be used: the permits are spread over 1/128 more than the window, because requests
///   that left a window apart can arrive closer. Only a single batch that costs more than a
///   whole window's share goes nevertheless, alone in its window.
/// * First come, first served within a class. Classes wait apart, so that one does not stand
///   behind another's quota; what they share (in-flight room, a common quota) goes to whoever
///   came first.
/// * A wait that is dropped takes nothing; parts that a quota has already given to a large batch
///   stay with that quota for whoever is next.
///
/// ```
/// use identity_core::limits::{Feedback, Governor, Limits, OperationClass, Quota, Signal};
/// use std::{num::NonZeroU32, time::Duration};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let permits = NonZeroU32::new(3_000).unwrap();
/// let writes = Quota::new("writes", permits, Duration::from_secs(150), OperationClass::Write).with_share(0.8);
/// let limits = Limits::new(NonZeroU32::MIN, NonZeroU32::new(8).unwrap()).with_quota(writes);
/// let governor = Governor::new(&limits);
///
/// let permit = governor.acquire(OperationClass::Write, 1).await;
/// // … send the request, read the response, and tell what it said …
/// let latency = Duration::from_millis(40);
/// governor.feedback(&Feedback::new(OperationClass::Write, Signal::Ok).with_latency(latency));
/// drop(permit);
/// assert_eq!(governor.stats().requests, 1);
/// # }
/// ```
pub struct Governor {
    shared: Arc<Shared>,
    limits: Limits,
    retry_budget: RetryBudget,
}

struct Shared {
    state: Mutex<State>,
    /// Something changed that can let a waiting head go.
    changed: Notify,
}

/// Leave to have a batch in flight; given back when dropped.
#[must_use = "dropping a permit gives it back at once"]
pub struct Permit {
    shared: Arc<Shared>,
    queue: usize,
    request: Request,
    room: Room,
}

impl Governor {
    /// A governor for a directory with these limits.
    #[must_use]
    pub fn new(limits: &Limits) -> Arc<Self> {
        Self::with_pacing(limits, Pacing::default())
    }

    /// A governor that reacts in its own way.
    #[must_use]
    pub fn with_pacing(limits: &Limits, pacing: Pacing) -> Arc<Self> {
        let shared = Shared { state: Mutex::new(State::new(limits, pacing)), changed: Notify::new() };
        Arc::new(Self { shared: Arc::new(shared), limits: limits.clone(), retry_budget: RetryBudget::default() })
    }

    /// Waits until `operations` operations of `class` may be sent as one batch, and takes their
    /// permits. Cancel-safe: a dropped wait takes nothing.
    ///
    /// Never acquire while holding a permit of the same governor: when the ceiling is down to 1,
    /// that waits for itself. What a backend reads within `apply` goes on the permit of the batch.
    pub async fn acquire(&self, class: OperationClass, operations: u32) -> Permit {
        let operations = if self.limits.is_one_call(class) { operations.min(1) } else { operations };
        let request = Request { class, operations, weight: self.weight(operations) };
        let waiting = Waiting::new(&self.shared, class);
        let _turn = waiting.place.turn.lock().await;
        let room = loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            // Registered before looking, so that a change in between is not missed.
            changed.as_mut().enable();
            let (considered, now) = self.shared.consider(&waiting.place, request);
            let not_yet = match considered {
                Ok(room) => break room,
                Err(not_yet) => not_yet,
            };
            if not_yet.lacks_else {
                self.shared.changed.notify_waiters();
                continue;
            }
            match not_yet.until {
                Some(until) => {
                    let _ready = clock::within(until.saturating_duration_since(now), changed).await;
                }
                None => changed.await,
            }
        };
        Permit { shared: Arc::clone(&self.shared), queue: waiting.place.queue, request, room }
    }

    /// Takes in what a response said.
    pub fn feedback(&self, feedback: &Feedback) {
        let may_go_earlier = self.shared.state().take_in(feedback, clock::instant());
        if may_go_earlier {
            self.shared.changed.notify_waiters();
        }
    }

    /// What was seen so far, and how things stand.
    #[must_use]
    pub fn stats(&self) -> GovernorStats {
        let now = clock::instant();
        let state = self.shared.state();
        let closed_for = state.gate.closed_until(now).map(|until| until - now);
        GovernorStats {
            in_flight: state.in_flight.saturating_add(state.beside),
            ceiling: state.ceiling.get(),
            closed_until: closed_for.and_then(|wait| clock::now().checked_add(wait).ok()),
            ..state.stats
        }
    }

    /// What was used of each quota, in the order of [`Limits::quotas`].
    #[must_use]
    pub fn quotas(&self) -> Vec<QuotaStats> {
        self.shared.state().quotas(clock::instant())
    }

    /// Tells which part of the directory's whole buckets the limits are that it tells with its
    /// answers: above 0 and at most 1, where anything else means not known. The run then uses
    /// `min(limit, share * limit / part)` of each [learnt](super::Quota::learnt()) quota; without it
    /// `share * limit`, which can be less than the configured share, never more.
    ///
    /// Tell it again when it has changed: until then a limit that changes counts as whichever is
    /// less, the same part of another bucket or another part of the same.
    ///
    /// Okta: a principal's percentage of each bucket ("Set a principal's rate limits").
    pub fn set_principal_part(&self, part: f64) {
        self.shared.state().set_part(part, clock::instant());
        self.shared.changed.notify_waiters();
    }

    /// The most operations of `class` that a batch should have now: [`Limits::batch_of`] the class;
    /// unless that is [one call](Limits::with_one_call_of), no more
    /// than an eighth of what each quota's window has, and where each operation is a request of
    /// its own, no more than an eighth of what may be in flight: a batch holds its permits until its
    /// last answer, and waits until there is room for all of it, so that a large one leaves room
    /// idle at both ends. A larger batch is granted too, but it waits until a window, or everything
    /// in flight, is free for it alone.
    #[must_use]
    pub fn batch_room(&self, class: OperationClass) -> u32 {
        let most = self.limits.batch_of(class).get();
        if self.limits.is_one_call(class) {
            return most;
        }
        let state = self.shared.state();
        let most = most.min(state.batch_room(class));
        match self.limits.batch_cost {
            BatchCost::OneRequest => most,
            BatchCost::PerOperation => most.min(state.ceiling.get().div_ceil(8)),
        }
    }

    /// What all lanes of this directory together may spend on retries.
    #[must_use]
    pub fn retry_budget(&self) -> &RetryBudget {
        &self.retry_budget
    }

    /// [`Limits::deadline`].
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.limits.deadline
    }

    /// [`RetryPolicy::delay`], by the governor's own random choices.
    #[must_use]
    pub fn retry_delay(&self, policy: &RetryPolicy, attempt: u32, retry_after: Option<Duration>) -> Option<Duration> {
        policy.delay(attempt, retry_after, &mut self.shared.state().rng)
    }

    /// [`RetryPolicy::delay_throttled`], by the governor's own random choices.
    #[must_use]
    pub fn throttled_delay(
        &self,
        policy: &RetryPolicy,
        throttled: u32,
        retry_after: Option<Duration>,
    ) -> Option<Duration> {
        policy.delay_throttled(throttled, retry_after, &mut self.shared.state().rng)
    }

    fn weight(&self, operations: u32) -> u32 {
        match self.limits.batch_cost {
            BatchCost::OneRequest => 1,
            BatchCost::PerOperation => operations.clamp(1, self.limits.in_flight.get()),
        }
    }
}

impl fmt::Debug for Governor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Governor").field("limits", &self.limits).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Shared {
    /// No code panics while it holds the lock; should one, the state is still good to pace by.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn consider(&self, place: &Place, request: Request) -> (Result<Room, NotYet>, tokio::time::Instant) {
        let mut state = self.state();
        // Read under the lock, so that grants are in the order of their instants.
        let now = clock::instant();
        (state.consider(place, request, now), now)
    }
}

/// Somebody who waits for a permit; leaves the queue when dropped.
struct Waiting<'a> {
    shared: &'a Shared,
    place: Place,
    since: tokio::time::Instant,
}

impl<'a> Waiting<'a> {
    fn new(shared: &'a Shared, class: OperationClass) -> Self {
        Self { place: shared.state().join(class), since: clock::instant(), shared }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.stats.waited += self.since.elapsed();
        let freed_others = state.leave(&self.place);
        drop(state);
        if freed_others {
            self.shared.changed.notify_waiters();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.state().returned(self.queue, self.request, self.room, clock::instant());
        self.shared.changed.notify_waiters();
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("class", &self.request.class)
            .field("operations", &self.request.operations)
            .finish_non_exhaustive()
    }
}
