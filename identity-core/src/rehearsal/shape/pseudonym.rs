//! Names that say nothing, and are the same wherever the same thing is meant.

use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::durable::create_private;
use crate::error::{Error, ErrorKind, Result};

/// What the pseudonyms of a shape are made with. Who has it can tell whether a name that they know is in
/// the shape; who has not cannot. A fresh one is forgotten with the process; one that is kept in a file
/// makes shapes comparable.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ShapeKey([u8; 32]);

const OPERATION: &str = "read the key of the shape";

impl ShapeKey {
    /// A fresh one, by the operating system's generator.
    #[must_use]
    pub fn random() -> Self {
        // Two random UUIDs of 122 bits each, by the operating system's generator.
        let mut bytes = [0; 32];
        let (first, second) = bytes.split_at_mut(16);
        first.copy_from_slice(Uuid::new_v4().as_bytes());
        second.copy_from_slice(Uuid::new_v4().as_bytes());
        Self(bytes)
    }

    /// The one of a file: 64 hexadecimal digits. A file that is not there is made, for its owner alone, with
    /// a fresh one.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when the file holds something else, or cannot be read or made.
    pub fn of_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let fault = |detail: String| {
            Error::new(ErrorKind::InputInvalid, OPERATION)
                .with_detail(format!("{}: {detail}", path.display()))
                .with_advice("name the file that an earlier shape was taken with, or one that is not there yet")
        };
        if !path.exists() {
            let key = Self::random();
            create_private(path).map_err(|error| fault(error.to_string()))?;
            std::fs::write(path, format!("{}\n", hex::encode(key.0))).map_err(|error| fault(error.to_string()))?;
            return Ok(key);
        }
        let mut text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
        let mut bytes = [0; 32];
        let decoded = hex::decode_to_slice(text.trim(), &mut bytes);
        text.zeroize();
        decoded.map_err(|_| fault("it does not hold 64 hexadecimal digits".to_owned()))?;
        Ok(Self(bytes))
    }

    /// Tells two keys apart without telling either.
    pub(super) fn fingerprint(&self) -> String {
        hex::encode(self.hash("fingerprint", "").get(..8).unwrap_or_default())
    }

    /// 16 bytes for a value of a kind. Hashed twice, each time behind the key, so that nothing can be added to
    /// a value.
    fn hash(&self, kind: &str, value: &str) -> [u8; 16] {
        let inner = Sha256::new().chain_update(self.0).chain_update(kind).chain_update([0]).chain_update(value);
        let outer = Sha256::new().chain_update(self.0).chain_update(inner.finalize()).finalize();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(outer).for_each(|(to, from)| *to = from);
        bytes
    }

    /// In the form of a GUID.
    pub(super) fn guid(&self, kind: &str, value: &str) -> Uuid {
        Uuid::from_bytes(self.hash(kind, value))
    }

    /// A word with some hexadecimal digits.
    pub(super) fn word(&self, kind: &str, value: &str) -> String {
        format!("{kind}-{}", hex::encode(self.hash(kind, value).get(..8).unwrap_or_default()))
    }

    /// A name at an address that cannot exist (RFC 2606).
    pub(super) fn address(&self, kind: &str, value: &str) -> String {
        format!("{}@rehearsal.invalid", self.word(kind, value))
    }

    /// In the form of a security identifier: the domain's part is the same for all of a domain, and no
    /// relative id is a well-known one (below 1000, MS-DTYP 2.4.2.4).
    pub(super) fn security_id(&self, value: &str) -> String {
        let (domain, relative) = value.rsplit_once('-').unwrap_or((value, ""));
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        let domain = self.hash("domain", domain);
        let parts: Vec<String> = domain.chunks(4).take(3).map(|part| number(part).to_string()).collect();
        let relative = number(self.hash("sid", &format!("{value} {relative}")).get(..4).unwrap_or_default());
        format!("S-1-5-21-{}-{}", parts.join("-"), relative.max(1_000))
    }
}

impl fmt::Debug for ShapeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShapeKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_has_one_pseudonym_and_another_key_gives_another() {
        let (one, other) = (ShapeKey([1; 32]), ShapeKey([2; 32]));
        assert_eq!(one.guid("id", "a"), one.guid("id", "a"));
        assert_ne!(one.guid("id", "a"), one.guid("id", "b"));
        assert_ne!(one.guid("id", "a"), one.guid("immutable", "a"));
        assert_ne!(one.guid("id", "a"), other.guid("id", "a"));
        assert_ne!(one.fingerprint(), other.fingerprint());
        let sid = |key: &ShapeKey, relative: &str| key.security_id(&format!("s-1-5-21-7-8-9-{relative}"));
        let domain = |sid: String| sid.rsplit_once('-').unwrap().0.to_owned();
        assert_eq!(domain(sid(&one, "1104")), domain(sid(&one, "1105")));
        assert_ne!(sid(&one, "1104"), sid(&one, "1105"));
        assert_eq!(format!("{one:?}"), "ShapeKey([redacted])");
    }

    #[test]
    fn a_key_that_is_kept_is_the_same_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let first = ShapeKey::of_file(&path).unwrap();
        assert_eq!(first.fingerprint(), ShapeKey::of_file(&path).unwrap().fingerprint());
        std::fs::write(&path, "short").unwrap();
        assert!(ShapeKey::of_file(&path).is_err());
    }
}
