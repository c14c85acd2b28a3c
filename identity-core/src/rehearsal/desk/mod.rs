//! The service desk: how many people call after a wave, how long they wait, and how large waves may be.
//!
//! Who calls follows from the [readiness](crate::recovery) of the accounts and from
//! [`Assumptions`], which are data. The desk is a queue with agents, patience and people who call
//! again; its chances are followed minute by minute, so that the rush after a wave is seen and not
//! only its average. `docs/service-desk.md` has the model and its limits.
//!
//! ```
//! use identity_core::rehearsal::desk::{Assumptions, Desk, WaveCalls, erlang_c};
//!
//! let desk = Desk::new(Assumptions::default(), 12)?;
//! let hours = desk.load(&[WaveCalls { at_hour: 0, calls: 200.0 }]);
//! assert!(hours[0].calls > hours[5].calls);
//! // Of 1,000 accounts that make 300 calls: how many at once, and how long between.
//! let proposal = desk.propose(1_000, 300.0).expect("twelve agents can do it");
//! assert!(proposal.size <= 1_000 && proposal.waves >= 1);
//! // Ten agents with eight calls under way on average: every second caller or so waits.
//! assert!((erlang_c(10, 8.0) - 0.409).abs() < 0.001);
//! # Ok::<(), identity_core::error::Error>(())
//! ```

mod assumptions;
mod erlang;
mod flow;
mod propose;
#[cfg(test)]
mod tests;

pub use assumptions::Assumptions;
pub use erlang::{agents_needed, erlang_c};
pub use flow::{Desk, Hour, WaveCalls};
pub use propose::Proposal;
