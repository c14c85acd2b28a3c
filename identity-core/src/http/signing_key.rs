//! The private key that we sign with.

use std::fmt;

use secrecy::SecretString;
use serde::Serialize;

use crate::error::Result;

/// How is signed.
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

/// A private key to sign JSON Web Tokens with. Wiped when dropped; `Debug` shows the algorithm and
/// what is public.
#[derive(Clone)]
pub struct SigningKey {
    algorithm: SigningAlgorithm,
    kid: Option<String>,
    thumbprint: Option<String>,
}

impl SigningKey {
    /// Reads a key from PEM: PKCS#8, PKCS#1 (RSA) or SEC1 (EC), not encrypted. A certificate in the
    /// same text gives the `x5t#S256` header field.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`](crate::error::ErrorKind::ConfigInvalid) when there is no key, or
    /// more than one, or one that does not fit the algorithm.
    pub fn from_pem(pem: &SecretString, algorithm: SigningAlgorithm) -> Result<Self> {
        todo!()
    }

    /// Reads a private JSON Web Key (RFC 7517); its `kid` is kept.
    ///
    /// # Errors
    /// As of [`SigningKey::from_pem`].
    pub fn from_jwk(jwk: &SecretString, algorithm: SigningAlgorithm) -> Result<Self> {
        todo!()
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
    ///
    /// # Errors
    /// When the key cannot be used after all.
    pub fn public_jwk(&self) -> Result<serde_json::Value> {
        todo!()
    }

    /// Signs claims as a JSON Web Token of type `JWT`, whose header names `kid` and `x5t#S256`.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign<C: Serialize>(&self, claims: &C) -> Result<SecretString> {
        todo!()
    }

    /// Signs claims as a JSON Web Token of this type, whose header carries the public key (a DPoP
    /// proof, RFC 9449: `dpop+jwt`).
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign_with_public_key<C: Serialize>(&self, typ: &str, claims: &C) -> Result<SecretString> {
        todo!()
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
