//! Whom a plan means.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::directory::Scope;
use crate::error::{Error, ErrorKind, Result};

/// A set of accounts: the unit of selections and exclusions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Selection {
    /// Every account of every directory of the plan.
    Everyone,
    /// Every account of one directory.
    Directory {
        /// The directory.
        directory: String,
    },
    /// The members of a group, nested ones included.
    Group {
        /// The directory.
        directory: String,
        /// The group's distinguished name, id or name.
        name: String,
    },
    /// Everything below an organisational unit.
    Unit {
        /// The directory.
        directory: String,
        /// The unit's distinguished name or path.
        path: String,
    },
    /// What a filter in the directory's own language finds.
    Native {
        /// The directory.
        directory: String,
        /// The filter.
        query: String,
    },
    /// Accounts by name. Each has to name exactly one account.
    Listed {
        /// The names.
        accounts: Vec<AccountName>,
    },
}

/// An account named by hand: its id, sign-in name, principal name, path or security identifier, in
/// upper or lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AccountName {
    /// The name.
    pub name: String,
    /// The directory that it is in; any of the plan's where nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// What the name is compared with.
    #[serde(default, skip_serializing_if = "is_default")]
    pub by: NamedBy,
    /// The line of the file that it was read from, for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// What a name is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NamedBy {
    /// Id, sign-in name, principal name, path and security identifier.
    #[default]
    Name,
    /// The mail address only.
    Mail,
}

fn is_default(by: &NamedBy) -> bool {
    *by == NamedBy::default()
}

impl AccountName {
    /// An account of any directory of the plan, by name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), directory: None, by: NamedBy::Name, line: None }
    }

    /// Says which directory it is in.
    #[must_use]
    pub fn in_directory(mut self, directory: impl Into<String>) -> Self {
        self.directory = Some(directory.into());
        self
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.name)?;
        if let Some(directory) = &self.directory {
            write!(f, " in {directory}")?;
        }
        if let Some(line) = self.line {
            write!(f, " (line {line})")?;
        }
        Ok(())
    }
}

impl Selection {
    /// Every account of every directory of the plan.
    #[must_use]
    pub fn everyone() -> Self {
        Self::Everyone
    }

    /// Every account of one directory.
    #[must_use]
    pub fn directory(directory: impl Into<String>) -> Self {
        Self::Directory { directory: directory.into() }
    }

    /// The members of a group, nested ones included, by its distinguished name, id or name.
    #[must_use]
    pub fn group(directory: impl Into<String>, name: impl Into<String>) -> Self {
        Self::Group { directory: directory.into(), name: name.into() }
    }

    /// Everything below an organisational unit.
    #[must_use]
    pub fn unit(directory: impl Into<String>, path: impl Into<String>) -> Self {
        Self::Unit { directory: directory.into(), path: path.into() }
    }

    /// What a filter in the directory's own language finds.
    #[must_use]
    pub fn native(directory: impl Into<String>, query: impl Into<String>) -> Self {
        Self::Native { directory: directory.into(), query: query.into() }
    }

    /// Accounts by name, in any directory of the plan.
    #[must_use]
    pub fn listed<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::Listed { accounts: names.into_iter().map(AccountName::new).collect() }
    }

    /// The part of a directory that the selection asks a backend for, where it asks for one.
    pub(crate) fn scope(&self) -> Option<(&str, Scope)> {
        match self {
            Self::Everyone | Self::Directory { .. } | Self::Listed { .. } => None,
            Self::Group { directory, name } => Some((directory, Scope::Group(name.clone()))),
            Self::Unit { directory, path } => Some((directory, Scope::Unit(path.clone()))),
            Self::Native { directory, query } => Some((directory, Scope::Native(query.clone()))),
        }
    }

    /// Every directory that the selection names.
    pub(super) fn directories(&self) -> Vec<&str> {
        match self {
            Self::Everyone => Vec::new(),
            Self::Directory { directory }
            | Self::Group { directory, .. }
            | Self::Unit { directory, .. }
            | Self::Native { directory, .. } => vec![directory],
            Self::Listed { accounts } => accounts.iter().filter_map(|account| account.directory.as_deref()).collect(),
        }
    }

    pub(super) fn validate(&self) -> Result<()> {
        let empty = match self {
            Self::Everyone => false,
            Self::Directory { directory } => directory.trim().is_empty(),
            Self::Group { name: text, .. } | Self::Unit { path: text, .. } | Self::Native { query: text, .. } => {
                text.trim().is_empty()
            }
            Self::Listed { accounts } => {
                accounts.is_empty() || accounts.iter().any(|account| account.name.trim().is_empty())
            }
        };
        if empty {
            return Err(Error::new(ErrorKind::ConfigInvalid, "read the plan's settings")
                .with_detail(format!("a selection is empty: {self}"))
                .with_advice("say whom it means, or remove it"));
        }
        Ok(())
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::Directory { directory } => write!(f, "everyone in {directory}"),
            Self::Group { directory, name } => write!(f, "group {name} of {directory}"),
            Self::Unit { directory, path } => write!(f, "unit {path} of {directory}"),
            Self::Native { directory, query } => write!(f, "query {query} of {directory}"),
            Self::Listed { accounts } => write!(f, "a list of {} accounts", accounts.len()),
        }
    }
}
