//! Tokens, and where they come from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use crate::error::Result;

/// Fetches tokens, one with each call; a [`TokenCache`](super::TokenCache) keeps them.
#[async_trait]
pub trait TokenSource: fmt::Debug + Send + Sync + 'static {
    /// A new token. One attempt, no retry.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`](crate::error::ErrorKind::Unauthenticated) when we are
    /// refused: it is not asked again. A temporary error is repeated by the cache.
    async fn token(&self) -> Result<AccessToken>;
}

#[async_trait]
impl<T: TokenSource + ?Sized> TokenSource for Arc<T> {
    async fn token(&self) -> Result<AccessToken> {
        (**self).token().await
    }
}

/// A token and how long it lives. Wiped when dropped; `Debug` shows the lifetime only.
#[derive(Clone)]
pub struct AccessToken {
    /// One copy in memory, however many requests are signed with it.
    value: Arc<SecretString>,
    lifetime: Duration,
    scopes: Option<Arc<[String]>>,
}

impl AccessToken {
    /// A token that lives this long from now.
    #[must_use]
    pub fn new(value: SecretString, lifetime: Duration) -> Self {
        Self { value: Arc::new(value), lifetime, scopes: None }
    }

    /// Says what the server granted.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = String>) -> Self {
        self.scopes = Some(scopes.into_iter().collect());
        self
    }

    /// The token itself: for the wire only.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.value.expose_secret()
    }

    /// How long it lives from when it was issued.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// What the server granted, where it said so; otherwise it is what was asked for (RFC 6749,
    /// section 5.1).
    #[must_use]
    pub fn scopes(&self) -> Option<&[String]> {
        self.scopes.as_deref()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}
