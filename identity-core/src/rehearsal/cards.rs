//! Trouble cards: what goes wrong, when, and what the table is asked.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::account::DirectoryId;
use crate::error::{Error, ErrorKind, Result};

/// A deck of trouble cards, in TOML.
///
/// ```
/// use identity_core::rehearsal::Deck;
///
/// let deck = Deck::parse(r#"
///     format = 1
///     name = "an evening"
///     [[card]]
///     id = "controller-down"
///     when = { wave = "workforce", minute = 5 }
///     what = { kind = "directory_down", directory = "corp", minutes = 20 }
///     question = "Who calls whom?"
/// "#)?;
/// assert_eq!(deck.cards.len(), 1);
/// # Ok::<(), identity_core::error::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Deck {
    /// The version of the format: 1.
    pub format: u32,
    /// Its name.
    pub name: String,
    /// The cards.
    #[serde(rename = "card", default)]
    pub cards: Vec<Card>,
}

/// One card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Card {
    /// A word for it, once in the deck.
    pub id: String,
    /// When it is played. An approver who is away is away from the beginning.
    #[serde(default)]
    pub when: When,
    /// What happens.
    pub what: Mishap,
    /// What the people at the table are asked.
    pub question: String,
}

/// When a card is played: so many minutes after the beginning, or, with a wave, after that one's first order is
/// about to be sent; or when its n-th order is about to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct When {
    /// A wave by its name (`workforce-1`), or the first of a kind (`workforce`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<String>,
    /// Minutes; 0 where nothing is said.
    #[serde(default)]
    pub minute: u32,
    /// The number of an order: of the wave, or of the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u64>,
}

/// What happens. Without a directory it happens in all. `minutes` is how long people take to mend it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Mishap {
    /// A directory answers nothing.
    DirectoryDown {
        /// Which.
        directory: Option<DirectoryId>,
        /// How long.
        minutes: u32,
    },
    /// A directory refuses everything for pace.
    ThrottlingStorm {
        /// Which.
        directory: Option<DirectoryId>,
        /// How long.
        minutes: u32,
    },
    /// A part of the accounts is refused.
    OrdersRefused {
        /// Which.
        directory: Option<DirectoryId>,
        /// Of a hundred accounts, so many.
        percent: u8,
        /// How long.
        minutes: u32,
    },
    /// The right to reset passwords is taken away.
    PermissionWithdrawn {
        /// Which.
        directory: Option<DirectoryId>,
        /// How long.
        minutes: u32,
    },
    /// Whoever approves a wave is not reached.
    ApproverAway {
        /// The wave, by its name, or those of a kind.
        wave: String,
        /// How long, from the beginning.
        minutes: u32,
    },
    /// The machine that the run is on dies; another one goes on.
    OperatorDies {
        /// After how long another one goes on.
        minutes: u32,
    },
    /// The disk that the vault is on is full.
    VaultFull {
        /// How long.
        minutes: u32,
    },
    /// Accounts that are planned with the workforce turn out to be privileged.
    PrivilegedFound {
        /// Which directory.
        directory: Option<DirectoryId>,
        /// How many.
        accounts: u32,
    },
    /// What is written shows in reads later.
    ReplicationLag {
        /// Which.
        directory: Option<DirectoryId>,
        /// How much later.
        seconds: u32,
        /// How long it is so.
        minutes: u32,
    },
    /// A synchronisation writes older passwords over new ones.
    SyncOverwrites {
        /// Which.
        directory: Option<DirectoryId>,
        /// Of a hundred passwords set so far, so many.
        percent: u8,
    },
    /// The attacker makes accounts.
    AttackerCreates {
        /// Where.
        directory: Option<DirectoryId>,
        /// How many.
        accounts: u32,
    },
}

/// A card that lasts longer than a week is a mistake.
const MOST_MINUTES: u32 = 7 * 24 * 60;
const MOST_CARDS: usize = 100;
const MOST_ACCOUNTS: u32 = 1_000;

impl Deck {
    /// Reads a deck.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] with the place when the file cannot be read or is no deck.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let named = |detail: String| invalid(format!("{}: {detail}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
        Self::parse(&text).map_err(|error| named(error.detail().to_owned()))
    }

    /// Reads a deck from its text.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when it is no deck, or a card makes no sense.
    pub fn parse(text: &str) -> Result<Self> {
        let deck: Self = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
        if deck.format != 1 {
            return Err(invalid(format!("format {} is not 1", deck.format)));
        }
        if deck.cards.len() > MOST_CARDS {
            return Err(invalid(format!("more than {MOST_CARDS} cards")));
        }
        for (place, card) in deck.cards.iter().enumerate() {
            let wrong = |detail: &str| Err(invalid(format!("card {:?}: {detail}", card.id)));
            if card.id.trim().is_empty() || deck.cards.iter().take(place).any(|before| before.id == card.id) {
                return wrong("each card has an id of its own");
            }
            if card.when.minute.max(card.what.minutes()) > MOST_MINUTES {
                return wrong("more than a week");
            }
            if card.when.order == Some(0) {
                return wrong("the first order is number 1");
            }
            match card.what {
                Mishap::OrdersRefused { percent, .. } | Mishap::SyncOverwrites { percent, .. } if percent > 100 => {
                    return wrong("more than a hundred of a hundred");
                }
                Mishap::PrivilegedFound { accounts, .. } | Mishap::AttackerCreates { accounts, .. }
                    if !(1..=MOST_ACCOUNTS).contains(&accounts) =>
                {
                    return wrong("1 to 1,000 accounts");
                }
                _ => {}
            }
        }
        Ok(deck)
    }
}

impl Mishap {
    /// How long it lasts; 0 for what is over at once.
    #[must_use]
    pub fn minutes(&self) -> u32 {
        match self {
            Self::DirectoryDown { minutes, .. }
            | Self::ThrottlingStorm { minutes, .. }
            | Self::OrdersRefused { minutes, .. }
            | Self::PermissionWithdrawn { minutes, .. }
            | Self::ApproverAway { minutes, .. }
            | Self::OperatorDies { minutes }
            | Self::VaultFull { minutes }
            | Self::ReplicationLag { minutes, .. } => *minutes,
            Self::PrivilegedFound { .. } | Self::SyncOverwrites { .. } | Self::AttackerCreates { .. } => 0,
        }
    }

    /// Where it happens; `None` for everywhere, or where no directory is meant.
    #[must_use]
    pub fn directory(&self) -> Option<&DirectoryId> {
        match self {
            Self::DirectoryDown { directory, .. }
            | Self::ThrottlingStorm { directory, .. }
            | Self::OrdersRefused { directory, .. }
            | Self::PermissionWithdrawn { directory, .. }
            | Self::PrivilegedFound { directory, .. }
            | Self::ReplicationLag { directory, .. }
            | Self::SyncOverwrites { directory, .. }
            | Self::AttackerCreates { directory, .. } => directory.as_ref(),
            Self::ApproverAway { .. } | Self::OperatorDies { .. } | Self::VaultFull { .. } => None,
        }
    }
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InputInvalid, "read the deck")
        .with_detail(detail)
        .with_advice("docs/rehearsal.md says what a card holds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_makes_no_sense_is_refused_by_its_name() {
        let deck = |what: &str| {
            Deck::parse(&format!("format = 1\nname = 'x'\n[[card]]\nid = 'one'\nquestion = 'q'\nwhat = {what}"))
        };
        assert!(deck("{ kind = 'vault_full', minutes = 5 }").is_ok());
        for bad in [
            "{ kind = 'vault_full', minutes = 50000 }",
            "{ kind = 'vault_full', minuts = 5 }",
            "{ kind = 'orders_refused', percent = 101, minutes = 5 }",
            "{ kind = 'attacker_creates', accounts = 0 }",
            "{ kind = 'meteor' }",
        ] {
            assert!(deck(bad).is_err(), "{bad}");
        }
        assert!(Deck::parse("format = 2\nname = 'x'").is_err());
    }
}
