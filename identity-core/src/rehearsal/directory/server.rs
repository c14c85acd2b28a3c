//! The server behind a simulated directory: it outlives the processes that talk to it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::state::States;
use super::trouble::{Counts, Trouble};
use super::window::{Admitted, Window, admit};
use crate::account::{Account, AccountId, AccountKind};
use crate::directory::{Capabilities, DirectoryInfo};
use crate::error::Result;
use crate::limits::{Limits, OperationClass, clock};
use crate::rehearsal::shape::{Part, Shape, ShapedDirectory, ShapedLatency, class_of, latency};
use crate::reset::Action;

/// A server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(super) info: DirectoryInfo,
    pub(super) capabilities: Capabilities,
    pub(super) limits: Limits,
    classes: Vec<(Action, OperationClass)>,
    pub(super) list: OperationClass,
    pub(super) look_up: OperationClass,
    pub(super) seed: u64,
    pub(super) part: Arc<Part>,
    inner: Mutex<Inner>,
}

/// What changes.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) states: States,
    windows: Vec<Window>,
    trouble: Trouble,
    pub(super) counts: Counts,
    late: VecDeque<Late>,
    /// Accounts that were made since; their places follow those of the shape.
    pub(super) born: Vec<Account>,
    /// Accounts that became privileged since.
    pub(super) promoted: Vec<AccountId>,
    pub(super) requests: u64,
}

/// What shows in reads later.
#[derive(Debug)]
struct Late {
    due: Instant,
    place: usize,
    row: Box<Account>,
    action: Action,
    at: Timestamp,
}

impl Server {
    /// One for each directory of a shape.
    pub(crate) fn of_shape(shape: &Shape, seed: u64) -> Result<Vec<Arc<Self>>> {
        shape.parts().iter().map(|part| Self::new(Arc::clone(part), seed).map(Arc::new)).collect()
    }

    fn new(part: Arc<Part>, seed: u64) -> Result<Self> {
        let shaped = &part.directory;
        let limits = shaped.limits.limits()?;
        let windows = limits.quotas.iter().zip(&shaped.limits.quotas);
        let windows =
            windows.map(|(quota, shaped)| Window::new(quota, shaped.server_permits.map(Into::into))).collect();
        let classes = shaped.classes.iter().map(|(action, class)| Ok((*action, class_of(class)?)));
        Ok(Self {
            info: DirectoryInfo::new(shaped.id.clone(), &shaped.kind, &shaped.tenant).of_a_rehearsal(),
            // Nobody simulates enrolments or a log.
            capabilities: Capabilities {
                audit_recovery: false,
                audit_log: false,
                enumerate_changed: false,
                ..shaped.capabilities
            },
            classes: classes.collect::<Result<_>>()?,
            list: class_of(&shaped.reads.list)?,
            look_up: class_of(&shaped.reads.look_up)?,
            seed,
            inner: Mutex::new(Inner {
                states: States::new(part.len()),
                windows,
                trouble: Trouble::default(),
                counts: Counts::default(),
                late: VecDeque::new(),
                born: Vec::new(),
                promoted: Vec::new(),
                requests: 0,
            }),
            limits,
            part,
        })
    }

    pub(crate) fn info(&self) -> &DirectoryInfo {
        &self.info
    }

    pub(super) fn shaped(&self) -> &ShapedDirectory {
        &self.part.directory
    }

    pub(super) fn latency(&self) -> ShapedLatency {
        self.part.directory.latency
    }

    pub(super) fn class_of(&self, action: Action) -> OperationClass {
        self.classes.iter().find(|(known, _)| *known == action).map_or(OperationClass::Write, |(_, class)| *class)
    }

    /// What changes, with what became visible by now.
    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::instant();
        while inner.late.front().is_some_and(|late| late.due <= now)
            && let Some(late) = inner.late.pop_front()
        {
            inner.states.apply(late.place, &late.row, late.action, late.at);
        }
        inner
    }

    pub(super) fn admit(&self, class: OperationClass) -> Admitted {
        let mut inner = self.inner();
        let now = clock::instant();
        if let Some(until) = inner.trouble.storm.filter(|until| *until > now) {
            // As services do: a minute at the most, whatever it takes in the end.
            return Err((until.duration_since(now).min(Duration::from_secs(60)), None));
        }
        admit(&mut inner.windows, class, now)
    }

    pub(super) fn is_down(&self) -> bool {
        self.trouble().down.is_some_and(|until| until > clock::instant())
    }

    pub(crate) fn trouble(&self) -> Trouble {
        self.inner().trouble
    }

    /// Something goes wrong.
    pub(crate) fn upset(&self, change: impl FnOnce(&mut Trouble)) {
        change(&mut self.inner().trouble);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.inner().counts
    }

    /// What an order that was let in does: now, or later where the servers lag behind one another.
    pub(super) fn take_effect(&self, place: usize, row: &Account, action: Action) {
        let (mut inner, now, at) = (self.inner(), clock::instant(), clock::now());
        inner.counts.done += 1;
        match inner.trouble.lagging.filter(|(until, _)| *until > now) {
            Some((_, behind)) => {
                inner.late.push_back(Late { due: now + behind, place, row: Box::new(row.clone()), action, at });
            }
            None => inner.states.apply(place, row, action, at),
        }
    }

    /// The place of an account that was ever there.
    pub(super) fn place(&self, id: &AccountId) -> Option<usize> {
        if let Some(place) = self.part.place(id) {
            return Some(place as usize);
        }
        let born = self.inner().born.iter().position(|account| account.id == *id)?;
        Some(self.part.len() + born)
    }

    /// An account as reads show it now.
    pub(super) fn row(&self, place: usize) -> Result<Option<Account>> {
        let original = match place.checked_sub(self.part.len()) {
            Some(born) => self.inner().born.get(born).cloned(),
            None => {
                let shaped = self.part.account(u32::try_from(place).unwrap_or(u32::MAX))?;
                let id = AccountId::new(&shaped.id).ok();
                id.map(|id| shaped.account(&self.info.id, id, self.capabilities))
            }
        };
        Ok(original.map(|row| self.as_now(place, row)))
    }

    pub(super) fn as_now(&self, place: usize, mut row: Account) -> Account {
        let can = self.capabilities;
        self.inner().states.overlay(place, &mut row, can.observe_version, can.observe_sessions);
        row
    }

    /// Somebody makes an account that looks like anybody's.
    pub(crate) fn attacker_creates(&self, number: u32) -> Option<AccountId> {
        let id = uuid::Uuid::from_u128((u128::from(self.seed) << 64) | (u128::from(number) + 1)).to_string();
        let id = AccountId::new(id).ok()?;
        let mut account =
            Account::new(self.info.id.clone(), id.clone(), format!("intruder-{number}"), AccountKind::Person);
        account.created = Some(clock::now());
        account.password.last_set = Some(clock::now());
        let mut inner = self.inner();
        inner.born.push(account);
        inner.states.add();
        Some(id)
    }

    /// An account turns out to be privileged.
    pub(crate) fn promote(&self, account: AccountId) {
        self.inner().promoted.push(account);
    }

    /// Who became privileged since.
    pub(crate) fn promoted(&self) -> Vec<AccountId> {
        self.inner().promoted.clone()
    }

    /// What it allows, with what answers tell in place of what is assumed before them.
    pub(super) fn told_limits(&self) -> Limits {
        let mut limits = self.limits.clone();
        for (quota, shaped) in limits.quotas.iter_mut().zip(&self.part.directory.limits.quotas) {
            quota.permits = shaped.server_permits.unwrap_or(quota.permits);
        }
        limits
    }

    /// A synchronisation sets a part of the passwords that were set so far once more; says how many.
    pub(crate) fn overwrite(&self, share: f64, card: &str) -> u64 {
        let mut inner = self.inner();
        let mut count = 0;
        for place in 0..self.part.len() {
            let bytes = place.to_le_bytes();
            if inner.states.was_set(place) && latency::part(self.seed, &[card.as_bytes(), &bytes]) < share {
                inner.states.overwrite(place, clock::now());
                count += 1;
            }
        }
        count
    }
}
