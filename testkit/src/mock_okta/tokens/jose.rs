//! Signed JSON Web Tokens: taken apart and verified with a JSON Web Key, by another library than the
//! one that our own client signs with.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// The largest coordinate, of P-521.
const COORDINATE: usize = 66;

/// A token taken apart; nothing of it is verified.
#[derive(Debug)]
pub(super) struct Jwt<'a> {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    pub(super) fn read(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |part: &str| serde_json::from_slice::<Map<String, Value>>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        let (header, claims) = (json(header)?, json(claims)?);
        Some(Self { header, claims, signed, signature: URL_SAFE_NO_PAD.decode(signature).ok()? })
    }

    pub(super) fn head(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    pub(super) fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// A claim that is a number of seconds of the epoch.
    pub(super) fn moment(&self, name: &str) -> Option<i64> {
        self.claims.get(name).and_then(Value::as_i64)
    }

    /// Whether it was signed with the private part of this key.
    pub(super) fn is_signed_with(&self, key: &Value) -> bool {
        self.verify(key).is_some()
    }

    fn verify(&self, key: &Value) -> Option<()> {
        let part = |name: &str| URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok();
        let kind = key.get("kty")?.as_str()?;
        let curve = key.get("crv").and_then(Value::as_str);
        match (self.head("alg")?, kind, curve) {
            ("RS256", "RSA", _) => self.rsa(&RSA_PKCS1_2048_8192_SHA256, part("n")?, part("e")?),
            ("RS384", "RSA", _) => self.rsa(&RSA_PKCS1_2048_8192_SHA384, part("n")?, part("e")?),
            ("RS512", "RSA", _) => self.rsa(&RSA_PKCS1_2048_8192_SHA512, part("n")?, part("e")?),
            ("ES256", "EC", Some("P-256")) => self.elliptic(&ECDSA_P256_SHA256_FIXED, 32, part("x")?, part("y")?),
            ("ES384", "EC", Some("P-384")) => self.elliptic(&ECDSA_P384_SHA384_FIXED, 48, part("x")?, part("y")?),
            ("ES512", "EC", Some("P-521")) => {
                self.elliptic(&ECDSA_P521_SHA512_FIXED, COORDINATE, part("x")?, part("y")?)
            }
            _ => None,
        }
    }

    fn rsa(&self, parameters: &'static RsaParameters, n: Vec<u8>, e: Vec<u8>) -> Option<()> {
        RsaPublicKeyComponents { n, e }.verify(parameters, self.signed.as_bytes(), &self.signature).ok()
    }

    fn elliptic(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
        length: usize,
        x: Vec<u8>,
        y: Vec<u8>,
    ) -> Option<()> {
        if x.len() != length || y.len() != length {
            return None;
        }
        let point = [vec![4], x, y].concat();
        UnparsedPublicKey::new(algorithm, point).verify(self.signed.as_bytes(), &self.signature).ok()
    }
}

/// The thumbprint of a key (RFC 7638).
pub(super) fn thumbprint(key: &Value) -> Option<String> {
    let member = |name: &str| key.get(name).and_then(Value::as_str);
    // The members in the order of their names, as the standard asks; `json!` keeps that order.
    let canonical = match member("kty")? {
        "RSA" => json!({ "e": member("e")?, "kty": "RSA", "n": member("n")? }),
        "EC" => json!({ "crv": member("crv")?, "kty": "EC", "x": member("x")?, "y": member("y")? }),
        _ => return None,
    };
    Some(URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_the_standard() {
        // RFC 7638, 3.1.
        let key = json!({
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
            "e": "AQAB",
            "alg": "RS256",
            "kid": "2011-04-29",
        });
        assert_eq!(thumbprint(&key).as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    }

    #[test]
    fn what_is_no_token_is_not_read() {
        for text in ["", ".", "a.b.c", "e30.e30", "e30.e30.$", "W10.e30.", "e30.e30.e30.e30"] {
            assert!(Jwt::read(text).is_none(), "{text}");
        }
        let empty = Jwt::read("e30.e30.").unwrap();
        assert!(!empty.is_signed_with(&json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" })));
    }
}
