//! Signing in as an app: by secret, certificate, another provider's token, or as the machine.

mod advice;
mod claims;
mod managed_identity;

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, Method, Uri};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::{
    AssertionFile, BaseUrl, ClientCredentials, Response, SignIn, Signature, SignedAssertions, SigningAlgorithm,
    SigningKey, TokenCache, TokenSource, Transport,
};

use crate::config::{Credential, EntraConfig, Places};
pub(crate) use claims::Claims;
use managed_identity::ManagedIdentity;

/// The tokens of the app.
pub(crate) type Tokens = TokenCache<Arc<dyn TokenSource>>;

/// The tokens of an app with this configuration. Nothing is sent.
///
/// # Errors
/// [`ConfigInvalid`](identity_core::error::ErrorKind::ConfigInvalid) for a key that cannot be used.
pub(crate) fn tokens(config: &EntraConfig, places: &Places, transport: Arc<dyn Transport>) -> Result<Tokens> {
    let token_url = BaseUrl::parse(&format!("{}/{}/oauth2/v2.0/token", places.login, config.tenant))?;
    // Of the cloud and not of an override: what is asked for is the resource, wherever it is reached.
    let resource = config.cloud.graph();
    let scoped = |grant: ClientCredentials| -> Arc<dyn TokenSource> {
        let grant = grant.with_scope(format!("{resource}/.default"));
        Arc::new(
            grant
                .with_members(&["error_codes", "trace_id"])
                .with_request_id_member("trace_id")
                .with_advice(advice::advice),
        )
    };
    let source = match &config.credential {
        Credential::Missing => {
            return Err(
                Error::new(ErrorKind::ConfigInvalid, "sign in").with_detail("nothing says how the app signs in")
            );
        }
        Credential::Secret { client_id, secret } => {
            scoped(ClientCredentials::by_secret(transport, token_url, client_id, secret.clone()))
        }
        Credential::Certificate { client_id, pem } => {
            let key = SigningKey::from_pem(pem, SigningAlgorithm::Ps256)?;
            if key.certificate_thumbprint().is_none() {
                return Err(advice::without_certificate());
            }
            let assertions = Arc::new(SignedAssertions::new(key));
            scoped(ClientCredentials::by_assertion(transport, token_url, client_id, assertions))
        }
        Credential::TokenFile { client_id, path } => {
            let assertions = Arc::new(AssertionFile::new(path));
            scoped(ClientCredentials::by_assertion(transport, token_url, client_id, assertions))
        }
        Credential::ManagedIdentity { client_id } => {
            Arc::new(ManagedIdentity::new(transport, config.identity_url.as_deref(), resource, client_id.as_deref())?)
        }
    };
    Ok(TokenCache::new(source))
}

/// The same tokens for the client and for whoever reads their claims.
#[derive(Debug)]
pub(crate) struct Shared(pub(crate) Arc<Tokens>);

#[async_trait]
impl SignIn for Shared {
    async fn sign(&self, method: &Method, url: &Uri) -> Result<Signature> {
        self.0.sign(method, url).await
    }

    async fn refused(&self, signature: &Signature, response: &Response) -> Result<bool> {
        self.0.refused(signature, response).await
    }

    fn accepted(&self, signature: &Signature, headers: &HeaderMap) {
        SignIn::accepted(&*self.0, signature, headers);
    }
}
