//! The numbers of a report, on one screen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::history::History;
use super::persons::PersonTotals;
use super::survivor::Survivor;
use crate::account::DirectoryId;
use crate::evidence::LogReading;
use crate::journal::{ChainHead, StopReason};
use crate::limits::QuotaStats;
use crate::plan::{Approval, PlanOrigin, Population, Refusal};
use crate::verify::ServerConvergence;

/// The numbers of a report. `Display` is one screen for people.
///
/// The sums always hold: seen = planned + manual + left_out + protected, and
/// planned = verified + failed + unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Summary {
    /// What every part of the report is marked with, such as `REHEARSAL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// Whether it is of a [rehearsal](crate::rehearsal): nothing real was touched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// The run's id; empty when no run has begun.
    pub run: String,
    /// The digest of the plan.
    pub plan_digest: String,
    /// The playbook that the plan was made from, who approves, whom to call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<PlanOrigin>,
    /// The accounts.
    pub accounts: AccountCounts,
    /// The persons, where the plan joined accounts of several directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persons: Option<PersonTotals>,
    /// The directories, in the order they were given or met.
    pub directories: Vec<DirectoryCounts>,
    /// The waves, in the order of the plan.
    pub waves: Vec<WaveCounts>,
    /// The populations of the plan, in the order of their words.
    #[serde(default)]
    pub populations: Vec<PopulationCounts>,
    /// What reading back and the confirmed actions came to.
    #[serde(default)]
    pub effects: EffectCounts,
    /// What outlives the reset, and of how many accounts; explained once in the report.
    #[serde(default)]
    pub survivors: Vec<SurvivorCount>,
    /// What each server of the directories that have several knew of the changes when it was last
    /// asked; empty when none was.
    #[serde(default)]
    pub servers: Vec<ServerConvergence>,
    /// What the audit log of each directory said when it was last read; empty when none was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogReading>,
    /// What is left to do.
    pub left: LeftCounts,
    /// Actions that were asked for and not planned, because the directory would refuse them: how
    /// many accounts of each, for the first forty different ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<RefusalCount>,
    /// Why the run stopped before its end, unless it was resumed since.
    pub stopped: Option<StopReason>,
    /// Whether the run came to its end.
    pub finished: bool,
    /// How many processes worked on it: more than 1 says that it was resumed.
    pub processes: u64,
    /// How long it took, in seconds: as the caller measured, or from the first to the newest record.
    pub seconds: f64,
    /// When the first process began.
    pub began: Option<Timestamp>,
    /// When the newest record was made: what the report knows ends there.
    pub as_of: Option<Timestamp>,
    /// The approvals that the run accepted.
    pub approvals: Vec<Approval>,
    /// The journal's newest record, of the chain that was verified while the report was made.
    pub chain: ChainHead,
}

/// Accounts by what came of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountCounts {
    /// Rows of the plan: every account that its enumeration gave.
    pub seen: u64,
    /// Planned to be reset by the run.
    pub planned: u64,
    /// Of these, verified.
    pub verified: u64,
    /// Of these, failed.
    pub failed: u64,
    /// Of these, unknown.
    pub unknown: u64,
    /// Of the failed, never attempted.
    pub not_attempted: u64,
    /// Of the verified, changed by their owners since, as asked.
    pub changed_by_owner: u64,
    /// Left to people.
    pub manual: u64,
    /// Of these, recorded as done, and not contradicted by the directory.
    pub manual_done: u64,
    /// Of those done, confirmed: the password's time was read back.
    #[serde(default)]
    pub manual_confirmed: u64,
    /// Of the manual, recorded as done while the directory says that the password is as it was.
    #[serde(default)]
    pub manual_unconfirmed: u64,
    /// Left out, the protected aside.
    pub left_out: u64,
    /// Protected.
    pub protected: u64,
    /// Of these, recorded as done by hand and not contradicted by the directory.
    #[serde(default)]
    pub protected_done: u64,
    /// Of the seen, privileged: tier 0 or 1, or planned in the privileged population.
    pub privileged: u64,
}

/// One directory's part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DirectoryCounts {
    /// Its name.
    pub id: String,
    /// The backend's word for its kind; empty where the caller did not say.
    pub kind: String,
    /// Planned to be reset by the run.
    pub planned: u64,
    /// Of these, verified.
    pub verified: u64,
    /// Of these, failed.
    pub failed: u64,
    /// Of these, unknown.
    pub unknown: u64,
    /// Requests that were answered.
    pub requests: u64,
    /// Of these, refused for pace or load.
    pub throttled: u64,
    /// How long it was worked on, in seconds.
    pub seconds: f64,
    /// Actions that are done, in all processes of the run.
    #[serde(default)]
    pub actions: u64,
    /// What the process that made the report used of the directory's quotas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<QuotaCounts>,
}

/// What was used of one quota of a directory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QuotaCounts {
    /// Its name.
    pub name: String,
    /// Its window, in seconds.
    pub window_seconds: f64,
    /// Permits per window, as stated or as the server said last.
    pub limit: Option<u32>,
    /// Permits per window that the run may use: its share.
    pub allowed: f64,
    /// Permits that were used.
    pub used: u64,
    /// What the share came to between the first use and the last, in permits.
    pub share: f64,
    /// The part of it that was used, 1 being all; nothing before it came to a permit.
    pub used_part: Option<f64>,
    /// Operations that were refused for pace.
    pub refused: u64,
}

/// One population's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PopulationCounts {
    /// The population.
    pub population: Population,
    /// Planned to be reset by the run.
    pub planned: u64,
    /// Of these, verified.
    pub verified: u64,
    /// Of these, failed.
    pub failed: u64,
    /// Of these, unknown.
    pub unknown: u64,
    /// Left to people.
    pub manual: u64,
    /// Of these, recorded as done.
    pub manual_done: u64,
    /// Accounts that the run disabled.
    pub disabled: u64,
}

/// What came of the confirmed actions, in accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EffectCounts {
    /// Read back by verification, whatever it showed.
    pub read_back: u64,
    /// With a newer password than before the run, as read back, after an action that voids the old one.
    pub replaced: u64,
    /// With a generated password that is sealed in the vault.
    pub sealed: u64,
    /// With a confirmed demand to change the password at the next sign-in.
    pub must_change: u64,
    /// With sessions revoked.
    pub sessions: u64,
    /// Disabled.
    pub disabled: u64,
    /// With authenticators to be enrolled anew.
    pub authenticators: u64,
    /// Service accounts and managed service accounts seen.
    pub services: u64,
    /// Of these, with somebody named who answers for them.
    pub services_owned: u64,
    /// Privileged accounts planned to be reset.
    pub privileged_planned: u64,
    /// Of these, verified.
    pub privileged_verified: u64,
}

/// How many accounts something survives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SurvivorCount {
    /// What survives.
    pub survivor: Survivor,
    /// On how many accounts that the run or people were to reset.
    pub accounts: u64,
}

/// One wave's part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WaveCounts {
    /// Its name.
    pub name: String,
    /// Planned to be reset in it.
    pub planned: u64,
    /// Of these, verified.
    pub verified: u64,
    /// Of these, failed.
    pub failed: u64,
    /// Of these, unknown.
    pub unknown: u64,
    /// Of the failed, never attempted.
    pub not_attempted: u64,
}

/// An action that the directory would refuse, foretold when the plan was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RefusalCount {
    /// The action, and why.
    pub refusal: Refusal,
    /// How many accounts.
    pub accounts: u64,
}

/// What is left to do, in accounts. Each account is counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeftCounts {
    /// Resuming the run finishes them.
    pub resume: u64,
    /// Verifying again may clear them up.
    pub read_back: u64,
    /// People have to do something: failures and unknowns that the run cannot mend.
    pub by_hand: u64,
    /// Manual accounts that nobody recorded as done.
    pub manual: u64,
}

impl From<&QuotaStats> for QuotaCounts {
    fn from(stats: &QuotaStats) -> Self {
        Self {
            name: stats.name.to_owned(),
            window_seconds: stats.window.as_secs_f64(),
            limit: stats.limit,
            allowed: stats.allowed,
            used: stats.used,
            share: stats.share,
            used_part: stats.used_part(),
            refused: stats.refused,
        }
    }
}

impl Summary {
    pub(super) fn begin(plan_digest: &str, history: &History) -> Self {
        let lasted = history.began.zip(history.newest).map(|(began, newest)| newest.duration_since(began));
        Self {
            rehearsal: history.rehearsal,
            run: history.run.clone(),
            plan_digest: plan_digest.to_owned(),
            servers: history.servers.clone(),
            logs: history.logs.clone(),
            stopped: history.stopped.clone(),
            finished: history.finished,
            processes: history.processes,
            seconds: lasted.map_or(0.0, |lasted| lasted.as_secs_f64().max(0.0)),
            began: history.began,
            as_of: history.newest,
            approvals: history.approvals.clone(),
            chain: history.head.clone(),
            ..Self::default()
        }
    }

    /// Whether every planned account is verified, on every server that was asked, and nothing is
    /// left to people.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let planned = self.accounts.failed == 0 && self.accounts.unknown == 0;
        planned && self.left.manual == 0 && self.accounts.manual_unconfirmed == 0 && self.is_converged()
    }

    /// Whether every server that was asked by itself has the new passwords. On one that has not,
    /// the old ones still work.
    #[must_use]
    pub fn is_converged(&self) -> bool {
        self.servers.iter().all(ServerConvergence::is_converged)
    }

    pub(super) fn kind_of(&self, directory: &DirectoryId) -> &str {
        self.directories.iter().find(|known| known.id == directory.as_str()).map_or("", |known| &known.kind)
    }
}
