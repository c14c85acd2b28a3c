//! The directory in memory, and the conformance suite on it and on directories broken on purpose.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]

mod broken;
mod conformance;
mod directory;
