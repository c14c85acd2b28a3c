//! The mock of Okta, asked by a plain client that shares nothing with it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail by panicking")]

mod client;
mod faults;
mod harness;
mod joined;
mod lifecycle;
mod limits;
mod listing;
mod log;
mod passwords;
mod possession;
mod privilege;
mod recovery;
mod rights;
mod searching;
mod shares;
mod sign_in;
mod strictness;
mod users;
mod witness;
