//! The traps of Active Directory, each with a test of its number; docs/traps-ad.md has the table, and one
//! test here reads it.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

#[path = "../hostile/client.rs"]
mod client;
mod listing;
mod privilege;
mod reset;
mod run;
#[path = "../hostile/server.rs"]
#[allow(dead_code, reason = "the hostile tests use the rest")]
mod server;
#[path = "../mock_ad/stage.rs"]
#[allow(dead_code, reason = "the tests of whole runs use the rest")]
mod stage;
mod table;
