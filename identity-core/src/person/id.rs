//! The id of a person.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::account::{AccountId, DirectoryId};

/// The id of a person within a plan: `p-` and 24 hexadecimal digits.
///
/// It is made from the first of the person's accounts, by the directory's name and the account's
/// id, and from nothing else: the same accounts have the same id in every plan, on every machine. It
/// changes when an account joins that comes before all others.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonId(Arc<str>);

/// A text that is not the id of a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of a person: p- and 24 hexadecimal digits")]
pub struct InvalidPersonId(String);

/// Bytes of the hash: 96 bits keep a million persons apart.
const BYTES: usize = 12;

impl PersonId {
    /// The id of the person whose first account this is.
    #[must_use]
    pub fn of(directory: &DirectoryId, id: &AccountId) -> Self {
        let mut hash = Sha256::new();
        hash.update("identity-reset person\0");
        hash.update(directory.as_str());
        hash.update([0]);
        hash.update(id.as_str());
        let digest: [u8; 32] = hash.finalize().into();
        Self(format!("p-{}", hex::encode(digest.get(..BYTES).unwrap_or_default())).into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonId({})", self.0)
    }
}

impl TryFrom<String> for PersonId {
    type Error = InvalidPersonId;

    fn try_from(text: String) -> Result<Self, InvalidPersonId> {
        let is_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        match text.strip_prefix("p-") {
            Some(digits) if digits.len() == 2 * BYTES && digits.bytes().all(is_hex) => Ok(Self(text.into())),
            _ => Err(InvalidPersonId(text.chars().take(80).collect())),
        }
    }
}

impl From<PersonId> for String {
    fn from(id: PersonId) -> Self {
        id.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_of_one_account_and_survives_the_file() {
        let (a, ab) = (DirectoryId::new("a").unwrap(), DirectoryId::new("ab").unwrap());
        let (bc, c) = (AccountId::new("bc").unwrap(), AccountId::new("c").unwrap());
        assert_ne!(PersonId::of(&a, &bc), PersonId::of(&ab, &c));
        let id = PersonId::of(&a, &c);
        let text = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<PersonId>(&text).unwrap(), id);
        for bad in ["", "p-", "p-12", "P-000000000000000000000000", "p-00000000000000000000000G"] {
            assert!(PersonId::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
