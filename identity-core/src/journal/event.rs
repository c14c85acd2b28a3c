//! What is recorded.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ManualEvidence;
use crate::account::Account;
use crate::error::{Error, ErrorKind, Status};
use crate::evidence::{EntryEvidence, LogReading};
use crate::person::{Member, PersonId};
use crate::plan::Approval;
use crate::reset::Action;
use crate::vault::SealedRef;
use crate::verify::ServerConvergence;

/// One event of a run. Events hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A process began or resumed the run.
    RunStarted {
        /// The run's id.
        run: String,
        /// The digest of the plan that is carried out.
        plan_digest: String,
        /// Whether an earlier process had begun it.
        resumed: bool,
        /// The version of this library.
        version: String,
        /// Process id, for telling two processes apart.
        pid: u32,
        /// Whether it is a rehearsal: nothing real was touched.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        rehearsal: bool,
    },
    /// An approval that the run accepted.
    Approved {
        /// The approval.
        approval: Approval,
    },
    /// The first order of a wave is about to be sent.
    WaveStarted {
        /// The wave's name.
        wave: String,
    },
    /// Every entry of a wave has its final outcomes.
    WaveFinished {
        /// The wave's name.
        wave: String,
    },
    /// An order is about to be sent. Durable before the first byte leaves.
    Intent {
        /// The plan entry's sequence number.
        entry: u64,
        /// The action.
        action: Action,
        /// 1 for the first attempt.
        attempt: u32,
        /// What the directory said of the account just before, to tell afterwards whether it moved.
        baseline: Baseline,
        /// Where the password is sealed.
        sealed: Option<SealedRef>,
    },
    /// An action is done: confirmed by the directory, or read back after an unknown outcome.
    Done {
        /// The plan entry's sequence number.
        entry: u64,
        /// The action.
        action: Action,
        /// Which attempt it was.
        attempt: u32,
        /// When, by the directory's clock, where it says so.
        at: Option<Timestamp>,
        /// The server's id of the request.
        request_id: Option<String>,
        /// Whether no confirmation came and it was seen by reading back.
        read_back: bool,
        /// Where a secret that the server generated is sealed.
        server_secret: Option<SealedRef>,
    },
    /// An attempt failed without effect, or was refused with a fresh password to be tried, and
    /// another attempt follows.
    AttemptFailed {
        /// The plan entry's sequence number.
        entry: u64,
        /// The action.
        action: Action,
        /// Which attempt it was.
        attempt: u32,
        /// Why.
        error: ErrorRecord,
    },
    /// An attempt got no answer. What is unknown is read back before it is repeated.
    AttemptUnknown {
        /// The plan entry's sequence number.
        entry: u64,
        /// The action.
        action: Action,
        /// Which attempt it was.
        attempt: u32,
        /// Why.
        error: ErrorRecord,
    },
    /// An action is given up for good, without effect.
    Failed {
        /// The plan entry's sequence number.
        entry: u64,
        /// The action.
        action: Action,
        /// The last attempt; 0 when none was made.
        attempt: u32,
        /// Why.
        error: ErrorRecord,
    },
    /// Something about the account changed between plan and touch that does not stop it.
    Noted {
        /// The plan entry's sequence number.
        entry: u64,
        /// What.
        note: String,
    },
    /// What verification read back.
    Verified {
        /// The plan entry's sequence number.
        entry: u64,
        /// The verdict.
        verdict: Verdict,
        /// When the password was set, by the directory's clock.
        last_set: Option<Timestamp>,
    },
    /// What one server of a directory that has several knows of the run's changes.
    Converged {
        /// The server, and its counts.
        server: ServerConvergence,
    },
    /// What the directory's own audit log says of an entry; the newest counts.
    Evidenced {
        /// The plan entry's sequence number.
        entry: u64,
        /// What it says.
        evidence: EntryEvidence,
    },
    /// What the audit log of one directory said of the run as a whole.
    LogRead {
        /// The log, and its counts.
        reading: LogReading,
    },
    /// Somebody recorded that the manual procedure of an account was carried out. While it stands, it is
    /// not recorded again.
    ManualDone {
        /// The plan entry's sequence number; nothing for an account that the plan protects.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entry: Option<u64>,
        /// The account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<Member>,
        /// Who says so.
        by: String,
        /// What they did.
        note: String,
        /// What shows it.
        #[serde(default)]
        evidence: ManualEvidence,
    },
    /// Somebody took back that it was carried out.
    ManualUndone {
        /// The plan entry's sequence number; nothing for an account that the plan protects.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entry: Option<u64>,
        /// The account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<Member>,
        /// Who says so.
        by: String,
        /// Why.
        note: String,
    },
    /// A message is about to be sent. Durable before the first byte leaves.
    MessageIntended {
        /// Which message.
        message: MessageRef,
        /// 1 for the first attempt over this channel.
        attempt: u32,
        /// The id that it carries (Message-ID of mail).
        id: String,
    },
    /// A message was accepted for delivery.
    MessageSent {
        /// Which message.
        message: MessageRef,
        /// What the server said, with its id of the message.
        receipt: String,
    },
    /// A message was not sent: refused, or tried in vain for now.
    MessageFailed {
        /// Which message.
        message: MessageRef,
        /// Why.
        error: ErrorRecord,
    },
    /// A message may have been sent, and no answer tells. It is not sent again.
    MessageUnknown {
        /// Which message.
        message: MessageRef,
        /// Why.
        error: ErrorRecord,
    },
    /// Somebody said that a message of which nothing is known may be sent again.
    MessageReleased {
        /// Which message.
        message: MessageRef,
        /// Who says so.
        by: String,
    },
    /// The run stopped before its end; it can be resumed.
    Stopped {
        /// Why.
        reason: StopReason,
    },
    /// The run came to its end.
    RunFinished,
}

impl Event {
    /// The plan entry that the event is about.
    #[must_use]
    pub fn entry(&self) -> Option<u64> {
        match self {
            Self::Intent { entry, .. }
            | Self::Done { entry, .. }
            | Self::AttemptFailed { entry, .. }
            | Self::AttemptUnknown { entry, .. }
            | Self::Failed { entry, .. }
            | Self::Noted { entry, .. }
            | Self::Verified { entry, .. }
            | Self::Evidenced { entry, .. } => Some(*entry),
            Self::ManualDone { entry, .. } | Self::ManualUndone { entry, .. } => *entry,
            Self::RunStarted { .. }
            | Self::Approved { .. }
            | Self::WaveStarted { .. }
            | Self::WaveFinished { .. }
            | Self::Converged { .. }
            | Self::LogRead { .. }
            | Self::MessageIntended { .. }
            | Self::MessageSent { .. }
            | Self::MessageFailed { .. }
            | Self::MessageUnknown { .. }
            | Self::MessageReleased { .. }
            | Self::Stopped { .. }
            | Self::RunFinished => None,
        }
    }
}

/// Which message an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRef {
    /// The occasion and the round: `reminder-2`.
    pub mailing: String,
    /// The person.
    pub person: PersonId,
    /// The channel.
    pub channel: String,
}

/// What the directory said of an account just before it was touched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// When it was last set.
    pub last_set: Option<Timestamp>,
    /// Its version, where the directory keeps one.
    pub version: Option<u64>,
    /// Whether a change at the next sign-in was already required.
    pub must_change: bool,
    /// Whether the password was void already, until its owner comes back by recovery.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub awaits_recovery: bool,
    /// From when on sessions were valid, where the directory tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_valid_from: Option<Timestamp>,
    /// When the account's status had last changed, where the directory tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_changed: Option<Timestamp>,
}

impl From<&Account> for Baseline {
    fn from(account: &Account) -> Self {
        let Account { password, state, .. } = account;
        Self {
            last_set: password.last_set,
            version: password.version,
            must_change: password.must_change,
            awaits_recovery: password.awaits_recovery,
            sessions_valid_from: state.sessions_valid_from,
            status_changed: state.status_changed,
        }
    }
}

/// An error as it is kept: an [`Error`] without its chain of causes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorRecord {
    /// What kind of thing failed.
    pub kind: ErrorKind,
    /// Whether a retry can help.
    pub status: Status,
    /// The one line for people.
    pub text: String,
    /// What to do.
    pub advice: Option<String>,
    /// The server's id of the request.
    pub request_id: Option<String>,
}

impl From<&Error> for ErrorRecord {
    fn from(error: &Error) -> Self {
        let text = if error.detail().is_empty() {
            format!("{}: {}", error.operation(), error.kind())
        } else {
            format!("{}: {}", error.operation(), error.detail())
        };
        Self {
            kind: error.kind(),
            status: error.status(),
            text,
            advice: error.advice().map(str::to_owned),
            request_id: error.request_id().map(str::to_owned),
        }
    }
}

/// What verification found when it read the directory back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The password changed, by this run.
    Changed,
    /// It did not change.
    Unchanged,
    /// It changed by this run, and then once more while the demand to change it went away: the
    /// owner signed in and chose another, as the must-change flag asks. The generated password is
    /// not in use any more. Or the owner came back by recovery, as
    /// [`ResetToRecovery`](Action::ResetToRecovery) asks.
    ChangedByOwner,
    /// It changed, and somebody else changed it again since.
    ChangedByOther,
    /// The directory could not tell.
    Unknown,
    /// The account is gone.
    Gone,
}

/// Why a run stopped before its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stop", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// More failures in a wave than its budget allows.
    FailureBudget {
        /// The wave.
        wave: String,
        /// How many failed.
        failures: u64,
    },
    /// So many refusals one after another that something general is wrong.
    ConsecutiveRefusals {
        /// The wave.
        wave: String,
        /// How many.
        refusals: u64,
        /// The last of them.
        error: ErrorRecord,
    },
    /// The stop file appeared.
    StopFile {
        /// Its path.
        path: String,
    },
    /// The program asked.
    Cancelled,
    /// A lane cannot go on: signing in fails, the journal or the vault cannot be written.
    Fatal {
        /// Why.
        error: ErrorRecord,
    },
    /// The next wave is not approved.
    NotApproved {
        /// The waves that are not.
        waves: Vec<String>,
        /// Why approvals that were given do not suffice or are over.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reasons: Vec<String>,
    },
}

/// One record of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// 1 for the first, without gaps.
    pub number: u64,
    /// When it was recorded, by this machine's clock.
    pub at: Timestamp,
    /// The event.
    pub event: Event,
    /// SHA-256 over the previous record's hash and this record, in hexadecimal.
    pub hash: String,
}

/// The newest record of a journal: a report names it, so that a later change shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// How many records there are.
    pub number: u64,
    /// The newest one's hash; empty in an empty journal.
    pub hash: String,
}
