//! The mock of Active Directory, driven with an ordinary LDAP client and with the LDAP backend.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod client;
mod conformance;
mod faults;
mod search;
mod wire;
