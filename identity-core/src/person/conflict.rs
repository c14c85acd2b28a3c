//! What could not be joined without guessing.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::anchor::Anchor;
use crate::account::{AccountId, DirectoryId};

/// The most accounts of one conflict that are named.
pub(super) const MOST_NAMED: usize = 10;

/// Accounts that were not joined, because that would have been a guess.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Conflict {
    /// What is wrong.
    pub kind: ConflictKind,
    /// The anchor; nothing where several hard ones contradict each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Anchor>,
    /// The value that several accounts of one directory carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The accounts, by directory and id: the first ten.
    pub accounts: Vec<Member>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub further: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What is wrong with accounts that were not joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConflictKind {
    /// Several accounts of one directory carry one value. Of a hard anchor: they are joined with
    /// nobody. Of a soft one: it joins nobody.
    Shared,
    /// Hard anchors name different objects, or several accounts of one directory: none of these
    /// accounts is joined.
    Contradiction,
    /// A soft anchor would join accounts that do not belong together: it joins none of them.
    Ambiguous,
}

impl ConflictKind {
    /// The word for it in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Contradiction => "contradiction",
            Self::Ambiguous => "ambiguous",
        }
    }
}

/// One account of a conflict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    /// The directory.
    pub directory: DirectoryId,
    /// The account.
    pub id: AccountId,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.directory, self.id)
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let anchor = self.anchor.as_ref().map_or_else(|| "hard anchors".to_owned(), ToString::to_string);
        match self.kind {
            ConflictKind::Shared => {
                let value = self.value.as_deref().unwrap_or_default();
                write!(f, "{anchor} {value:?} is on several accounts of one directory: ")?;
            }
            ConflictKind::Contradiction => write!(f, "the {anchor} contradict each other: ")?,
            ConflictKind::Ambiguous => write!(f, "{anchor} would join what does not belong together: ")?,
        }
        for (place, member) in self.accounts.iter().enumerate() {
            write!(f, "{}{member}", if place == 0 { "" } else { ", " })?;
        }
        if self.further > 0 {
            write!(f, " and {} more", self.further)?;
        }
        Ok(())
    }
}
