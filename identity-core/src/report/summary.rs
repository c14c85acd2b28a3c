//! The numbers of a report, on one screen.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::history::{History, stop_words};
use super::persons::PersonTotals;
use super::row::{Retry, Row, RowResult};
use crate::account::DirectoryId;
use crate::evidence::LogReading;
use crate::journal::{ChainHead, ManualEvidence, StopReason};
use crate::plan::{Approval, PlanOrigin, Population, Refusal};
use crate::privilege::Tier;
use crate::verify::ServerConvergence;

/// The numbers of a report. `Display` is one screen for people.
///
/// The sums always hold: seen = planned + manual + left_out + protected, and
/// planned = verified + failed + unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Summary {
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

/// The most different refusals that are counted: a reason is not meant to name the account.
const MOST_REFUSALS: usize = 40;

/// Rows of one screen that directories, and that waves, may take.
const SHOWN: usize = 8;

impl Summary {
    pub(super) fn begin(plan_digest: &str, history: &History) -> Self {
        let lasted = history.began.zip(history.newest).map(|(began, newest)| newest.duration_since(began));
        Self {
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

    pub(super) fn count(&mut self, row: &Row) {
        for refusal in &row.refusals {
            if let Some(known) = self.refusals.iter_mut().find(|known| known.refusal == *refusal) {
                known.accounts += 1;
            } else if self.refusals.len() < MOST_REFUSALS {
                self.refusals.push(RefusalCount { refusal: refusal.clone(), accounts: 1 });
            }
        }
        let accounts = &mut self.accounts;
        accounts.seen += 1;
        let privileged = row.tier != Tier::User || row.population == Some(Population::Privileged);
        accounts.privileged += u64::from(privileged);
        match row.result {
            RowResult::Verified | RowResult::Failed | RowResult::Unknown => self.count_planned(row),
            RowResult::Manual => {
                accounts.manual += 1;
                self.left.manual += 1;
            }
            RowResult::ManualDone => {
                accounts.manual += 1;
                accounts.manual_done += 1;
                let confirmed = row.by_hand.as_ref().is_some_and(|done| is_confirmed(&done.evidence));
                accounts.manual_confirmed += u64::from(confirmed);
            }
            RowResult::ManualUnconfirmed => {
                accounts.manual += 1;
                accounts.manual_unconfirmed += 1;
                self.left.by_hand += 1;
            }
            RowResult::LeftOut => accounts.left_out += 1,
            RowResult::Protected => {
                accounts.protected += 1;
                let done = row.by_hand.as_ref().map(|done| &done.evidence);
                let stands = done.is_some_and(|evidence| !matches!(evidence, ManualEvidence::Unchanged { .. }));
                accounts.protected_done += u64::from(stands);
            }
        }
    }

    fn count_planned(&mut self, row: &Row) {
        let directory = place(
            &mut self.directories,
            row.directory.as_str(),
            |at| &at.id,
            |id| DirectoryCounts { id, ..DirectoryCounts::default() },
        );
        let wave = place(
            &mut self.waves,
            row.wave.as_deref().unwrap_or_default(),
            |at| &at.name,
            |name| WaveCounts { name, ..WaveCounts::default() },
        );
        let accounts = &mut self.accounts;
        for planned in [&mut accounts.planned, &mut directory.planned, &mut wave.planned] {
            *planned += 1;
        }
        let results = match row.result {
            RowResult::Verified => [&mut accounts.verified, &mut directory.verified, &mut wave.verified],
            RowResult::Failed => [&mut accounts.failed, &mut directory.failed, &mut wave.failed],
            _ => [&mut accounts.unknown, &mut directory.unknown, &mut wave.unknown],
        };
        for result in results {
            *result += 1;
        }
        accounts.not_attempted += u64::from(row.not_attempted);
        wave.not_attempted += u64::from(row.not_attempted);
        if row.result == RowResult::Verified && row.verdict == Some(crate::journal::Verdict::ChangedByOwner) {
            accounts.changed_by_owner += 1;
        }
        match row.left.as_ref().map(|left| left.retry) {
            Some(Retry::Resume) => self.left.resume += 1,
            Some(Retry::ReadBack) => self.left.read_back += 1,
            Some(Retry::ByHand) => self.left.by_hand += 1,
            None => {}
        }
    }

    pub(super) fn kind_of(&self, directory: &DirectoryId) -> &str {
        self.directories.iter().find(|known| known.id == directory.as_str()).map_or("", |known| &known.kind)
    }
}

fn is_confirmed(evidence: &ManualEvidence) -> bool {
    matches!(evidence, ManualEvidence::Confirmed { .. })
}

/// The counts of this name, made at its first row. There are few directories and waves.
fn place<'a, T>(
    counts: &'a mut Vec<T>,
    name: &str,
    name_of: impl Fn(&T) -> &String,
    make: impl FnOnce(String) -> T,
) -> &'a mut T {
    let at = counts.iter().position(|known| name_of(known) == name).unwrap_or(counts.len());
    if at == counts.len() {
        counts.push(make(name.to_owned()));
    }
    #[expect(clippy::indexing_slicing, reason = "the place was just found or pushed")]
    &mut counts[at]
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let a = &self.accounts;
        writeln!(f, "run      {}", if self.run.is_empty() { "not begun" } else { &self.run })?;
        writeln!(f, "plan     {}", self.plan_digest)?;
        if let Some(origin) = &self.origin {
            writeln!(f, "{origin}")?;
        }
        writeln!(f, "chain    {}, {} records, intact", self.chain.hash, self.chain.number)?;
        let state = match &self.stopped {
            Some(reason) => format!("stopped: {}", stop_words(reason)),
            None if self.finished => "finished".to_owned(),
            None => "not finished".to_owned(),
        };
        self.fmt_approvals(f)?;
        let processes = if self.processes > 1 { format!(", {} processes", self.processes) } else { String::new() };
        writeln!(f, "         {state}, {:.1} s{processes}", self.seconds)?;
        writeln!(
            f,
            "\nseen     {} = {} planned + {} manual + {} left out + {} protected ({} privileged)",
            a.seen, a.planned, a.manual, a.left_out, a.protected, a.privileged
        )?;
        writeln!(f, "planned  {} = {} verified + {} failed + {} unknown", a.planned, a.verified, a.failed, a.unknown)?;
        if a.manual_done + a.manual_unconfirmed + a.protected_done > 0 {
            writeln!(
                f,
                "by hand  {} of {} recorded as done ({} confirmed, {} by word only), {} UNCONFIRMED; {} of the protected",
                a.manual_done,
                a.manual,
                a.manual_confirmed,
                a.manual_done - a.manual_confirmed,
                a.manual_unconfirmed,
                a.protected_done
            )?;
        }
        if let Some(p) = &self.persons {
            writeln!(
                f,
                "persons  {} planned = {} done + {} done in part + {} open ({} in several directories)",
                p.planned, p.done, p.partly, p.open, p.joined
            )?;
        }
        writeln!(f, "\n{HEAD} {:>9} {:>9} {:>9}", "requests", "throttled", "seconds")?;
        for at in self.directories.iter().take(SHOWN) {
            line(f, &label(&at.id, &at.kind), [at.planned, at.verified, at.failed, at.unknown])?;
            writeln!(f, " {:>9} {:>9} {:>9.1}", at.requests, at.throttled, at.seconds)?;
        }
        more(f, self.directories.len())?;
        for at in self.waves.iter().take(SHOWN) {
            line(f, &format!("wave {}", at.name), [at.planned, at.verified, at.failed, at.unknown])?;
            writeln!(f)?;
        }
        more(f, self.waves.len())?;
        // One server alone is what the rows above already say.
        if self.servers.len() > 1 || self.servers.iter().any(|server| !server.is_converged()) {
            writeln!(f, "\nservers")?;
            self.servers.iter().try_for_each(|server| writeln!(f, "  {server}"))?;
        }
        if !self.logs.is_empty() {
            writeln!(f, "\naudit logs")?;
            self.logs.iter().try_for_each(|log| writeln!(f, "  {log}"))?;
        }
        if !self.refusals.is_empty() {
            writeln!(f, "\nnot planned: the directory would refuse")?;
            for at in self.refusals.iter().take(SHOWN) {
                writeln!(f, "  {:>9}  {}", at.accounts, at.refusal)?;
            }
            more(f, self.refusals.len())?;
        }
        self.fmt_left(f)
    }
}

/// Who approved: the signed approvals one a line, those by name together.
fn approved(approvals: &[Approval]) -> Vec<String> {
    let (signed, named): (Vec<_>, Vec<_>) = approvals.iter().partition(|approval| approval.signed_by().is_some());
    let mut lines: Vec<String> = signed.iter().map(|approval| approval.to_string()).collect();
    let mut by_name: Vec<(&str, u64)> = Vec::new();
    for approval in named {
        let waves = approval.scope.waves().len() as u64;
        match by_name.iter_mut().find(|(name, _)| *name == approval.approver) {
            Some((_, known)) => *known += waves,
            None => by_name.push((&approval.approver, waves)),
        }
    }
    lines.extend(by_name.into_iter().map(|(name, waves)| format!("{waves} waves by {name}, by name")));
    lines
}

const HEAD: &str = "                             planned  verified    failed   unknown";

impl Summary {
    fn fmt_approvals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = approved(&self.approvals);
        for (at, line) in lines.iter().take(SHOWN).enumerate() {
            // A name is whatever somebody typed.
            let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            writeln!(f, "{:<8} {line}", if at == 0 { "approved" } else { "" })?;
        }
        more(f, lines.len())
    }

    fn fmt_left(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = &self.left;
        writeln!(f, "\nleft to do")?;
        if *left == LeftCounts::default() {
            return writeln!(f, "  nothing");
        }
        let lines = [
            (left.resume, "resume the run"),
            (left.read_back, "verify again"),
            (left.by_hand, "by hand, after a failure, an unknown or an unconfirmed record"),
            (left.manual, "by hand, as planned"),
        ];
        for (accounts, what) in lines.into_iter().filter(|(accounts, _)| *accounts > 0) {
            writeln!(f, "  {accounts:>9}  {what}")?;
        }
        if self.accounts.not_attempted > 0 {
            writeln!(f, "  ({} were never attempted)", self.accounts.not_attempted)?;
        }
        Ok(())
    }
}

fn label(id: &str, kind: &str) -> String {
    if kind.is_empty() { id.to_owned() } else { format!("{id} ({kind})") }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, counts: [u64; 4]) -> fmt::Result {
    write!(f, "{name:<26.26}")?;
    counts.into_iter().try_for_each(|count| write!(f, " {count:>9}"))
}

fn more(f: &mut fmt::Formatter<'_>, all: usize) -> fmt::Result {
    if all > SHOWN { writeln!(f, "… and {} more", all - SHOWN) } else { Ok(()) }
}
