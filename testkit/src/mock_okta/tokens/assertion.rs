//! Client assertions: audience, names, times, key, signature, and that none comes twice.

use jiff::Timestamp;
use serde_json::Value;

use super::Tokens;
use super::jose::Jwt;
use super::refusal::TokenRefusal;

/// How long an assertion may be valid, in seconds.
const LONGEST: i64 = 3_600;

/// Whether an assertion proves that it comes from the app.
pub(super) fn check(tokens: &mut Tokens, assertion: &str, endpoint: &str, now: Timestamp) -> Result<(), TokenRefusal> {
    let malformed = || TokenRefusal::client("The client_assertion is not a valid JWT.");
    let jwt = Jwt::read(assertion).ok_or_else(malformed)?;
    let audience = match jwt.claims.get("aud") {
        Some(Value::String(audience)) => audience == endpoint,
        Some(Value::Array(all)) => all.iter().any(|audience| audience == endpoint),
        _ => false,
    };
    if !audience {
        return Err(TokenRefusal::client(
            "The audience claim for client_assertion must be the endpoint invoked for the request.",
        ));
    }
    if jwt.claim("iss") != Some(&tokens.client_id) || jwt.claim("sub") != Some(&tokens.client_id) {
        return Err(TokenRefusal::client("The issuer and subject claims for client_assertion must be the client_id."));
    }
    let expires = jwt
        .moment("exp")
        .ok_or_else(|| TokenRefusal::client("The client_assertion must contain a numeric expiration claim."))?;
    if expires <= now.as_second() {
        return Err(TokenRefusal::client("The client_assertion token is expired."));
    }
    if expires > now.as_second() + LONGEST {
        return Err(TokenRefusal::client("The client_assertion token has an expiration too far into the future."));
    }
    let key = key_of(tokens, &jwt)?;
    if !jwt.is_signed_with(key) {
        return Err(TokenRefusal::client("The client_assertion signature is invalid."));
    }
    let Some(jti) = jwt.claim("jti") else { return Ok(()) };
    if !tokens.assertions_seen.insert(jti.to_owned()) {
        return Err(TokenRefusal::client("The client_assertion token has already been used."));
    }
    Ok(())
}

/// The key that the header names; it need not where there is one only.
fn key_of<'a>(tokens: &'a Tokens, jwt: &Jwt<'_>) -> Result<&'a Value, TokenRefusal> {
    let invalid = || TokenRefusal::client("The client_assertion JWT kid is invalid.");
    match (jwt.head("kid"), tokens.keys.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => Err(invalid()),
        (Some(named), keys) => {
            let id = |key: &&Value| key.get("kid").and_then(Value::as_str) == Some(named);
            keys.iter().find(id).ok_or_else(invalid)
        }
    }
}
