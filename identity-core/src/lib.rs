//! The domain of identity-reset, and what is built once for all directories.
pub mod account;
pub mod directory;
mod durable;
pub mod error;
pub mod journal;
pub mod limits;
pub mod plan;
pub mod privilege;
pub mod recovery;
pub mod report;
pub mod reset;
pub mod vault;
pub mod verify;
