//! From an entry of the directory to an account.

mod flags;
mod kind;
mod procedure;
mod read;

pub(crate) use kind::{is_directory_sync, is_machine, is_sync_service};
pub(crate) use read::{ATTRIBUTES, EVERY_ACCOUNT, account};
