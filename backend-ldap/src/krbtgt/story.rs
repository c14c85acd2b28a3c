//! What happened so far, as the state file tells it.

use identity_core::account::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::servers::ServerState;

/// One event of the procedure. Events hold no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// The file was begun.
    Began {
        domain: String,
        version: String,
    },
    Canary {
        account: AccountId,
        converged: bool,
        servers: Vec<ServerState>,
    },
    /// An order is about to be sent.
    Intent {
        phase: Phase,
        account: AccountId,
        /// What the controller said just before.
        last_set: Option<Timestamp>,
        password_version: Option<u64>,
        /// By the controller's clock.
        at: Timestamp,
        /// The settings that were kept to.
        interval_seconds: u64,
        /// It was too early, and somebody repeated the domain's name.
        early: bool,
        without: Vec<String>,
    },
    /// The order had no effect, by the controller's own answer.
    Refused {
        phase: Phase,
        error: String,
    },
    /// krbtgt was set.
    Set {
        phase: Phase,
        last_set: Timestamp,
        password_version: Option<u64>,
        not_before: Timestamp,
        /// No answer came; it was seen by reading back.
        read_back: bool,
    },
    /// What the controllers knew when waiting ended.
    Converged {
        phase: Phase,
        complete: bool,
        servers: Vec<ServerState>,
    },
}

/// Which of the two resets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    One,
    Two,
}

/// How far the procedure is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// Nothing was set.
    NotBegun,
    /// The order of a phase was sent, or was about to be, and what came of it is not known: call
    /// the same phase again, which reads back first.
    Open {
        /// 1 or 2.
        phase: u8,
    },
    /// The first reset is done.
    OneDone {
        /// When krbtgt was set, by the controller's clock.
        last_set: Timestamp,
        /// When the second reset may come at the earliest.
        not_before: Timestamp,
        /// Whether every controller had it when last asked.
        converged: bool,
    },
    /// Both are done.
    BothDone {
        /// When krbtgt was set for the second time.
        last_set: Timestamp,
        /// Whether every controller had it when last asked.
        converged: bool,
    },
}

/// An order whose outcome is not recorded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) phase: Phase,
    pub(super) account: AccountId,
    pub(super) last_set: Option<Timestamp>,
    pub(super) password_version: Option<u64>,
    pub(super) at: Timestamp,
}

/// A reset that is done.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Done {
    pub(super) account: AccountId,
    pub(super) last_set: Timestamp,
    pub(super) password_version: Option<u64>,
    pub(super) not_before: Timestamp,
    pub(super) converged: bool,
}

/// The events, folded.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Story {
    pub(super) open: Option<Sent>,
    pub(super) one: Option<Done>,
    pub(super) two: Option<Done>,
    /// The account of the last intent.
    account: Option<AccountId>,
}

impl Phase {
    pub(super) fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

impl Story {
    pub(super) fn fold(&mut self, event: &Event) {
        match event {
            Event::Began { .. } | Event::Canary { .. } => {}
            Event::Intent { phase, account, last_set, password_version, at, .. } => {
                self.account = Some(account.clone());
                self.open = Some(Sent {
                    phase: *phase,
                    account: account.clone(),
                    last_set: *last_set,
                    password_version: *password_version,
                    at: *at,
                });
            }
            Event::Refused { .. } => self.open = None,
            Event::Set { phase, last_set, password_version, not_before, .. } => {
                self.open = None;
                let Some(account) = self.account.clone() else { return };
                let done = Done {
                    account,
                    last_set: *last_set,
                    password_version: *password_version,
                    not_before: *not_before,
                    converged: false,
                };
                *self.place(*phase) = Some(done);
            }
            Event::Converged { phase, complete, .. } => {
                if let Some(done) = self.place(*phase) {
                    done.converged = *complete;
                }
            }
        }
    }

    pub(super) fn done(&self, phase: Phase) -> Option<&Done> {
        match phase {
            Phase::One => self.one.as_ref(),
            Phase::Two => self.two.as_ref(),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        match (&self.open, &self.one, &self.two) {
            (Some(open), ..) => Stage::Open { phase: open.phase.number() },
            (None, _, Some(two)) => Stage::BothDone { last_set: two.last_set, converged: two.converged },
            (None, Some(one), None) => {
                Stage::OneDone { last_set: one.last_set, not_before: one.not_before, converged: one.converged }
            }
            (None, None, None) => Stage::NotBegun,
        }
    }

    fn place(&mut self, phase: Phase) -> &mut Option<Done> {
        match phase {
            Phase::One => &mut self.one,
            Phase::Two => &mut self.two,
        }
    }
}
