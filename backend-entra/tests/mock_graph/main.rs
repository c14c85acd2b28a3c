//! The backend on the mock of Microsoft Graph, over sockets.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test ends where it fails")]

mod authenticators;
mod changes;
mod conformance;
mod hygiene;
mod inside;
mod journey;
mod listing;
mod orders;
mod pace;
mod privilege;
mod sign_in;
mod stage;
mod witness;
