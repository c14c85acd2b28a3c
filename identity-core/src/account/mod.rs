//! Accounts: rows in a directory. Not "users": a row may be a person, a service or a machine.

mod comparable;
mod id;
mod kind;
mod state;

pub(crate) use comparable::comparable;
pub use id::{AccountId, DirectoryId, InvalidId};
pub use kind::{AccountKind, PasswordAuthority};
pub use state::{AccountState, PasswordState};

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An account as a directory's enumeration gives it.
///
/// A backend fills in what its directory tells and leaves the rest at its default; it never
/// guesses. Build one with [`Account::new`] and set the public fields.
///
/// ```
/// use identity_core::account::{Account, AccountId, AccountKind, DirectoryId};
///
/// let mut account = Account::new(
///     DirectoryId::new("corp")?,
///     AccountId::new("f2b4c6d8-0000-4000-8000-000000000001")?,
///     "jdoe",
///     AccountKind::Person,
/// );
/// account.attributes.insert("department".into(), "Finance".into());
/// assert!(account.state.enabled);
/// # Ok::<(), identity_core::account::InvalidId>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Account {
    /// The directory that this row is in.
    pub directory: DirectoryId,
    /// The id that survives renames and moves.
    pub id: AccountId,
    /// The sign-in name: sAMAccountName, userPrincipalName or login.
    pub name: String,
    /// The name for people, where there is one.
    pub display_name: Option<String>,
    /// Where the account stands: a distinguished name, or nothing in flat directories.
    pub path: Option<String>,
    /// What the account is.
    pub kind: AccountKind,
    /// Enabled, locked, expired.
    pub state: AccountState,
    /// What the directory says about the account's password.
    pub password: PasswordState,
    /// Where the account's password is mastered.
    pub authority: PasswordAuthority,
    /// What is done with it by hand, in the directory's own words, where a mass run leaves it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    /// The password policy that the account is under, in words that begin with its name, where that is not
    /// the one of the whole directory; also that it cannot be read.
    /// [`Preflight::password_policy`](crate::directory::Preflight::password_policy) satisfies each one that can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_policy: Option<String>,
    /// What joins accounts of one person across directories.
    pub anchors: Anchors,
    /// The address that mail to this account's owner goes to.
    pub mail: Option<String>,
    /// Who answers for the account: its manager or owner, as the directory names them.
    pub owner: Option<String>,
    /// When the account was made, by the directory's clock.
    pub created: Option<Timestamp>,
    /// When it last signed in; coarse in most directories (Active Directory: up to 14 days late).
    pub last_sign_in: Option<Timestamp>,
    /// The names of the groups that list it directly, where the enumeration brings them for nothing.
    pub groups: Vec<String>,
    /// Further attributes for choosing populations (department, type of employee, …), by the
    /// directory's own attribute names.
    pub attributes: BTreeMap<String, String>,
}

impl Account {
    /// An enabled account of which nothing else is known yet.
    #[must_use]
    pub fn new(directory: DirectoryId, id: AccountId, name: impl Into<String>, kind: AccountKind) -> Self {
        Self {
            directory,
            id,
            name: name.into(),
            display_name: None,
            path: None,
            kind,
            state: AccountState::default(),
            password: PasswordState::default(),
            authority: PasswordAuthority::Here,
            procedure: None,
            password_policy: None,
            anchors: Anchors::default(),
            mail: None,
            owner: None,
            created: None,
            last_sign_in: None,
            groups: Vec::new(),
            attributes: BTreeMap::new(),
        }
    }
}

/// What joins accounts of one person across directories. Hard anchors (the immutable id, the
/// security identifier) name one object; names and addresses are soft and can be reused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Anchors {
    /// The Windows security identifier in its text form `S-1-5-21-…`.
    pub security_id: Option<String>,
    /// The on-prem immutable id (objectGUID in its usual text form) that a cloud account points to.
    pub immutable_id: Option<String>,
    /// The userPrincipalName, or what the directory uses for one.
    pub principal_name: Option<String>,
}
