//! What a plan says of telling people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the people of a plan are told, or why they are not: a part of the plan, so that whoever approves
/// the plan approves this too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum PlannedMessages {
    /// With the templates of a folder.
    From {
        /// The folder, as it was named.
        folder: String,
        /// The directories that the incident has compromised: nothing is sent by a channel that depends on
        /// one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        compromised: Vec<String>,
    },
    /// Nobody is told.
    Waived {
        /// Why.
        because: String,
    },
}

impl fmt::Display for PlannedMessages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From { folder, compromised } if compromised.is_empty() => {
                write!(f, "people are told: messages of {folder}")
            }
            Self::From { folder, compromised } => {
                write!(
                    f,
                    "people are told: messages of {folder}, by no channel that depends on {}",
                    compromised.join(", ")
                )
            }
            Self::Waived { because } => write!(f, "people are not told: {because}"),
        }
    }
}
