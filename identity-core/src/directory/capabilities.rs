//! What a directory can do at all, and what it can do to one account.

use serde::{Deserialize, Serialize};

use crate::reset::Action;

/// What a directory can do at all. What it can do to one account is [`Support`].
///
/// The conformance suite skips a case only where a capability says so, and names it.
///
/// ```
/// use identity_core::directory::Capabilities;
/// use identity_core::reset::Action;
///
/// let mut can = Capabilities::default();
/// can.set_password = true;
/// assert!(can.can(Action::Scramble));
/// assert!(!can.can(Action::RevokeSessions));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Capabilities {
    /// A generated password can be set.
    pub set_password: bool,
    /// A set password can require a change at the next sign-in.
    pub set_password_must_change: bool,
    /// A set password can require a second factor and then a change at the next sign-in.
    pub set_password_change_after_mfa: bool,
    /// The directory can make and set a temporary password that it tells once.
    #[serde(default)]
    pub set_temporary_password: bool,
    /// The old password can be voided until the person sets a new one by a one-time link.
    #[serde(default)]
    pub reset_to_recovery: bool,
    /// A password can be marked as expired.
    pub expire_password: bool,
    /// An account can be disabled.
    pub disable: bool,
    /// A lock-out can be cleared.
    pub unlock: bool,
    /// Sessions and tokens can be revoked.
    pub revoke_sessions: bool,
    /// A recovery link can be sent or obtained.
    pub send_recovery_link: bool,
    /// Authenticators can be reset.
    pub reset_authenticators: bool,
    /// An account can be flagged as compromised.
    pub flag_compromised: bool,
    /// A pass can be issued that signs its holder in for a limited time.
    pub issue_access_pass: bool,
    /// Enumeration by group membership.
    pub enumerate_group: bool,
    /// Enumeration below an organisational unit.
    pub enumerate_unit: bool,
    /// Enumeration by a native filter.
    pub enumerate_native: bool,
    /// Accounts that were made or changed since a mark can be listed.
    pub enumerate_changed: bool,
    /// Nested groups are resolved in the classification of privilege.
    pub classify_nested_groups: bool,
    /// [`PasswordState::version`](crate::account::PasswordState::version) is filled in: a set by us
    /// is told from a set by somebody else with certainty.
    pub observe_version: bool,
    /// [`AccountState::sessions_valid_from`](crate::account::AccountState::sessions_valid_from) is
    /// filled in: a revocation of sessions can be read back.
    pub observe_sessions: bool,
    /// Enrolled recovery methods can be read.
    pub audit_recovery: bool,
    /// The directory's own audit log can be read.
    #[serde(default)]
    pub audit_log: bool,
}

impl Capabilities {
    /// Whether the directory can do this action at all.
    #[must_use]
    pub fn can(self, action: Action) -> bool {
        match action {
            Action::SetPassword { must_change: false } | Action::Scramble => self.set_password,
            Action::SetPassword { must_change: true } => self.set_password_must_change,
            Action::SetPasswordChangeAfterMfa => self.set_password_change_after_mfa,
            Action::SetTemporaryPassword => self.set_temporary_password,
            Action::ResetToRecovery { .. } => self.reset_to_recovery,
            Action::ExpirePassword => self.expire_password,
            Action::Unlock => self.unlock,
            Action::Disable => self.disable,
            Action::SendRecoveryLink => self.send_recovery_link,
            Action::ResetAuthenticators => self.reset_authenticators,
            Action::FlagCompromised => self.flag_compromised,
            Action::RevokeSessions => self.revoke_sessions,
            Action::IssueAccessPass => self.issue_access_pass,
        }
    }
}

/// Whether one action works on one account. The plan asks before anything is touched: what would
/// do nothing, or harm, is replaced or refused there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Support {
    /// It works.
    Works,
    /// It would do nothing or harm; this works instead.
    Instead {
        /// What works instead.
        action: Action,
        /// Why the asked one does not.
        because: String,
    },
    /// It cannot be done to this account.
    Cannot {
        /// Why not, and what to do by hand.
        because: String,
    },
}

impl Support {
    /// This works instead of what was asked for, which would do nothing or harm for that reason.
    #[must_use]
    pub fn instead(action: Action, because: impl Into<String>) -> Self {
        Self::Instead { action, because: because.into() }
    }

    /// It cannot be done to this account: why not, and what to do by hand.
    #[must_use]
    pub fn cannot(because: impl Into<String>) -> Self {
        Self::Cannot { because: because.into() }
    }

    /// What comes of [`Action::SetTemporaryPassword`] in a directory that makes no passwords, of which
    /// `must_change` is what comes of a generated one that has to be changed: the person gets the same, a
    /// password that serves once.
    #[must_use]
    pub fn without_temporary(must_change: Self) -> Self {
        match must_change {
            Self::Works => Self::instead(
                Action::SetPassword { must_change: true },
                "the directory makes no passwords: one is generated and sealed here, and has to be changed at the next sign-in",
            ),
            otherwise => otherwise,
        }
    }
}
