//! One server while it is asked.

use std::time::Duration;

use tokio::time::Instant;

use super::{Due, ServerConvergence};
use crate::account::{AccountId, DirectoryId};
use crate::directory::{Replica, ReplicaState, Replicated};
use crate::error::{Error, ErrorKind, Result, Status};
use crate::journal::{ErrorRecord, Verdict};
use crate::limits::clock;
use crate::verify::expectation::Expectation;
use crate::verify::judge::judge_state;

/// How often one question is asked before the server counts as unreachable.
const TRIES: u32 = 3;
/// The most accounts that wait to be asked about again: what keeps memory flat.
const MOST_WAITING: usize = 20_000;
/// Accounts that are asked about again at once.
const AGAIN: usize = 500;
const NAMED: usize = 10;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// One server, and what it said so far.
#[derive(Debug)]
pub(super) struct Server<'a> {
    replicated: &'a dyn Replicated,
    replica: Replica,
    ends: Instant,
    waiting: Vec<Due>,
    round: u32,
    found: ServerConvergence,
}

/// What a server says of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Converged,
    Behind,
    Unknown,
    Gone,
}

impl<'a> Server<'a> {
    pub(super) fn new(
        replicated: &'a dyn Replicated,
        directory: &DirectoryId,
        replica: Replica,
        ends: Instant,
    ) -> Self {
        let found = ServerConvergence {
            directory: directory.clone(),
            server: replica.name.clone(),
            site: replica.site.clone(),
            read_only: replica.read_only,
            converged: 0,
            behind: 0,
            unknown: 0,
            gone: 0,
            unread: 0,
            first_behind: Vec::new(),
            unreachable: None,
        };
        Self { replicated, replica, ends, waiting: Vec::new(), round: 0, found }
    }

    /// Asks about some accounts; those that it has not yet are kept.
    pub(super) async fn take(&mut self, chunk: &[Due]) {
        self.ask(chunk.to_vec()).await;
        while self.waiting.len() >= MOST_WAITING {
            self.wait_and_ask().await;
        }
    }

    /// Asks again about those that were behind, until patience ends.
    pub(super) async fn settle(&mut self) {
        while !self.waiting.is_empty() {
            self.wait_and_ask().await;
        }
    }

    pub(super) fn into_convergence(self) -> ServerConvergence {
        self.found
    }

    async fn wait_and_ask(&mut self) {
        let pause = FIRST_WAIT.saturating_mul(1 << self.round.min(8)).min(LONGEST_WAIT);
        let now = clock::instant();
        clock::sleep_until(now.checked_add(pause).unwrap_or(now).min(self.ends)).await;
        self.round += 1;
        let mut waiting = std::mem::take(&mut self.waiting);
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(AGAIN));
            self.ask(std::mem::replace(&mut waiting, rest)).await;
        }
    }

    async fn ask(&mut self, due: Vec<Due>) {
        if self.found.unreachable.is_some() {
            self.found.unread += due.len() as u64;
            return;
        }
        let states = match self.observe(&due).await {
            Ok(states) => states,
            Err(error) => {
                self.found.unreachable = Some(ErrorRecord::from(&error));
                self.found.unread += due.len() as u64 + self.waiting.len() as u64;
                self.waiting.clear();
                return;
            }
        };
        let patient = clock::instant() < self.ends;
        for (due, state) in due.into_iter().zip(states) {
            match stand(&due.expected, state.as_ref()) {
                Stand::Converged => self.found.converged += 1,
                _ if patient => self.waiting.push(due),
                Stand::Gone => self.found.gone += 1,
                Stand::Behind => {
                    self.found.behind += 1;
                    self.name(due.name);
                }
                Stand::Unknown => {
                    self.found.unknown += 1;
                    self.name(due.name);
                }
            }
        }
    }

    /// One answer per account, asked for again where that can help.
    async fn observe(&self, due: &[Due]) -> Result<Vec<Option<ReplicaState>>> {
        let ids: Vec<AccountId> = due.iter().map(|due| due.id.clone()).collect();
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.replicated.observe_on(&self.replica, &ids).await {
                Ok(states) if states.len() == ids.len() => return Ok(states),
                Ok(states) => Error::new(ErrorKind::Protocol, "ask a server").with_detail(format!(
                    "{} answers to {} questions",
                    states.len(),
                    ids.len()
                )),
                Err(error) => error,
            };
            // A read has no effect: one without an answer is simply asked again.
            let may_pass = matches!(error.status(), Status::Temporary | Status::Unknown);
            if !may_pass || tries >= TRIES {
                return Err(error);
            }
            clock::sleep(FIRST_WAIT.saturating_mul(tries).max(error.retry_after().unwrap_or_default())).await;
        }
    }

    fn name(&mut self, name: String) {
        if self.found.first_behind.len() < NAMED {
            self.found.first_behind.push(name);
        }
    }
}

fn stand(expected: &Expectation, state: Option<&ReplicaState>) -> Stand {
    let Some(state) = state else { return Stand::Gone };
    let reading = judge_state(expected, Some((&state.account, &state.password)));
    let disabled = !expected.disabled || !state.account.enabled;
    if expected.sets > 0
        && disabled
        && let (Some(before), Some(now)) = (expected.baseline.version, state.password.version)
    {
        // Whoever set it further since: the old password is gone there.
        return if now >= before.saturating_add(expected.sets) { Stand::Converged } else { Stand::Behind };
    }
    match reading.verdict {
        Verdict::Changed | Verdict::ChangedByOwner | Verdict::ChangedByOther => Stand::Converged,
        Verdict::Unchanged => Stand::Behind,
        Verdict::Unknown => Stand::Unknown,
        Verdict::Gone => Stand::Gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{AccountState, PasswordState};
    use crate::journal::Baseline;
    use crate::verify::fixture::at;

    fn expected(version: Option<u64>) -> Expectation {
        let baseline = Baseline { last_set: Some(at(0)), version, must_change: false, ..Baseline::default() };
        Expectation { sets: 1, attempts: 1, baseline, confirmed: Some(at(100)), ..Expectation::default() }
    }

    fn state(version: Option<u64>, last_set: i64) -> ReplicaState {
        let password = PasswordState { version, last_set: Some(at(last_set)), ..PasswordState::default() };
        ReplicaState::new(AccountState::default(), password)
    }

    #[test]
    fn a_version_decides_and_without_one_the_time() {
        let of = |version, state: &ReplicaState| stand(&expected(version), Some(state));
        assert_eq!(of(Some(4), &state(Some(4), 0)), Stand::Behind);
        assert_eq!(of(Some(4), &state(Some(3), 0)), Stand::Behind, "behind what was seen before");
        assert_eq!(of(Some(4), &state(Some(5), 100)), Stand::Converged);
        assert_eq!(of(Some(4), &state(Some(9), 900)), Stand::Converged, "set by others since: the old one is gone");
        assert_eq!(of(Some(4), &state(None, 0)), Stand::Behind, "a read-only server tells the time only");
        assert_eq!(of(Some(4), &state(None, 100)), Stand::Converged);
        assert_eq!(stand(&expected(None), None), Stand::Gone);
    }

    #[test]
    fn an_account_that_is_to_be_disabled_has_to_be() {
        let expected = Expectation { disabled: true, ..expected(Some(4)) };
        assert_eq!(stand(&expected, Some(&state(Some(5), 100))), Stand::Behind);
        let mut closed = state(Some(5), 100);
        closed.account.enabled = false;
        assert_eq!(stand(&expected, Some(&closed)), Stand::Converged);
    }
}
