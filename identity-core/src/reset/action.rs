//! The actions, and which of them contain an attacker.

use serde::{Deserialize, Serialize};

use super::SecretKind;

/// One thing that is done to an account.
///
/// ```
/// use identity_core::reset::{Action, Containment};
///
/// // A must-change flag alone does not contain: the attacker can be the one who changes it.
/// assert_eq!(Action::ExpirePassword.containment(), Containment::None);
/// assert_eq!(Action::SetPassword { must_change: true }.containment(), Containment::OldPassword);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Set a generated password that the vault keeps; with `must_change` the owner chooses
    /// another at the next sign-in.
    SetPassword {
        /// Whether the owner must change it at the next sign-in.
        must_change: bool,
    },
    /// Set a generated password that the vault keeps; at the next sign-in the owner proves who
    /// they are by a second factor first, and then chooses another. Whoever only knows the
    /// generated password gets no further than the second factor. An owner who has none cannot
    /// sign in at all: [`Support::Instead`](crate::directory::Support) says so account by account.
    SetPasswordChangeAfterMfa,
    /// Set a random password that nobody is to know: the person comes back by self-service
    /// recovery, by smart card, or not at all. It is not sealed.
    Scramble,
    /// Have the directory make and set a temporary password, which it tells once; the vault keeps
    /// it. The owner must choose another at the next sign-in.
    SetTemporaryPassword,
    /// Void the old password at once; the person sets a new one by a one-time link. Until then
    /// nobody can sign in with a password.
    ResetToRecovery {
        /// Whether the directory mails the link to the person. Otherwise it answers with it, and
        /// the vault keeps it.
        mail: bool,
    },
    /// Mark the password as expired; the old one stays valid for one more sign-in.
    ExpirePassword,
    /// Clear a lock-out after failed sign-ins.
    Unlock,
    /// Disable the account.
    Disable,
    /// Send (or obtain) a recovery link that the person sets a new password with.
    SendRecoveryLink,
    /// Require the person to enrol authenticators anew.
    ResetAuthenticators,
    /// Tell the directory's risk engine that the account is compromised.
    FlagCompromised,
    /// End sessions and revoke refresh tokens.
    RevokeSessions,
    /// Have the directory issue a pass that signs its holder in for a limited time, to enrol
    /// authenticators anew (a Temporary Access Pass). The server makes it; the vault keeps it. A
    /// new one takes the place of the one before.
    IssueAccessPass,
}

/// What an action takes away from an attacker who holds the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Containment {
    /// The old password stops working.
    OldPassword,
    /// Sessions and tokens end; the old password still works.
    Sessions,
    /// Every new sign-in is refused.
    Account,
    /// Authenticators that the attacker enrolled stop working.
    Authenticators,
    /// Nothing, by itself.
    None,
}

impl Action {
    /// Every action, each variant of a variant included.
    pub const ALL: [Self; 15] = [
        Self::SetPassword { must_change: true },
        Self::SetPassword { must_change: false },
        Self::SetPasswordChangeAfterMfa,
        Self::Scramble,
        Self::SetTemporaryPassword,
        Self::ResetToRecovery { mail: true },
        Self::ResetToRecovery { mail: false },
        Self::ExpirePassword,
        Self::Unlock,
        Self::Disable,
        Self::SendRecoveryLink,
        Self::ResetAuthenticators,
        Self::FlagCompromised,
        Self::RevokeSessions,
        Self::IssueAccessPass,
    ];

    /// What it takes away from an attacker who holds the account.
    #[must_use]
    pub fn containment(self) -> Containment {
        match self {
            Self::SetPassword { .. }
            | Self::SetPasswordChangeAfterMfa
            | Self::Scramble
            | Self::SetTemporaryPassword
            | Self::ResetToRecovery { .. } => Containment::OldPassword,
            Self::Disable => Containment::Account,
            Self::RevokeSessions => Containment::Sessions,
            Self::ResetAuthenticators => Containment::Authenticators,
            Self::ExpirePassword
            | Self::Unlock
            | Self::SendRecoveryLink
            | Self::FlagCompromised
            | Self::IssueAccessPass => Containment::None,
        }
    }

    /// Whether the order that carries this action must carry a generated password.
    #[must_use]
    pub fn needs_password(self) -> bool {
        self.needs_sealing() || self == Self::Scramble
    }

    /// Whether the generated password must be sealed in the vault before it is sent.
    #[must_use]
    pub fn needs_sealing(self) -> bool {
        matches!(self, Self::SetPassword { .. } | Self::SetPasswordChangeAfterMfa)
    }

    /// Whether the account has another password afterwards, whoever made it.
    #[must_use]
    pub fn sets_password(self) -> bool {
        self.needs_password() || self == Self::SetTemporaryPassword
    }

    /// Whether it has to happen where the password is mastered.
    #[must_use]
    pub fn concerns_password(self) -> bool {
        self.shows_in_password_state() || self == Self::SendRecoveryLink
    }

    /// Whether the owner has to choose another password at the next sign-in afterwards.
    #[must_use]
    pub fn demands_change(self) -> bool {
        matches!(
            self,
            Self::SetPassword { must_change: true }
                | Self::SetPasswordChangeAfterMfa
                | Self::SetTemporaryPassword
                | Self::ExpirePassword
        )
    }

    /// Whether the owner has to come back by self-service recovery afterwards: nobody is given a
    /// password. Where recovery is weak, an attacker comes back the same way.
    #[must_use]
    pub fn hands_off(self) -> bool {
        matches!(self, Self::Scramble | Self::ResetToRecovery { .. } | Self::SendRecoveryLink)
    }

    /// What kind of secret the server may answer with ([`Receipt::server_secret`]); `None` for an
    /// action that makes none.
    ///
    /// [`Receipt::server_secret`]: super::Receipt::server_secret
    #[must_use]
    pub fn server_secret(self) -> Option<SecretKind> {
        match self {
            Self::SetTemporaryPassword => Some(SecretKind::TemporaryPassword),
            Self::SendRecoveryLink | Self::ResetToRecovery { mail: false } => Some(SecretKind::RecoveryLink),
            Self::IssueAccessPass => Some(SecretKind::AccessPass),
            _ => None,
        }
    }

    /// Whether the directory's record of the password (time, version, must-change, awaited recovery)
    /// tells if it happened. An account gets one of these only.
    #[must_use]
    pub fn shows_in_password_state(self) -> bool {
        self.sets_password() || matches!(self, Self::ResetToRecovery { .. } | Self::ExpirePassword)
    }

    /// The place of this action among several on one account: first close the door (disable,
    /// new password), then throw out who is inside (authenticators, sessions), comfort last.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::Disable => 0,
            Self::SetPassword { .. }
            | Self::SetPasswordChangeAfterMfa
            | Self::Scramble
            | Self::SetTemporaryPassword
            | Self::ResetToRecovery { .. } => 1,
            Self::ExpirePassword => 2,
            Self::ResetAuthenticators => 3,
            Self::RevokeSessions => 4,
            Self::FlagCompromised => 5,
            Self::Unlock => 6,
            Self::SendRecoveryLink => 7,
            Self::IssueAccessPass => 8,
        }
    }

    /// A stable word for files: `set_password`, `set_password_must_change`, `scramble`, …
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SetPassword { must_change: true } => "set_password_must_change",
            Self::SetPassword { must_change: false } => "set_password",
            Self::SetPasswordChangeAfterMfa => "set_password_change_after_mfa",
            Self::Scramble => "scramble",
            Self::SetTemporaryPassword => "set_temporary_password",
            Self::ResetToRecovery { mail: true } => "reset_to_recovery_by_mail",
            Self::ResetToRecovery { mail: false } => "reset_to_recovery",
            Self::ExpirePassword => "expire_password",
            Self::Unlock => "unlock",
            Self::Disable => "disable",
            Self::SendRecoveryLink => "send_recovery_link",
            Self::ResetAuthenticators => "reset_authenticators",
            Self::FlagCompromised => "flag_compromised",
            Self::RevokeSessions => "revoke_sessions",
            Self::IssueAccessPass => "issue_access_pass",
        }
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
