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

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(algorithm: &'static rcgen::SignatureAlgorithm) -> SecretString {
        rcgen::KeyPair::generate_for(algorithm).unwrap().serialize_pem().into()
    }

    #[test]
    fn the_kind_of_the_key_says_how_it_signs() {
        for (algorithm, expected) in [
            (&rcgen::PKCS_RSA_SHA256, SigningAlgorithm::Rs256),
            (&rcgen::PKCS_ECDSA_P256_SHA256, SigningAlgorithm::Es256),
        ] {
            assert_eq!(signing_key(&generated(algorithm), None).unwrap().algorithm(), expected);
        }
        let key = signing_key(&generated(&rcgen::PKCS_ECDSA_P256_SHA256), Some("k1")).unwrap();
        assert!(format!("{key:?}").contains("k1"));
    }

    #[test]
    fn a_json_web_key_keeps_its_id_unless_another_is_said() {
        // RFC 7515, appendix A.3.1: an example of the standard.
        let jwk = r#" {"kty":"EC","crv":"P-256","kid":"own","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
        let shown = |id: Option<&str>| format!("{:?}", signing_key(&jwk.into(), id).unwrap());
        assert!(shown(None).contains("own") && shown(Some("other")).contains("other"));
    }

    #[test]
    fn a_key_that_cannot_be_used_is_named_as_what_it_is() {
        for (text, word) in [
            (generated(&rcgen::PKCS_ECDSA_P384_SHA384), "neither an RSA key"),
            (generated(&rcgen::PKCS_ED25519), "neither an RSA key"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n".into(), "encrypted"),
            ("planted".into(), "no private key"),
        ] {
            let error = signing_key(&text, None).unwrap_err();
            assert!(error.detail().contains(word) && error.kind() == ErrorKind::ConfigInvalid, "{error}");
            assert!(!format!("{error:?}").contains("planted"));
        }
    }
}
