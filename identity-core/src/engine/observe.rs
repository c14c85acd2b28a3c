//! What an observer is told of a run: each send, each write, with its time.

use std::fmt;
use std::time::Duration;

use crate::account::DirectoryId;
use crate::limits::OperationClass;
use crate::reset::{Action, Outcome};

/// Is told what a run does, at the moment it does it, in the run's own tasks: an implementation
/// counts and returns. It is told nothing of passwords, and no account.
///
/// [`Progress`](super::Progress) is for people and may lose events when nobody reads; an observer
/// loses none, so that counters can be right.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use identity_core::engine::{Observed, Observer};
///
/// /// Counts the orders that were confirmed.
/// #[derive(Debug, Default)]
/// struct Confirmed(AtomicU64);
///
/// impl Observer for Confirmed {
///     fn observe(&self, observed: &Observed<'_>) {
///         if let Observed::Answered { answers, .. } = observed {
///             let done = answers.iter().filter(|(_, outcome)| outcome.as_str() == "done").count();
///             self.0.fetch_add(done as u64, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Takes in what was done. It must not wait, and must not panic.
    fn observe(&self, observed: &Observed<'_>);
}

/// What an [`Observer`] is told.
#[derive(Debug)]
#[non_exhaustive]
pub enum Observed<'a> {
    /// A batch asks the governor for its permits.
    Waits {
        /// The directory.
        directory: &'a DirectoryId,
        /// The class of its orders.
        class: OperationClass,
        /// How many orders it has.
        orders: u32,
    },
    /// It has them, or the run stopped before: told once for each [`Waits`](Self::Waits).
    Waited {
        /// The directory.
        directory: &'a DirectoryId,
        /// The class of its orders.
        class: OperationClass,
        /// How many orders it has.
        orders: u32,
        /// How long it waited.
        took: Duration,
    },
    /// A batch was answered, or given up waiting for.
    Answered {
        /// The directory.
        directory: &'a DirectoryId,
        /// The class of its orders.
        class: OperationClass,
        /// What was ordered, and what came of it, order by order.
        answers: &'a [(Action, Answer)],
        /// From the permit to the answer.
        took: Duration,
    },
    /// Records were made durable in the journal, or could not be.
    Recorded {
        /// How many.
        records: usize,
        /// How long that took.
        took: Duration,
        /// Whether they are durable.
        ok: bool,
    },
    /// Passwords were sealed durably in the vault, or could not be.
    Sealed {
        /// How many.
        passwords: usize,
        /// How long that took.
        took: Duration,
        /// Whether they are durable.
        ok: bool,
    },
}

/// An [`Outcome`] without what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Answer {
    /// Confirmed.
    Done,
    /// Refused for good.
    Refused,
    /// Asked to slow down.
    Throttled,
    /// Failed without effect.
    Temporary,
    /// No answer.
    Unknown,
}

impl Answer {
    /// The word for it in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Temporary => "temporary",
            Self::Unknown => "unknown",
        }
    }
}

impl From<&Outcome> for Answer {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done(_) => Self::Done,
            Outcome::Refused(_) => Self::Refused,
            Outcome::Throttled(_) => Self::Throttled,
            Outcome::Temporary(_) => Self::Temporary,
            Outcome::Unknown(_) => Self::Unknown,
        }
    }
}
