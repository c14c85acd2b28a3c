//! The backend on the mock of Microsoft Graph, over sockets.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where it fails")]

mod changes;
mod listing;
mod sign_in;
mod stage;
