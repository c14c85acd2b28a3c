//! The private key of a service app, in whichever form it was saved.

use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::{SigningAlgorithm, SigningKey};
use secrecy::{ExposeSecret, SecretString};

/// Reads a key: PEM, or a JSON Web Key. An RSA key signs with RS256, one on P-256 with ES256.
///
/// # Errors
/// [`ErrorKind::ConfigInvalid`] when it cannot be used.
pub(super) fn signing_key(text: &SecretString, key_id: Option<&str>) -> Result<SigningKey> {
    let is_jwk = text.expose_secret().trim_start().starts_with('{');
    let read = |algorithm| {
        if is_jwk { SigningKey::from_jwk(text, algorithm) } else { SigningKey::from_pem(text, algorithm) }
    };
    let key = read(SigningAlgorithm::Rs256).or_else(|of_rsa| {
        read(SigningAlgorithm::Es256).map_err(|of_ec| {
            // Both say the same of a text that is no key at all.
            if of_rsa.detail() == of_ec.detail() { of_rsa } else { neither() }
        })
    })?;
    Ok(match key_id {
        Some(id) => key.with_kid(id),
        None => key,
    })
}

fn neither() -> Error {
    Error::new(ErrorKind::ConfigInvalid, "read a signing key")
        .with_detail("it is neither an RSA key of 2048 bits or more nor an EC key on P-256, or it is damaged")
        .with_advice("make a key of one of these kinds for the app")
}
