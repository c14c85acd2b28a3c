//! Faults on the wire, on the disk and by other processes: whole runs, each of which ends in the
//! promised state, counted against the directory's own record.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests may fail, and say what they saw")]

mod disk;
mod failover;
#[path = "../support/mod.rs"]
mod support;
mod tiny;
mod wire;
mod world;
