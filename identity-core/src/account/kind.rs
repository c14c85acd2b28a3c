//! What an account is, and where its password is mastered.

use serde::{Deserialize, Serialize};

/// What an account is. The kind decides what a mass reset may do to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccountKind {
    /// A person's account.
    Person,
    /// An account that a program signs in with (a user object with a service principal name, a
    /// service app's account). Resetting it breaks the program until the program is told.
    Service,
    /// A managed service account (sMSA, gMSA, dMSA): the directory changes its password itself.
    ManagedService,
    /// A computer or domain controller.
    Computer,
    /// The account of a trust between domains.
    Trust,
    /// krbtgt, or the krbtgt of a read-only domain controller.
    KerberosTicketGranting,
    /// The account that a synchronisation service signs in with.
    DirectorySync,
    /// A shared, room, health or system mailbox.
    Mailbox,
    /// A guest from another organisation: its password is mastered there.
    Guest,
    /// An account that comes with the directory and is not the administrator (Guest, DefaultAccount).
    BuiltIn,
    /// The backend cannot tell.
    Unknown,
}

impl AccountKind {
    /// Why a mass run never resets an account of this kind, or `None` where it may.
    #[must_use]
    pub fn protected_because(self) -> Option<&'static str> {
        match self {
            Self::ManagedService => Some("a managed service account: the directory changes its password itself"),
            Self::Computer => Some("a computer account: its password is changed by the machine"),
            Self::Trust => Some("a trust account: its password is changed from both sides of the trust"),
            Self::KerberosTicketGranting => Some("krbtgt: reset twice by its own procedure, never in a mass run"),
            Self::DirectorySync => Some("a directory-sync account: its reset stops the synchronisation"),
            Self::BuiltIn => Some("an account that comes with the directory"),
            Self::Person | Self::Service | Self::Mailbox | Self::Guest | Self::Unknown => None,
        }
    }

    /// The word for it in plans and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
            Self::ManagedService => "managed_service",
            Self::Computer => "computer",
            Self::Trust => "trust",
            Self::KerberosTicketGranting => "kerberos_ticket_granting",
            Self::DirectorySync => "directory_sync",
            Self::Mailbox => "mailbox",
            Self::Guest => "guest",
            Self::BuiltIn => "built_in",
            Self::Unknown => "unknown",
        }
    }
}

impl std::fmt::Display for AccountKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the password of an account is mastered: it must be reset there, or a synchronisation
/// overwrites it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PasswordAuthority {
    /// In this directory.
    #[default]
    Here,
    /// In an on-prem directory that is synchronised into this one.
    OnPrem,
    /// With a federated identity provider, named where the directory names it.
    Federated(String),
    /// There is no password (passwordless, certificate only).
    Nowhere,
    /// The directory does not tell.
    Unknown,
}
