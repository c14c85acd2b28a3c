//! Client assertions: signature, names, times, and that none comes twice. The signature is checked
//! by another library than the one that our own client signs with.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

use super::Tokens;
use super::refusal::TokenRefusal;

/// The audience of assertions of another issuer.
const EXCHANGE: &str = "api://AzureADTokenExchange";
/// How long an assertion may be valid, in seconds.
const LONGEST: i64 = 600;
/// How far clocks may differ, in seconds.
const SKEW: i64 = 300;

fn refused(code: u32, message: &str) -> TokenRefusal {
    TokenRefusal::client(code, message)
}

/// Whether an assertion proves that it comes from the app.
pub(super) fn check(tokens: &mut Tokens, assertion: &str, endpoint: &str, now: Timestamp) -> Result<(), TokenRefusal> {
    let malformed = || TokenRefusal::client(50_027, "JWT token is invalid or malformed.");
    let mut parts = assertion.split('.');
    let (Some(header), Some(claims), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed());
    };
    let json = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let (head, body) = (json(header).ok_or_else(malformed)?, json(claims).ok_or_else(malformed)?);
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
    let signed = format!("{header}.{claims}");
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let federated = tokens.federation.clone().filter(|other| other.issuer == text("iss"));
    let key = match &federated {
        Some(other) if other.subject != text("sub") || text("aud") != EXCHANGE => {
            return Err(refused(700_213, "No matching federated identity record found for presented assertion."));
        }
        Some(other) => other.key.clone(),
        None => key_of(tokens, &head, now)?,
    };
    let algorithm = match head.get("alg").and_then(Value::as_str) {
        Some("PS256") => &RSA_PSS_2048_8192_SHA256,
        Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
        _ => return Err(refused(700_027, "The assertion's algorithm is not supported.")),
    };
    if UnparsedPublicKey::new(algorithm, key).verify(signed.as_bytes(), &signature).is_err() {
        return Err(refused(700_027, "Client assertion failed signature validation."));
    }
    times(&body, now, federated.is_some())?;
    if federated.is_some() {
        return Ok(());
    }
    if text("aud") != endpoint {
        return Err(refused(700_023, "Client assertion audience claim does not match the realm issuer."));
    }
    let client = tokens.client_id.to_string();
    if text("iss") != client || text("sub") != client {
        return Err(refused(700_021, "Client assertion application identifier doesn't match 'client_id' parameter."));
    }
    let jti = text("jti");
    if jti.is_empty() || !tokens.assertions_seen.insert(jti.to_owned()) {
        return Err(refused(700_027, "The assertion has no jti, or one that was used before."));
    }
    Ok(())
}

/// The key of the registered certificate that the header names by its thumbprint.
fn key_of(tokens: &Tokens, head: &Value, now: Timestamp) -> Result<Vec<u8>, TokenRefusal> {
    let named = |name: &str, algorithm: &'static digest::Algorithm| {
        let given = URL_SAFE_NO_PAD.decode(head.get(name)?.as_str()?).ok()?;
        tokens.certificates.iter().find(|known| digest::digest(algorithm, known).as_ref() == given.as_slice())
    };
    let known = named("x5t#S256", &digest::SHA256).or_else(|| named("x5t", &digest::SHA1_FOR_LEGACY_USE_ONLY));
    let known = known.ok_or_else(|| refused(700_027, "The certificate is not registered on the application."))?;
    let (_, certificate) =
        X509Certificate::from_der(known).map_err(|_| refused(700_027, "The registered certificate is unreadable."))?;
    if !ASN1Time::from_timestamp(now.as_second()).is_ok_and(|now| certificate.validity().is_valid_at(now)) {
        return Err(refused(700_027, "Client assertion failed signature validation: the key used is expired."));
    }
    Ok(certificate.public_key().raw.to_vec())
}

/// `exp` is to come but not long, `nbf` is past.
fn times(body: &Value, now: Timestamp, federated: bool) -> Result<(), TokenRefusal> {
    let out = || refused(700_024, "Client assertion is not within its valid time range.");
    let moment = |name: &str| body.get(name).and_then(Value::as_i64);
    let now = now.as_second();
    let expires = moment("exp").filter(|expires| *expires + SKEW > now).ok_or_else(out)?;
    if !federated && expires > now + LONGEST + SKEW {
        return Err(out());
    }
    let from = moment("nbf").or_else(|| moment("iat")).unwrap_or(now);
    if from > now + SKEW || (!federated && expires - from > LONGEST) { Err(out()) } else { Ok(()) }
}
