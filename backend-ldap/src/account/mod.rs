//! From an entry of the directory to an account.

mod flags;
mod kind;
mod read;

pub(crate) use kind::is_directory_sync;
pub(crate) use read::{ATTRIBUTES, EVERY_ACCOUNT, account};
