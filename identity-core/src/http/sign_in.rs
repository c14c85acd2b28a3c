//! How a request is signed.

use std::fmt;

use async_trait::async_trait;
use http::{HeaderMap, Method, Uri};

use super::Response;
use crate::error::Result;

/// Signs requests. [`TokenCache`](super::TokenCache) does so with a bearer token; a backend that
/// needs more (a proof with each request) wraps one.
#[async_trait]
pub trait SignIn: fmt::Debug + Send + Sync + 'static {
    /// The headers that sign one request of this method to this address.
    ///
    /// # Errors
    /// When signing in failed.
    async fn sign(&self, method: &Method, url: &Uri) -> Result<Signature>;

    /// The service refused a request that was signed so: whether one replay, signed anew, can
    /// help (the token was renewed, or a nonce was learnt from the response).
    ///
    /// # Errors
    /// When renewing failed.
    async fn refused(&self, signature: &Signature, response: &Response) -> Result<bool>;

    /// The service took the signature, whatever it answered; it may have sent a new nonce.
    fn accepted(&self, signature: &Signature, headers: &HeaderMap) {
        let _ = (signature, headers);
    }
}

/// The headers that sign one request, and which token they are of. `Debug` shows no value.
#[derive(Clone)]
pub struct Signature {
    headers: HeaderMap,
    token: u64,
}

impl Signature {
    /// Headers that sign a request, by the token of this number (see
    /// [`AccessToken`](super::AccessToken)); 0 where there are no tokens.
    #[must_use]
    pub fn new(mut headers: HeaderMap, token: u64) -> Self {
        for value in headers.values_mut() {
            value.set_sensitive(true);
        }
        Self { headers, token }
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The number of the token.
    #[must_use]
    pub fn token(&self) -> u64 {
        self.token
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signature").field("token", &self.token).finish_non_exhaustive()
    }
}
