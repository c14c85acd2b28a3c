//! One row of a report: one account.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::survivor::Survivor;
use crate::account::{AccountId, AccountKind, DirectoryId};
use crate::evidence::EntryEvidence;
use crate::journal::{ErrorRecord, ManualDone, Verdict};
use crate::person::PersonId;
use crate::plan::{Population, Refusal};
use crate::privilege::Tier;
use crate::reset::Action;
use crate::vault::SealedRef;

/// One account of the plan: what was to be done, what was done, what reading back showed, and
/// what is left. Never a secret: sealed passwords are named by their references.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Row {
    /// The directory.
    pub directory: DirectoryId,
    /// The account.
    pub id: AccountId,
    /// Its sign-in name.
    pub name: String,
    /// Its kind.
    pub kind: AccountKind,
    /// Its tier.
    pub tier: Tier,
    /// The sequence number of its entry in the plan; nothing for an account that is left out.
    pub entry: Option<u64>,
    /// The population it was planned in.
    pub population: Option<Population>,
    /// The wave it was planned in.
    pub wave: Option<String>,
    /// What came of it.
    pub result: RowResult,
    /// Whether it was never touched although it was planned to be; then the result is failed.
    pub not_attempted: bool,
    /// Why the result is what it is; empty when verified and there is nothing to add.
    pub why: String,
    /// What is left to do; nothing when the account is finished.
    pub left: Option<Left>,
    /// The planned actions, in their order.
    pub actions: Vec<ActionRow>,
    /// What verification found.
    pub verdict: Option<Verdict>,
    /// When the password was last set as read back, by the directory's clock.
    pub last_set: Option<Timestamp>,
    /// That it was done by hand, where somebody recorded it and nobody took it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<ManualDone>,
    /// What the directory's own audit log says of it, where it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EntryEvidence>,
    /// What was noticed, while planning and since.
    pub notes: Vec<String>,
    /// Actions that were asked for and not planned, because the directory would refuse them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Refusal>,
    /// Why the account is privileged.
    pub grounds: Vec<String>,
    /// The references of passwords sealed for it, for the vault's reader. A reference says that a
    /// password was generated, not that it is in use.
    pub sealed: Vec<SealedRef>,
    /// What an attacker who held the account may still hold; explained once in the report.
    pub survives: Vec<Survivor>,
    /// The person that it belongs to, where the plan joined accounts of several directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
}

/// What came of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RowResult {
    /// Every planned action is done, and reading back showed it.
    Verified,
    /// An action was refused, given up, or never attempted; or reading back showed that what was
    /// confirmed did not happen, or that somebody else set the password since.
    Failed,
    /// An order got no answer that could be cleared up, or everything is confirmed but reading
    /// back has not shown it.
    Unknown,
    /// Left to people, and not recorded as done.
    Manual,
    /// Left to people, and recorded as done: read back, or by somebody's word.
    ManualDone,
    /// Left to people, and recorded as done, but the directory says that the password is as it was.
    ManualUnconfirmed,
    /// Left out of the plan.
    LeftOut,
    /// Protected: a mass run never resets it.
    Protected,
}

impl RowResult {
    /// The word for it in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Manual => "manual",
            Self::ManualDone => "manual_done",
            Self::ManualUnconfirmed => "manual_unconfirmed",
            Self::LeftOut => "left_out",
            Self::Protected => "protected",
        }
    }
}

/// One planned action of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ActionRow {
    /// The action.
    pub action: Action,
    /// How it stands.
    pub state: ActionState,
    /// How many attempts were made.
    pub attempts: u32,
    /// The server's id of the last request, where it gives one.
    pub request_id: Option<String>,
    /// Whether no confirmation came and it was seen by reading back.
    pub read_back: bool,
    /// When it was confirmed, by the directory's clock, where it says so.
    pub at: Option<Timestamp>,
    /// What went wrong in the last attempt.
    pub error: Option<ErrorRecord>,
}

/// How a planned action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ActionState {
    /// Confirmed by the directory, or seen by reading back after an unknown outcome.
    Done,
    /// Given up for good, without effect.
    Failed,
    /// The last attempt failed without effect; another was to follow.
    Interrupted,
    /// An order may have been sent, and no answer is recorded.
    Unknown,
    /// Nothing was sent.
    NotAttempted,
}

impl ActionState {
    /// The word for it in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Unknown => "unknown",
            Self::NotAttempted => "not_attempted",
        }
    }
}

/// What is left to do for one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Left {
    /// Whether the run itself can do it.
    pub retry: Retry,
    /// What to do.
    pub advice: String,
    /// Who answers for it, where somebody is named.
    pub owner: Option<String>,
}

/// Whether carrying the run on can finish an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Retry {
    /// Resuming the run sends what is missing.
    Resume,
    /// Reading back (verifying again) clears it up.
    ReadBack,
    /// The same order will fail again: people have to do something first.
    ByHand,
}

impl Retry {
    /// The word for it in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::ReadBack => "read_back",
            Self::ByHand => "by_hand",
        }
    }
}
