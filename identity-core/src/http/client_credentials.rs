//! The client credentials grant (RFC 6749, section 4.4), by secret or by assertion (RFC 7523).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{Method, StatusCode};
use oauth2::basic::BasicTokenResponse;
use oauth2::{AuthType, ClientId, ClientSecret, RequestTokenError, Scope, TokenResponse, TokenUrl};
use secrecy::{ExposeSecret, SecretString};

use super::grant::{GrantClient, GrantFault, GrantWire, Reading, Refused, refusal};
use super::{AccessToken, Assertions, BaseUrl, Response, ServerClock, SignIn, Signature, TokenSource, Transport};
use crate::error::{Error, ErrorKind, Result, SIGN_IN};

/// The type of a JSON Web Token that proves who the client is (RFC 7523, section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

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
    token_type: Option<String>,
    clock: Option<Arc<ServerClock>>,
    reading: Reading,
}

enum Proof {
    Secret(SecretString),
    Assertion(Arc<dyn Assertions>),
}

impl ClientCredentials {
    /// How long a token is taken to live when the server does not say.
    const UNSAID_LIFETIME: Duration = Duration::from_secs(300);

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
            token_type: None,
            clock: None,
            reading: Reading::default(),
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

    /// Takes no token but of this type; case does not matter. Without a signer it is `Bearer`.
    #[must_use]
    pub fn with_token_type(mut self, token_type: impl Into<String>) -> Self {
        self.token_type = Some(token_type.into());
        self
    }

    /// Teaches this clock what the server's one says. When a request is refused with 400 or 401 and
    /// the clock turns out to have been off by more than [`ServerClock::TOLERANCE`], it is sent once
    /// more: what is signed carries times.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<ServerClock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Says what the user can do about a refusal, by the server's codes.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Fn(&GrantFault) -> Option<String> + Send + Sync + 'static) -> Self {
        self.reading.advice = Some(Arc::new(advice));
        self
    }

    /// Keeps these members of a refusal that are the server's own, for [`GrantFault::member`]; no other is.
    #[must_use]
    pub fn with_members(mut self, names: &'static [&'static str]) -> Self {
        self.reading.members = names;
        self
    }

    /// Takes the server's id of a refused request from this member, one of those that are kept.
    #[must_use]
    pub fn with_request_id_member(mut self, name: &'static str) -> Self {
        self.reading.request_id = Some(name);
        self
    }
}

#[async_trait]
impl TokenSource for ClientCredentials {
    async fn token(&self) -> Result<AccessToken> {
        // Once more for what the signer learnt, and once more for the clock.
        for _ in 0..=u32::from(self.clock.is_some()) {
            if let Granted::Token(token) = self.grant().await? {
                return Ok(token);
            }
        }
        match self.grant().await? {
            Granted::Token(token) => Ok(token),
            Granted::Again => Err(Error::new(ErrorKind::Unauthenticated, SIGN_IN)
                .with_detail("the server refused the proof that goes with the request, again and again")),
        }
    }
}

enum Granted {
    Token(AccessToken),
    /// The server refused what signs the token request, and something was learnt from it.
    Again,
}

impl ClientCredentials {
    async fn grant(&self) -> Result<Granted> {
        let url = self.token_url.join("", &[])?;
        let signature = match &self.signer {
            Some(signer) => Some(signer.sign(&Method::POST, &url).await?),
            None => None,
        };
        let assertion = match &self.proof {
            Proof::Assertion(assertions) => {
                Some(assertions.assertion(&self.client_id, &self.token_url.to_string()).await?)
            }
            Proof::Secret(_) => None,
        };
        let wire = GrantWire::new(Arc::clone(&self.transport), signature.clone());
        let granted = self.ask(&wire, assertion.as_ref()).await;
        let answer = wire.answer();
        let was_off = match (&self.clock, &answer) {
            (Some(clock), Some(answer)) => clock.learn(&answer.headers),
            _ => false,
        };
        let error = match granted {
            Ok(token) => {
                if let (Some(signer), Some(signature), Some(answer)) = (&self.signer, &signature, &answer) {
                    signer.accepted(signature, &answer.headers);
                }
                return self.checked(&token).map(Granted::Token);
            }
            Err(error) => error,
        };
        if let Some(answer) = &answer
            && matches!(answer.status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED)
            && (self.signer_learnt(signature.as_ref(), answer).await? || was_off)
        {
            return Ok(Granted::Again);
        }
        let sent = match &self.proof {
            Proof::Secret(secret) => Some(secret),
            Proof::Assertion(_) => assertion.as_ref(),
        };
        Err(refusal(error, answer.as_ref(), &self.reading, sent))
    }

    async fn signer_learnt(&self, signature: Option<&Signature>, answer: &Response) -> Result<bool> {
        match (&self.signer, signature) {
            (Some(signer), Some(signature)) => signer.refused(signature, answer).await,
            _ => Ok(false),
        }
    }

    async fn ask(&self, wire: &GrantWire, assertion: Option<&SecretString>) -> Result<BasicTokenResponse, Refused> {
        let token_url =
            TokenUrl::new(self.token_url.to_string()).map_err(|error| RequestTokenError::Other(error.to_string()))?;
        let mut client = GrantClient::new(ClientId::new(self.client_id.clone()))
            .set_token_uri(token_url)
            .set_auth_type(AuthType::RequestBody);
        if let Proof::Secret(secret) = &self.proof {
            client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        let mut request = client.exchange_client_credentials().add_scopes(self.scopes.iter().cloned().map(Scope::new));
        for (name, value) in &self.parameters {
            request = request.add_extra_param(name, value);
        }
        if let Some(assertion) = assertion {
            request = request
                .add_extra_param("client_assertion_type", JWT_BEARER)
                .add_extra_param("client_assertion", assertion.expose_secret());
        }
        request.request_async(wire).await
    }

    fn checked(&self, token: &BasicTokenResponse) -> Result<AccessToken> {
        let kind = token.token_type().as_ref();
        if self.token_type.as_ref().is_some_and(|expected| !kind.eq_ignore_ascii_case(expected)) {
            return Err(Error::new(ErrorKind::Protocol, SIGN_IN)
                .with_detail("the server gave a token of another type than the one asked for")
                .with_advice("the application may not be set to need a proof with each request (DPoP)"));
        }
        if self.signer.is_none() && !kind.eq_ignore_ascii_case("bearer") {
            return Err(Error::new(ErrorKind::Protocol, SIGN_IN)
                .with_detail("the server gave a token that is not a bearer token")
                .with_advice("the application may be set to need a proof with each request (DPoP)"));
        }
        let value = token.access_token().secret();
        if value.is_empty() {
            return Err(Error::new(ErrorKind::Protocol, SIGN_IN).with_detail("the server gave an empty token"));
        }
        let lifetime = token.expires_in().unwrap_or(Self::UNSAID_LIFETIME);
        let granted = AccessToken::new(SecretString::from(value.as_str()), lifetime);
        Ok(match token.scopes() {
            Some(scopes) => granted.with_scopes(scopes.iter().map(|scope| scope.to_string())),
            None => granted,
        })
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
