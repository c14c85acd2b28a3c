//! Keys of every form, and what they sign.

use std::path::Path;

use identity_core::error::{ErrorKind, Result};
use identity_core::http::{SigningAlgorithm, SigningKey};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use SigningAlgorithm::{Es256, Ps256, Rs256};

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/keys").join(name);
    std::fs::read_to_string(path).unwrap()
}

pub(crate) fn pem(name: &str, algorithm: SigningAlgorithm) -> Result<SigningKey> {
    SigningKey::from_pem(&SecretString::from(text(name)), algorithm)
}

fn jwk(name: &str, algorithm: SigningAlgorithm) -> Result<SigningKey> {
    SigningKey::from_jwk(&SecretString::from(text(name)), algorithm)
}

/// Checks a signature with what the certificate, not the private key, says of the key.
pub(crate) fn decoded(token: &str) -> (Header, Value) {
    let header = jsonwebtoken::decode_header(token).unwrap();
    let public = match header.alg {
        Algorithm::ES256 => {
            let ec: Value = serde_json::from_str(&text("ec.jwk.json")).unwrap();
            DecodingKey::from_ec_components(ec["x"].as_str().unwrap(), ec["y"].as_str().unwrap()).unwrap()
        }
        _ => {
            let rsa: Value = serde_json::from_str(&text("rsa.jwk.json")).unwrap();
            DecodingKey::from_rsa_components(rsa["n"].as_str().unwrap(), rsa["e"].as_str().unwrap()).unwrap()
        }
    };
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let claims = jsonwebtoken::decode::<Value>(token, &public, &validation).unwrap().claims;
    (header, claims)
}

#[test]
fn every_form_of_a_key_signs_what_its_public_part_checks() {
    let keys = [
        (pem("rsa-pkcs8.pem", Ps256), Algorithm::PS256),
        (pem("rsa-pkcs1.pem", Ps256), Algorithm::PS256),
        (pem("rsa-pkcs8.pem", Rs256), Algorithm::RS256),
        (jwk("rsa.jwk.json", Ps256), Algorithm::PS256),
        (jwk("rsa.jwk.json", Rs256), Algorithm::RS256),
        (pem("ec-sec1.pem", Es256), Algorithm::ES256),
        (pem("ec-pkcs8.pem", Es256), Algorithm::ES256),
        (jwk("ec.jwk.json", Es256), Algorithm::ES256),
    ];
    for (key, algorithm) in keys {
        let key = key.unwrap();
        let (header, claims) = decoded(key.sign(&json!({ "sub": "app" })).unwrap().expose_secret());
        assert_eq!((header.alg, claims), (algorithm, json!({ "sub": "app" })), "{key:?}");
    }
}

#[test]
fn the_public_part_is_the_same_in_every_form() {
    let public = |name: &str, members: &[&str]| {
        let whole: Value = serde_json::from_str(&text(name)).unwrap();
        Value::Object(members.iter().map(|member| ((*member).to_owned(), whole[member].clone())).collect())
    };
    let rsa = public("rsa.jwk.json", &["kty", "n", "e"]);
    for key in [pem("rsa-pkcs8.pem", Ps256), pem("rsa-pkcs1.pem", Rs256), jwk("rsa.jwk.json", Rs256)] {
        assert_eq!(key.unwrap().public_jwk(), rsa);
    }
    let ec = public("ec.jwk.json", &["kty", "crv", "x", "y"]);
    for key in [pem("ec-sec1.pem", Es256), pem("ec-pkcs8.pem", Es256), jwk("ec.jwk.json", Es256)] {
        assert_eq!(key.unwrap().public_jwk(), ec);
    }
}

#[test]
fn a_certificate_gives_its_thumbprint() {
    // By `openssl x509 -outform DER | openssl dgst -sha256 -binary | basenc --base64url`.
    let expected = "EMVgmssZoxV7MgvjndmFA0X8JjBt4o8p7tX_nU1esLE";
    let (key, certificate) = (text("rsa-pkcs8.pem"), text("rsa-certificate.pem"));
    for both in [format!("{key}{certificate}"), format!("Bag Attributes\n{certificate}\n{key}")] {
        let key = SigningKey::from_pem(&SecretString::from(both), Ps256).unwrap();
        assert_eq!(key.certificate_thumbprint(), Some(expected));
        let (header, _) = decoded(key.sign(&json!({})).unwrap().expose_secret());
        assert_eq!(header.x5t_s256.as_deref(), Some(expected));
        assert_eq!((header.kid, header.x5t), (None, None));
    }
}

#[test]
fn of_a_chain_the_certificate_of_the_key_is_taken() {
    let other = rcgen::generate_simple_self_signed(vec!["issuer.test".to_owned()]).unwrap().cert.pem();
    let (key, certificate) = (text("rsa-pkcs8.pem"), text("rsa-certificate.pem"));
    let chain = SigningKey::from_pem(&SecretString::from(format!("{other}{certificate}{key}")), Ps256).unwrap();
    assert_eq!(chain.certificate_thumbprint(), Some("EMVgmssZoxV7MgvjndmFA0X8JjBt4o8p7tX_nU1esLE"));
    let error = SigningKey::from_pem(&SecretString::from(format!("{other}{key}")), Ps256).unwrap_err();
    assert_eq!(error.detail(), "the certificate is of another key");
}

#[test]
fn a_jwk_keeps_its_name_and_a_name_can_be_given() {
    let name = |key: &SigningKey| decoded(key.sign(&json!({})).unwrap().expose_secret()).0.kid;
    assert_eq!(name(&jwk("rsa.jwk.json", Ps256).unwrap()).as_deref(), Some("key-1"));
    assert_eq!(name(&jwk("ec.jwk.json", Es256).unwrap().with_kid("other")).as_deref(), Some("other"));
    assert_eq!(name(&pem("ec-sec1.pem", Es256).unwrap()), None);
}

#[test]
fn a_proof_carries_the_public_key_and_nothing_private() {
    for key in [jwk("rsa.jwk.json", Rs256).unwrap(), jwk("ec.jwk.json", Es256).unwrap()] {
        let proof = key.sign_with_public_key("dpop+jwt", &json!({ "htm": "GET" })).unwrap();
        let (header, claims) = decoded(proof.expose_secret());
        assert_eq!((header.typ.as_deref(), &claims["htm"]), (Some("dpop+jwt"), &json!("GET")));
        assert_eq!(header.kid, None);
        let carried: Jwk = header.jwk.unwrap();
        assert_eq!(serde_json::to_value(&carried).unwrap(), key.public_jwk());
        assert!(carried.thumbprint(ThumbprintHash::SHA256).is_ok());
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_a_reason_and_without_the_key() {
    let rsa: Value = serde_json::from_str(&text("rsa.jwk.json")).unwrap();
    let without = |member: &str| {
        let mut rsa = rsa.clone();
        rsa.as_object_mut().unwrap().remove(member);
        SecretString::from(rsa.to_string())
    };
    let two = SecretString::from(format!("{}{}", text("rsa-pkcs8.pem"), text("ec-sec1.pem")));
    let half = SecretString::from(text("ec-sec1.pem").replace("-----END", "MHcCA!\n-----END"));
    for (key, reason) in [
        (pem("rsa-pkcs8.pem", Es256), "an EC key on P-256"),
        (pem("rsa-pkcs1.pem", Es256), "an EC key on P-256"),
        (pem("ec-pkcs8.pem", Ps256), "an RSA key"),
        (pem("ec-sec1.pem", Rs256), "an RSA key"),
        (pem("ec-p384.pem", Es256), "an EC key on P-256"),
        (pem("rsa-1024.pem", Ps256), "2048"),
        (pem("ec-encrypted.pem", Es256), "encrypted"),
        (pem("rsa-certificate.pem", Ps256), "no private key"),
        (pem("rsa.jwk.json", Ps256), "no private key"),
        (jwk("rsa-pkcs8.pem", Ps256), "no JSON Web Key"),
        (jwk("rsa.jwk.json", Es256), "an EC key on P-256"),
        (jwk("ec.jwk.json", Ps256), "an RSA key"),
        (SigningKey::from_jwk(&without("dp"), Ps256), "no `dp`"),
        (SigningKey::from_jwk(&without("kty"), Ps256), "no JSON Web Key"),
        (SigningKey::from_pem(&two, Ps256), "more than one"),
        (SigningKey::from_pem(&half, Es256), "not PEM"),
    ] {
        let error = key.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert!(error.detail().contains(reason), "{error} instead of {reason}");
        let secret = rsa["d"].as_str().unwrap();
        assert!(!format!("{error:?}").contains(secret.get(..16).unwrap()));
    }
}

#[test]
fn a_damaged_jwk_is_refused() {
    let ec = text("ec.jwk.json");
    // The private number no longer fits the point.
    let damaged = SecretString::from(ec.replace("Z1P1IF9u", "Z1P1IF9v"));
    assert_eq!(SigningKey::from_jwk(&damaged, Es256).unwrap_err().kind(), ErrorKind::ConfigInvalid);
}
