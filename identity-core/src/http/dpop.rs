//! Proof of possession (RFC 9449): tokens that are of no use to whoever steals them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{AccessToken, Response, ServerClock, SignIn, Signature, SigningKey, TokenCache, TokenSource};
use crate::error::{Error, ErrorKind, Result, SIGN_IN};

const PROOF: HeaderName = HeaderName::from_static("dpop");
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// The server wants a nonce of its own in the proof (sections 8 and 9).
const NONCE_WANTED: &str = "use_dpop_nonce";

/// Makes proofs with one key, to which the server binds the tokens that it gives.
///
/// # Behavior
/// * Each proof has an id and a time of its own, by the [server's clock](ServerClock).
/// * `htu` is the address without query and fragment (section 4.2).
/// * A nonce that the server gives, with a refusal or with an answer, is in all later proofs; the
///   token endpoint and the service have one each (section 9).
pub struct Dpop {
    key: SigningKey,
    clock: Arc<ServerClock>,
}

/// The claims of section 4.2; the time in seconds since 1970.
#[derive(Serialize)]
struct Claims<'a> {
    jti: String,
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
}

impl Dpop {
    /// What [`ClientCredentials::with_token_type`](super::ClientCredentials::with_token_type)
    /// expects, and the scheme of requests.
    pub const TOKEN_TYPE: &str = "DPoP";

    /// Proofs by this key, one of this run alone ([`SigningKey::generate`]).
    #[must_use]
    pub fn new(key: SigningKey, clock: Arc<ServerClock>) -> Arc<Self> {
        Arc::new(Self { key, clock })
    }

    /// Signs requests for tokens, as
    /// [`ClientCredentials::with_signer`](super::ClientCredentials::with_signer) wants it.
    #[must_use]
    pub fn for_tokens(self: &Arc<Self>) -> Arc<dyn SignIn> {
        Arc::new(OfTokens { dpop: Arc::clone(self), nonce: Nonce::default() })
    }

    /// Signs requests to the service with these tokens.
    #[must_use]
    pub fn for_requests<S: TokenSource>(self: &Arc<Self>, tokens: Arc<TokenCache<S>>) -> Arc<dyn SignIn> {
        Arc::new(OfRequests { dpop: Arc::clone(self), nonce: Nonce::default(), tokens })
    }

    fn proof(&self, method: &Method, url: &Uri, nonce: &Nonce, token: Option<&AccessToken>) -> Result<HeaderValue> {
        let (scheme, authority) = (url.scheme_str().unwrap_or_default(), url.authority().map_or("", |at| at.as_str()));
        let nonce = nonce.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let proof = self.key.sign_with_public_key(
            "dpop+jwt",
            &Claims {
                jti: Uuid::new_v4().to_string(),
                htm: method.as_str(),
                htu: &format!("{scheme}://{authority}{}", url.path()),
                iat: self.clock.now().as_second(),
                nonce: nonce.as_deref(),
                ath: token.map(|token| URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose()))),
            },
        )?;
        HeaderValue::from_str(proof.expose_secret()).map_err(|_| unfit("a proof"))
    }
}

fn unfit(what: &str) -> Error {
    let detail = format!("{what} has characters that no header can have");
    Error::new(ErrorKind::Protocol, SIGN_IN).with_detail(detail)
}

impl fmt::Debug for Dpop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dpop").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The last nonce of one server.
#[derive(Default)]
struct Nonce(Mutex<Option<String>>);

impl Nonce {
    /// Learns what an answer brings: whether it brought one.
    fn learn(&self, headers: &HeaderMap) -> bool {
        let Some(nonce) = headers.get(NONCE).and_then(|nonce| nonce.to_str().ok()) else { return false };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce.to_owned());
        true
    }
}

/// Whether a refusal is for want of a nonce: the token endpoint says so in the body, the service in
/// its challenge.
fn wants_nonce(response: &Response) -> bool {
    #[derive(Deserialize)]
    struct Refusal<'a> {
        error: &'a str,
    }
    let mut challenges = response.headers.get_all(header::WWW_AUTHENTICATE).iter();
    challenges.any(|challenge| challenge.to_str().is_ok_and(|challenge| challenge.contains(NONCE_WANTED)))
        || serde_json::from_slice::<Refusal<'_>>(&response.body).is_ok_and(|refusal| refusal.error == NONCE_WANTED)
}

struct OfTokens {
    dpop: Arc<Dpop>,
    nonce: Nonce,
}

#[async_trait]
impl SignIn for OfTokens {
    async fn sign(&self, method: &Method, url: &Uri) -> Result<Signature> {
        let mut headers = HeaderMap::new();
        headers.insert(PROOF, self.dpop.proof(method, url, &self.nonce, None)?);
        Ok(Signature::new(headers, 0))
    }

    async fn refused(&self, _signature: &Signature, response: &Response) -> Result<bool> {
        Ok(self.nonce.learn(&response.headers) && wants_nonce(response))
    }

    fn accepted(&self, _signature: &Signature, headers: &HeaderMap) {
        self.nonce.learn(headers);
    }
}

impl fmt::Debug for OfTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfTokens").field("dpop", &self.dpop).finish_non_exhaustive()
    }
}

struct OfRequests<S> {
    dpop: Arc<Dpop>,
    nonce: Nonce,
    tokens: Arc<TokenCache<S>>,
}

#[async_trait]
impl<S: TokenSource> SignIn for OfRequests<S> {
    async fn sign(&self, method: &Method, url: &Uri) -> Result<Signature> {
        let (token, number) = self.tokens.token().await?;
        let text = Zeroizing::new(format!("{} {}", Dpop::TOKEN_TYPE, token.expose()));
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&text).map_err(|_| unfit("the token"))?);
        headers.insert(PROOF, self.dpop.proof(method, url, &self.nonce, Some(&token))?);
        Ok(Signature::new(headers, number))
    }

    async fn refused(&self, signature: &Signature, response: &Response) -> Result<bool> {
        let was_off = self.dpop.clock.learn(&response.headers);
        if wants_nonce(response) {
            return Ok(self.nonce.learn(&response.headers));
        }
        match response.status {
            StatusCode::UNAUTHORIZED => self.tokens.renew(signature.token()).await,
            // The proof was refused, and not the token.
            _ => Ok(was_off),
        }
    }

    fn accepted(&self, signature: &Signature, headers: &HeaderMap) {
        self.dpop.clock.learn(headers);
        self.nonce.learn(headers);
        self.tokens.accepted(signature.token());
    }
}

impl<S> fmt::Debug for OfRequests<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfRequests").field("dpop", &self.dpop).finish_non_exhaustive()
    }
}
