//! The client credentials grant (RFC 6749, section 4.4), by secret or by assertion (RFC 7523).

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use super::{AccessToken, Assertions, BaseUrl, SignIn, TokenSource, Transport};
use crate::error::Result;

/// Signs in as an application: the client credentials grant of OAuth 2, by a secret in the body or
/// by an assertion.
pub struct ClientCredentials {
    transport: Arc<dyn Transport>,
    token_url: BaseUrl,
    client_id: String,
    proof: Proof,
    scopes: Vec<String>,
    parameters: Vec<(String, String)>,
    signer: Option<Arc<dyn SignIn>>,
    advice: Option<AdviceOf>,
}

type AdviceOf = Arc<dyn Fn(&GrantFault) -> Option<String> + Send + Sync>;

enum Proof {
    Secret(SecretString),
    Assertion(Arc<dyn Assertions>),
}

impl ClientCredentials {
    /// Signs in by a client secret, sent in the body.
    #[must_use]
    pub fn by_secret(
        transport: Arc<dyn Transport>,
        token_url: BaseUrl,
        client_id: impl Into<String>,
        secret: SecretString,
    ) -> Self {
        Self::new(transport, token_url, client_id.into(), Proof::Secret(secret))
    }

    /// Signs in by an assertion, made or read anew for each token.
    #[must_use]
    pub fn by_assertion(
        transport: Arc<dyn Transport>,
        token_url: BaseUrl,
        client_id: impl Into<String>,
        assertions: Arc<dyn Assertions>,
    ) -> Self {
        Self::new(transport, token_url, client_id.into(), Proof::Assertion(assertions))
    }

    fn new(transport: Arc<dyn Transport>, token_url: BaseUrl, client_id: String, proof: Proof) -> Self {
        Self {
            transport,
            token_url,
            client_id,
            proof,
            scopes: Vec::new(),
            parameters: Vec::new(),
            signer: None,
            advice: None,
        }
    }

    /// Asks for this scope too.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Sends this parameter too; not for secrets.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Signs the token request itself (a DPoP proof, RFC 9449): its headers are added, and when the
    /// server refuses with 400 or 401 it is asked once whether a replay can help (a nonce came).
    #[must_use]
    pub fn with_signer(mut self, signer: Arc<dyn SignIn>) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Says what the user can do about a refusal, by the server's codes.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Fn(&GrantFault) -> Option<String> + Send + Sync + 'static) -> Self {
        self.advice = Some(Arc::new(advice));
        self
    }
}

#[async_trait]
impl TokenSource for ClientCredentials {
    async fn token(&self) -> Result<AccessToken> {
        todo!()
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("token_url", &self.token_url)
            .field("client_id", &self.client_id)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Why a token was refused: the source of the error that [`ClientCredentials`] returns. Texts are
/// capped and of one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
#[non_exhaustive]
pub struct GrantFault {
    /// The code of RFC 6749, section 5.2, or of an extension, such as `invalid_client`.
    pub error: String,
    /// The server's words.
    pub description: String,
    /// The server's own numbers of the fault, where it gives any.
    pub error_codes: Vec<u64>,
    /// The server's id of the request, where it gives one.
    pub trace_id: Option<String>,
    /// The id that ties several requests together, where the server gives one.
    pub correlation_id: Option<String>,
}
