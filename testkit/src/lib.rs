//! Directories to be wrong with: synthetic organisations, mocks that fail as they are told and keep
//! the record of what really happened, and the conformance suite that every backend has to pass.
//!
//! For our own tests, examples and benchmarks, and for authors of backends. It is never a
//! dependency of a program that resets real passwords: the passwords of its accounts can be
//! computed by anybody.
//!
//! ```
//! use testkit::conformance;
//! use testkit::memory::{MemoryDirectory, MemoryHarness};
//! use testkit::organisation::Organisation;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = MemoryDirectory::builder("corp").organisation(Organisation::new(7, 200)).build()?;
//! let state = conformance::run_case(&MemoryHarness::new(directory), "lookup::order_is_kept").await;
//! assert_eq!(state, conformance::State::Passed);
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! | room | what it holds |
//! |---|---|
//! | [`organisation`] | accounts, groups and trouble of an organisation, as a function of seed and size; as LDIF too |
//! | [`memory`] | a directory in memory that behaves as a real one does, up to a million accounts |
//! | [`mock_ad`] | Active Directory at wire level on loopback, over LDAPS, with its codes and words |
//! | [`mock_graph`] | Microsoft Graph and its token endpoint at wire level on loopback, with its quotas and batches |
//! | [`mock_okta`] | an Okta org at wire level on loopback, with its rate limits and its token endpoint |
//! | [`mock_smtp`] | a strict mail server on loopback, which keeps what it accepted |
//! | [`graph_witness`] | Microsoft's own description of Graph, as a second judge of what was asked and answered |
//! | `canned` (feature `http`) | a transport that answers what a test says, in order |
//! | [`okta_witness`] | Okta's own description of its Management API, as a second judge of the same |
//! | [`overheard`] | what was logged, and whether a secret shows in it |
//! | [`mutation`] | bad input from good, for whatever reads bytes |
//! | [`fault`] | what goes wrong, when, and how often: one script for all |
//! | [`mod@conformance`] | what every backend must satisfy; a harness is the view from the other side |
//!
//! `samba/dc` beside the sources starts a real domain controller on a loopback address, for what a
//! mock cannot show.
//!
//! # Why it is so
//!
//! - **The record is the judge.** A test does not ask the library what it did, but the directory
//!   what happened to it: how often a password was set, which, and whether an account was written.
//! - **Faults by script.** A broken connection before, within or after an order is a rule with a
//!   number, so that a failure can be seen again.
//! - **One organisation everywhere.** The same index is the same account in memory, on the wire and
//!   in LDIF, with the truth about its kind and privilege beside it.

#[cfg(feature = "http")]
pub mod canned;
pub mod conformance;
pub mod fault;
pub mod graph_witness;
pub mod memory;
pub mod mock_ad;
pub mod mock_graph;
mod mock_http;
pub mod mock_okta;
pub mod mock_smtp;
pub mod mutation;
pub mod okta_witness;
pub mod organisation;
pub mod overheard;
pub mod security;
