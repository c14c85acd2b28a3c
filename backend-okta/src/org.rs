//! The org that a directory is: its client, and what was learnt of it when it was connected.

use std::collections::BTreeSet;
use std::sync::Arc;

use identity_core::account::{Account, DirectoryId};
use identity_core::error::Result;
use identity_core::limits::Governor;

use crate::account::account;
use crate::okta::Okta;
use crate::privilege::{Known, RoleTable};
use crate::reading::Reading;
use crate::wire::user::User;

/// What every room of a directory works with.
#[derive(Debug)]
pub(crate) struct Org {
    pub(crate) directory: DirectoryId,
    pub(crate) okta: Okta,
    /// Whom the run signs in as.
    pub(crate) caller: Caller,
    /// Which roles and permissions are privileged.
    pub(crate) privileged: RoleTable,
    /// Domains whose mailboxes are behind a sign-in of this org, in lower case.
    pub(crate) mail_behind_okta: BTreeSet<String>,
    /// What was learnt of accounts that decides what can be done to them.
    pub(crate) known: Known,
    /// How accounts are read.
    pub(crate) reading: Reading,
}

/// Whom a run signs in as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A user, by the API token that the user made; the user's id.
    User(String),
    /// A service app, by its client id.
    App(String),
}

impl Org {
    /// Reads a row of a listing as an account.
    ///
    /// # Errors
    /// For a row that shows less than is needed to tell what it is.
    pub(crate) fn account(&self, user: &User) -> Result<Account> {
        account(&self.directory, &self.reading.anchors, user)
    }

    /// The governor of the directory.
    pub(crate) fn governor(&self) -> &Arc<Governor> {
        self.okta.client().governor()
    }
}
