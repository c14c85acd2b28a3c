//! What an operator says of roles and permissions, over what a backend's own table says.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::Tier;
use crate::error::{Error, ErrorKind, Result};

const READ: &str = "read the table of privileged roles";

/// Tiers that a TOML text gives to roles and permissions: `[roles]` and `[permissions]`, each key with
/// the tier 0, 1 or 2. What a key is, the backend says.
///
/// ```
/// use identity_core::privilege::{Tier, TierOverrides};
///
/// let overrides = TierOverrides::parse("[roles]\n\"REPORT_ADMIN\" = 2", "write [roles] with \"type\" = tier")?;
/// assert_eq!(overrides.roles, [("REPORT_ADMIN".to_owned(), Tier::User)]);
/// # Ok::<(), identity_core::error::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TierOverrides {
    /// Each role that it names.
    pub roles: Vec<(String, Tier)>,
    /// Each permission that it names.
    pub permissions: Vec<(String, Tier)>,
}

/// The text as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    roles: BTreeMap<String, u8>,
    #[serde(default)]
    permissions: BTreeMap<String, u8>,
}

impl TierOverrides {
    /// Reads a text; `advice` says how one is written for this directory.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] for what is not such a text.
    pub fn parse(toml: &str, advice: &str) -> Result<Self> {
        let written: Written = toml::from_str(toml).map_err(|error| Self::invalid(error.message(), advice))?;
        let tiers = |part: BTreeMap<String, u8>| {
            let tier = |(key, number)| match Tier::numbered(number) {
                Some(tier) => Ok((key, tier)),
                None => Err(Self::invalid(format!("{key}: there is no tier {number}"), advice)),
            };
            part.into_iter().map(tier).collect::<Result<Vec<_>>>()
        };
        Ok(Self { roles: tiers(written.roles)?, permissions: tiers(written.permissions)? })
    }

    /// The text of a file.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] when it cannot be read.
    pub fn text_of(path: &Path) -> Result<String> {
        std::fs::read_to_string(path).map_err(|error| {
            let advice = "name a file that can be read";
            Self::invalid(format!("{}: {error}", path.display()), advice)
        })
    }

    /// What is wrong with a text, by a backend that knows its roles.
    #[must_use]
    pub fn invalid(detail: impl Into<String>, advice: &str) -> Error {
        Error::new(ErrorKind::ConfigInvalid, READ).with_detail(detail).with_advice(advice)
    }
}
