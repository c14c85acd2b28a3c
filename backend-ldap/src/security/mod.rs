//! Security descriptors: who may do what to an object. `descriptor` reads the bytes, `right` says
//! what an entry lets its holder do, `password` answers one question about an account's own.

mod descriptor;
mod password;
mod right;

pub(crate) use descriptor::{AccessEntry, AccessList, Descriptor};
pub(crate) use password::cannot_change_password;
pub(crate) use right::{Granted, Right, granted, rights};
