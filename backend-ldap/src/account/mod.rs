//! From an entry of the directory to an account.

mod flags;
mod kind;
mod policies;
mod procedure;
mod read;
mod surroundings;

pub(crate) use kind::{is_machine, is_named_as_sync, is_sync_service};
pub(crate) use policies::{Policies, RESULTANT};
pub(crate) use read::{ATTRIBUTES, EVERY_ACCOUNT, account};
pub(crate) use surroundings::Surroundings;
