//! Keys that sign as OpenSSH does, made without the code under test: PROTOCOL.sshsig, PROTOCOL.u2f,
//! RFC 4253 and RFC 8332 written down a second time.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha512};

pub(crate) const NAMESPACE: &str = "identity-reset@plan";

/// A key of one of the kinds that are verified.
pub(crate) struct SshKey {
    kind: &'static str,
    pair: Pair,
    /// Of a security key: the application, and the flags that it signs with.
    security: Option<(&'static str, u8)>,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    /// With the name of the curve.
    Ecdsa(&'static str, EcdsaKeyPair),
    Rsa(&'static str, Box<RsaKeyPair>),
}

impl SshKey {
    pub(crate) fn ed25519() -> Self {
        Self { kind: "ssh-ed25519", pair: Pair::Ed25519(Ed25519KeyPair::generate().unwrap()), security: None }
    }

    pub(crate) fn ecdsa(curve: &'static str) -> Self {
        let (kind, algorithm) = match curve {
            "nistp256" => ("ecdsa-sha2-nistp256", &ECDSA_P256_SHA256_FIXED_SIGNING),
            "nistp384" => ("ecdsa-sha2-nistp384", &ECDSA_P384_SHA384_FIXED_SIGNING),
            "nistp521" => ("ecdsa-sha2-nistp521", &ECDSA_P521_SHA512_FIXED_SIGNING),
            _ => panic!("no such curve"),
        };
        Self { kind, pair: Pair::Ecdsa(curve, EcdsaKeyPair::generate(algorithm).unwrap()), security: None }
    }

    /// Signs with `rsa-sha2-256` or `rsa-sha2-512`.
    pub(crate) fn rsa(signs: &'static str) -> Self {
        let pair = Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
        Self { kind: "ssh-rsa", pair: Pair::Rsa(signs, pair), security: None }
    }

    pub(crate) fn security_ed25519(flags: u8) -> Self {
        Self { kind: "sk-ssh-ed25519@openssh.com", security: Some(("ssh:", flags)), ..Self::ed25519() }
    }

    pub(crate) fn security_ecdsa(flags: u8) -> Self {
        Self { kind: "sk-ecdsa-sha2-nistp256@openssh.com", security: Some(("ssh:", flags)), ..Self::ecdsa("nistp256") }
    }

    /// The public key as a line of a file has it.
    pub(crate) fn public(&self) -> String {
        format!("{} {}", self.kind, STANDARD.encode(self.blob()))
    }

    /// As `ssh-keygen -l` shows it.
    pub(crate) fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD.encode(Sha256::digest(self.blob())).trim_end_matches('='))
    }

    fn blob(&self) -> Vec<u8> {
        let mut blob = string(self.kind.as_bytes());
        match &self.pair {
            Pair::Ed25519(pair) => blob.extend(string(pair.public_key().as_ref())),
            Pair::Ecdsa(curve, pair) => {
                blob.extend(string(curve.as_bytes()));
                blob.extend(string(pair.public_key().as_ref()));
            }
            Pair::Rsa(_, pair) => {
                let (e, n) = rsa_numbers(pair.public_key().as_ref());
                blob.extend(string(&e));
                blob.extend(string(&n));
            }
        }
        if let Some((application, _)) = self.security {
            blob.extend(string(application.as_bytes()));
        }
        blob
    }

    /// The signature of a text, armored, in our namespace.
    pub(crate) fn sign(&self, text: &str) -> String {
        self.sign_for(NAMESPACE, "sha512", text)
    }

    pub(crate) fn sign_for(&self, namespace: &str, hash: &str, text: &str) -> String {
        let digest = match hash {
            "sha256" => Sha256::digest(text).to_vec(),
            _ => Sha512::digest(text).to_vec(),
        };
        let mut signed = b"SSHSIG".to_vec();
        for part in [namespace.as_bytes(), b"", hash.as_bytes(), &digest] {
            signed.extend(string(part));
        }
        let mut whole = b"SSHSIG".to_vec();
        whole.extend(1_u32.to_be_bytes());
        for part in [self.blob().as_slice(), namespace.as_bytes(), b"", hash.as_bytes(), &self.signature(&signed)] {
            whole.extend(string(part));
        }
        let text = STANDARD.encode(whole);
        let lines: Vec<&str> = text.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let mut trailer = Vec::new();
        let mut message = message.to_vec();
        if let Some((application, flags)) = self.security {
            trailer.push(flags);
            trailer.extend(7_u32.to_be_bytes());
            let (application, signed) = (Sha256::digest(application), Sha256::digest(&message));
            message = [application.as_slice(), &trailer, signed.as_slice()].concat();
        }
        let (name, bytes) = match &self.pair {
            Pair::Ed25519(pair) => (self.kind, pair.sign(&message).as_ref().to_vec()),
            Pair::Ecdsa(_, pair) => {
                let fixed = pair.sign(&SystemRandom::new(), &message).unwrap();
                let (r, s) = fixed.as_ref().split_at(fixed.as_ref().len() / 2);
                (self.kind, [string(&number(r)), string(&number(s))].concat())
            }
            Pair::Rsa(name, pair) => {
                let encoding = if *name == "rsa-sha2-256" { &RSA_PKCS1_SHA256 } else { &RSA_PKCS1_SHA512 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), &message, &mut signature).unwrap();
                (*name, signature)
            }
        };
        [string(name.as_bytes()), string(&bytes), trailer].concat()
    }
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [length.as_slice(), bytes].concat()
}

/// A number as RFC 4251 has it: no zeros before it but one where it would look negative.
fn number(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[zeros..];
    if bytes.first().is_some_and(|first| *first >= 0x80) { [&[0], bytes].concat() } else { bytes.to_vec() }
}

/// Exponent and modulus of a public key in DER (RFC 8017, A.1.1): a sequence of two numbers.
fn rsa_numbers(der: &[u8]) -> (Vec<u8>, Vec<u8>) {
    fn value(der: &[u8]) -> (&[u8], &[u8]) {
        let (length, head) = match der[1] {
            0x81 => (usize::from(der[2]), 3),
            0x82 => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
            short => (usize::from(short), 2),
        };
        der[head..].split_at(length)
    }
    let (n, rest) = value(value(der).0);
    (number(value(rest).0), number(n))
}
