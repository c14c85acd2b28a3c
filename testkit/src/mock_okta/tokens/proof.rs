//! Proofs of possession (RFC 9449, as Okta asks for them): signed with the key that is inside, for one
//! method and address, once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Tokens;
use super::jose::{Jwt, thumbprint};
use super::refusal::TokenRefusal;
use crate::mock_http::Call;
use crate::mock_okta::refusal::Refusal;

/// How far clocks may differ, in seconds.
const SKEW: i64 = 300;

/// Checks a proof; gives the thumbprint of its key, and its nonce.
fn check(
    tokens: &mut Tokens,
    call: &Call,
    url: &str,
    now: Timestamp,
) -> Result<(String, Option<String>, Option<String>), TokenRefusal> {
    let refused = TokenRefusal::proof;
    let proof = call.header("dpop").ok_or_else(|| refused("The DPoP proof JWT header is missing."))?;
    if call.headers.get_all("dpop").iter().count() > 1 {
        return Err(refused("There is more than one DPoP proof JWT header."));
    }
    let jwt = Jwt::read(proof).ok_or_else(|| refused("The DPoP proof JWT is invalid."))?;
    if jwt.head("typ") != Some("dpop+jwt") {
        return Err(refused("The DPoP proof JWT 'typ' header must be 'dpop+jwt'."));
    }
    if !matches!(jwt.head("alg"), Some("RS256" | "RS384" | "RS512" | "ES256" | "ES384" | "ES512")) {
        return Err(refused("The DPoP proof JWT 'alg' header is not supported."));
    }
    let key = jwt.header.get("jwk").ok_or_else(|| refused("The DPoP proof JWT 'jwk' header is missing."))?;
    if ["d", "p", "q", "k"].iter().any(|private| key.get(private).is_some()) {
        return Err(refused("The DPoP proof JWT 'jwk' header must not contain a private key."));
    }
    let print = thumbprint(key).filter(|_| jwt.is_signed_with(key));
    let print = print.ok_or_else(|| refused("The DPoP proof JWT signature is invalid."))?;
    if jwt.claim("htm") != Some(call.method.as_str()) {
        return Err(refused("The DPoP proof JWT 'htm' claim does not match the request method."));
    }
    if jwt.claim("htu") != Some(format!("{url}{}", call.path).as_str()) {
        return Err(refused("The DPoP proof JWT 'htu' claim does not match the request URL."));
    }
    let issued = jwt.moment("iat").ok_or_else(|| refused("The DPoP proof JWT 'iat' claim is missing."))?;
    if issued < now.as_second() - SKEW {
        return Err(refused("The DPoP proof JWT was issued more than five minutes in the past."));
    }
    if issued > now.as_second() + SKEW {
        return Err(refused("The DPoP proof JWT was issued in the future."));
    }
    let jti = jwt.claim("jti").filter(|jti| !jti.is_empty());
    let jti = jti.ok_or_else(|| refused("The DPoP proof JWT 'jti' claim is missing."))?;
    if !tokens.proofs_seen.insert(jti.to_owned()) {
        return Err(refused("The DPoP proof JWT has already been used."));
    }
    let text = |name: &str| jwt.claims.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok((print, text("nonce"), text("ath")))
}

/// Checks the proof of a request for a token; gives the thumbprint that the token is bound to.
pub(super) fn of_token(tokens: &mut Tokens, call: &Call, url: &str, now: Timestamp) -> Result<String, TokenRefusal> {
    let (print, nonce, _) = check(tokens, call, url, now)?;
    match nonce {
        Some(nonce) if tokens.is_nonce(&nonce) => Ok(print),
        _ => Err(TokenRefusal::use_nonce(tokens.nonce())),
    }
}

/// Checks that a token that is bound to a key comes with a proof by it.
pub(super) fn of_resource(tokens: &mut Tokens, call: &Call, url: &str, now: Timestamp) -> Result<(), Refusal> {
    let authorization = call.header("authorization").and_then(|value| value.split_once(' '));
    let Some((scheme, token)) = authorization else { return Err(Refusal::invalid_token()) };
    let bound = tokens.issued.get(token).and_then(|issued| issued.bound.clone());
    let refused = |refusal: TokenRefusal| {
        let challenge = format!("DPoP error=\"{}\", error_description=\"{}\"", refusal.error, refusal.description);
        Refusal::oauth(refusal.status, refusal.error, refusal.description).with("www-authenticate", challenge)
    };
    match (bound, scheme) {
        (None, "Bearer") => Ok(()),
        (None, _) => Err(Refusal::invalid_token()),
        (Some(_), "Bearer") => Err(refused(TokenRefusal::request(
            "The resource request must use the DPoP authentication scheme when using a DPoP bound token.",
        ))),
        (Some(_), _) if call.header("dpop").is_none() => {
            Err(refused(TokenRefusal::request("The resource request requires a DPoP proof.")))
        }
        (Some(bound), _) => {
            let token = URL_SAFE_NO_PAD.encode(Sha256::digest(token));
            let (print, _, ath) = check(tokens, call, url, now).map_err(refused)?;
            if ath.as_deref() != Some(token.as_str()) {
                return Err(refused(TokenRefusal::proof(
                    "The DPoP proof JWT 'ath' claim does not match the access token.",
                )));
            }
            if print != bound {
                return Err(refused(TokenRefusal::proof(
                    "The DPoP proof JWT key does not match the key that the access token is bound to.",
                )));
            }
            Ok(())
        }
    }
}
