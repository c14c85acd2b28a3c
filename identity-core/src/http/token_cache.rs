//! Keeps a token, and renews it before it ends.

use async_trait::async_trait;
use http::{HeaderMap, Method, Uri};

use super::{AccessToken, Response, SignIn, Signature, TokenSource};
use crate::error::Result;
use crate::limits::RetryPolicy;

/// Keeps one token and renews it ahead of its end, once for all who need it. As a [`SignIn`] it
/// signs with `Authorization: Bearer`.
#[derive(Debug)]
pub struct TokenCache<S> {
    source: S,
    policy: RetryPolicy,
}

impl<S: TokenSource> TokenCache<S> {
    /// A cache of this source's tokens. Nothing is fetched before the first use.
    #[must_use]
    pub fn new(source: S) -> Self {
        Self { source, policy: RetryPolicy::default() }
    }

    /// Sets how a temporary failure to sign in is repeated.
    #[must_use]
    pub fn with_policy(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// A token that is valid now, and its number.
    ///
    /// # Errors
    /// When signing in failed. A permanent failure is remembered: the source is not asked again.
    pub async fn token(&self) -> Result<(AccessToken, u64)> {
        todo!()
    }

    /// The service refused the token of this number: whether there is another one now.
    ///
    /// # Errors
    /// As of [`TokenCache::token`].
    pub async fn renew(&self, refused: u64) -> Result<bool> {
        todo!()
    }

    /// The service took the token of this number.
    pub fn accepted(&self, token: u64) {
        todo!()
    }
}

#[async_trait]
impl<S: TokenSource> SignIn for TokenCache<S> {
    async fn sign(&self, _method: &Method, _url: &Uri) -> Result<Signature> {
        todo!()
    }

    async fn refused(&self, signature: &Signature, _response: &Response) -> Result<bool> {
        self.renew(signature.token()).await
    }

    fn accepted(&self, signature: &Signature, _headers: &HeaderMap) {
        Self::accepted(self, signature.token());
    }
}
