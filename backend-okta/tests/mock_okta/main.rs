//! The backend on the mock of Okta, over sockets.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test ends where it fails")]

mod changes;
mod evidence;
mod inside;
mod listing;
mod privilege;
mod sign_in;
mod stage;
