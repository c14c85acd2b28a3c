//! What people did by hand, as it is recorded.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What shows that a manual procedure was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ManualEvidence {
    /// Nothing but somebody's word.
    Stated {
        /// Why nothing was read back.
        because: String,
    },
    /// The directory says that the password was set since.
    Confirmed {
        /// When it was set, by the directory's clock.
        last_set: Timestamp,
        /// What that was compared with: its time in the plan, or when the run began.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
    },
    /// The directory says that the password is as it was.
    Unchanged {
        /// When it was set, by the directory's clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_set: Option<Timestamp>,
    },
}

impl Default for ManualEvidence {
    fn default() -> Self {
        Self::Stated { because: "nothing was read back".to_owned() }
    }
}

impl ManualEvidence {
    /// What a password's time says: `before` is its time when it was planned, or the moment since when a
    /// reset counts.
    #[must_use]
    pub fn of(before: Option<Timestamp>, now: Option<Timestamp>) -> Self {
        match (before, now) {
            (_, None) => Self::Stated { because: "the directory does not tell when the password was set".to_owned() },
            (since, Some(last_set)) if since.is_none_or(|since| last_set > since) => {
                Self::Confirmed { last_set, since }
            }
            (_, last_set) => Self::Unchanged { last_set },
        }
    }

    /// The word for it in files: `confirmed`, `stated` or `unchanged`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Stated { .. } => "stated",
            Self::Confirmed { .. } => "confirmed",
            Self::Unchanged { .. } => "unchanged",
        }
    }
}

impl std::fmt::Display for ManualEvidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stated { because } => write!(f, "stated only: {because}"),
            Self::Confirmed { last_set, .. } => write!(f, "confirmed: its password was set at {last_set}"),
            Self::Unchanged { last_set: Some(last_set) } => {
                write!(f, "UNCONFIRMED: its password is still the one of {last_set}")
            }
            Self::Unchanged { last_set: None } => f.write_str("UNCONFIRMED: its password is as it was"),
        }
    }
}

/// That somebody recorded a manual procedure as carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ManualDone {
    /// Who says so.
    pub by: String,
    /// What they did.
    pub note: String,
    /// What shows it.
    pub evidence: ManualEvidence,
}
