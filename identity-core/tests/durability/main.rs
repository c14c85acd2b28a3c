//! What journal and vault promise when processes are killed, disks fail and files are torn.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test ends where its ground gives way")]

mod child;
mod killed;
mod shim;
mod sync_fault;
mod torn_log;
mod two_processes;
