//! One directory's lane through one wave.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, FuturesUnordered};
use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument;

use super::cohort;
use super::front::Front;
use super::guard::Guard;
use super::look::{Look, Looks};
use super::progress::Teller;
use crate::account::{Account, AccountId};
use crate::directory::{Backend, PasswordPolicy};
use crate::error::{Error, ErrorKind, Result, SIGN_IN, Status};
use crate::journal::Journal;
use crate::limits::{BatchCost, Limits, OperationClass, RetryCause, RetryPolicy, retried_read};
use crate::plan::{Disposition, Entry, Wave, WaveKind};
use crate::privilege::PrivilegeIndex;
use crate::reset::password::{Generator, Owner};
use crate::reset::{Action, Secret};
use crate::vault::Vault;

/// What a lane works with, in one wave.
#[derive(Clone)]
pub(super) struct Lane {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) limits: Limits,
    /// The class of the leading pass: which of the wave's accounts are meant follows from it.
    pub(super) lead: OperationClass,
    pub(super) wave: Wave,
    pub(super) principal: Option<AccountId>,
    /// Who is privileged; `None` in a pass that has not begun.
    pub(super) look: Option<Look>,
    pub(super) looks: Arc<Looks>,
    pub(super) generators: Generators,
    /// Accounts that are not touched whatever the plan says, in small letters.
    pub(super) protected: Vec<String>,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) vault: Arc<dyn Vault>,
    pub(super) guard: Arc<Guard>,
    pub(super) teller: Arc<Teller>,
    pub(super) policy: RetryPolicy,
    /// Whether an earlier process had begun the run.
    pub(super) resumed: bool,
    /// Accounts left open because their password cannot be opened again.
    pub(super) held: Arc<AtomicU64>,
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("directory", &self.backend.info().id).finish_non_exhaustive()
    }
}

/// What makes a directory's passwords.
#[derive(Clone, Debug)]
pub(super) struct Generators {
    known: Generator,
    scramble: Generator,
}

impl Generators {
    pub(super) fn new(policy: &PasswordPolicy) -> Result<Self> {
        Ok(Self { known: Generator::new(policy)?, scramble: Generator::scramble(policy)? })
    }
}

/// Which of an account's actions one pass takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Those before the first one of another class than the one that leads.
    Lead,
    /// What is left after that.
    Rest,
}

/// A leading pass: takes a wave's entries of one directory through the actions of the class that
/// leads them, several cohorts at a time, so that one is always ready when the governor has a
/// permit. `front` is told how many entries, counted from the first, have been gone through.
pub(super) async fn lead<I>(lane: Arc<Lane>, entries: I, mut front: Front)
where
    I: Iterator<Item = Result<Entry>> + Send,
{
    let (size, concurrent) = cohorts(&lane.limits, lane.lead);
    let mut cohorts = stream::iter(entries).chunks(size);
    let mut working = FuturesUnordered::new();
    let mut begun = 0;
    let mut exhausted = false;
    loop {
        while !exhausted && working.len() < concurrent && !lane.must_stop() {
            match cohorts.next().await {
                None => exhausted = true,
                Some(entries) => {
                    let Some(entries) = lane.readable(entries.into_iter().collect::<Result<Vec<Entry>>>()) else {
                        exhausted = true;
                        break;
                    };
                    for entry in &entries {
                        if let Disposition::Reset { actions } = &entry.disposition
                            && let Some(class) = lane.class_behind(actions)
                        {
                            front.met(class);
                        }
                    }
                    let place = begun..begun + entries.len() as u64;
                    begun = place.end;
                    let ended = lane.cohort(entries, Part::Lead);
                    working.push(async move { (place, ended.await) });
                }
            }
        }
        match working.next().await {
            None => return,
            Some((place, ended)) => {
                lane.take_in(ended);
                front.passed(place);
            }
        }
    }
}

/// How many accounts a cohort has, and how many cohorts there are at once.
fn cohorts(limits: &Limits, class: OperationClass) -> (usize, usize) {
    let batch = limits.batch_of(class).get().min(MAX_COHORT);
    let in_flight = limits.in_flight.get();
    let (size, sending, preparing) = match limits.batch_cost {
        BatchCost::PerOperation => {
            // Where looks have room beside the orders, as many more are looked up meanwhile.
            let beside = limits.reads_beside;
            (batch, in_flight.saturating_add(beside).div_ceil(batch), PREPARING)
        }
        BatchCost::OneRequest => {
            // One look-up, one sealing and one record of intents for several batches; but none that
            // waits long for its permits after the look.
            let soon = limits.per_second(class).map_or(u32::MAX, |rate| rate as u32);
            let together = limits.batch_of(OperationClass::Read).get().min(soon).min(MAX_TOGETHER);
            let batches = (together / batch).max(1);
            (batch * batches, in_flight.div_ceil(batches), if batches > 1 { PREPARING_LARGE } else { PREPARING })
        }
    };
    (size as usize, sending.saturating_add(preparing).min(MAX_COHORTS) as usize)
}

/// What is said of a task of the run that panicked.
pub(super) fn panicked(fault: JoinError) -> Error {
    Error::new(ErrorKind::Unexpected, "carry out the plan")
        .with_source(fault)
        .with_advice("resume the run; its unknown outcomes are read back first")
}

/// The most accounts of a cohort that is one batch. It costs two syncs of the journal and one of the
/// vault; beyond this many the syncs no longer show, and a straggler holds up fewer others.
pub(super) const MAX_COHORT: u32 = 64;

/// Cohorts that make ready or record while others are in flight. A cohort waits for one read and
/// three syncs beside its orders: on a slow disk that is several times as long as these take.
const PREPARING: u32 = 6;

/// The same where a cohort has several batches.
const PREPARING_LARGE: u32 = 3;

/// The most accounts of a cohort of several batches.
const MAX_TOGETHER: u32 = 320;

/// A bound for memory, whatever a backend says of its in-flight ceiling.
const MAX_COHORTS: u32 = 256;

impl Lane {
    /// The same lane with who is privileged, read less than `holds` ago, or now.
    ///
    /// # Errors
    /// When it cannot be read, or not in full where that matters; [`ErrorKind::Stopped`] when the
    /// run stops meanwhile.
    pub(super) async fn looking(&self, holds: Duration) -> Result<Self> {
        let look = self.looks.recent(self, holds).await?;
        // Whoever was planned as privileged, or only loses sessions here, is looked at one by one.
        let one_by_one =
            matches!(self.wave.kind, WaveKind::Privileged | WaveKind::PrivilegedElsewhere | WaveKind::Elsewhere);
        if !one_by_one && let Some(gap) = look.index.incomplete().first() {
            // Anybody may be privileged now. To hold each account would end them all for good.
            return Err(Error::new(ErrorKind::InsufficientPrivilege, "classify privilege")
                .with_directory(self.backend.info().id.clone())
                .with_detail(format!("who is privileged cannot be read in full any more: {gap}"))
                .with_advice("let the account that the run signs in with read it, then resume"));
        }
        Ok(Self { look: Some(look), ..self.clone() })
    }

    /// The same lane without a look, for a pass that waits.
    pub(super) fn blind(&self) -> Self {
        Self { look: None, ..self.clone() }
    }

    /// Who is privileged.
    ///
    /// # Errors
    /// When nobody looked: nobody is touched then.
    pub(super) fn index(&self) -> Result<&PrivilegeIndex> {
        self.look.as_ref().map(|look| look.index.as_ref()).ok_or_else(|| {
            Error::new(ErrorKind::Unexpected, "carry out the plan").with_detail("nobody looked who is privileged")
        })
    }

    /// How many of an account's actions the leading pass takes.
    pub(super) fn lead_of(&self, actions: &[Action]) -> usize {
        actions.iter().position(|action| self.backend.class_of(*action) != self.lead).unwrap_or(actions.len())
    }

    /// The class of the first action that the leading pass leaves to one behind it.
    pub(super) fn class_behind(&self, actions: &[Action]) -> Option<OperationClass> {
        actions.get(self.lead_of(actions)).map(|action| self.backend.class_of(*action))
    }

    /// The classes that there can be passes behind for.
    pub(super) fn classes_behind(&self) -> Vec<OperationClass> {
        let mut classes: Vec<_> = Action::ALL.into_iter().map(|action| self.backend.class_of(action)).collect();
        classes.sort_unstable();
        classes.dedup();
        classes.retain(|class| *class != self.lead);
        classes
    }

    /// Takes a cohort through its part, in a task of its own.
    pub(super) fn cohort(self: &Arc<Self>, entries: Vec<Entry>, part: Part) -> JoinHandle<Result<()>> {
        let lane = Arc::clone(self);
        let span = tracing::debug_span!(
            "cohort",
            identity_reset.directory.id = %lane.backend.info().id,
            identity_reset.wave = %lane.wave.name,
            identity_reset.accounts = entries.len() as u64,
        );
        tokio::spawn(async move { cohort::process(&lane, entries, part).await }.instrument(span))
    }

    /// Takes in how a cohort ended.
    pub(super) fn take_in(&self, ended: Result<Result<()>, JoinError>) {
        match ended {
            Ok(Ok(())) => {}
            // Journal or vault: nothing more is begun, but what is in flight is awaited.
            Ok(Err(error)) => self.guard.fatal(&error, &self.teller),
            Err(fault) => {
                let error = panicked(fault).with_directory(self.backend.info().id.clone());
                self.guard.fatal(&error, &self.teller);
            }
        }
    }

    /// The entries, unless the plan cannot be read: then nothing more is begun, and what is in
    /// flight is awaited.
    pub(super) fn readable<T>(&self, entries: Result<T>) -> Option<T> {
        entries.map_err(|error| self.guard.fatal(&error, &self.teller)).ok()
    }

    /// Reads accounts as they are now, in the directory's batch size, again where that can help.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`] when the run stops meanwhile: a directory that does not answer does
    /// not keep it from stopping.
    pub(super) async fn lookup(&self, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
        let mut accounts = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(self.limits.batch_of(OperationClass::Read).get() as usize) {
            let read = retried_read(self.backend.governor(), &self.policy, || self.backend.lookup(chunk));
            let part = self.guard.unless_stopped(read).await?;
            if part.len() != chunk.len() {
                return Err(Error::new(ErrorKind::Protocol, "read accounts again")
                    .with_directory(self.backend.info().id.clone())
                    .with_detail(format!("{} answers for {} accounts", part.len(), chunk.len())));
            }
            accounts.extend(part);
        }
        Ok(accounts)
    }

    /// A fresh password that fits the directory's policy and does not contain the account's names.
    pub(super) fn fresh_password(&self, account: &Account, action: Action) -> Result<Secret> {
        let owner = Owner::new(&account.name, account.display_name.as_deref());
        match action {
            Action::Scramble => self.generators.scramble.generate(&owner),
            _ => self.generators.known.generate(&owner),
        }
    }

    /// How long to wait before the next attempt after `count` failures of this cause, or `None`
    /// when no further one is allowed.
    pub(super) fn delay(&self, count: u32, error: &Error, cause: RetryCause) -> Option<Duration> {
        let governor = self.backend.governor();
        let wait = match cause {
            RetryCause::Throttled => governor.throttled_delay(&self.policy, count, error.retry_after()),
            _ => governor.retry_delay(&self.policy, count, error.retry_after()),
        };
        wait.filter(|_| governor.retry_budget().withdraw(cause))
    }

    /// An account failed for good.
    pub(super) fn failed(&self, error: &Error) {
        self.guard.failed(&self.wave.name, error, &self.teller);
    }

    pub(super) fn must_stop(&self) -> bool {
        self.guard.must_stop(&self.teller)
    }

    /// Stops the run when every further order would meet the same fault.
    pub(super) fn stop_if_fatal(&self, error: &Error) -> bool {
        let fatal = matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::ConfigInvalid)
            // Whatever keeps us from signing in keeps every order from being sent.
            || (error.operation() == SIGN_IN && error.status() == Status::Permanent);
        if fatal {
            self.guard.fatal(error, &self.teller);
        }
        fatal
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Quota;
    use std::num::NonZeroU32;

    fn of(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn a_cohort_is_several_batches_where_none_of_them_waits_long() {
        let limits = Limits::new(of(20), of(8)).with_batch_of(OperationClass::Read, of(300));
        let write = OperationClass::Write;
        assert_eq!(cohorts(&limits, write).0, 20, "each order is a request of its own");
        let limits = limits.with_batch_cost(BatchCost::OneRequest);
        assert_eq!(cohorts(&limits, write), (300, 4));
        let paced = |permits| {
            let quota = Quota::new("writes", of(permits), Duration::from_secs(1), write).with_share(0.5);
            cohorts(&limits.clone().with_quota(quota), write)
        };
        assert_eq!(paced(20), (20, 14), "half a cohort of one batch goes in a second");
        assert_eq!(paced(130).0, 60, "and here three batches and a bit");
    }
}
