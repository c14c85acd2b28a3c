//! The national clouds: where one signs in, and where Graph is.

use std::fmt;
use std::str::FromStr;

use identity_core::error::{Error, ErrorKind};

/// A national cloud of Microsoft. Tokens of one are worth nothing in another (Microsoft Graph
/// documentation, "National cloud deployments", 2026-11).
///
/// ```
/// use backend_entra::Cloud;
///
/// let cloud: Cloud = "us-gov-l5".parse()?;
/// assert_eq!((cloud.login(), cloud.graph()), ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"));
/// # Ok::<(), identity_core::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cloud {
    /// The global cloud, and GCC in it.
    #[default]
    Global,
    /// US Government L4 (GCC High).
    UsGovL4,
    /// US Government L5 (DoD).
    UsGovL5,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// Every cloud.
    pub const ALL: [Self; 4] = [Self::Global, Self::UsGovL4, Self::UsGovL5, Self::China];

    /// The word for it in a configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::UsGovL4 => "us-gov-l4",
            Self::UsGovL5 => "us-gov-l5",
            Self::China => "china",
        }
    }

    /// Where one signs in.
    #[must_use]
    pub fn login(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::UsGovL4 | Self::UsGovL5 => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }

    /// Where Microsoft Graph is; also the resource that tokens are asked for.
    #[must_use]
    pub fn graph(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::UsGovL4 => "https://graph.microsoft.us",
            Self::UsGovL5 => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }

    /// Whether risky users can be flagged there: not in China (documentation of `riskyUser`).
    #[must_use]
    pub fn has_identity_protection(self) -> bool {
        self != Self::China
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Cloud {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] for any other name.
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|cloud| cloud.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Error::new(ErrorKind::ConfigInvalid, "configure")
                .with_detail(format!("{text:?} is not a national cloud"))
                .with_advice(format!("name one of {names}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cloud_is_found_by_its_own_name_only() {
        for cloud in Cloud::ALL {
            assert_eq!(cloud.to_string().parse::<Cloud>().unwrap(), cloud);
        }
        let error = "Global".parse::<Cloud>().unwrap_err();
        assert!(error.advice().unwrap().contains("us-gov-l4"), "{error}");
    }
}
