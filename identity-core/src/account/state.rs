//! What a directory says about an account and its password at one moment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whether an account can sign in at all, leaving its password aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountState {
    /// Not disabled by an administrator.
    pub enabled: bool,
    /// Locked out after failed sign-ins.
    pub locked: bool,
    /// When the account itself (not its password) ends.
    pub expires: Option<Timestamp>,
    /// Sessions and refresh tokens from before this moment are void, by the directory's clock:
    /// revoking sessions moves it forward (`signInSessionsValidFromDateTime` of Microsoft Graph).
    /// `None` where the directory does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_valid_from: Option<Timestamp>,
    /// When the account last went from one status to another (`statusChanged` of an Okta user), by
    /// the directory's clock. `None` where the directory does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_changed: Option<Timestamp>,
}

impl Default for AccountState {
    fn default() -> Self {
        Self { enabled: true, locked: false, expires: None, sessions_valid_from: None, status_changed: None }
    }
}

/// What a directory says about an account's password at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PasswordState {
    /// When the password was last set or changed, by the directory's clock.
    pub last_set: Option<Timestamp>,
    /// A number that grows by one with each set or change, where the directory keeps one (the
    /// version of `unicodePwd` in Active Directory's replication metadata). It tells "set once,
    /// by us" from "set by somebody else too", which a time cannot.
    pub version: Option<u64>,
    /// The owner must change it at the next sign-in.
    pub must_change: bool,
    /// The demand to change it comes after a second factor: see
    /// [`Action::SetPasswordChangeAfterMfa`](crate::reset::Action::SetPasswordChangeAfterMfa).
    /// Only together with `must_change`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub change_after_mfa: bool,
    /// The password is void until the person sets a new one through recovery (status `RECOVERY` of
    /// an Okta user): see [`Action::ResetToRecovery`](crate::reset::Action::ResetToRecovery).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub awaits_recovery: bool,
    /// The password never expires: a must-change flag has no effect on this account.
    pub never_expires: bool,
    /// The owner may not change it: a must-change flag would lock the owner out.
    pub cannot_change: bool,
    /// An empty password is allowed.
    pub not_required: bool,
    /// Interactive sign-in needs a smart card; the password is a random value that nobody knows.
    pub smart_card_required: bool,
}
