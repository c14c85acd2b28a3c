//! The two resets.

use std::fmt;
use std::time::Duration;

use identity_core::account::{Account, PasswordState};
use identity_core::directory::{Directory, ForcedReset};
use identity_core::error::{ErrorKind, Result, Status};
use identity_core::limits::clock;
use identity_core::reset::password::{Generator, Owner};
use identity_core::reset::{Action, Order, Outcome};
use jiff::Timestamp;
use serde::Serialize;

use super::KrbtgtReset;
use super::info::KrbtgtInfo;
use super::servers::{self, ServerState, holding_up};
use super::story::{Event, Phase, Sent};

/// An order without an answer may land this much later; until then another one is not sent.
const LATE: Duration = Duration::from_secs(10 * 60);
/// How long what became of an order without an answer is read back for.
const READ_BACK: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(2);
/// How often an order that the controller was too busy for is sent.
const TRIES: u32 = 5;

/// How a phase ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PhaseEnd {
    /// 1 or 2.
    pub phase: u8,
    /// When krbtgt was set, by the controller's clock.
    pub last_set: Timestamp,
    /// The version of its password since.
    pub password_version: Option<u64>,
    /// It was set by an earlier call; this one only asked the controllers again.
    pub already: bool,
    /// When krbtgt may be set again at the earliest.
    pub not_before: Timestamp,
    /// Every controller, and whether it has the new key.
    pub servers: Vec<ServerState>,
}

impl PhaseEnd {
    /// Whether every controller that is waited for has the new key.
    #[must_use]
    pub fn converged(&self) -> bool {
        !self.servers.iter().any(ServerState::holds_up)
    }
}

/// krbtgt may not be reset yet: tickets of before its last reset may still be in use. The `source`
/// of the library's error: `error.source().downcast_ref::<TooEarly>()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("krbtgt was set at {last_set}, it is {now}, and it may not be set again before {not_before}")]
#[non_exhaustive]
pub struct TooEarly {
    /// When it was last set, by the controller's clock.
    pub last_set: Timestamp,
    /// The controller's clock.
    pub now: Timestamp,
    /// The earliest moment.
    pub not_before: Timestamp,
}

impl KrbtgtReset {
    /// Resets krbtgt for the first time, and waits until every controller has the new key.
    ///
    /// Called again, it does not set it again: what is open is read back, and the controllers are
    /// asked again.
    ///
    /// # Errors
    /// - [`ErrorKind::InputInvalid`] unless `domain` repeats the domain's DNS name.
    /// - [`ErrorKind::Conflict`] when something has to be settled first ([`KrbtgtInfo::problems`]),
    ///   an order of before may land yet, or krbtgt was set too short a time ago, by whomever: then
    ///   the source is [`TooEarly`].
    /// - [`Status::Unknown`] when no answer came and reading back does not show the change (yet).
    /// - otherwise when the controller refuses, or the state file cannot be written.
    pub async fn phase_one(&mut self, domain: &str) -> Result<PhaseEnd> {
        self.phase(Phase::One, domain).await
    }

    /// Resets krbtgt for the second time: what was forged with the key of before phase one ends.
    ///
    /// # Errors
    /// As [`phase_one`](Self::phase_one); [`ErrorKind::Conflict`] too when phase one is not done, or
    /// somebody else has reset krbtgt since.
    pub async fn phase_two(&mut self, domain: &str) -> Result<PhaseEnd> {
        self.phase(Phase::Two, domain).await
    }

    async fn phase(&mut self, phase: Phase, domain: &str) -> Result<PhaseEnd> {
        if !self.is_named(domain) {
            let own = &self.directory.info().tenant;
            return Err(self
                .error(ErrorKind::InputInvalid, operation(phase), format!("{domain:?} is not this domain, {own:?}"))
                .with_advice("repeat the domain's DNS name, to say that its krbtgt is meant"));
        }
        self.settle_open(phase).await?;
        if self.file.story().done(phase).is_some() {
            return self.converge(phase, true).await;
        }
        let info = self.info().await?;
        self.may_begin(phase, &info)?;
        self.set(phase, &info).await?;
        self.converge(phase, false).await
    }

    /// Finds out what became of an order of an earlier call.
    async fn settle_open(&mut self, phase: Phase) -> Result<()> {
        let Some(sent) = self.file.story().open.clone() else { return Ok(()) };
        if sent.phase != phase {
            return Err(self
                .error(ErrorKind::Conflict, operation(phase), "an order of the other phase is open")
                .with_advice("call that phase again first: it reads back what became of it"));
        }
        let krbtgt = self.krbtgt().await?;
        if moved(&before(&sent), &krbtgt.password) {
            return self.record_set(phase, &krbtgt, true).await;
        }
        let (_, now) = self.root().await?;
        let late = sent.at.checked_add(LATE).unwrap_or(sent.at);
        if now < late {
            return Err(self
                .error(
                    ErrorKind::Conflict,
                    operation(phase),
                    format!("an order was sent at {}, and may take effect yet; it is {now}", sent.at),
                )
                .with_retry_after(late.duration_since(now).unsigned_abs())
                .with_advice(format!("call it again at {late}: another order before could reset krbtgt twice")));
        }
        Ok(())
    }

    fn may_begin(&self, phase: Phase, info: &KrbtgtInfo) -> Result<()> {
        let conflict = |detail: String, advice: &str| {
            Err(self.error(ErrorKind::Conflict, operation(phase), detail).with_advice(advice.to_owned()))
        };
        if !info.problems.is_empty() {
            return conflict(info.problems.join("; "), "settle this first; nothing was set");
        }
        if phase == Phase::Two {
            let Some(one) = self.file.story().done(Phase::One) else {
                return conflict("phase one is not done, by the state file".to_owned(), "begin with phase one");
            };
            if one.account != info.account {
                return conflict("krbtgt is another object than in phase one".to_owned(), "find out who replaced it");
            }
            let others = match (one.password_version, info.password_version) {
                (Some(then), Some(now)) => now != then,
                _ => info.last_set != Some(one.last_set),
            };
            if others {
                return conflict(
                    "krbtgt is not as phase one left it: somebody has reset it since".to_owned(),
                    "find out who did; if it was meant, the second reset is done, otherwise begin a new round with a new state file",
                );
            }
        }
        // Whoever set it last: tickets of the key before must have ended.
        let (Some(last_set), Some(not_before)) = (info.last_set, info.not_before) else { return Ok(()) };
        let early = self.settings.early.as_deref();
        if info.now >= not_before || early.is_some_and(|domain| self.is_named(domain)) {
            return Ok(());
        }
        let too_early = TooEarly { last_set, now: info.now, not_before };
        let wrong = early.is_some().then_some("; the name that was given to go ahead early is not this domain's");
        Err(self
            .error(ErrorKind::Conflict, operation(phase), format!("{too_early}{}", wrong.unwrap_or_default()))
            .with_retry_after(not_before.duration_since(info.now).unsigned_abs())
            .with_advice("wait until then: sooner, genuine tickets of the whole domain fail")
            .with_source(too_early))
    }

    /// Sends the order once; again only when the controller said that it did nothing.
    async fn set(&mut self, phase: Phase, info: &KrbtgtInfo) -> Result<()> {
        let krbtgt = self.krbtgt().await?;
        let early = info.not_before.is_some_and(|not_before| info.now < not_before);
        for attempt in 1..=TRIES {
            let (_, at) = self.root().await?;
            self.file.append(Event::Intent {
                phase,
                account: krbtgt.id.clone(),
                last_set: krbtgt.password.last_set,
                password_version: krbtgt.password.version,
                at,
                interval_seconds: self.settings.interval().as_secs(),
                early,
                without: self.settings.without.iter().cloned().collect(),
            })?;
            let error = match self.send(&krbtgt, Action::SetPassword { must_change: false }).await {
                Ok(()) => return self.read_back(phase, &krbtgt, false).await,
                Err(error) => error,
            };
            if error.status() == Status::Unknown {
                tracing::warn!(%error, "no answer to the reset of krbtgt; it is read back");
                return self.read_back(phase, &krbtgt, true).await;
            }
            self.file.append(Event::Refused { phase, error: error.to_string() })?;
            if !error.is_temporary() || attempt == TRIES {
                return Err(error);
            }
            clock::sleep(error.retry_after().unwrap_or(PAUSE)).await;
        }
        Ok(())
    }

    /// Sends a password that fits the policy: a filter may look at it, though for krbtgt the
    /// controller then makes one of its own.
    pub(super) async fn send(&self, account: &Account, action: Action) -> Result<()> {
        let policy = self.directory.preflight().await?.password_policy;
        let password =
            Generator::scramble(&policy)?.generate(&Owner::new(&account.name, account.display_name.as_deref()))?;
        let order = Order::new(account.id.clone(), action).with_password(password);
        match self.directory.apply(std::slice::from_ref(&order)).await.into_iter().next() {
            Some(Outcome::Done(_)) => Ok(()),
            Some(
                Outcome::Refused(error)
                | Outcome::Throttled(error)
                | Outcome::Temporary(error)
                | Outcome::Unknown(error),
            ) => Err(error),
            None => Err(self.error(ErrorKind::Unexpected, "set password", "no outcome").with_status(Status::Unknown)),
        }
    }

    /// Sees the change on the controller itself, and records it. Without, the order stays open.
    async fn read_back(&mut self, phase: Phase, before: &Account, unanswered: bool) -> Result<()> {
        let start = clock::instant();
        let ends = start.checked_add(READ_BACK).unwrap_or(start);
        loop {
            match self.krbtgt().await {
                Ok(now) if moved(&before.password, &now.password) => {
                    return self.record_set(phase, &now, unanswered).await;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "krbtgt could not be read back"),
            }
            if clock::instant() >= ends {
                return Err(self
                    .error(ErrorKind::Timeout, operation(phase), "whether krbtgt was reset could not be read back")
                    .with_status(Status::Unknown)
                    .with_advice("call the same phase again: it reads back first, and sends nothing twice"));
            }
            clock::sleep(PAUSE).await;
        }
    }

    async fn record_set(&mut self, phase: Phase, now: &Account, read_back: bool) -> Result<()> {
        let last_set = match now.password.last_set {
            Some(last_set) => last_set,
            // Too late rather than too early.
            None => self.root().await?.1,
        };
        let not_before = last_set.checked_add(self.settings.interval()).map_err(|fault| {
            self.error(ErrorKind::Unexpected, operation(phase), "the controller's time cannot be reckoned with")
                .with_source(fault)
        })?;
        self.file.append(Event::Set { phase, last_set, password_version: now.password.version, not_before, read_back })
    }

    /// Waits until every controller has the key of a phase that is done.
    async fn converge(&mut self, phase: Phase, already: bool) -> Result<PhaseEnd> {
        let Some(done) = self.file.story().done(phase).cloned() else {
            return Err(self.error(ErrorKind::Unexpected, operation(phase), "the state file does not hold the reset"));
        };
        let mut present = PasswordState::default();
        present.last_set = Some(done.last_set);
        present.version = done.password_version;
        let settings = &self.settings;
        let servers =
            servers::wait(&self.directory, &done.account, &present, &settings.without, settings.patience).await?;
        let complete = !servers.iter().any(ServerState::holds_up);
        if !complete {
            tracing::warn!("krbtgt is not on every controller: {}", holding_up(&servers));
        }
        self.file.append(Event::Converged { phase, complete, servers: servers.clone() })?;
        Ok(PhaseEnd {
            phase: phase.number(),
            last_set: done.last_set,
            password_version: done.password_version,
            already,
            not_before: done.not_before,
            servers,
        })
    }
}

/// Whether a password was set between two readings on one controller.
pub(super) fn moved(before: &PasswordState, now: &PasswordState) -> bool {
    match (before.version, now.version) {
        (Some(before), Some(now)) => now > before,
        _ => now.last_set > before.last_set,
    }
}

fn before(sent: &Sent) -> PasswordState {
    let mut state = PasswordState::default();
    state.last_set = sent.last_set;
    state.version = sent.password_version;
    state
}

fn operation(phase: Phase) -> &'static str {
    match phase {
        Phase::One => "reset krbtgt, phase one",
        Phase::Two => "reset krbtgt, phase two",
    }
}

impl fmt::Display for PhaseEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.already { "was done already" } else { "is done" };
        writeln!(f, "phase {} {how}: krbtgt set at {}", self.phase, self.last_set)?;
        self.servers.iter().try_for_each(|server| writeln!(f, "server      {server}"))?;
        let next = if self.phase == 1 { "phase two" } else { "another round" };
        writeln!(f, "{next:<11} not before {}", self.not_before)
    }
}
