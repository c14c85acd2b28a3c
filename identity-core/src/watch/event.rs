//! One event as one line of JSON; the schema is in docs/events.md.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::{AccountId, DirectoryId};
use crate::engine::{EntryResult, Progress, RunEnd, Tally};
use crate::journal::{ErrorRecord, StopReason};
use crate::limits::clock;
use crate::plan::Plan;

/// The version of the schema, in each line. It moves when a member changes its meaning or goes; new
/// members and new events come without, so that readers skip what they do not know.
pub const EVENTS_VERSION: u32 = 1;

/// One line.
///
/// ```
/// use identity_core::watch::{EventLine, RunEvent};
///
/// let line = EventLine::new(RunEvent::Waiting { wave: "elsewhere".into(), seconds: 180 });
/// let text = serde_json::to_string(&line)?;
/// assert!(text.starts_with(r#"{"v":1,"at":""#) && text.ends_with(r#""event":"waiting","wave":"elsewhere","seconds":180}"#));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventLine {
    /// [`EVENTS_VERSION`].
    pub v: u32,
    /// When, by this machine's clock.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub event: RunEvent,
}

impl EventLine {
    /// An event that is now.
    #[must_use]
    pub fn new(event: RunEvent) -> Self {
        Self { v: EVENTS_VERSION, at: clock::now(), event }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunEvent {
    /// The run began, or goes on.
    RunStarted {
        /// Its id.
        run: String,
        /// The plan's digest.
        plan_digest: String,
        /// The accounts that the plan resets.
        accounts: u64,
        /// Its waves in their order.
        waves: Vec<String>,
    },
    /// A wave began.
    WaveStarted {
        /// Its name.
        wave: String,
        /// How many accounts it has.
        accounts: u64,
    },
    /// An account has its final outcomes, or is left open for a resume.
    AccountEnded {
        /// The wave.
        wave: String,
        /// The directory.
        directory: DirectoryId,
        /// The account.
        account: AccountId,
        /// Its sign-in name.
        name: String,
        /// How it ended: done is not verified yet.
        result: EntryResult,
        /// Why, where it is not done and the reason is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Box<ErrorRecord>>,
        /// The wave's counts so far.
        tally: Tally,
    },
    /// A wave ended.
    WaveFinished {
        /// Its name.
        wave: String,
        /// Its counts.
        tally: Tally,
    },
    /// Nothing is begun for a while.
    Waiting {
        /// The wave that comes after it.
        wave: String,
        /// How long, in seconds.
        seconds: u64,
    },
    /// The run stops; what is in flight is finished and recorded.
    Stopping {
        /// Why.
        reason: StopReason,
    },
    /// The orders are over; verification and report follow.
    RunEnded {
        /// Its id.
        run: String,
        /// Why it stopped before its end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stopped: Option<StopReason>,
        /// Accounts whose password may have been sent and cannot be opened again.
        held: u64,
    },
    /// Events were left out here, because the reader was slow. Each event with a tally has the counts
    /// all the same.
    Dropped {
        /// How many.
        events: u64,
    },
    /// The last line: the program ends.
    Finished {
        /// Its exit code.
        exit: u8,
    },
}

impl RunEvent {
    /// The beginning of a run.
    #[must_use]
    pub fn started(run: &str, plan: &Plan) -> Self {
        Self::RunStarted {
            run: run.to_owned(),
            plan_digest: plan.digest().to_owned(),
            accounts: plan.waves().iter().map(|wave| wave.accounts).sum(),
            waves: plan.waves().iter().map(|wave| wave.name.clone()).collect(),
        }
    }
}

impl From<&RunEnd> for RunEvent {
    fn from(end: &RunEnd) -> Self {
        Self::RunEnded { run: end.run.clone(), stopped: end.stopped.clone(), held: end.held }
    }
}

impl From<&Progress> for RunEvent {
    fn from(progress: &Progress) -> Self {
        match progress.clone() {
            Progress::WaveStarted { wave, accounts } => Self::WaveStarted { wave, accounts },
            Progress::EntryEnded { wave, directory, account, name, result, failure, tally } => {
                Self::AccountEnded { wave, directory, account, name, result, failure, tally }
            }
            Progress::WaveFinished { wave, tally } => Self::WaveFinished { wave, tally },
            Progress::Waiting { wave, seconds } => Self::Waiting { wave, seconds },
            Progress::Stopping { reason } => Self::Stopping { reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn each_event_is_one_line_that_reads_back() {
        let error = Error::new(ErrorKind::InsufficientPrivilege, "set password").with_detail("refused\n50");
        let events = [
            RunEvent::AccountEnded {
                wave: "canary".into(),
                directory: DirectoryId::new("corp").unwrap(),
                account: AccountId::new("7").unwrap(),
                name: "a\u{2028}b".into(),
                result: EntryResult::Failed,
                failure: Some(Box::new(ErrorRecord::from(&error))),
                tally: Tally { done: 1, failed: 1, open: 0 },
            },
            RunEvent::Stopping { reason: StopReason::Cancelled },
            RunEvent::RunEnded { run: "r".into(), stopped: None, held: 0 },
            RunEvent::Dropped { events: 3 },
            RunEvent::Finished { exit: 3 },
        ];
        for event in events {
            let line = EventLine::new(event);
            let text = serde_json::to_string(&line).unwrap();
            assert!(!text.contains('\n'), "{text}");
            assert_eq!(serde_json::from_str::<EventLine>(&text).unwrap(), line);
        }
    }
}
