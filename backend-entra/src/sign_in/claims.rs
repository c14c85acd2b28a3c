//! What a token says of the app. By contract a token is opaque to us: what is read here is used for
//! findings only, never to decide what is sent.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity_core::http::AccessToken;
use serde::Deserialize;

/// What a token says of the app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Claims {
    /// The application permissions that were consented to. Empty where there are none: such tokens
    /// are issued too.
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    /// The object id of the app's service principal.
    #[serde(default)]
    pub(crate) oid: Option<String>,
    /// The app's client id.
    #[serde(default)]
    pub(crate) appid: Option<String>,
    /// The name of the app.
    #[serde(default)]
    pub(crate) app_displayname: Option<String>,
    /// The tenant.
    #[serde(default)]
    pub(crate) tid: Option<String>,
}

impl Claims {
    /// The claims in a token; `None` when it is not a JSON Web Token that can be read.
    pub(crate) fn of(token: &AccessToken) -> Option<Self> {
        let mut parts = token.expose().split('.');
        let (_, claims) = (parts.next()?, parts.next()?);
        let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&claims).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn token(text: &str) -> AccessToken {
        AccessToken::new(text.into(), Duration::from_secs(60))
    }

    #[test]
    fn the_claims_are_read_where_there_are_any() {
        let body = URL_SAFE_NO_PAD.encode(br#"{"roles":["User.Read.All"],"oid":"o","tid":"t","ver":"1.0","x":[1]}"#);
        let claims = Claims::of(&token(&format!("e30.{body}.sig"))).unwrap();
        assert_eq!(claims.roles, ["User.Read.All"]);
        assert_eq!((claims.oid.as_deref(), claims.tid.as_deref(), claims.appid), (Some("o"), Some("t"), None));
        let none = URL_SAFE_NO_PAD.encode(b"{}");
        assert_eq!(Claims::of(&token(&format!("a.{none}.c"))), Some(Claims::default()));
        for opaque in ["", "EwBgA8l6BAAU", "a.b", "a.!.c"] {
            assert_eq!(Claims::of(&token(opaque)), None, "{opaque}");
        }
    }
}
