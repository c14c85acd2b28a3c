//! The directory itself, and what every request goes through.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use identity_core::account::{Account, AccountId, DirectoryId};
use identity_core::directory::RateLimitedBatching;
use identity_core::directory::{Capabilities, Directory, DirectoryInfo, PasswordPolicy, Preflight};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::evidence::AuditLog;
use identity_core::limits::{Feedback, Governor, Limits, OperationClass, Signal, clock};
use identity_core::recovery::RecoveryAuditor;
use identity_core::reset::{Action, Secret};
use jiff::Timestamp;
use tokio::time::Instant;

use super::log::Log;
use super::quota::{Window, admit};
use super::roster::Roster;
use super::state::{DELETED, MUST_CHANGE, States};
use crate::fault::Faults;

/// A directory in memory. Cheap to clone; clones are the same directory.
#[derive(Clone)]
pub struct MemoryDirectory {
    pub(super) world: Arc<World>,
}

/// What does not change, and the lock around what does.
pub(super) struct World {
    pub(super) info: DirectoryInfo,
    pub(super) roster: Roster,
    pub(super) capabilities: Capabilities,
    pub(super) limits: Limits,
    pub(super) classes: Vec<(Action, OperationClass)>,
    pub(super) governor: Arc<Governor>,
    pub(super) policy: PasswordPolicy,
    pub(super) principal: Option<AccountId>,
    pub(super) no_rights: HashSet<AccountId>,
    pub(super) read_latency: Duration,
    pub(super) write_latency: Duration,
    pub(super) page: u64,
    pub(super) untidy: bool,
    pub(super) own_deadline: bool,
    pub(super) storms: Vec<(Duration, Duration)>,
    pub(super) built: Instant,
    pub(super) faults: Faults,
    pub(super) inner: Mutex<Inner>,
}

/// What changes.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) states: States,
    pub(super) born: HashMap<AccountId, u64>,
    pub(super) windows: Vec<Window>,
    pub(super) late: Vec<Late>,
    /// Whose next write is confirmed before it takes effect, and how long before.
    pub(super) early: HashMap<AccountId, Duration>,
    in_flight: u32,
    pub(super) greatest_in_flight: u32,
    pub(super) largest_batch: usize,
    pub(super) writes: u64,
    pub(super) reads: u64,
    pub(super) hidden_memberships: u32,
    pub(super) cut_connections: bool,
    pub(super) reads_hang: bool,
    /// What was done, where the directory keeps a log.
    pub(super) log: Option<Log>,
}

/// A write that takes effect later.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) due: Instant,
    pub(super) index: u64,
    pub(super) action: Action,
    pub(super) password: Option<Secret>,
}

impl Inner {
    pub(super) fn new(states: States, windows: Vec<Window>, log: Option<Log>) -> Self {
        Self {
            states,
            born: HashMap::new(),
            windows,
            late: Vec::new(),
            early: HashMap::new(),
            in_flight: 0,
            greatest_in_flight: 0,
            largest_batch: 0,
            writes: 0,
            reads: 0,
            hidden_memberships: 0,
            cut_connections: false,
            reads_hang: false,
            log,
        }
    }
}

impl fmt::Debug for MemoryDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDirectory").field("info", &self.world.info).finish_non_exhaustive()
    }
}

#[async_trait]
impl Directory for MemoryDirectory {
    fn info(&self) -> &DirectoryInfo {
        &self.world.info
    }

    fn capabilities(&self) -> Capabilities {
        self.world.capabilities
    }

    async fn preflight(&self) -> Result<Preflight> {
        self.read("preflight", 1).await?;
        let mut preflight = Preflight::default();
        preflight.principal.clone_from(&self.world.principal);
        preflight.server_time = Some(self.now());
        preflight.password_policy = self.world.policy;
        Ok(preflight)
    }

    fn recovery(&self) -> Option<&dyn RecoveryAuditor> {
        self.world.capabilities.audit_recovery.then_some(self as _)
    }

    fn audit_log(&self) -> Option<&dyn AuditLog> {
        self.world.capabilities.audit_log.then_some(self as _)
    }
}

impl RateLimitedBatching for MemoryDirectory {
    fn limits(&self) -> Limits {
        self.world.limits.clone()
    }

    fn class_of(&self, action: Action) -> OperationClass {
        let known = self.world.classes.iter().find(|(known, _)| *known == action);
        known.map_or(OperationClass::Write, |(_, class)| *class)
    }

    fn governor(&self) -> &Arc<Governor> {
        &self.world.governor
    }
}

/// How often a read that was told to slow down is sent again before it is given up.
const READ_TRIES: u32 = 20;

impl MemoryDirectory {
    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.world.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if !inner.late.is_empty() {
            self.land_late(&mut inner);
        }
        inner
    }

    /// Now, by the directory's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = clock::now();
        now.checked_add(self.world.faults.clock_skew()).unwrap_or(now)
    }

    pub(super) fn id(&self) -> &DirectoryId {
        &self.world.info.id
    }

    pub(super) fn error(&self, kind: ErrorKind, operation: &'static str) -> Error {
        Error::new(kind, operation).with_directory(self.id().clone())
    }

    /// The index of an account that was ever there.
    pub(super) fn index_of(&self, id: &AccountId) -> Option<u64> {
        self.world.roster.index_of(id).or_else(|| self.inner().born.get(id).copied())
    }

    /// The row at an index as it is now; `None` where it is gone.
    pub(super) fn row(&self, index: u64) -> Option<Account> {
        let row = self.world.roster.row(self.id(), index);
        let inner = self.inner();
        let row = match row {
            Some(row) => row,
            None => {
                inner.states.births.get(usize::try_from(index.checked_sub(self.world.roster.len())?).ok()?)?.clone()
            }
        };
        self.as_now(&inner.states, index, row)
    }

    pub(super) fn as_now(&self, states: &States, index: u64, mut row: Account) -> Option<Account> {
        if states.flags(index) & DELETED != 0 {
            return None;
        }
        states.overlay(index, &mut row);
        if self.world.capabilities.observe_version {
            // As in Active Directory, where must-change is a pwdLastSet of 0.
            if states.flags(index) & MUST_CHANGE != 0 {
                row.password.last_set = None;
            }
        } else {
            row.password.version = None;
        }
        row.state.sessions_valid_from = if self.world.capabilities.observe_sessions {
            // Nothing was ever revoked: every session since the account was made is valid.
            row.state.sessions_valid_from.or(row.created).or(Some(Timestamp::UNIX_EPOCH))
        } else {
            None
        };
        Some(row)
    }

    /// The id of the account at an index of the roster, whether it is still there or not.
    #[must_use]
    pub fn id_at(&self, index: u64) -> Option<AccountId> {
        if let Some(id) = self.world.roster.id(index) {
            return Some(id);
        }
        let inner = self.inner();
        let born = usize::try_from(index.checked_sub(self.world.roster.len())?).ok()?;
        inner.states.births.get(born).map(|row| row.id.clone())
    }

    /// One read: paced by the governor, admitted by the quotas, answered after the latency, and
    /// sent again where the directory said "later".
    pub(super) async fn read(&self, operation: &'static str, cost: u32) -> Result<()> {
        for _ in 0..READ_TRIES {
            let permit = self.world.governor.acquire(OperationClass::Read, cost).await;
            let flight = self.take_off(1);
            let admitted = self.admit(OperationClass::Read);
            self.inner().reads += 1;
            if self.inner().reads_hang {
                std::future::pending::<()>().await;
            }
            self.wait(self.world.read_latency).await;
            drop((flight, permit));
            let Err(wait) = admitted else {
                let ok = Feedback::new(OperationClass::Read, Signal::Ok).with_latency(self.world.read_latency);
                self.world.governor.feedback(&ok);
                return Ok(());
            };
            let slow = Feedback::new(OperationClass::Read, Signal::Throttled).with_retry_after(wait);
            self.world.governor.feedback(&slow);
            clock::sleep(wait).await;
        }
        let error = self.error(ErrorKind::RateLimited, operation).with_attempts(READ_TRIES);
        Err(error.with_detail("the directory keeps asking to slow down").with_advice("lower the share of the quota"))
    }

    /// Lets an operation in, or says how long it has to wait.
    pub(super) fn admit(&self, class: OperationClass) -> Result<(), Duration> {
        let age = self.world.built.elapsed();
        let storm = self.world.storms.iter().find(|(from, until)| (*from..*until).contains(&age));
        if let Some((_, until)) = storm {
            return Err(until.saturating_sub(age));
        }
        admit(&mut self.inner().windows, class, clock::instant())
    }

    /// Waits; lets others run even where there is nothing to wait for.
    pub(super) async fn wait(&self, latency: Duration) {
        if latency.is_zero() {
            tokio::task::yield_now().await;
        } else {
            clock::sleep(latency).await;
        }
    }

    pub(super) fn take_off(&self, requests: u32) -> Flight {
        let mut inner = self.inner();
        inner.in_flight += requests;
        inner.greatest_in_flight = inner.greatest_in_flight.max(inner.in_flight);
        Flight { directory: self.clone(), requests }
    }
}

/// Requests in flight; they land when dropped.
pub(super) struct Flight {
    directory: MemoryDirectory,
    requests: u32,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.directory.inner().in_flight -= self.requests;
    }
}
