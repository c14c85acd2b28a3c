//! What a message is for, and whom it is written for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Occasion {
    /// Before the reset: what will happen, and why. To everybody whose account is reset.
    Announcement,
    /// When the reset begins: what to do now. To everybody whose account is reset.
    Instruction,
    /// After it: what is still to be done. To everybody whose account is reset, those who have chosen a
    /// new password meanwhile among them.
    Reminder,
    /// To whoever answers for an account that the plan leaves to people.
    Exception,
}

/// Whether a person can come back without help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Readiness {
    /// Self-service recovery works for every account of the person.
    Alone,
    /// The person has to call the service desk. Whoever nothing is known of, too: who is sent to the
    /// self-service in vain calls the desk later, and angry.
    #[default]
    Desk,
}

/// A word that names no occasion, or no readiness.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is none of {there}")]
pub struct InvalidWord {
    text: String,
    there: String,
}

macro_rules! words {
    ($name:ident: $($variant:ident = $word:literal),+) => {
        impl $name {
            /// Every one of them.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word for it in file names, templates and journals.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = InvalidWord;

            fn from_str(text: &str) -> Result<Self, InvalidWord> {
                Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or_else(|| InvalidWord {
                    text: text.chars().take(80).collect(),
                    there: Self::ALL.map(Self::as_str).join(", "),
                })
            }
        }
    };
}

words!(Occasion: Announcement = "announcement", Instruction = "instruction", Reminder = "reminder", Exception = "exception");
words!(Readiness: Alone = "alone", Desk = "desk");
