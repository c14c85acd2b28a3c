//! The engine: from an approved plan to outcomes.
//!
//! A [`Run`] carries a plan out wave by wave. Each directory has a lane; the lanes of a wave run
//! side by side. A lane takes the wave's entries in cohorts of the directory's batch size, or of
//! several batches where these are one request each and none waits long for its permits. For a
//! cohort it
//!
//! 1. asks the journal what is known of the entries (nothing, in a new run),
//! 2. reads the accounts again and compares them with the plan,
//! 3. reads back every order whose outcome an earlier process did not record,
//! 4. seals passwords, records the intents, takes permits, sends the batches, records the outcomes,
//!    and repeats what may be repeated.
//!
//! Where a directory has classes of orders that are paced apart, a lane has several passes. The leading
//! one takes each account up to its first action of another class than the one that sets passwords;
//! one behind it for each such class follows with the rest, beside the leading passes of the next
//! waves and without waiting for each other. Only the canary is waited for in everything.
//!
//! Nothing is sent before its password and its intent are durable; nothing unknown is repeated
//! before it was read back; a repeat carries the same password. So a run that is killed at any
//! instant can be resumed with the same plan, journal and vault, on this or another machine.
//!
//! Around a backend's `apply` the order is fixed: observe (events, spans) outside, then retry,
//! then the governor's permit, then the deadline, then the backend. Each retry pays for its
//! permit.

mod admission;
mod attempt;
mod cohort;
mod course;
mod follows;
mod front;
mod guard;
mod lane;
mod lead;
mod look;
mod observe;
mod pause;
mod progress;
mod read_back;
mod recheck;
mod rest;
mod run;
mod send;
mod settle;

pub use guard::Guardrails;
pub use observe::{Answer, Observed, Observer};
pub use progress::{EntryResult, Progress, Tally};
pub use run::{LaneTime, Run, RunEnd, Running};
