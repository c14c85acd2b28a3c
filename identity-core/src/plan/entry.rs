//! The rows of a plan.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountId, AccountKind, DirectoryId, PasswordAuthority};
use crate::person::PersonId;
use crate::privilege::{Classification, Tier};
use crate::reset::Action;

/// One account of the plan: what is to be done to it, or that it is left to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// 1 for the first entry of the plan, without gaps. Journal and vault refer to it.
    pub seq: u64,
    /// The directory.
    pub directory: DirectoryId,
    /// The account.
    pub id: AccountId,
    /// Its sign-in name.
    pub name: String,
    /// Its kind.
    pub kind: AccountKind,
    /// Where its password is mastered.
    #[serde(default, skip_serializing_if = "is_here")]
    pub authority: PasswordAuthority,
    /// Its tier.
    pub tier: Tier,
    /// Why it is privileged, one line a ground; empty for the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grounds: Vec<String>,
    /// The population it belongs to.
    pub population: Population,
    /// The wave it is reset in; for a manual entry the wave it would be in.
    pub wave: String,
    /// What is to be done.
    pub disposition: Disposition,
    /// What was replaced, dropped or noticed for this account while planning, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The asked actions that are not planned because the directory would refuse them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Refusal>,
    /// What the account looked like, to notice between plan and touch that it changed.
    pub expected: Expected,
    /// The person that it belongs to, where accounts of several directories were joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// For sessions of an account whose password is mastered in another directory: the numbers of the
    /// entries that reset the passwords of the same person. While one of these is open, an attacker
    /// opens new sessions with the old password, so that ending them is not final.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follows: Vec<u64>,
}

fn is_here(authority: &PasswordAuthority) -> bool {
    *authority == PasswordAuthority::Here
}

impl Entry {
    /// Whether the engine does something to it here while its password is mastered in another
    /// directory: it belongs behind the passwords of that one, since a session that is ended before
    /// the old password stops working can be opened anew.
    pub(crate) fn follows_another_directory(&self) -> bool {
        matches!(self.authority, PasswordAuthority::OnPrem | PasswordAuthority::Federated(_))
            && matches!(self.disposition, Disposition::Reset { .. })
    }
}

impl PlanRow {
    /// The person that the account belongs to, where accounts of several directories were joined.
    #[must_use]
    pub fn person(&self) -> Option<&PersonId> {
        match self {
            Self::Entry(entry) => entry.person.as_ref(),
            Self::LeftOut { person, .. } => person.as_ref(),
        }
    }

    pub(super) fn belongs_to(&mut self, person: Option<PersonId>) {
        match self {
            Self::Entry(entry) => entry.person = person,
            Self::LeftOut { person: unset, .. } => *unset = person,
        }
    }

    /// Whether the engine resets a password here that sessions elsewhere may wait for.
    pub(super) fn resets_password(&self) -> bool {
        match self {
            Self::Entry(Entry { disposition: Disposition::Reset { actions }, .. }) => {
                actions.iter().any(|action| action.shows_in_password_state())
            }
            _ => false,
        }
    }
}

/// A refusal foretold: an action that was asked for, and why the directory would not do it to this
/// account ([`Support::Cannot`](crate::directory::Support::Cannot)).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Refusal {
    /// The action.
    pub action: Action,
    /// Why, and what to do.
    pub because: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.action, self.because)
    }
}

/// What is to be done to an account of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// The engine carries out these actions, in this order.
    Reset {
        /// The actions, each at most once.
        actions: Vec<Action>,
    },
    /// People do it; it stays in the report until somebody records it as done.
    Manual {
        /// Why the engine does not.
        reason: String,
        /// What is to be done.
        procedure: String,
        /// Who answers for it, where the directory or the configuration names somebody.
        owner: Option<String>,
    },
}

/// What an account looked like when it was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Where it stood.
    pub path: Option<String>,
    /// Whether it was enabled.
    pub enabled: bool,
    /// When its password was last set.
    pub last_set: Option<Timestamp>,
}

/// The population that an account belongs to. It decides the wave and the actions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Population {
    /// Tier 0, tier 1 and whoever could not be classified.
    Privileged,
    /// Accounts that programs sign in with.
    Service,
    /// People.
    Workforce,
    /// Disabled accounts: reset in silence, so that enabling one does not bring the old password back.
    Dormant,
    /// Shared, room and system mailboxes, guests with a password here, and what could not be told.
    Other,
}

impl Population {
    /// The population of an account, by its kind, its state and its privilege.
    #[must_use]
    pub fn of(account: &Account, class: &Classification) -> Self {
        if class.is_privileged() {
            return Self::Privileged;
        }
        match account.kind {
            AccountKind::Service => Self::Service,
            AccountKind::Person if account.state.enabled => Self::Workforce,
            AccountKind::Person => Self::Dormant,
            _ => Self::Other,
        }
    }

    /// The word for it in plans and reports.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Service => "service",
            Self::Workforce => "workforce",
            Self::Dormant => "dormant",
            Self::Other => "other",
        }
    }
}

impl std::fmt::Display for Population {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One wave of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// Its name, unique in the plan: `canary`, `privileged`, `workforce-1`, …
    pub name: String,
    /// What it is.
    pub kind: WaveKind,
    /// How many entries the engine resets in it.
    pub accounts: u64,
}

/// What a wave is. Waves run in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaveKind {
    /// A few ordinary accounts first, to see that everything works.
    Canary,
    /// The privileged.
    Privileged,
    /// People, in slices.
    Workforce,
    /// Everybody else that is reset.
    Others,
    /// The privileged whose password is mastered in another directory: their sessions, after the
    /// passwords of all directories.
    PrivilegedElsewhere,
    /// Everybody else whose password is mastered in another directory.
    Elsewhere,
}

impl WaveKind {
    /// Every kind, in the order they run in.
    pub const ALL: [Self; 6] =
        [Self::Canary, Self::Privileged, Self::Workforce, Self::Others, Self::PrivilegedElsewhere, Self::Elsewhere];

    /// The word for it in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::Privileged => "privileged",
            Self::Workforce => "workforce",
            Self::Others => "others",
            Self::PrivilegedElsewhere => "privileged_elsewhere",
            Self::Elsewhere => "elsewhere",
        }
    }

    /// Whether it is of accounts whose password is mastered in another directory.
    #[must_use]
    pub fn is_elsewhere(self) -> bool {
        matches!(self, Self::PrivilegedElsewhere | Self::Elsewhere)
    }
}

/// One row of the plan file after its header.
#[expect(clippy::large_enum_variant, reason = "rows pass by one at a time, and most are entries")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
pub enum PlanRow {
    /// An account that is planned.
    Entry(Entry),
    /// An account that is left out.
    LeftOut {
        /// The directory.
        directory: DirectoryId,
        /// The account.
        id: AccountId,
        /// Its sign-in name.
        name: String,
        /// Its kind.
        kind: AccountKind,
        /// Its tier.
        tier: Tier,
        /// Why it is left out.
        reason: LeftOutReason,
        /// Who answers for it, where it is protected and somebody is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// The asked actions that the directory would refuse.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refusals: Vec<Refusal>,
        /// The person that it belongs to, where accounts of several directories were joined.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<PersonId>,
    },
}

/// Why an account is left out of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "reason", content = "because", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeftOutReason {
    /// Protected: a mass run never resets it, even when listed.
    Protected(String),
    /// An exclusion names it.
    Excluded(String),
    /// The selection does not name it.
    NotSelected,
    /// Its password is mastered in another place.
    MasteredElsewhere(String),
    /// None of the actions can be done to it.
    NothingWorks(String),
}

impl std::fmt::Display for LeftOutReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Protected(because) => write!(f, "protected: {because}"),
            Self::Excluded(because) => write!(f, "excluded: {because}"),
            Self::NotSelected => f.write_str("not selected"),
            Self::MasteredElsewhere(because) => write!(f, "mastered elsewhere: {because}"),
            Self::NothingWorks(because) => write!(f, "nothing works: {because}"),
        }
    }
}
