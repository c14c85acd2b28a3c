//! As much DER (ITU-T X.690) as private keys need: reading and writing of sequences.

use zeroize::Zeroizing;

/// Bytes of a private key: wiped when dropped.
pub(super) type Secret = Zeroizing<Vec<u8>>;

pub(super) const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const SEQUENCE: u8 = 0x30;
/// The public key in an EC private key (RFC 5915): `[1]`, constructed.
const PUBLIC_KEY: u8 = 0xA1;

/// `ecPublicKey` on `prime256v1` (RFC 5480), each with its tag and length.
const EC_P256: [u8; 19] =
    [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

/// The key inside PKCS#8 (RFC 5958): the octet string after version and algorithm.
pub(super) fn inside_pkcs8(der: &[u8]) -> Option<Secret> {
    let (sequence, _) = read(der, SEQUENCE)?;
    let (_version, rest) = read(sequence, INTEGER)?;
    let (_algorithm, rest) = read(rest, SEQUENCE)?;
    let (key, _) = read(rest, OCTET_STRING)?;
    Some(Zeroizing::new(key.to_vec()))
}

/// An EC key on P-256 as of RFC 5915, put into PKCS#8.
pub(super) fn p256_in_pkcs8(sec1: &[u8]) -> Secret {
    let parts = [element(INTEGER, &[0]), element(SEQUENCE, &EC_P256), element(OCTET_STRING, sec1)];
    sequence(&parts)
}

/// An EC private key as of RFC 5915, of the private number and the coordinates of the public point.
pub(super) fn sec1(d: &[u8], x: &[u8], y: &[u8]) -> Secret {
    let mut point = vec![0, 4];
    point.extend_from_slice(x);
    point.extend_from_slice(y);
    let public = element(PUBLIC_KEY, &element(BIT_STRING, &point));
    sequence(&[element(INTEGER, &[1]), element(OCTET_STRING, d), public])
}

/// An RSA private key as of PKCS#1 (RFC 8017, appendix A.1.2), of its eight numbers.
pub(super) fn pkcs1(numbers: &[Secret]) -> Secret {
    let mut parts = vec![element(INTEGER, &[0])];
    parts.extend(numbers.iter().map(|number| unsigned(number)));
    sequence(&parts)
}

/// A positive number of big-endian bytes.
fn unsigned(bytes: &[u8]) -> Secret {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let digits = bytes.get(first..).unwrap_or_default();
    let mut value = Zeroizing::new(Vec::with_capacity(digits.len() + 1));
    if digits.first().is_none_or(|byte| *byte >= 0x80) {
        value.push(0);
    }
    value.extend_from_slice(digits);
    element(INTEGER, &value)
}

fn sequence(parts: &[Secret]) -> Secret {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut content = Zeroizing::new(Vec::with_capacity(length));
    for part in parts {
        content.extend_from_slice(part);
    }
    element(SEQUENCE, &content)
}

fn element(tag: u8, content: &[u8]) -> Secret {
    let mut bytes = Zeroizing::new(Vec::with_capacity(content.len() + 2 + size_of::<usize>()));
    bytes.push(tag);
    match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => bytes.push(length),
        _ => {
            let length = content.len().to_be_bytes();
            let first = length.iter().position(|byte| *byte != 0).unwrap_or_default();
            let digits = length.get(first..).unwrap_or_default();
            bytes.push(0x80 | digits.len() as u8);
            bytes.extend_from_slice(digits);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// The content of the element at the beginning, which must have this tag, and what is after it.
fn read(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *found != tag {
        return None;
    }
    if *length < 0x80 {
        return rest.split_at_checked(usize::from(*length));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(*length & 0x7F))?;
    let length =
        digits.iter().try_fold(0_usize, |length, digit| length.checked_mul(256)?.checked_add((*digit).into()))?;
    rest.split_at_checked(length)
}
