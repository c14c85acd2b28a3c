//! One account of an inventory.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::{AccountId, AccountKind, AccountState, DirectoryId, PasswordAuthority, PasswordState};
use crate::person::PersonId;
use crate::plan::{Sighting, general_procedure};
use crate::privilege::{Ground, Tier};

/// One account of an inventory: privileged, to be reset by hand, or both. Never a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InventoryRow {
    /// The directory.
    pub directory: DirectoryId,
    /// The account.
    pub id: AccountId,
    /// Its sign-in name; nothing for what holds privilege and has no row in this directory: an account of
    /// another domain, an app, or one that is gone.
    pub name: Option<String>,
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its kind; unknown for what has no row.
    pub kind: AccountKind,
    /// The highest tier that a ground gives.
    pub tier: Tier,
    /// Every ground with its evidence, strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grounds: Vec<Ground>,
    /// Why the verdict on its privilege is not certain: it is to be taken for privileged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_because: Option<String>,
    /// Enabled, locked, expired; nothing for what has no row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<AccountState>,
    /// What the directory says of its password; nothing for what has no row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordState>,
    /// Where its password is mastered.
    #[serde(default)]
    pub authority: PasswordAuthority,
    /// When it last signed in, as coarse as the directory tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sign_in: Option<Timestamp>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// The person that it belongs to, where accounts of several directories were joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// Why no mass run touches it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protections: Vec<String>,
    /// What people do with it, where they have to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hands: Option<Hands>,
    /// Who answers for it: by the owners file, or whom the directory names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// Why an account needs hands, and what they do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Hands {
    /// Why no run resets it.
    pub reason: String,
    /// What is done instead: by the owners file, or the directory's own procedure.
    pub procedure: String,
}

impl InventoryRow {
    /// The row of an account; nothing for one that is neither privileged nor needs hands nor is protected
    /// for what it is.
    pub(super) fn of(seen: Sighting) -> Option<Self> {
        let Sighting { directory, id, account, class, is_named, person, protections, needs_hands, owner, procedure } =
            seen;
        let machine = account.as_ref().is_some_and(|account| account.kind == AccountKind::Computer);
        if !is_named && needs_hands.is_none() && (machine || protections.is_empty()) {
            return None;
        }
        let kind = account.as_ref().map_or(AccountKind::Unknown, |account| account.kind);
        let hands = needs_hands.map(|reason| {
            let procedure = procedure.unwrap_or_else(|| general_procedure(kind).to_owned());
            Hands { reason, procedure }
        });
        let mut row = Self {
            directory,
            id,
            name: None,
            display_name: None,
            path: None,
            kind,
            tier: class.tier,
            grounds: class.grounds,
            // What could not be read of a directory as a whole stands in the header, once.
            unknown_because: class.unknown_because.filter(|_| is_named),
            state: None,
            password: None,
            authority: PasswordAuthority::Unknown,
            last_sign_in: None,
            created: None,
            person,
            protections,
            hands,
            owner,
        };
        if let Some(account) = account {
            row.name = Some(account.name);
            row.display_name = account.display_name;
            row.path = account.path;
            row.state = Some(account.state);
            row.password = Some(account.password);
            row.authority = account.authority;
            row.last_sign_in = account.last_sign_in;
            row.created = account.created;
        }
        Some(row)
    }

    /// Whether it counts as privileged: tier 0 or 1, or not certain.
    #[must_use]
    pub fn is_privileged(&self) -> bool {
        self.tier != Tier::User || self.unknown_because.is_some()
    }

    /// When its password was last set, where the directory tells.
    #[must_use]
    pub fn last_set(&self) -> Option<Timestamp> {
        self.password.as_ref().and_then(|password| password.last_set)
    }

    /// The sign-in name; the id of what has none.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(self.id.as_str())
    }
}
