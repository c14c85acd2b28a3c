//! Several controllers of one domain: who takes what, what happens when one is lost, and what is
//! said about the rest of the forest. On mock controllers that share an organisation and tell each
//! other of changes late.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod listing;
mod roles;
mod stage;
mod unanswered;
