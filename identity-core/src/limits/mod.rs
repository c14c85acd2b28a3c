//! Pacing: quotas with costs, the governor that all lanes share, feedback from servers, an
//! adaptive in-flight ceiling, retry with full jitter and a retry budget, and the one clock.

pub mod clock;
mod feedback;
mod governor;
mod quota;

pub use feedback::{Feedback, Signal, WindowHint};
pub use governor::{Governor, GovernorStats, Permit};
pub use quota::{BatchCost, Limits, OperationClass, Quota};
