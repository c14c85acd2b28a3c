//! The governor of one directory: decides when the next operation may go.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{BatchCost, Feedback, Limits, OperationClass};

/// The governor of one directory.
#[derive(Debug)]
pub struct Governor {
    limits: Limits,
    in_flight: Arc<Semaphore>,
}

/// Leave to have a batch in flight; given back when dropped.
#[derive(Debug)]
#[must_use = "dropping a permit gives it back at once"]
pub struct Permit(#[expect(dead_code, reason = "held")] Option<OwnedSemaphorePermit>);

/// What a governor has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GovernorStats {
    /// Operations that were answered.
    pub requests: u64,
    /// Of these, refused for pace or load.
    pub throttled: u64,
}

impl Governor {
    /// A governor for a directory with these limits.
    #[must_use]
    pub fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self { limits: limits.clone(), in_flight: Arc::new(Semaphore::new(limits.in_flight.get() as usize)) })
    }

    /// Waits until `operations` operations of `class` may be sent as one batch, and takes their
    /// permits. Cancel-safe: a dropped wait takes nothing.
    pub async fn acquire(&self, class: OperationClass, operations: u32) -> Permit {
        let _ = class;
        let weight = match self.limits.batch_cost {
            BatchCost::OneRequest => 1,
            BatchCost::PerOperation => operations.clamp(1, self.limits.in_flight.get()),
        };
        Permit(Arc::clone(&self.in_flight).acquire_many_owned(weight).await.ok())
    }

    /// Takes in what a response said.
    pub fn feedback(&self, feedback: &Feedback) {
        let _ = feedback;
    }

    /// What was seen so far.
    #[must_use]
    pub fn stats(&self) -> GovernorStats {
        GovernorStats::default()
    }
}
