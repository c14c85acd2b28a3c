//! The plain dialect on a real OpenLDAP server, which each test starts for itself
//! (`testkit/slapd/server`) and which needs no root. Without slapd each test says loudly that it did
//! not run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod conformance;
mod journey;
mod limits;
mod orders;
mod population;
mod server;
