//! Whole runs and procedures on the mock of Active Directory.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod convergence;
mod krbtgt;
mod run;
mod stage;
