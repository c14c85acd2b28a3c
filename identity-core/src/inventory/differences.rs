//! What is different about one account.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::InventoryRow;
use crate::account::AccountKind;
use crate::privilege::{Ground, Tier};

/// One of the two inventories that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The older one.
    Older,
    /// The newer one.
    Newer,
}

/// One thing that is different about an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Difference {
    /// Only the newer inventory has it, and the older one was read in full.
    Added,
    /// Only the older inventory has it, and the newer one was read in full.
    Removed,
    /// One of the two does not have it, and its directory was not read in full there: it may have been there.
    Unread {
        /// The one without it.
        missing_in: Side,
        /// Why it could not be read.
        because: String,
    },
    /// Its tier is a higher one (a smaller number).
    TierRaised {
        /// The tier before.
        from: Tier,
        /// The tier now.
        to: Tier,
    },
    /// Its tier is a lower one.
    TierLowered {
        /// The tier before.
        from: Tier,
        /// The tier now.
        to: Tier,
    },
    /// It has one ground more.
    GroundGained {
        /// The ground, with its path.
        ground: Ground,
    },
    /// It has one ground less.
    GroundLost {
        /// The ground, with its path.
        ground: Ground,
    },
    /// One of the two does not show this ground, and could not be read in full: it may have been there.
    GroundUnread {
        /// The ground, with its path.
        ground: Ground,
        /// The one without it.
        missing_in: Side,
        /// Why it could not be read.
        because: String,
    },
    /// Whether the verdict on its privilege is certain: the reason why not, before and now.
    Certainty {
        /// Before.
        from: Option<String>,
        /// Now.
        to: Option<String>,
    },
    /// Its kind.
    Kind {
        /// Before.
        from: AccountKind,
        /// Now.
        to: AccountKind,
    },
    /// Its state, in words: enabled, locked, expires.
    State {
        /// Before.
        from: String,
        /// Now.
        to: String,
    },
    /// Its password was set, or its time is not told any more.
    Password {
        /// When it had last been set.
        from: Option<Timestamp>,
        /// When it was last set by now.
        to: Option<Timestamp>,
    },
    /// Its name or place: renamed or moved.
    Name {
        /// Before.
        from: String,
        /// Now.
        to: String,
    },
    /// Whoever answers for it.
    Owner {
        /// Before.
        from: Option<String>,
        /// Now.
        to: Option<String>,
    },
    /// Why no mass run touches it.
    Protection {
        /// Before.
        from: Vec<String>,
        /// Now.
        to: Vec<String>,
    },
    /// What people do with it, where they have to.
    Procedure {
        /// Before.
        from: Option<String>,
        /// Now.
        to: Option<String>,
    },
    /// The flags of its password, in words: never expires, not required, must change, …
    PasswordRules {
        /// Before.
        from: String,
        /// Now.
        to: String,
    },
}

/// Why one of the two inventories is not to be trusted to show everything of a directory.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Doubts<'a> {
    pub(super) older: Option<&'a str>,
    pub(super) newer: Option<&'a str>,
}

/// What is different between two rows of one account. Sign-ins are not compared: they are no change of it.
pub(super) fn between(old: &InventoryRow, new: &InventoryRow, doubts: Doubts<'_>) -> Vec<Difference> {
    let mut found = Vec::new();
    // A verdict that is not certain may miss grounds, as a directory that was not read in full may.
    let older = old.unknown_because.as_deref().or(doubts.older);
    let newer = new.unknown_because.as_deref().or(doubts.newer);
    if new.tier < old.tier {
        found.push(Difference::TierRaised { from: old.tier, to: new.tier });
    } else if new.tier > old.tier && newer.is_none() {
        found.push(Difference::TierLowered { from: old.tier, to: new.tier });
    }
    let missing = |ground: &Ground, missing_in: Side, because: &str| Difference::GroundUnread {
        ground: ground.clone(),
        missing_in,
        because: because.to_owned(),
    };
    for ground in new.grounds.iter().filter(|ground| !old.grounds.contains(ground)) {
        found.push(match older {
            Some(because) => missing(ground, Side::Older, because),
            None => Difference::GroundGained { ground: ground.clone() },
        });
    }
    for ground in old.grounds.iter().filter(|ground| !new.grounds.contains(ground)) {
        found.push(match newer {
            Some(because) => missing(ground, Side::Newer, because),
            None => Difference::GroundLost { ground: ground.clone() },
        });
    }
    if old.unknown_because != new.unknown_because {
        found.push(Difference::Certainty { from: old.unknown_because.clone(), to: new.unknown_because.clone() });
    }
    if old.kind != new.kind {
        found.push(Difference::Kind { from: old.kind, to: new.kind });
    }
    let mut words = |of: fn(&InventoryRow) -> String, made: fn(String, String) -> Difference| {
        let (from, to) = (of(old), of(new));
        if from != to {
            found.push(made(from, to));
        }
    };
    words(state, |from, to| Difference::State { from, to });
    words(rules, |from, to| Difference::PasswordRules { from, to });
    words(name, |from, to| Difference::Name { from, to });
    if old.last_set() != new.last_set() {
        found.push(Difference::Password { from: old.last_set(), to: new.last_set() });
    }
    if old.owner != new.owner {
        found.push(Difference::Owner { from: old.owner.clone(), to: new.owner.clone() });
    }
    if old.protections != new.protections {
        found.push(Difference::Protection { from: old.protections.clone(), to: new.protections.clone() });
    }
    let procedure = |row: &InventoryRow| row.hands.as_ref().map(|hands| hands.procedure.clone());
    if procedure(old) != procedure(new) {
        found.push(Difference::Procedure { from: procedure(old), to: procedure(new) });
    }
    found
}

fn state(row: &InventoryRow) -> String {
    let Some(state) = &row.state else { return "not in this directory".to_owned() };
    let mut words = vec![if state.enabled { "enabled" } else { "disabled" }.to_owned()];
    words.extend(state.locked.then(|| "locked".to_owned()));
    words.extend(state.expires.map(|at| format!("expires {at}")));
    words.join(", ")
}

fn rules(row: &InventoryRow) -> String {
    let Some(password) = &row.password else { return String::new() };
    let flags = [
        (password.must_change, "must be changed"),
        (password.never_expires, "never expires"),
        (password.cannot_change, "cannot be changed by its owner"),
        (password.not_required, "may be empty"),
        (password.smart_card_required, "smart card required"),
        (password.awaits_recovery, "awaits recovery"),
    ];
    flags.into_iter().filter(|(set, _)| *set).map(|(_, word)| word).collect::<Vec<_>>().join(", ")
}

fn name(row: &InventoryRow) -> String {
    match &row.path {
        Some(path) => format!("{} ({path})", row.label()),
        None => row.label().to_owned(),
    }
}

impl Difference {
    /// Whether it says only that something could not be read.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        matches!(self, Self::Unread { .. } | Self::GroundUnread { .. })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
        let option = |text: &Option<String>| text.as_deref().map_or_else(|| "none".to_owned(), quoted);
        let time = |at: &Option<Timestamp>| at.map_or_else(|| "not told".to_owned(), |at| at.to_string());
        match self {
            Self::Added => f.write_str("added"),
            Self::Removed => f.write_str("removed"),
            Self::Unread { missing_in: Side::Newer, because } => {
                write!(f, "unknown whether it is still there: {because}")
            }
            Self::Unread { missing_in: Side::Older, because } => {
                write!(f, "unknown whether it is new: the older inventory was not read in full: {because}")
            }
            Self::TierRaised { from, to } => write!(f, "tier RAISED from {} to {}", from.number(), to.number()),
            Self::TierLowered { from, to } => write!(f, "tier lowered from {} to {}", from.number(), to.number()),
            Self::GroundGained { ground } => write!(f, "gained: {ground}"),
            Self::GroundLost { ground } => write!(f, "lost: {ground}"),
            Self::GroundUnread { ground, missing_in: Side::Newer, because } => {
                write!(f, "unknown whether it still has {ground}: {because}")
            }
            Self::GroundUnread { ground, missing_in: Side::Older, because } => {
                write!(f, "unknown whether this is new: {ground}: {because}")
            }
            Self::Certainty { from: None, to: Some(because) } => write!(f, "not certain any more: {because}"),
            Self::Certainty { to: None, .. } => f.write_str("certain by now"),
            Self::Certainty { to: Some(because), .. } => write!(f, "still not certain: {because}"),
            Self::Kind { from, to } => write!(f, "kind from {from} to {to}"),
            Self::State { from, to } => write!(f, "state from {from} to {to}"),
            Self::Password { from, to } => write!(f, "password set {}, was {}", time(to), time(from)),
            Self::Name { from, to } => write!(f, "name or place from {from} to {to}"),
            Self::Owner { from, to } => write!(f, "owner from {} to {}", option(from), option(to)),
            Self::Protection { from, to } => {
                write!(f, "protection from {} to {}", quoted(&from.join("; ")), quoted(&to.join("; ")))
            }
            Self::Procedure { from, to } => write!(f, "procedure from {} to {}", option(from), option(to)),
            Self::PasswordRules { from, to } => write!(f, "password rules from {} to {}", quoted(from), quoted(to)),
        }
    }
}
