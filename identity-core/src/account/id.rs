//! Names of directories and of accounts in them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name that a configuration gives to one directory, such as `corp`.
///
/// 1 to 64 characters of `a-z`, `0-9`, `-` and `_`: it appears in file names, reports and logs.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DirectoryId(Arc<str>);

/// The id of an account within its directory; it survives renames and moves (objectGUID, the
/// object id of Microsoft Graph, Okta's id).
///
/// 1 to 256 printable characters without white space.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(Arc<str>);

/// A text that cannot be an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {text:?} is not usable: {rule}")]
pub struct InvalidId {
    what: &'static str,
    text: String,
    rule: &'static str,
}

impl DirectoryId {
    /// # Errors
    /// [`InvalidId`] unless the text is 1 to 64 characters of `a-z`, `0-9`, `-` and `_`.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidId> {
        let text = text.as_ref();
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if text.is_empty() || text.len() > 64 || !text.chars().all(fits) {
            return Err(InvalidId {
                what: "the directory id",
                text: text.chars().take(80).collect(),
                rule: "1 to 64 characters of a-z, 0-9, - and _",
            });
        }
        Ok(Self(text.into()))
    }
}

impl AccountId {
    /// # Errors
    /// [`InvalidId`] unless the text is 1 to 256 printable characters without white space.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidId> {
        let text = text.as_ref();
        let fits = |c: char| !c.is_whitespace() && !c.is_control();
        if text.is_empty() || text.len() > 256 || !text.chars().all(fits) {
            return Err(InvalidId {
                what: "the account id",
                text: text.chars().take(80).collect(),
                rule: "1 to 256 printable characters without white space",
            });
        }
        Ok(Self(text.into()))
    }
}

macro_rules! text_id {
    ($name:ident) => {
        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }
        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }
    };
}

text_id!(DirectoryId);
text_id!(AccountId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_would_harm_a_file_name_or_a_log_are_refused() {
        for bad in ["", "Corp", "a/b", "..", "a b", "ä", &"x".repeat(65)] {
            assert!(DirectoryId::new(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "a b", "a\nb", "a\0", &"x".repeat(257)] {
            assert!(AccountId::new(bad).is_err(), "{bad:?}");
        }
        assert!(DirectoryId::new("corp-1_eu").is_ok());
        assert!(serde_json::from_str::<DirectoryId>("\"NO\"").is_err());
    }
}
