//! A secret in memory, and what kind it is.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// What kind of secret the vault keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SecretKind {
    /// A password that this library generated.
    #[default]
    Password,
    /// A pass that the server issued, which signs its holder in for a limited time.
    AccessPass,
    /// A link or token that the server issued, with which the person sets a new password.
    RecoveryLink,
    /// A password that the server made and set, to be changed at the next sign-in.
    TemporaryPassword,
}

impl SecretKind {
    /// The word for it in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::AccessPass => "access_pass",
            Self::RecoveryLink => "recovery_link",
            Self::TemporaryPassword => "temporary_password",
        }
    }

    /// Whether it is a [password](Self::Password).
    #[must_use]
    pub fn is_password(&self) -> bool {
        *self == Self::Password
    }
}

impl fmt::Display for SecretKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A generated password, or a secret that a server generated. It is wiped from memory when dropped, prints as `[secret]`, and cannot
/// be serialised.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a password over.
    #[must_use]
    pub fn new(password: String) -> Self {
        Self(SecretString::from(password))
    }

    /// The password itself: for the wire and the vault, nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
