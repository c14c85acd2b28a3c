//! The private key that we sign with.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, CommonParameters, Jwk};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::pki_types::pem::{PemObject, SectionKind};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::der;
use crate::error::{Error, ErrorKind, Result};

/// How is signed (RFC 7518, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// RSA with PSS padding and SHA-256.
    Ps256,
    /// RSA with PKCS#1 v1.5 padding and SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl SigningAlgorithm {
    fn is_rsa(self) -> bool {
        matches!(self, Self::Ps256 | Self::Rs256)
    }

    fn of_library(self) -> Algorithm {
        match self {
            Self::Ps256 => Algorithm::PS256,
            Self::Rs256 => Algorithm::RS256,
            Self::Es256 => Algorithm::ES256,
        }
    }
}

/// A private key to sign JSON Web Tokens with. Wiped when dropped; `Debug` shows the algorithm and
/// what is public.
#[derive(Clone)]
pub struct SigningKey {
    key: EncodingKey,
    public: Jwk,
    algorithm: SigningAlgorithm,
    kid: Option<String>,
    thumbprint: Option<String>,
}

impl SigningKey {
    /// Reads a key from PEM: PKCS#8, PKCS#1 (RSA) or SEC1 (EC), not encrypted. Of the certificates
    /// in the same text, the one of this key gives the `x5t#S256` header field.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] when there is no key, or more than one, or one that does not
    /// fit the algorithm, or certificates of other keys only.
    pub fn from_pem(pem: &SecretString, algorithm: SigningAlgorithm) -> Result<Self> {
        let text = pem.expose_secret();
        let (mut keys, mut certificates) = (Vec::new(), Vec::new());
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
            // The parser's error can quote a line of the key.
            let (kind, bytes) = section.map_err(|_| unusable("the text is not PEM"))?;
            let bytes = Zeroizing::new(bytes);
            match kind {
                SectionKind::Certificate => certificates.push(bytes),
                SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey => {
                    keys.push((kind, bytes));
                }
                _ => {}
            }
        }
        let (kind, bytes) = match (keys.pop(), keys.is_empty()) {
            (Some(key), true) => key,
            (Some(_), false) => return Err(unusable("there is more than one private key")),
            (None, _) if text.contains("ENCRYPTED") => {
                let advice = "decrypt it, for instance with `openssl pkey`, and protect the file";
                return Err(unusable("the private key is encrypted").with_advice(advice));
            }
            (None, _) => return Err(unusable("there is no private key in the text")),
        };
        let key = match (algorithm.is_rsa(), kind) {
            (true, SectionKind::RsaPrivateKey) => EncodingKey::from_rsa_der(&bytes),
            (true, SectionKind::PrivateKey) => {
                let inside = der::inside_pkcs8(&bytes).ok_or_else(|| unusable("the private key is not PKCS#8"))?;
                EncodingKey::from_rsa_der(&inside)
            }
            (false, SectionKind::EcPrivateKey) => EncodingKey::from_ec_der(&der::p256_in_pkcs8(&bytes)),
            (false, SectionKind::PrivateKey) => EncodingKey::from_ec_der(&bytes),
            _ => return Err(unfitting(algorithm)),
        };
        let mut key = Self::new(key, algorithm)?;
        if !certificates.is_empty() {
            let own = certificates.iter().find(|certificate| key.is_of(certificate));
            let own = own.ok_or_else(|| unusable("the certificate is of another key"))?;
            key.thumbprint = Some(URL_SAFE_NO_PAD.encode(Sha256::digest(own)));
        }
        Ok(key)
    }

    /// Reads a private JSON Web Key (RFC 7517), an RSA one with its primes; its `kid` is kept.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] when it cannot be read or does not fit the algorithm.
    pub fn from_jwk(jwk: &SecretString, algorithm: SigningAlgorithm) -> Result<Self> {
        // The parser's error can quote the key.
        let parts: PrivateJwk =
            serde_json::from_str(jwk.expose_secret()).map_err(|_| unusable("it is no JSON Web Key"))?;
        let key = match (parts.kty.as_str(), algorithm.is_rsa()) {
            ("RSA", true) => {
                let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
                let values = [&parts.n, &parts.e, &parts.d, &parts.p, &parts.q, &parts.dp, &parts.dq, &parts.qi];
                let numbers: Vec<_> = names
                    .iter()
                    .zip(values)
                    .map(|(name, value)| bytes_of(name, value.as_deref()))
                    .collect::<Result<_>>()?;
                EncodingKey::from_rsa_der(&der::pkcs1(&numbers))
            }
            ("EC", false) if parts.crv.as_deref() == Some("P-256") => {
                let (d, x, y) = (parts.d.as_deref(), parts.x.as_deref(), parts.y.as_deref());
                let sec1 = der::sec1(&bytes_of("d", d)?, &bytes_of("x", x)?, &bytes_of("y", y)?);
                EncodingKey::from_ec_der(&der::p256_in_pkcs8(&sec1))
            }
            _ => return Err(unfitting(algorithm)),
        };
        let mut key = Self::new(key, algorithm)?;
        key.kid.clone_from(&parts.kid);
        Ok(key)
    }

    /// A new key that is nowhere but in memory: RSA of 2048 bits, or P-256. An RSA key takes a
    /// tenth of a second or so.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`] when the machine gives no randomness.
    pub fn generate(algorithm: SigningAlgorithm) -> Result<Self> {
        let failed =
            |_| Error::new(ErrorKind::Unexpected, "make a signing key").with_detail("the machine could not make a key");
        let key = if algorithm.is_rsa() {
            let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(failed)?;
            let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
            let inside = der::inside_pkcs8(pkcs8.as_ref()).ok_or_else(|| unusable("the new key is not PKCS#8"))?;
            EncodingKey::from_rsa_der(&inside)
        } else {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
            EncodingKey::from_ec_der(pair.to_pkcs8v1().map_err(failed)?.as_ref())
        };
        Self::new(key, algorithm)
    }

    fn new(key: EncodingKey, algorithm: SigningAlgorithm) -> Result<Self> {
        let mut public = Jwk::from_encoding_key(&key, algorithm.of_library()).map_err(|_| unfitting(algorithm))?;
        public.common = CommonParameters::default();
        Ok(Self { key, public, algorithm, kid: None, thumbprint: None })
    }

    /// Names the key in the header of what it signs.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<String>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// How it signs.
    #[must_use]
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The SHA-256 of the certificate, in base64url (`x5t#S256`).
    #[must_use]
    pub fn certificate_thumbprint(&self) -> Option<&str> {
        self.thumbprint.as_deref()
    }

    /// The public part as a JSON Web Key, with the members that RFC 7638 requires and no others.
    #[must_use]
    pub fn public_jwk(&self) -> serde_json::Value {
        match &self.public.algorithm {
            AlgorithmParameters::RSA(rsa) => json!({ "kty": "RSA", "n": rsa.n, "e": rsa.e }),
            AlgorithmParameters::EllipticCurve(ec) => {
                json!({ "kty": "EC", "crv": "P-256", "x": ec.x, "y": ec.y })
            }
            // No other key is taken in.
            _ => serde_json::Value::Null,
        }
    }

    /// Signs claims as a JSON Web Token of type `JWT`, whose header names `kid` and `x5t#S256`.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`] when signing fails.
    pub fn sign<C: Serialize>(&self, claims: &C) -> Result<SecretString> {
        let mut header = Header::new(self.algorithm.of_library());
        header.kid.clone_from(&self.kid);
        header.x5t_s256.clone_from(&self.thumbprint);
        self.encode(&header, claims)
    }

    /// Signs claims as a JSON Web Token of this type, whose header carries the public key (a DPoP
    /// proof, RFC 9449: `dpop+jwt`).
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`] when signing fails.
    pub fn sign_with_public_key<C: Serialize>(&self, typ: &str, claims: &C) -> Result<SecretString> {
        let mut header = Header::new(self.algorithm.of_library());
        header.typ = Some(typ.to_owned());
        header.jwk = Some(self.public.clone());
        self.encode(&header, claims)
    }

    fn encode<C: Serialize>(&self, header: &Header, claims: &C) -> Result<SecretString> {
        let signed = jsonwebtoken::encode(header, claims, &self.key);
        signed.map(SecretString::from).map_err(|_| {
            Error::new(ErrorKind::Unexpected, "sign an assertion").with_detail("the signature could not be made")
        })
    }

    /// The bytes that tell this public key from all others: the modulus, or the point.
    fn public_number(&self) -> Vec<u8> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        match &self.public.algorithm {
            AlgorithmParameters::RSA(rsa) => bytes(&rsa.n),
            AlgorithmParameters::EllipticCurve(ec) => [bytes(&ec.x), bytes(&ec.y)].concat(),
            _ => Vec::new(),
        }
    }

    /// Whether a certificate is of this key: it holds the public key's bytes as they are.
    fn is_of(&self, certificate: &[u8]) -> bool {
        let number = self.public_number();
        !number.is_empty() && certificate.windows(number.len()).any(|window| window == number)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .field("certificate_thumbprint", &self.thumbprint)
            .finish_non_exhaustive()
    }
}

/// The members of a private key (RFC 7518, sections 6.2 and 6.3), as they are written.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct PrivateJwk {
    kty: String,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<String>,
    p: Option<String>,
    q: Option<String>,
    dp: Option<String>,
    dq: Option<String>,
    qi: Option<String>,
}

fn bytes_of(name: &str, value: Option<&str>) -> Result<der::Secret> {
    let value = value.ok_or_else(|| unusable(&format!("the JSON Web Key has no `{name}`")))?;
    let bytes = URL_SAFE_NO_PAD.decode(value.trim_end_matches('='));
    bytes.map(Zeroizing::new).map_err(|_| unusable(&format!("`{name}` of the JSON Web Key is not base64url")))
}

fn unusable(detail: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "read a signing key")
        .with_detail(detail)
        .with_advice("give an unencrypted private key in PEM (PKCS#8, PKCS#1, SEC1) or as a JSON Web Key")
}

fn unfitting(algorithm: SigningAlgorithm) -> Error {
    // The least that RFC 7518 (section 3.3) allows, and that the library takes.
    let wanted = if algorithm.is_rsa() { "an RSA key of 2048 bits or more" } else { "an EC key on P-256" };
    unusable(&format!("it is not {wanted}, which {algorithm:?} needs, or it is damaged"))
}
