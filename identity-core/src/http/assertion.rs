//! Signed statements of who we are (RFC 7523), made by us or by somebody whom the server trusts.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

use super::SigningKey;
use crate::error::Result;

/// Gives assertions, a fresh one with each call.
#[async_trait]
pub trait Assertions: fmt::Debug + Send + Sync + 'static {
    /// An assertion that `client_id` shows to `audience` (the address of the token endpoint).
    ///
    /// # Errors
    /// When it cannot be made or read.
    async fn assertion(&self, client_id: &str, audience: &str) -> Result<SecretString>;
}

/// Assertions that we sign: audience, issuer and subject, a fresh id, and times of a few minutes.
#[derive(Debug)]
pub struct SignedAssertions {
    key: SigningKey,
    lifetime: Duration,
}

impl SignedAssertions {
    /// How long an assertion is valid unless said otherwise: 5 minutes.
    pub const LIFETIME: Duration = Duration::from_secs(300);

    /// Assertions signed by this key.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self { key, lifetime: Self::LIFETIME }
    }

    /// Sets how long an assertion is valid; whole seconds.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }
}

#[async_trait]
impl Assertions for SignedAssertions {
    async fn assertion(&self, client_id: &str, audience: &str) -> Result<SecretString> {
        todo!()
    }
}

/// Assertions that somebody else writes into a file and renews there (workload identity
/// federation); it is read anew each time.
#[derive(Debug)]
pub struct AssertionFile {
    path: PathBuf,
}

impl AssertionFile {
    /// The assertions in this file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

#[async_trait]
impl Assertions for AssertionFile {
    async fn assertion(&self, _client_id: &str, _audience: &str) -> Result<SecretString> {
        todo!()
    }
}
