//! Pacing: quotas with costs, the governor that all lanes share, feedback from servers, an
//! adaptive in-flight ceiling, retry with full jitter and a retry budget, and the one clock.
//!
//! Whoever sends acquires a [`Permit`] of the directory's one [`Governor`], tells it what each
//! response said ([`Governor::feedback`]) and drops the permit when the answer is there. Reads
//! that are to be repeated go through [`retried_read`].

mod bucket;
mod ceiling;
pub mod clock;
mod even;
mod feedback;
mod gate;
mod governor;
mod learnt;
mod pacing;
mod quota;
mod retried_read;
mod retry;
mod rolling;
mod state;
mod stats;
#[cfg(test)]
mod tests;
mod window;

pub use feedback::{Feedback, Signal, WindowHint};
pub use governor::{Governor, Permit};
pub use pacing::Pacing;
pub use quota::{BatchCost, Limits, OperationClass, Quota};
pub use retried_read::retried_read;
pub use retry::{RetryBudget, RetryCause, RetryPolicy};
pub use stats::{GovernorStats, QuotaStats};
