//! By what accounts are counted together.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::directory::Scope;

/// By what accounts are counted together. An account can be in several groups.
///
/// In words, for command lines and files: `population`, `directory`, `tier`, `attribute:NAME` (or
/// `attribute:NAME,NAME` where directories name it differently), `group:DIRECTORY/GROUP`.
///
/// ```
/// use identity_core::recovery::Grouping;
///
/// let by: Grouping = "attribute:employeeType,userType".parse()?;
/// assert_eq!(by.to_string(), "attribute:employeeType,userType");
/// let contractors: Grouping = "group:corp/CN=Contractors,OU=Groups,DC=corp,DC=example".parse()?;
/// # Ok::<(), identity_core::recovery::InvalidGrouping>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Grouping {
    /// By [population](crate::plan::Population): privileged, workforce, others.
    Population,
    /// By directory.
    Directory,
    /// By tier.
    Tier,
    /// By the value of an attribute: one group a value. The first of the names that an account has.
    Attribute(Vec<String>),
    /// The members of a group of one directory, nested ones included.
    Group {
        /// The directory.
        directory: String,
        /// The group's distinguished name, id or name.
        name: String,
    },
}

/// A text that is no grouping.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no grouping; say population, directory, tier, attribute:NAME or group:DIRECTORY/GROUP")]
pub struct InvalidGrouping(String);

impl Grouping {
    /// By the value of an attribute, such as `employeeType`.
    #[must_use]
    pub fn attribute(name: impl Into<String>) -> Self {
        Self::Attribute(vec![name.into()])
    }

    /// The members of a group of one directory, nested ones included.
    #[must_use]
    pub fn group(directory: impl Into<String>, name: impl Into<String>) -> Self {
        Self::Group { directory: directory.into(), name: name.into() }
    }

    /// The part of a directory that it asks a backend for, where it asks for one.
    pub(super) fn scope(&self) -> Option<(&str, Scope)> {
        match self {
            Self::Group { directory, name } => Some((directory, Scope::Group(name.clone()))),
            _ => None,
        }
    }
}

impl FromStr for Grouping {
    type Err = InvalidGrouping;

    fn from_str(text: &str) -> Result<Self, InvalidGrouping> {
        let invalid = || InvalidGrouping(text.chars().take(200).collect());
        match text.split_once(':') {
            None => match text {
                "population" => Ok(Self::Population),
                "directory" => Ok(Self::Directory),
                "tier" => Ok(Self::Tier),
                _ => Err(invalid()),
            },
            Some(("attribute", names)) => {
                let names: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
                if names.iter().any(String::is_empty) { Err(invalid()) } else { Ok(Self::Attribute(names)) }
            }
            Some(("group", of)) => match of.split_once('/') {
                Some((directory, name)) if !directory.is_empty() && !name.trim().is_empty() => {
                    Ok(Self::group(directory, name))
                }
                _ => Err(invalid()),
            },
            Some(_) => Err(invalid()),
        }
    }
}

impl TryFrom<String> for Grouping {
    type Error = InvalidGrouping;

    fn try_from(text: String) -> Result<Self, InvalidGrouping> {
        text.parse()
    }
}

impl From<Grouping> for String {
    fn from(grouping: Grouping) -> Self {
        grouping.to_string()
    }
}

impl fmt::Display for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Population => f.write_str("population"),
            Self::Directory => f.write_str("directory"),
            Self::Tier => f.write_str("tier"),
            Self::Attribute(names) => write!(f, "attribute:{}", names.join(",")),
            Self::Group { directory, name } => write!(f, "group:{directory}/{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_went() {
        for text in ["population", "directory", "tier", "attribute:a", "attribute:a,b", "group:corp/CN=A/B,DC=x"] {
            assert_eq!(text.parse::<Grouping>().unwrap().to_string(), text);
        }
        for bad in ["", "people", "attribute:", "attribute:a,,b", "group:x", "group:/x", "group:corp/ "] {
            assert!(bad.parse::<Grouping>().is_err(), "{bad:?}");
        }
    }
}
