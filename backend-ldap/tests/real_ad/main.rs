//! Against a real domain controller (a Samba AD DC in the project's own test run). They run when these
//! variables are set, and say so loudly when not:
//! `IDENTITY_RESET_TEST_LDAP_URL`, `…_BIND_DN`, `…_BIND_PASSWORD`, `…_CA_FILE`.
//!
//! Each test makes an organisational unit of its own and removes it again; those that nest a group in
//! a protected one take it out again with the unit.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod enumerate;
mod faults;
mod krbtgt;
mod privilege;
mod proxy;
mod reset;
mod stage;
