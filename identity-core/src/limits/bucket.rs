//! One quota at work: its even rate, and, where the server tells the permits, what is known of its
//! window.

use tokio::time::Instant;

use super::even::{EvenRate, LONGEST_WINDOW};
use super::learnt::{Learnt, Leave};
use super::stats::QuotaStats;
use super::window::About;
use super::{OperationClass, Quota, WindowHint};

/// The least share that is worked with; less (or nonsense) counts as this.
const LEAST_SHARE: f64 = 0.001;

/// Into how many batches a window's share should divide at least.
const BATCHES_IN_A_WINDOW: u32 = 8;

/// One quota at work.
pub(super) struct Bucket {
    quota: Quota,
    share: f64,
    /// Permits per window that are ours, before they are rounded.
    allowed: f64,
    even: EvenRate,
    /// Where the server tells the permits.
    learnt: Option<Learnt>,
    count: Count,
}

/// What was used, for the statistics.
#[derive(Default)]
struct Count {
    used: u64,
    refused: u64,
    /// What the share came to from the first use to `last`.
    share: f64,
    last: Option<Instant>,
}

impl Bucket {
    pub(super) fn new(quota: &Quota) -> Self {
        let share = if quota.share >= LEAST_SHARE { quota.share.min(1.0) } else { LEAST_SHARE };
        let allowed = f64::from(quota.permits.get()) * share;
        Self {
            share,
            allowed,
            even: EvenRate::new(allowed, quota.window, quota.burst),
            learnt: quota.learnt.then(|| Learnt::new(quota.window.min(LONGEST_WINDOW))),
            count: Count::default(),
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
        let in_window = self.even.limit().checked_div(self.quota.cost(class));
        in_window.map_or(u32::MAX, |room| (room / BATCHES_IN_A_WINDOW).max(1))
    }

    /// The part of the permits that this run may use, for the windows that a server tells of.
    pub(super) fn share(&self, class: OperationClass) -> Option<f64> {
        (self.quota.cost(class) > 0).then_some(self.share)
    }

    /// Whether `cost` permits may be used now. Parts that the rate gives are kept meanwhile.
    pub(super) fn leave(&mut self, cost: u32, now: Instant) -> Leave {
        let leave = self.learnt.as_mut().map_or(Leave::Now, |learnt| learnt.leave(cost, self.even.limit(), now));
        match leave {
            Leave::Now => self.even.until_ready(cost, now).map_or(Leave::Now, Leave::From),
            wait => wait,
        }
    }

    /// Uses permits that [`leave`](Self::leave) said may be used now.
    pub(super) fn spend(&mut self, cost: u32, now: Instant) {
        if cost == 0 {
            return;
        }
        self.even.spend(cost, now);
        if let Some(learnt) = &mut self.learnt {
            learnt.granted(cost);
        }
        self.count.used += u64::from(cost);
        self.pass(now);
    }

    /// A permit of this cost came back.
    pub(super) fn returned(&mut self, cost: u32, now: Instant) {
        if let (Some(learnt), true) = (&mut self.learnt, cost > 0) {
            learnt.returned(cost, now);
        }
    }

    /// Takes in what the server tells of its window with an answer of `class`; `None` where this
    /// quota does not learn from it. Otherwise what it was about, and when the window ends.
    pub(super) fn learn(
        &mut self,
        hint: WindowHint,
        class: OperationClass,
        now: Instant,
    ) -> Option<(About, Option<Instant>)> {
        let is_priced = self.quota.cost(class) > 0;
        let learnt = self.learnt.as_mut().filter(|_| is_priced)?;
        let about = learnt.learn(hint, now);
        let ends = learnt.ends(now);
        self.follow(now);
        Some((about, ends))
    }

    /// Takes in which part of the whole bucket a learnt limit is.
    pub(super) fn set_part(&mut self, part: f64, now: Instant) {
        if let Some(learnt) = &mut self.learnt {
            learnt.set_part(part);
            self.follow(now);
        }
    }

    /// An operation of `class` was refused for pace.
    pub(super) fn refused(&mut self, class: OperationClass) {
        if self.quota.cost(class) > 0 {
            self.count.refused += 1;
        }
    }

    /// What was used so far.
    pub(super) fn stats(&self, now: Instant) -> QuotaStats {
        let stated = (!self.quota.learnt).then_some(self.quota.permits.get());
        QuotaStats {
            name: self.quota.name,
            window: self.quota.window,
            limit: self.learnt.as_ref().map_or(stated, Learnt::limit),
            allowed: self.allowed,
            remaining: self.learnt.as_ref().and_then(|learnt| learnt.remaining(now)),
            used: self.count.used,
            share: self.count.share,
            refused: self.count.refused,
        }
    }

    /// Changes the rate to what is ours of the limit that was told last.
    fn follow(&mut self, now: Instant) {
        let Some(allowed) = self.learnt.as_ref().and_then(|learnt| learnt.permits(self.share)) else { return };
        if (allowed - self.allowed).abs() > f64::EPSILON {
            if self.count.last.is_some() {
                self.pass(now);
            }
            self.allowed = allowed;
            self.even = EvenRate::begun(allowed, self.quota.window, self.quota.burst);
        }
    }

    /// Adds what the share came to since last time.
    fn pass(&mut self, now: Instant) {
        let passed = self.count.last.map_or(0.0, |last| now.saturating_duration_since(last).as_secs_f64());
        let window = self.quota.window.as_secs_f64().max(f64::MIN_POSITIVE);
        self.count.share += self.allowed * passed / window;
        self.count.last = Some(now);
    }
}
