//! Stop rules: when a run must not go on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::progress::{Progress, Teller};
use crate::error::{Error, ErrorKind, Result, Status};
use crate::journal::{ErrorRecord, StopReason};
use crate::limits::clock;
use crate::plan::{ApprovalRules, Plan, PlannedGuardrails, Wave, WaveKind};

/// When a run stops by itself.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Guardrails {
    /// The part of a wave's accounts that may fail, from 0 to 1, before the run stops.
    pub failure_share: f64,
    /// This many failures are allowed in any wave but the canary, however small.
    pub failure_floor: u64,
    /// How many failures the canary allows.
    pub canary_failures: u64,
    /// So many refusals one after another stop the run: something general is wrong.
    pub consecutive_refusals: u64,
    /// How often an order whose password the policy refuses gets a fresh password; the first one counts.
    pub passwords_per_account: u32,
    /// The run stops when this file appears.
    pub stop_file: Option<PathBuf>,
    /// How long after the last password the sessions of accounts that are mastered in another
    /// directory are ended. Until the new password has been synchronised the old one signs in there,
    /// and opens a session anew. Entra Connect brings password hashes about every two minutes.
    pub sync_wait: Duration,
    /// What is asked of approvals beyond the rules of the plan.
    pub approvals: ApprovalRules,
}

impl Default for Guardrails {
    /// 5 % but at least 10 failures, none in the canary; 25 refusals in a row; three
    /// passwords; no stop file; three minutes for the synchronisation.
    fn default() -> Self {
        Self {
            failure_share: 0.05,
            failure_floor: 10,
            canary_failures: 0,
            consecutive_refusals: 25,
            passwords_per_account: 3,
            stop_file: None,
            sync_wait: Duration::from_secs(180),
            approvals: ApprovalRules::default(),
        }
    }
}

impl Guardrails {
    /// As the playbook of a plan sets them; the default where none does.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Self {
        plan.header().spec.origin.as_ref().map(|origin| Self::from(&origin.guardrails)).unwrap_or_default()
    }
}

impl From<&PlannedGuardrails> for Guardrails {
    fn from(planned: &PlannedGuardrails) -> Self {
        let rails = Self::default();
        Self {
            failure_share: planned.failure_percent.map_or(rails.failure_share, |percent| f64::from(percent) / 100.0),
            failure_floor: planned.failure_floor.unwrap_or(rails.failure_floor),
            canary_failures: planned.canary_failures.unwrap_or(rails.canary_failures),
            consecutive_refusals: planned.consecutive_refusals.unwrap_or(rails.consecutive_refusals),
            passwords_per_account: planned.passwords_per_account.unwrap_or(rails.passwords_per_account),
            stop_file: rails.stop_file,
            sync_wait: planned.sync_wait.map_or(rails.sync_wait, Duration::from_secs),
            approvals: rails.approvals,
        }
    }
}

/// How often the stop file is looked for beside what the lanes do themselves.
const LOOK_FOR_STOP_FILE: Duration = Duration::from_secs(1);

/// Watches over one run. Stopping is one-way: the first reason stays.
#[derive(Debug)]
pub(super) struct Guard {
    rails: Guardrails,
    cancelled: CancellationToken,
    stop: CancellationToken,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waves: BTreeMap<String, Count>,
    refusals: u64,
    reason: Option<StopReason>,
}

/// What is counted of one wave. Two can be under way: the next one's passwords are set while the
/// slower actions of this one go on.
#[derive(Debug, Default)]
struct Count {
    canary: bool,
    budget: u64,
    failures: u64,
}

impl Guard {
    pub(super) fn new(rails: Guardrails, cancelled: CancellationToken) -> Self {
        let stop = cancelled.child_token();
        Self { rails, cancelled, stop, state: Mutex::new(State::default()) }
    }

    pub(super) fn rails(&self) -> &Guardrails {
        &self.rails
    }

    /// Begins to count for a wave.
    pub(super) fn wave(&self, wave: &Wave) {
        let budget = match wave.kind {
            WaveKind::Canary => self.rails.canary_failures,
            WaveKind::Privileged
            | WaveKind::Workforce
            | WaveKind::Others
            | WaveKind::PrivilegedElsewhere
            | WaveKind::Elsewhere => {
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a share of a count; the exact last account does not matter"
                )]
                let share = (wave.accounts as f64 * self.rails.failure_share.clamp(0.0, 1.0)) as u64;
                share.max(self.rails.failure_floor)
            }
        };
        let count = Count { canary: wave.kind == WaveKind::Canary, budget, failures: 0 };
        self.with(|state| {
            state.waves.insert(wave.name.clone(), count);
            state.refusals = 0;
        });
    }

    /// An order was confirmed.
    pub(super) fn succeeded(&self) {
        self.with(|state| state.refusals = 0);
    }

    /// An account of this wave failed for good.
    ///
    /// What the second look found (gone, changed, protected) breaks no row of successes and is
    /// nothing that a canary warns of; so much of it that it exceeds a wave's budget stops the run.
    pub(super) fn failed(&self, wave: &str, error: &Error, teller: &Teller) {
        let drift = matches!(error.kind(), ErrorKind::AccountNotFound | ErrorKind::PlanDrift | ErrorKind::Protected);
        let reason = self.with(|state| {
            let count = state.waves.entry(wave.to_owned()).or_default();
            if drift && count.canary {
                return None;
            }
            count.failures += 1;
            state.refusals += u64::from(!drift);
            if count.failures > count.budget {
                Some(StopReason::FailureBudget { wave: wave.to_owned(), failures: count.failures })
            } else if state.refusals >= self.rails.consecutive_refusals {
                Some(StopReason::ConsecutiveRefusals {
                    wave: wave.to_owned(),
                    refusals: state.refusals,
                    error: ErrorRecord::from(error),
                })
            } else {
                None
            }
        });
        if let Some(reason) = reason {
            self.stop(reason, teller);
        }
    }

    /// Stops the run for a fault that every further order would meet too.
    pub(super) fn fatal(&self, error: &Error, teller: &Teller) {
        if error.kind() == ErrorKind::Stopped && self.must_stop(teller) {
            // It says no more than that the run was stopping already.
            return;
        }
        self.stop(StopReason::Fatal { error: ErrorRecord::from(error) }, teller);
    }

    /// Stops the run; the first reason stays.
    pub(super) fn stop(&self, reason: StopReason, teller: &Teller) {
        let first = self.with(|state| {
            let first = state.reason.is_none();
            if first {
                state.reason = Some(reason.clone());
            }
            first
        });
        if first {
            teller.tell(Progress::Stopping { reason });
        }
        self.stop.cancel();
    }

    /// Whether the run must not begin anything new.
    pub(super) fn must_stop(&self, teller: &Teller) -> bool {
        if self.cancelled.is_cancelled() {
            self.stop(StopReason::Cancelled, teller);
        } else if let Some(path) = self.rails.stop_file.as_ref().filter(|path| path.try_exists().unwrap_or(true)) {
            self.stop(StopReason::StopFile { path: path.display().to_string() }, teller);
        }
        self.stop.is_cancelled()
    }

    /// Ends when the run must stop.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// A read, unless the run stops first: a directory that does not answer does not keep it.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`] when it stopped; otherwise as of the read.
    pub(super) async fn unless_stopped<T>(&self, read: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.stopped() => {
                let error = Error::new(ErrorKind::Stopped, "read").with_status(Status::Temporary);
                Err(error.with_detail("the run stopped before the directory answered"))
            }
            answer = read => answer,
        }
    }

    /// Looks for the stop file all the time, without an end: so that it is seen while every lane
    /// waits for a directory that does not answer.
    pub(super) async fn watch_stop_file(&self, teller: &Teller) {
        while self.rails.stop_file.is_some() && !self.must_stop(teller) {
            clock::sleep(LOOK_FOR_STOP_FILE).await;
        }
        std::future::pending::<()>().await;
    }

    /// Why the run stopped, if it did.
    pub(super) fn reason(&self) -> Option<StopReason> {
        self.with(|state| state.reason.clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(rails: Guardrails) -> (Guard, Teller) {
        let (teller, _) = Teller::new();
        (Guard::new(rails, CancellationToken::new()), teller)
    }

    fn wave(kind: WaveKind, accounts: u64) -> Wave {
        Wave { name: "w".into(), kind, accounts }
    }

    fn refusal(kind: ErrorKind) -> Error {
        Error::new(kind, "set password").with_status(Status::Permanent)
    }

    #[test]
    fn one_failure_stops_the_canary() {
        let (guard, teller) = guard(Guardrails::default());
        guard.wave(&wave(WaveKind::Canary, 10));
        assert!(!guard.must_stop(&teller));
        guard.failed("w", &refusal(ErrorKind::InsufficientPrivilege), &teller);
        assert!(guard.must_stop(&teller));
        assert_eq!(guard.reason(), Some(StopReason::FailureBudget { wave: "w".into(), failures: 1 }));
    }

    #[test]
    fn what_the_second_look_found_stops_no_canary_but_a_wave_that_is_full_of_it() {
        let (guard, teller) = guard(Guardrails::default());
        guard.wave(&wave(WaveKind::Canary, 10));
        for kind in [ErrorKind::AccountNotFound, ErrorKind::PlanDrift, ErrorKind::Protected] {
            guard.failed("w", &refusal(kind), &teller);
        }
        assert!(!guard.must_stop(&teller));
        guard.wave(&wave(WaveKind::Workforce, 100));
        (0..10).for_each(|_| guard.failed("w", &refusal(ErrorKind::AccountNotFound), &teller));
        assert!(!guard.must_stop(&teller));
        guard.failed("w", &refusal(ErrorKind::AccountNotFound), &teller);
        assert!(guard.must_stop(&teller));
    }

    #[test]
    fn refusals_in_a_row_stop_even_a_large_wave_and_a_success_breaks_the_row() {
        let rails = Guardrails { consecutive_refusals: 3, ..Guardrails::default() };
        let (guard, teller) = guard(rails);
        guard.wave(&wave(WaveKind::Workforce, 100_000));
        for _ in 0..2 {
            guard.failed("w", &refusal(ErrorKind::InsufficientPrivilege), &teller);
        }
        guard.succeeded();
        for _ in 0..2 {
            guard.failed("w", &refusal(ErrorKind::InsufficientPrivilege), &teller);
        }
        assert!(!guard.must_stop(&teller));
        guard.failed("w", &refusal(ErrorKind::InsufficientPrivilege), &teller);
        assert!(matches!(guard.reason(), Some(StopReason::ConsecutiveRefusals { refusals: 3, .. })));
    }

    #[test]
    fn what_a_playbook_does_not_set_is_as_by_default() {
        let mut planned = PlannedGuardrails::default();
        assert_eq!(Guardrails::from(&planned), Guardrails::default());
        (planned.failure_percent, planned.sync_wait) = (Some(2), Some(0));
        let rails = Guardrails::from(&planned);
        assert!((rails.failure_share - 0.02).abs() < 1e-9);
        assert_eq!((rails.sync_wait, rails.failure_floor), (Duration::ZERO, Guardrails::default().failure_floor));
    }

    #[test]
    fn the_stop_file_stops() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("STOP");
        let rails = Guardrails { stop_file: Some(path.clone()), ..Guardrails::default() };
        let (guard, teller) = guard(rails);
        assert!(!guard.must_stop(&teller));
        std::fs::write(&path, "").unwrap();
        assert!(guard.must_stop(&teller));
        assert!(matches!(guard.reason(), Some(StopReason::StopFile { .. })));
    }
}
