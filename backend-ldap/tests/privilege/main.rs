//! Who is privileged in Active Directory: every route planted and found, and the index beside an oracle.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod garden;
mod oracle;
mod plants;
mod routes;
