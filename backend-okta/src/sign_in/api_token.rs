//! An API token (`SSWS`): the same header with each request.

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::{Response, SignIn, Signature};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// Signs by an API token. There is no other one to be had, so that a refusal is final.
#[derive(Debug)]
pub(crate) struct ApiToken(Signature);

impl ApiToken {
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] for a token that is empty or that no header can have.
    pub(crate) fn new(token: &SecretString) -> Result<Self> {
        let token = token.expose_secret().trim();
        let text = Zeroizing::new(format!("SSWS {token}"));
        let is_one_word = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let value = HeaderValue::from_str(&text).ok().filter(|_| is_one_word).ok_or_else(|| {
            Error::new(ErrorKind::ConfigInvalid, "configure")
                .with_detail("the API token is empty or has characters that no token has")
                .with_advice("give the value that Okta showed when the token was made, without `SSWS`")
        })?;
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value);
        Ok(Self(Signature::new(headers, 0)))
    }
}

#[async_trait]
impl SignIn for ApiToken {
    async fn sign(&self, _method: &Method, _url: &Uri) -> Result<Signature> {
        Ok(self.0.clone())
    }

    async fn refused(&self, _signature: &Signature, _response: &Response) -> Result<bool> {
        Ok(false)
    }
}
