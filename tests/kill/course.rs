//! One run through its kills to its end, and what came of many.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use identity_reset::journal::{Event, Record};
use identity_reset::vault::Identity;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::Value;
use tokio::process::Command;

use crate::support::{Ended, Evidence, PATIENCE, Stand, Struck, peek, strike};

/// So many in one run, at the most.
pub(crate) const KILLS_A_RUN: u64 = 3;

/// What a process was doing when it was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Connecting, reading the directory, writing the plan, taking approvals.
    Planning,
    /// Opening what an earlier process left.
    Resuming,
    Executing,
    /// Reading back, and writing the report.
    Verifying,
}

#[derive(Default)]
pub(crate) struct Tally {
    kills: BTreeMap<Phase, u64>,
    pub(crate) finished_before: u64,
    pub(crate) runs: u64,
    pub(crate) fresh_starts: u64,
    pub(crate) resumes: u64,
    pub(crate) accounts: u64,
    pub(crate) unseen: u64,
    pub(crate) sets: u64,
    pub(crate) superseded: u64,
    pub(crate) revoked: u64,
    pub(crate) hybrid: u64,
    pub(crate) repeated: u64,
    pub(crate) read_back: u64,
    pub(crate) untouched: u64,
}

/// One run through its kills to its end.
pub(crate) struct Course {
    pub(crate) stand: Stand,
    /// What every process of the run gets that begins anew.
    arguments: Vec<String>,
    run: PathBuf,
}

impl Course {
    pub(crate) fn new(stand: Stand, arguments: Vec<String>) -> Self {
        Self { run: stand.run("run-1"), stand, arguments }
    }

    /// Runs, is killed up to so many times at instants within `length`, and goes on to the end.
    pub(crate) async fn travel(
        &mut self,
        tally: &mut Tally,
        random: &mut StdRng,
        kills: u64,
        length: Duration,
        without_a_plan: &(dyn Fn() + Sync),
    ) -> Ended {
        tally.runs += 1;
        let mut killed = 0;
        let mut resumed = false;
        let mut command = self.begin();
        loop {
            // What is resumed has less to do.
            let reach = if resumed { length.mul_f64(0.7) } else { length };
            let after = (killed < kills).then(|| reach.mul_f64(random.random_range(0.0..1.0)));
            let pid = match strike(command, after.unwrap_or(PATIENCE)).await {
                Struck::Ended(ended) => {
                    assert!(matches!(ended.code, Some(0 | 1)), "after {killed} kills: {ended:?}");
                    tally.finished_before += u64::from(after.is_some());
                    return ended;
                }
                Struck::Killed { .. } if after.is_none() => panic!("no end within {PATIENCE:?}"),
                Struck::Killed { pid, .. } => pid,
            };
            killed += 1;
            let phase = phase(&self.run, pid, resumed).await;
            *tally.kills.entry(phase).or_default() += 1;
            if self.run.join("plan.jsonl").exists() {
                resumed = true;
                tally.resumes += 1;
                command = self.resume();
            } else {
                without_a_plan();
                tally.fresh_starts += 1;
                self.run = self.stand.run(&format!("run-{}", killed + 1));
                command = self.begin();
            }
        }
    }

    fn begin(&self) -> Command {
        let mut command = self.stand.fresh(&self.run);
        command.args(&self.arguments);
        command
    }

    /// As a person would: what was approved is not approved again.
    fn resume(&self) -> Command {
        let mut command = self.stand.resume(&self.run);
        if !self.run.join("approvals.json").exists() {
            command.args(["--approve", "all"]);
        }
        command
    }

    pub(crate) async fn evidence(&self) -> Evidence {
        Evidence::read(&self.run, &self.identity()).await
    }

    fn identity(&self) -> Identity {
        self.stand.identity.clone()
    }

    /// What the report says of accounts that failed.
    fn failures(&self) -> Vec<String> {
        let report = std::fs::read(self.run.join("report.json")).expect("a report");
        let report: Value = serde_json::from_slice(&report).expect("JSON");
        let rows = report.get("rows").and_then(Value::as_array).into_iter().flatten();
        rows.filter(|row| row.get("result").is_some_and(|result| result == "failed")).map(Value::to_string).collect()
    }

    /// The last process calls the run done and verified, as far as the directories show it, and the
    /// journal says the same.
    pub(crate) fn assert_finished(&self, ended: &Ended, evidence: &Evidence, tally: &mut Tally) {
        let planned = evidence.resets().count() as u64;
        let [verified, failed, unknown] = ["verified", "failed", "unknown"].map(|name| ended.accounts(name));
        assert_eq!(ended.accounts("planned"), planned);
        let unseen = evidence.unseen();
        let sums = (verified, failed, unknown);
        assert_eq!(sums, (planned - unseen, 0, unseen), "{:?}; {}", self.failures(), ended.stderr);
        assert_eq!(ended.code, Some(i32::from(unseen > 0)), "{ended:?}");
        let (repeated, read_back) = evidence.assert_each_action_ends_once();
        tally.accounts += planned;
        tally.unseen += unseen;
        tally.repeated += repeated;
        tally.read_back += read_back;
    }
}

impl Tally {
    /// Both together.
    pub(crate) fn plus(mut self, other: Self) -> Self {
        for (phase, kills) in other.kills {
            *self.kills.entry(phase).or_default() += kills;
        }
        self.finished_before += other.finished_before;
        self.runs += other.runs;
        self.fresh_starts += other.fresh_starts;
        self.resumes += other.resumes;
        self.accounts += other.accounts;
        self.unseen += other.unseen;
        self.sets += other.sets;
        self.superseded += other.superseded;
        self.revoked += other.revoked;
        self.hybrid += other.hybrid;
        self.repeated += other.repeated;
        self.read_back += other.read_back;
        self.untouched += other.untouched;
        self
    }

    pub(crate) fn kills(&self) -> u64 {
        self.kills.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |phase| self.kills.get(&phase).copied().unwrap_or(0);
        writeln!(f, "  runs                          {:>7}", self.runs)?;
        writeln!(f, "  killed (SIGKILL)              {:>7}", self.kills())?;
        writeln!(f, "    planning                    {:>7}", of(Phase::Planning))?;
        writeln!(f, "    resuming, before the start  {:>7}", of(Phase::Resuming))?;
        writeln!(f, "    executing                   {:>7}", of(Phase::Executing))?;
        writeln!(f, "    verifying                   {:>7}", of(Phase::Verifying))?;
        writeln!(f, "  ended before they were killed {:>7}", self.finished_before)?;
        writeln!(f, "  begun anew, without a plan    {:>7}", self.fresh_starts)?;
        writeln!(f, "  resumed                       {:>7}", self.resumes)?;
        writeln!(f, "  accounts reset                {:>7}", self.accounts)?;
        writeln!(f, "    verified                    {:>7}", self.accounts - self.unseen)?;
        writeln!(f, "    of sessions that none shows {:>7}", self.unseen)?;
        writeln!(f, "  password sets that landed     {:>7}", self.sets)?;
        writeln!(f, "    lost with their answer       {:>7}", self.superseded)?;
        writeln!(f, "  sessions ended                {:>7}", self.revoked)?;
        writeln!(f, "    after the password on-prem  {:>7}", self.hybrid)?;
        writeln!(f, "  intents repeated              {:>7}", self.repeated)?;
        writeln!(f, "  unknown, found by reading back{:>7}", self.read_back)?;
        write!(f, "  accounts left untouched       {:>7}", self.untouched)
    }
}

/// What a killed process was doing, by what it had recorded.
async fn phase(run: &Path, pid: u32, resumed: bool) -> Phase {
    let records: Vec<Record> = peek(run).await.unwrap_or_default();
    let mine = |record: &Record| matches!(&record.event, Event::RunStarted { pid: began, .. } if *began == pid);
    match records.iter().rposition(mine) {
        None if resumed => Phase::Resuming,
        None => Phase::Planning,
        Some(began) if records.iter().skip(began).any(|record| record.event == Event::RunFinished) => Phase::Verifying,
        Some(_) => Phase::Executing,
    }
}
