//! Directories that keep their accounts on several servers, each of which answers for itself.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::account::{AccountId, AccountState, PasswordState};
use crate::error::Result;

/// One server of a directory that keeps its accounts on several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Replica {
    /// Its name, by which it is told apart: a host name, such as `dc2.example.test`.
    pub name: String,
    /// Where it stands, in the directory's own words (a site).
    pub site: Option<String>,
    /// It takes no changes, and holds the secrets of some accounts only.
    pub read_only: bool,
}

impl Replica {
    /// A server that takes changes.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), site: None, read_only: false }
    }

    /// Adds where it stands.
    #[must_use]
    pub fn in_site(mut self, site: impl Into<String>) -> Self {
        self.site = Some(site.into());
        self
    }

    /// Says that it takes no changes.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }
}

/// What one server says of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplicaState {
    /// Enabled, locked, expired.
    pub account: AccountState,
    /// The password.
    pub password: PasswordState,
}

impl ReplicaState {
    /// The two parts.
    #[must_use]
    pub fn new(account: AccountState, password: PasswordState) -> Self {
        Self { account, password }
    }
}

/// A directory that keeps its accounts on several servers: an old password works on each one that
/// the new one has not reached.
#[async_trait]
pub trait Replicated: fmt::Debug + Send + Sync {
    /// Every server that holds the directory's accounts, the one that changes go to included.
    ///
    /// # Errors
    /// When the list cannot be read. A server that is listed and cannot be reached is no error
    /// here: it may hold old passwords, so it has to be named.
    async fn replicas(&self) -> Result<Vec<Replica>>;

    /// What one server says of these accounts, asked directly: one answer per id, in the order
    /// asked; `None` for an account that it does not have.
    ///
    /// # Errors
    /// When that server cannot be reached, signed in to, or read.
    async fn observe_on(&self, replica: &Replica, ids: &[AccountId]) -> Result<Vec<Option<ReplicaState>>>;
}
