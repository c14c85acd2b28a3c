//! The engine on the directory in memory, in virtual time: what it does, what it refuses, how it
//! stops.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "signed-approvals")]
mod signed;
#[cfg(feature = "signed-approvals")]
#[path = "../support/ssh.rs"]
mod ssh;

mod classes;
mod evidence;
mod inventory;
#[cfg(feature = "messages")]
mod messages;
mod own_passwords;
mod pace;
mod passwords;
mod persons;
mod playbook;
mod readiness;
mod server_secrets;
mod sessions;
mod stopping;
mod whom;
