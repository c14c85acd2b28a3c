//! What the tests of whole runs share: the program as a child process, what it left behind, and
//! the directories that it works on.
#![allow(dead_code, unused_imports, clippy::indexing_slicing, reason = "each test file uses a part of it")]

mod evidence;
mod mocks;
mod program;
mod site;
mod stand;
mod witness;

pub(crate) use evidence::{Evidence, PromisedState, beside, guid, peek};
pub(crate) use mocks::{Mocks, Which, unhurried};
pub(crate) use program::{Ended, PATIENCE, Struck, example, finish, finish_within, mass_reset, strike};
pub(crate) use site::{Site, not_run, snapshot};
pub(crate) use stand::{CLOUD, ON_PREM, ORG, Stand};
pub(crate) use witness::Witness;
