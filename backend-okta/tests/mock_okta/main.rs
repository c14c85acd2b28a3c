//! The backend on the mock of Okta, over sockets and in virtual time.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test ends where it fails")]
#![allow(clippy::print_stdout, reason = "tests say what they saw")]

mod campaign;
mod changes;
mod conformance;
mod evidence;
mod hygiene;
mod inside;
mod journey;
mod listing;
mod orders;
mod pace;
mod privilege;
mod renewal;
mod sign_in;
mod stage;
mod together;
mod unknown;
mod witness;
