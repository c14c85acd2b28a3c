//! The mock of Microsoft Graph, asked by a plain client that shares nothing with it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail by panicking")]

mod batches;
mod client;
mod delta;
mod faults;
mod harness;
mod hybrid;
mod inside;
mod listing;
mod passwords;
mod quotas;
mod sign_in;
mod strictness;
mod users;
