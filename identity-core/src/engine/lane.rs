//! One directory's lane through one wave.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, FuturesUnordered};

use super::cohort;
use super::guard::Guard;
use super::progress::Teller;
use crate::account::{Account, AccountId};
use crate::directory::{Backend, PasswordPolicy};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::Journal;
use crate::limits::{BatchCost, Limits, RetryCause, RetryPolicy, retried_read};
use crate::plan::Entry;
use crate::privilege::PrivilegeIndex;
use crate::reset::password::{Generator, Owner};
use crate::reset::{Action, Secret};
use crate::vault::Vault;

/// What a lane works with.
pub(super) struct Lane {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) limits: Limits,
    pub(super) principal: Option<AccountId>,
    pub(super) index: PrivilegeIndex,
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

/// Takes a wave's entries of one directory through their actions, several cohorts at a time, so
/// that one is always ready when the governor has a permit.
pub(super) async fn run<I>(lane: Arc<Lane>, entries: I) -> Result<()>
where
    I: Iterator<Item = Result<Entry>> + Send,
{
    let size = lane.limits.max_batch.get().min(MAX_COHORT.get()) as usize;
    let in_flight = lane.limits.in_flight.get() as usize;
    let concurrent = match lane.limits.batch_cost {
        BatchCost::OneRequest => in_flight,
        BatchCost::PerOperation => in_flight.div_ceil(size),
    }
    // While some are in flight, others read accounts again, seal, and record; those that sync at
    // the same time share the sync.
    .saturating_add(PREPARING)
    .min(MAX_COHORTS);
    let mut cohorts = stream::iter(entries).chunks(size);
    let mut working = FuturesUnordered::new();
    let mut exhausted = false;
    loop {
        while !exhausted && working.len() < concurrent && !lane.must_stop() {
            match cohorts.next().await {
                None => exhausted = true,
                Some(entries) => {
                    let entries = match entries.into_iter().collect::<Result<Vec<Entry>>>() {
                        Ok(entries) => entries,
                        Err(error) => {
                            // The plan cannot be read: nothing more is begun, what is in flight is awaited.
                            lane.guard.fatal(&error, &lane.teller);
                            exhausted = true;
                            break;
                        }
                    };
                    let lane = Arc::clone(&lane);
                    working.push(tokio::spawn(async move { cohort::process(&lane, entries).await }));
                }
            }
        }
        match working.next().await {
            None => return Ok(()),
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => {
                // Journal or vault: nothing more is begun, but what is in flight is awaited.
                lane.guard.fatal(&error, &lane.teller);
            }
            Some(Err(fault)) => {
                let error = Error::new(ErrorKind::Unexpected, "carry out a cohort")
                    .with_directory(lane.backend.info().id.clone())
                    .with_source(fault)
                    .with_advice("resume the run; its unknown outcomes are read back first");
                lane.guard.fatal(&error, &lane.teller);
            }
        }
    }
}

/// A cohort costs two syncs of the journal and one of the vault; beyond this many accounts the
/// syncs no longer show, and a straggler holds up fewer others.
const MAX_COHORT: NonZeroU32 = NonZeroU32::new(64).unwrap();

/// Cohorts that make ready or record while others are in flight. A cohort waits for one read and
/// three syncs beside its orders: on a slow disk that is several times as long as these take.
const PREPARING: usize = 6;

/// A bound for memory, whatever a backend says of its in-flight ceiling.
const MAX_COHORTS: usize = 256;

impl Lane {
    /// Reads accounts as they are now, in the directory's batch size, again where that can help.
    pub(super) async fn lookup(&self, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
        let mut accounts = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(self.limits.max_batch.get() as usize) {
            let part = retried_read(self.backend.governor(), &self.policy, || self.backend.lookup(chunk)).await?;
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

    pub(super) fn must_stop(&self) -> bool {
        self.guard.must_stop(&self.teller)
    }

    /// Stops the run when every further order would meet the same fault.
    pub(super) fn stop_if_fatal(&self, error: &Error) -> bool {
        let fatal = matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::ConfigInvalid);
        if fatal {
            self.guard.fatal(error, &self.teller);
        }
        fatal
    }
}
