//! What the journal says of the run as a whole, read once from its first record to its last.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use jiff::Timestamp;

use super::timeline::Fold;
use crate::account::{AccountId, DirectoryId};
use crate::error::{Error, ErrorKind, Result};
use crate::evidence::LogReading;
use crate::journal::{ChainHead, Event, Journal, ManualDone, Record, StopReason};
use crate::person::Member;
use crate::plan::Approval;
use crate::verify::ServerConvergence;

/// What the journal says of the run as a whole.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// The run's id; empty when no run has begun.
    pub(super) run: String,
    /// How often a process began or resumed it.
    pub(super) processes: u64,
    /// The approvals that it accepted, each once.
    pub(super) approvals: Vec<Approval>,
    /// Why it stopped, unless it was resumed or finished since.
    pub(super) stopped: Option<StopReason>,
    /// Whether it is of a rehearsal.
    pub(super) rehearsal: bool,
    /// Whether it came to its end.
    pub(super) finished: bool,
    /// When the first process began.
    pub(super) began: Option<Timestamp>,
    /// When the newest record was made.
    pub(super) newest: Option<Timestamp>,
    /// The newest record.
    pub(super) head: ChainHead,
    /// The greatest sequence number that an event names.
    pub(super) greatest_entry: u64,
    /// What each server knew when it was last asked, in the order of their first asking.
    pub(super) servers: Vec<ServerConvergence>,
    /// What each directory's audit log said when it was last read, in the order of their first reading.
    pub(super) logs: Vec<LogReading>,
    /// When what happened.
    pub(super) timeline: Fold,
    /// What people did to accounts that are no entries.
    by_hand: BTreeMap<Member, ManualDone>,
    begun_waves: BTreeSet<String>,
    approved_waves: BTreeSet<String>,
}

impl History {
    /// Reads the journal, which verifies its chain, and compares it with its head and the plan.
    ///
    /// # Errors
    /// When the journal cannot be read, its chain is broken, or it is of another plan.
    pub(super) async fn read(journal: &dyn Journal, plan_digest: &str) -> Result<Self> {
        let mut history = Self::default();
        let mut records = journal.records(1);
        while let Some(record) = records.next().await {
            history.take(record?, plan_digest)?;
        }
        history.still_newest(journal).await?;
        Ok(history)
    }

    /// # Errors
    /// [`ErrorKind::Conflict`] when the journal has another newest record by now.
    pub(super) async fn still_newest(&self, journal: &dyn Journal) -> Result<()> {
        let head = journal.head().await?;
        if head == self.head {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, "report")
            .with_detail(format!("the journal ends at record {}, and was read up to {}", head.number, self.head.number))
            .with_advice("make the report when no process writes to the journal"))
    }

    /// Why an entry of this wave was never attempted, and what to do about it.
    pub(super) fn not_attempted(&self, wave: &str) -> (String, &'static str) {
        let begun = self.begun_waves.contains(wave);
        if !begun && !self.approved_waves.contains(wave) {
            return (format!("not attempted: wave {wave} is not approved"), "approve the wave and resume the run");
        }
        match &self.stopped {
            Some(reason) => {
                let advice = "look into why the run stopped, then resume it";
                (format!("not attempted: the run stopped before ({})", stop_words(reason)), advice)
            }
            None if self.finished => (
                "not attempted: the run finished without it".to_owned(),
                "resume the run; if it stays, report this fault",
            ),
            None => ("not attempted: the run has not come to it".to_owned(), "resume the run"),
        }
    }

    /// That somebody recorded a procedure of an account that is no entry as carried out.
    pub(super) fn by_hand(&self, directory: &DirectoryId, id: &AccountId) -> Option<&ManualDone> {
        if self.by_hand.is_empty() {
            return None;
        }
        self.by_hand.get(&Member { directory: directory.clone(), id: id.clone() })
    }

    fn take(&mut self, record: Record, plan_digest: &str) -> Result<()> {
        if record.number != self.head.number + 1 {
            let detail = format!("record {} follows record {}", record.number, self.head.number);
            return Err(Error::new(ErrorKind::Journal, "report").with_detail(detail));
        }
        self.timeline.take(&record);
        self.newest = Some(record.at);
        self.head = ChainHead { number: record.number, hash: record.hash };
        self.greatest_entry = self.greatest_entry.max(record.event.entry().unwrap_or(0));
        match record.event {
            Event::RunStarted { run, plan_digest: digest, rehearsal, .. } => {
                if digest != plan_digest {
                    let detail = format!("the journal is of plan {digest}, not of {plan_digest}");
                    return Err(Error::new(ErrorKind::InputInvalid, "report").with_detail(detail));
                }
                self.began.get_or_insert(record.at);
                self.processes += 1;
                self.rehearsal |= rehearsal;
                self.run = run;
                self.stopped = None;
                self.finished = false;
            }
            Event::Approved { approval } => self.approve(approval),
            Event::WaveStarted { wave } => {
                self.begun_waves.insert(wave);
            }
            Event::Converged { server } => {
                let same = |known: &&mut ServerConvergence| {
                    (&known.directory, &known.server) == (&server.directory, &server.server)
                };
                match self.servers.iter_mut().find(same) {
                    Some(known) => *known = server,
                    None => self.servers.push(server),
                }
            }
            Event::ManualDone { entry: None, account: Some(account), by, note, evidence } => {
                self.by_hand.entry(account).or_insert(ManualDone { by, note, evidence });
            }
            Event::ManualUndone { entry: None, account: Some(account), .. } => {
                self.by_hand.remove(&account);
            }
            Event::LogRead { reading } => {
                match self.logs.iter_mut().find(|known| known.directory == reading.directory) {
                    Some(known) => *known = reading,
                    None => self.logs.push(reading),
                }
            }
            Event::Stopped { reason } => self.stopped = Some(reason),
            Event::RunFinished => {
                self.stopped = None;
                self.finished = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn approve(&mut self, approval: Approval) {
        self.approved_waves.extend(approval.scope.waves().iter().cloned());
        if !self.approvals.contains(&approval) {
            self.approvals.push(approval);
        }
    }
}

/// A reason to stop, in one line for people.
pub(super) fn stop_words(reason: &StopReason) -> String {
    match reason {
        StopReason::FailureBudget { wave, failures } => format!("{failures} failures in wave {wave}: over its budget"),
        StopReason::ConsecutiveRefusals { wave, refusals, error } => {
            format!("{refusals} refusals one after another in wave {wave}: {}", error.text)
        }
        StopReason::StopFile { path } => format!("the stop file {path}"),
        StopReason::Cancelled => "cancelled".to_owned(),
        StopReason::Fatal { error } => error.text.clone(),
        StopReason::NotApproved { waves, reasons } if reasons.is_empty() => {
            format!("not approved: {}", waves.join(", "))
        }
        StopReason::NotApproved { waves, reasons } => {
            format!("not approved: {} ({})", waves.join(", "), reasons.join("; "))
        }
    }
}
