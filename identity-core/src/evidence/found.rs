//! What a log was found to say.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::AuditEvent;
use crate::account::{AccountId, DirectoryId};
use crate::journal::ErrorRecord;
use crate::reset::Action;

/// What the audit log says of what the journal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LogFinding {
    /// The log has it, and the same outcome.
    Confirmed,
    /// The log does not have it, or not yet.
    NotFound,
    /// The log says otherwise.
    Contradicted,
}

impl LogFinding {
    /// The word for it in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::NotFound => "not_found",
            Self::Contradicted => "contradicted",
        }
    }
}

impl fmt::Display for LogFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that was found: an account of the plan, or what was not done by the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Found {
    /// What the log says of an account that the run worked on.
    Account(AccountEvidence),
    /// An event that is not the run's.
    Other(OtherEvent),
}

/// What the log says of an account that the run worked on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountEvidence {
    /// The sequence number of its entry in the plan.
    pub entry: u64,
    /// The directory.
    pub directory: DirectoryId,
    /// The account.
    pub account: AccountId,
    /// Its sign-in name.
    pub name: String,
    /// The worst of its orders.
    pub finding: LogFinding,
    /// Its orders that the log can say something of.
    pub orders: Vec<OrderEvidence>,
    /// How many events of others there are on it.
    pub others: u64,
}

/// What the log says of one action of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OrderEvidence {
    /// The action.
    pub action: Action,
    /// What the log says of it.
    pub finding: LogFinding,
    /// Why that is the finding; empty for what was confirmed by the id of its request.
    pub because: String,
    /// The ids of the events.
    pub events: Vec<String>,
    /// When the first of them happened, by the directory's clock.
    pub at: Option<Timestamp>,
}

/// An event of the same minutes that is not the run's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OtherEvent {
    /// The directory.
    pub directory: DirectoryId,
    /// Who did it.
    pub whose: Whose,
    /// The sequence numbers of the plan's entries that it was done to; empty when none of its
    /// accounts is planned.
    pub entries: Vec<u64>,
    /// The event.
    pub event: AuditEvent,
}

/// Who did what the run did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Whose {
    /// The run's own principal, by a request that the journal does not know: another program signs
    /// in with it, or an attacker does.
    OwnPrincipal,
    /// The owner of the account: a person who changed the own password, as asked.
    Owner,
    /// Somebody else.
    Somebody,
}

impl Whose {
    /// The word for it in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OwnPrincipal => "own_principal",
            Self::Owner => "owner",
            Self::Somebody => "somebody",
        }
    }
}

/// What is kept in the journal of an entry's evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EntryEvidence {
    /// The worst of its orders.
    pub finding: LogFinding,
    /// Why, where it is not confirmed by the ids of its requests alone.
    pub because: String,
    /// The ids of the events.
    pub events: Vec<String>,
    /// How many events of others there are on the account.
    pub others: u64,
}

impl From<&AccountEvidence> for EntryEvidence {
    fn from(account: &AccountEvidence) -> Self {
        let told = account.orders.iter().filter(|order| !order.because.is_empty());
        let because: Vec<String> = told.map(|order| format!("{}: {}", order.action, order.because)).collect();
        Self {
            finding: account.finding,
            because: because.join("; "),
            events: account.orders.iter().flat_map(|order| order.events.iter().cloned()).collect(),
            others: account.others,
        }
    }
}

/// What the log of one directory said of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogReading {
    /// The directory.
    pub directory: DirectoryId,
    /// From when on the log was read; nothing where the run did nothing in this directory.
    pub from: Option<Timestamp>,
    /// Until when. Between the two only the minutes in which the run worked were read.
    pub until: Option<Timestamp>,
    /// Different events that were read.
    pub events: u64,
    /// Accounts that the log confirms.
    pub confirmed: u64,
    /// Accounts of which the log does not have everything, after all patience.
    pub not_found: u64,
    /// Accounts of which the log says otherwise.
    pub contradicted: u64,
    /// Accounts that were not looked at, because the log could not be read.
    pub unread: u64,
    /// The names of the first accounts that are not found or contradicted, at most ten.
    pub first_open: Vec<String>,
    /// Events of the run's own principal that the journal does not know.
    pub own_principal: u64,
    /// Events of others on planned accounts, their owners aside.
    pub others_on_planned: u64,
    /// Events of others on other accounts, with actions that a run uses too, and those that name no
    /// account: they may be about everybody.
    pub others_elsewhere: u64,
    /// Events of owners on their own accounts.
    pub owners: u64,
    /// Why the log could not be read, or not to its end.
    pub unreadable: Option<ErrorRecord>,
}

impl LogReading {
    /// Nothing read yet.
    #[must_use]
    pub fn new(directory: DirectoryId) -> Self {
        Self {
            directory,
            from: None,
            until: None,
            events: 0,
            confirmed: 0,
            not_found: 0,
            contradicted: 0,
            unread: 0,
            first_open: Vec::new(),
            own_principal: 0,
            others_on_planned: 0,
            others_elsewhere: 0,
            owners: 0,
            unreadable: None,
        }
    }

    /// Whether the log has everything that the run did, and nothing that nobody can account for:
    /// no event of the run's own principal that the journal does not know, and of others none on
    /// planned accounts.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.not_found + self.contradicted + self.unread + self.own_principal + self.others_on_planned == 0
            && self.unreadable.is_none()
    }
}

impl fmt::Display for LogReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} accounts confirmed by the log", self.directory, self.confirmed)?;
        let counts = [
            (self.not_found, "not found"),
            (self.contradicted, "contradicted"),
            (self.unread, "not looked at"),
            (self.own_principal, "events of our own principal that are not this run's"),
            (self.others_on_planned, "events of others on the same accounts"),
            (self.others_elsewhere, "of others elsewhere"),
            (self.owners, "of owners"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        match &self.unreadable {
            Some(error) => write!(f, "; the log could not be read: {}", error.text),
            None => Ok(()),
        }
    }
}
