//! Signed statements of who we are (RFC 7523), made by us or by somebody whom the server trusts.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Serialize;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{ServerClock, SigningKey};
use crate::error::{Error, ErrorKind, Result};

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
    clock: Arc<ServerClock>,
}

/// The claims of RFC 7523, section 3; times in seconds since 1970.
#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl SignedAssertions {
    /// How long an assertion is valid unless said otherwise: 5 minutes.
    pub const LIFETIME: Duration = Duration::from_secs(300);

    /// Assertions signed by this key.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self { key, lifetime: Self::LIFETIME, clock: Arc::default() }
    }

    /// Sets how long an assertion is valid: whole seconds, from one second to an hour.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime.clamp(Duration::from_secs(1), Duration::from_secs(3600));
        self
    }

    /// Takes the times from this clock of the server, instead of from ours.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<ServerClock>) -> Self {
        self.clock = clock;
        self
    }
}

#[async_trait]
impl Assertions for SignedAssertions {
    async fn assertion(&self, client_id: &str, audience: &str) -> Result<SecretString> {
        let now = self.clock.now().as_second();
        self.key.sign(&Claims {
            aud: audience,
            iss: client_id,
            sub: client_id,
            jti: Uuid::new_v4().to_string(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(self.lifetime.as_secs() as i64),
        })
    }
}

/// Assertions that somebody else writes into a file and renews there (workload identity
/// federation); it is read anew each time.
#[derive(Debug)]
pub struct AssertionFile {
    path: PathBuf,
}

impl AssertionFile {
    /// The most bytes of the file that are read.
    const LARGEST: u64 = 64 << 10;

    /// The assertions in this file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn read(&self) -> Result<SecretString> {
        let invalid = |detail: &str| {
            Error::new(ErrorKind::ConfigInvalid, "read an assertion")
                .with_detail(format!("{}: {detail}", self.path.display()))
                .with_advice("the file must hold the token of the identity provider that the service trusts")
        };
        let file = std::fs::File::open(&self.path).map_err(|error| invalid(&error.to_string()))?;
        let mut text = Zeroizing::new(String::with_capacity(Self::LARGEST as usize));
        file.take(Self::LARGEST).read_to_string(&mut text).map_err(|error| invalid(&error.to_string()))?;
        match text.trim() {
            "" => Err(invalid("it is empty")),
            text if text.len() as u64 >= Self::LARGEST => Err(invalid("it is too large for an assertion")),
            text => Ok(SecretString::from(text)),
        }
    }
}

#[async_trait]
impl Assertions for AssertionFile {
    async fn assertion(&self, _client_id: &str, _audience: &str) -> Result<SecretString> {
        self.read()
    }
}
