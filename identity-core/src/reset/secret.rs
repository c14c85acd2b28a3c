//! A generated password in memory.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A generated password. It is wiped from memory when dropped, prints as `[secret]`, and cannot
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
