//! One SSH signature, as PROTOCOL.sshsig of OpenSSH has it: decoded by `ssh-key`, verified by
//! AWS-LC, so that RSA needs no other implementation (RUSTSEC-2023-0071).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use sha2::{Digest, Sha256};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, SshSig};

use super::{ApprovalFault, SIGNATURE_NAMESPACE};

/// The longest file that is read as a signature; one of a large RSA key has four kilobytes.
const MOST_BYTES: usize = 64 << 10;

/// Flags and counter behind the signature of a security key (PROTOCOL.u2f).
const TRAILER: usize = 5;

/// The flag that says that somebody touched the key (PROTOCOL.u2f, "user presence").
const TOUCHED: u8 = 1;

/// The key that made this signature of `message`, in our namespace.
pub(super) fn signer(armor: &str, message: &[u8]) -> Result<KeyData, ApprovalFault> {
    let not_one = |why: String| ApprovalFault::NotASignature { why };
    if armor.len() > MOST_BYTES {
        return Err(not_one("it is too long".to_owned()));
    }
    let signature = SshSig::from_pem(armor.trim()).map_err(|error| not_one(error.to_string()))?;
    if signature.version() != SshSig::VERSION || !signature.reserved().is_empty() {
        return Err(not_one("it is of a format that is not known".to_owned()));
    }
    if signature.namespace() != SIGNATURE_NAMESPACE {
        return Err(ApprovalFault::WrongNamespace { found: signature.namespace().to_owned() });
    }
    let signed = SshSig::signed_data(SIGNATURE_NAMESPACE, signature.hash_alg(), message)
        .map_err(|error| not_one(error.to_string()))?;
    verify(&signature, &signed)?;
    Ok(signature.public_key().clone())
}

fn verify(signature: &SshSig, signed: &[u8]) -> Result<(), ApprovalFault> {
    let key = signature.public_key();
    let algorithm = signature.algorithm();
    let bytes = signature.signature_bytes();
    match (key, &algorithm) {
        (KeyData::Ed25519(key), Algorithm::Ed25519) => plain(&ED25519, &key.0, signed, bytes),
        (KeyData::Ecdsa(point), Algorithm::Ecdsa { curve }) if point.curve() == *curve => {
            ecdsa(*curve, point.as_sec1_bytes(), signed, bytes)
        }
        (KeyData::Rsa(key), Algorithm::Rsa { hash: Some(hash) }) => {
            let (Some(n), Some(e)) = (key.n.as_positive_bytes(), key.e.as_positive_bytes()) else {
                return Err(ApprovalFault::BadSignature);
            };
            let parameters = match hash {
                HashAlg::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
                HashAlg::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
                _ => return Err(unsupported(&algorithm)),
            };
            if n.len() < 256 {
                return Err(ApprovalFault::UnsupportedKey { kind: format!("ssh-rsa of {} bits", n.len() * 8) });
            }
            let bytes = padded(bytes, n.len()).ok_or(ApprovalFault::BadSignature)?;
            let key = RsaPublicKeyComponents { n, e };
            key.verify(parameters, signed, &bytes).map_err(|_| ApprovalFault::BadSignature)
        }
        (KeyData::SkEd25519(key), Algorithm::SkEd25519) => {
            let (bytes, trailer) = touched(signature)?;
            let signed = by_security_key(key.application(), trailer, signed);
            plain(&ED25519, &key.public_key().0, &signed, bytes)
        }
        (KeyData::SkEcdsaSha2NistP256(key), Algorithm::SkEcdsaSha2NistP256) => {
            let (bytes, trailer) = touched(signature)?;
            let signed = by_security_key(key.application(), trailer, signed);
            ecdsa(EcdsaCurve::NistP256, key.ec_point().as_bytes(), &signed, bytes)
        }
        _ => Err(unsupported(&key.algorithm())),
    }
}

fn plain(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    signed: &[u8],
    signature: &[u8],
) -> Result<(), ApprovalFault> {
    UnparsedPublicKey::new(algorithm, key).verify(signed, signature).map_err(|_| ApprovalFault::BadSignature)
}

/// SSH writes r and s as two numbers of their own lengths (RFC 5656, 3.1.2); AWS-LC takes them at the
/// curve's width, one behind the other.
fn ecdsa(curve: EcdsaCurve, point: &[u8], signed: &[u8], signature: &[u8]) -> Result<(), ApprovalFault> {
    let (algorithm, width): (&'static dyn VerificationAlgorithm, usize) = match curve {
        EcdsaCurve::NistP256 => (&ECDSA_P256_SHA256_FIXED, 32),
        EcdsaCurve::NistP384 => (&ECDSA_P384_SHA384_FIXED, 48),
        EcdsaCurve::NistP521 => (&ECDSA_P521_SHA512_FIXED, 66),
    };
    let both = || {
        let (r, rest) = number(signature)?;
        let (s, rest) = number(rest)?;
        let mut fixed = padded(r, width)?;
        fixed.extend(padded(s, width)?);
        rest.is_empty().then_some(fixed)
    };
    plain(algorithm, point, signed, &both().ok_or(ApprovalFault::BadSignature)?)
}

/// A length of four bytes, and so many bytes.
fn number(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// The number at this width, without or with zeros before it; nothing when it is larger.
fn padded(number: &[u8], width: usize) -> Option<Vec<u8>> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let number = number.get(zeros..)?;
    let mut padded = vec![0; width.checked_sub(number.len())?];
    padded.extend_from_slice(number);
    Some(padded)
}

/// The signature of a security key and what stands behind it, when somebody touched the key.
fn touched(signature: &SshSig) -> Result<(&[u8], &[u8]), ApprovalFault> {
    let bytes = signature.signature_bytes();
    let split = bytes.len().checked_sub(TRAILER).and_then(|at| bytes.split_at_checked(at));
    let (bytes, trailer) = split.ok_or(ApprovalFault::BadSignature)?;
    match trailer.first() {
        Some(flags) if flags & TOUCHED != 0 => Ok((bytes, trailer)),
        _ => Err(ApprovalFault::Untouched { key: fingerprint(signature.public_key()) }),
    }
}

/// What a security key signs (PROTOCOL.u2f).
fn by_security_key(application: &str, trailer: &[u8], signed: &[u8]) -> Vec<u8> {
    let (application, signed) = (Sha256::digest(application), Sha256::digest(signed));
    [application.as_slice(), trailer, signed.as_slice()].concat()
}

/// As `ssh-keygen -l` shows it.
pub(super) fn fingerprint(key: &KeyData) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

fn unsupported(algorithm: &Algorithm) -> ApprovalFault {
    ApprovalFault::UnsupportedKey { kind: algorithm.as_str().to_owned() }
}
