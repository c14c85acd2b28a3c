//! Which accounts an enumeration is asked for.

use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::error::Result;

/// Accounts as they arrive; pages are inside. A stream that ends without an error was complete:
/// a truncated listing is an error, never a short stream.
pub type AccountStream = BoxStream<'static, Result<Account>>;

/// Which accounts an enumeration is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountQuery {
    /// The part of the directory.
    pub scope: Scope,
}

impl AccountQuery {
    /// Every account.
    #[must_use]
    pub fn everyone() -> Self {
        Self::default()
    }

    /// The accounts of one scope.
    #[must_use]
    pub fn of(scope: Scope) -> Self {
        Self { scope }
    }
}

/// A part of a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scope {
    /// Every account, machines and the accounts of the directory itself included: what is left
    /// out is named in the plan, so it has to be seen.
    #[default]
    Everyone,
    /// The members of a group, nested ones included, by the group's distinguished name, id or name.
    Group(String),
    /// Everything below an organisational unit.
    Unit(String),
    /// A filter in the directory's own language.
    Native(String),
}

/// A point in a directory's history that [`changed_since`] lists from. Opaque: only the backend
/// that gave it can read it.
///
/// [`changed_since`]: super::AccountEnumerator::changed_since
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeMark(pub String);
