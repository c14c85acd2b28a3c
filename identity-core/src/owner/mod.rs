//! Who answers for accounts, and what is done with them by hand, as the organisation says it:
//! [`Owners`], from a TOML or CSV file.
//!
//! Plans and inventories use the same file. A rule is about one account, about the members of a
//! group (nested ones included), or about a kind of accounts. Of the rules that fit an account, one
//! about the account itself comes before one about its groups, and among equals the first in the
//! file counts. Then comes whom the directory itself names (its manager or owner), and at last the
//! rule about its kind. A procedure of a rule comes before any that the library knows.
//!
//! ```toml
//! [[owner]]
//! directory = "corp"                 # where it is; a group always has one
//! account = "svc-backup"             # id, sign-in name, principal name, path or security identifier
//! owner = "Storage team, +49 30 1234"
//! procedure = "Change window Sunday 02:00. Set it on the account and on BACKUP01, then run the job Test."
//!
//! [[owner]]
//! directory = "corp"
//! group = "CN=SQL services,OU=Groups,DC=example,DC=test"
//! owner = "Database team"
//!
//! [[owner]]
//! kind = "kerberos_ticket_granting"  # the words of plans and reports
//! owner = "AD on-call"
//! ```
//!
//! As CSV: a first line with the columns `owner` and any of `directory`, `account`, `group`, `kind`,
//! `procedure`; of `account`, `group` and `kind` each line fills in exactly one.

mod book;
mod read;

pub(crate) use book::{OwnerBook, Responsible};

use serde::{Deserialize, Serialize};

use crate::account::AccountKind;
use crate::directory::Scope;

/// Who answers for which accounts; see [this module](self).
///
/// ```
/// use identity_core::owner::Owners;
///
/// let owners = Owners::from_toml("[[owner]]\nkind = \"service\"\nowner = \"Platform team\"\n")?;
/// assert_eq!(owners.rules().len(), 1);
/// assert!(Owners::from_toml("[[owner]]\nowner = \"nobody knows of what\"\n").is_err());
/// # Ok::<(), identity_core::error::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owners {
    rules: Vec<OwnerRule>,
}

/// One rule: whom it is about, and who answers for them or what is done with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "read::Line", into = "read::Line")]
#[non_exhaustive]
pub struct OwnerRule {
    /// The directory that it is about; any where nothing is given.
    pub directory: Option<String>,
    /// Which accounts.
    pub of: Owned,
    /// Who answers for them: a name, with how to reach them.
    pub owner: Option<String>,
    /// What is done with them by hand.
    pub procedure: Option<String>,
}

/// Whom a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Owned {
    /// One account, by id, sign-in name, principal name, path or security identifier.
    Account(String),
    /// The members of a group of the rule's directory, by its distinguished name, id or name.
    Group(String),
    /// All accounts of a kind.
    Kind(AccountKind),
}

impl Owners {
    /// The rules, in their order.
    #[must_use]
    pub fn rules(&self) -> &[OwnerRule] {
        &self.rules
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The groups that rules of this directory are about, each with the rule's place.
    pub(crate) fn groups_in<'a>(&'a self, directory: &'a str) -> impl Iterator<Item = (usize, Scope)> + 'a {
        self.rules.iter().enumerate().filter_map(move |(place, rule)| match &rule.of {
            Owned::Group(group) if rule.directory.as_deref() == Some(directory) => {
                Some((place, Scope::Group(group.clone())))
            }
            _ => None,
        })
    }
}

impl std::fmt::Display for Owned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account(name) => write!(f, "the account {name:?}"),
            Self::Group(name) => write!(f, "the group {name:?}"),
            Self::Kind(kind) => write!(f, "the kind {kind}"),
        }
    }
}
