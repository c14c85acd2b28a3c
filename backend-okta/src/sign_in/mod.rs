//! Signing in: as a service app (OAuth 2, with or without proofs of possession), or by an API token.

mod advice;
mod api_token;
mod app;
mod key;
mod scopes;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use identity_core::error::Result;
use identity_core::http::{BaseUrl, SignIn, TokenCache, Transport};

use crate::config::{Credential, OktaConfig, invalid};
use api_token::ApiToken;
use app::AppTokens;
pub(crate) use scopes::{SCOPES, Scopes};

/// How a run is signed in.
#[derive(Debug)]
pub(crate) struct SignedIn {
    /// Signs requests to the org.
    pub(crate) signer: Arc<dyn SignIn>,
    /// The tokens of a service app.
    app: Option<Arc<TokenCache<Arc<AppTokens>>>>,
    source: Option<Arc<AppTokens>>,
}

impl SignedIn {
    /// Signs in, once. An API token is not tried: the first request does.
    ///
    /// # Errors
    /// [`ConfigInvalid`](identity_core::error::ErrorKind::ConfigInvalid) for a key that cannot be
    /// used; otherwise as the token endpoint answers. A refusal is final.
    pub(crate) async fn new(config: &OktaConfig, base: &BaseUrl, transport: Arc<dyn Transport>) -> Result<Self> {
        match &config.credential {
            Credential::Missing => Err(without()),
            Credential::ApiToken(token) => {
                Ok(Self { signer: Arc::new(ApiToken::new(token)?), app: None, source: None })
            }
            Credential::App { client_id, key, key_id } => {
                let (source, signer) =
                    app::sign_in(config, client_id, key::signing_key(key, key_id.as_deref())?, base, transport)?;
                let (tokens, source) = source;
                tokens.token().await?;
                Ok(Self { signer, app: Some(tokens), source: Some(source) })
            }
        }
    }

    /// What the service app was granted, by its newest token, and what not; `None` for an API token,
    /// which has no scopes.
    ///
    /// # Errors
    /// When signing in failed.
    pub(crate) async fn scopes(&self) -> Result<Option<Scopes>> {
        let (Some(tokens), Some(source)) = (&self.app, &self.source) else { return Ok(None) };
        let (token, _) = tokens.token().await?;
        Ok(Some(source.scopes(&token)))
    }
}

/// Checks the token or the key, as far as it can be checked without sending.
///
/// # Errors
/// [`ConfigInvalid`](identity_core::error::ErrorKind::ConfigInvalid).
pub(crate) fn check(config: &OktaConfig) -> Result<()> {
    match &config.credential {
        Credential::Missing => Err(without()),
        Credential::ApiToken(token) => ApiToken::new(token).map(drop),
        Credential::App { key, key_id, .. } => key::signing_key(key, key_id.as_deref()).map(drop),
    }
}

/// Checks how the run signs in, but for the token or the key.
///
/// # Errors
/// As of [`check`].
pub(crate) fn check_names(config: &OktaConfig) -> Result<()> {
    match &config.credential {
        Credential::Missing => Err(without()),
        Credential::ApiToken(_) => Ok(()),
        Credential::App { client_id, .. } => {
            if client_id.is_empty() || !client_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(invalid(format!("the client id {client_id:?} is none"))
                    .with_advice("give the Client ID that the app's page shows, such as 0oa1abcd2EFGhijkl3x7"));
            }
            if config.scopes.is_empty() {
                return Err(
                    invalid("no scope is asked for").with_advice("leave the scopes out, or name those to ask for")
                );
            }
            // As of RFC 6749, section 3.3.
            let is_one = |scope: &&String| {
                !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
            };
            if let Some(odd) = config.scopes.iter().find(|scope| !is_one(scope)) {
                return Err(invalid(format!("{odd:?} is no scope")).with_advice("give one scope an entry"));
            }
            Ok(())
        }
    }
}

fn without() -> identity_core::error::Error {
    invalid("nothing says how to sign in").with_advice("give a service app with its private key, or an API token")
}
