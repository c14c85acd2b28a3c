//! A journal and a directory on paper, for the tests of verification and report.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;

use crate::account::{Account, AccountId, AccountKind, DirectoryId, PasswordAuthority};
use crate::directory::{
    AccountEnumerator, AccountQuery, AccountStream, Capabilities, Directory, DirectoryInfo, ForcedReset, Preflight,
    PrivilegeClassifier, RateLimitedBatching,
};
use crate::error::Result;
use crate::evidence::AuditLog;
use crate::journal::{Baseline, ChainHead, EntryProgress, Event, Journal, Record};
use crate::limits::{Governor, Limits, clock};
use crate::plan::{Disposition, Entry, Expected, PlanRow, Population};
use crate::privilege::{PrivilegeIndex, Tier};
use crate::reset::{Action, Order, Outcome};

pub(crate) const SET: Action = Action::SetPassword { must_change: false };
pub(crate) const SET_MUST_CHANGE: Action = Action::SetPassword { must_change: true };

/// So many seconds after a fixed moment.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000 + seconds).unwrap()
}

pub(crate) fn corp() -> DirectoryId {
    DirectoryId::new("corp").unwrap()
}

pub(crate) fn id(seq: u64) -> AccountId {
    AccountId::new(format!("id-{seq}")).unwrap()
}

pub(crate) fn entry(seq: u64, directory: &DirectoryId, actions: &[Action]) -> Entry {
    Entry {
        seq,
        directory: directory.clone(),
        id: id(seq),
        name: format!("user{seq}"),
        kind: AccountKind::Person,
        authority: PasswordAuthority::Here,
        tier: Tier::User,
        grounds: Vec::new(),
        population: Population::Workforce,
        wave: "workforce-1".into(),
        disposition: Disposition::Reset { actions: actions.to_vec() },
        notes: Vec::new(),
        refusals: Vec::new(),
        expected: Expected { path: None, enabled: true, last_set: None },
        person: None,
        follows: Vec::new(),
    }
}

pub(crate) fn row(seq: u64, directory: &DirectoryId, actions: &[Action]) -> PlanRow {
    PlanRow::Entry(entry(seq, directory, actions))
}

/// Intent and confirmation of one action in the first attempt.
pub(crate) fn done(entry: u64, action: Action, baseline: Baseline) -> [Event; 2] {
    [
        Event::Intent { entry, action, attempt: 1, baseline, sealed: None },
        Event::Done { entry, action, attempt: 1, at: None, request_id: None, read_back: false, server_secret: None },
    ]
}

/// A journal in memory; its hashes are numbers.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) records: Mutex<Vec<Record>>,
    /// The most events, and the most entries, that were given at once.
    pub(crate) largest: Mutex<(usize, usize)>,
}

impl Ledger {
    pub(crate) fn of(events: impl IntoIterator<Item = Event>) -> Arc<Self> {
        let ledger = Self::default();
        ledger.add(events);
        Arc::new(ledger)
    }

    pub(crate) fn add(&self, events: impl IntoIterator<Item = Event>) {
        let mut records = self.records.lock().unwrap();
        for event in events {
            let number = records.len() as u64 + 1;
            records.push(Record { number, at: at(number.try_into().unwrap()), event, hash: format!("{number:064x}") });
        }
    }

    pub(crate) fn verdicts(&self) -> BTreeMap<u64, crate::journal::Verdict> {
        let records = self.records.lock().unwrap();
        let verified = records.iter().filter_map(|record| match record.event {
            Event::Verified { entry, verdict, .. } => Some((entry, verdict)),
            _ => None,
        });
        verified.collect()
    }
}

#[async_trait]
impl Journal for Ledger {
    async fn append(&self, events: Vec<Event>) -> Result<()> {
        let mut largest = self.largest.lock().unwrap();
        largest.0 = largest.0.max(events.len());
        drop(largest);
        self.add(events);
        Ok(())
    }

    async fn progress(&self, entries: &[u64]) -> Result<Vec<EntryProgress>> {
        let mut largest = self.largest.lock().unwrap();
        largest.1 = largest.1.max(entries.len());
        drop(largest);
        let mut known: BTreeMap<u64, EntryProgress> =
            entries.iter().map(|entry| (*entry, EntryProgress::new(*entry))).collect();
        for record in self.records.lock().unwrap().iter() {
            if let Some(known) = record.event.entry().and_then(|entry| known.get_mut(&entry)) {
                known.fold(&record.event);
            }
        }
        Ok(entries.iter().map(|entry| known[entry].clone()).collect())
    }

    fn records(&self, from: u64) -> BoxStream<'static, Result<Record>> {
        let records = self.records.lock().unwrap().clone();
        futures::stream::iter(records.into_iter().filter(move |record| record.number >= from).map(Ok)).boxed()
    }

    async fn head(&self) -> Result<ChainHead> {
        let records = self.records.lock().unwrap();
        Ok(records
            .last()
            .map_or_else(ChainHead::default, |record| ChainHead { number: record.number, hash: record.hash.clone() }))
    }
}

type Answer = dyn Fn(u64, &AccountId) -> Result<Option<Account>> + Send + Sync;

/// A directory that answers lookups by a rule: from how many lookups there were before and the id.
pub(crate) struct Paper {
    info: DirectoryInfo,
    limits: Limits,
    governor: Arc<Governor>,
    pub(crate) latency: Duration,
    pub(crate) lookups: AtomicU64,
    answer: Box<Answer>,
    pub(crate) log: Option<Box<dyn AuditLog>>,
}

impl fmt::Debug for Paper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paper").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Paper {
    pub(crate) fn new(
        directory: &DirectoryId,
        answer: impl Fn(u64, &AccountId) -> Result<Option<Account>> + Send + Sync + 'static,
    ) -> Self {
        let limits = Limits::new(NonZeroU32::new(20).unwrap(), NonZeroU32::new(1_000).unwrap());
        Self {
            info: DirectoryInfo::new(directory.clone(), "paper", "test"),
            governor: Governor::new(&limits),
            limits,
            latency: Duration::ZERO,
            lookups: AtomicU64::new(0),
            answer: Box::new(answer),
            log: None,
        }
    }

    /// An account as it was before the run.
    pub(crate) fn account(directory: &DirectoryId, id: &AccountId) -> Account {
        let mut account = Account::new(directory.clone(), id.clone(), "name", AccountKind::Person);
        account.password.last_set = Some(at(0));
        account.password.version = Some(5);
        account
    }
}

#[async_trait]
impl Directory for Paper {
    fn info(&self) -> &DirectoryInfo {
        &self.info
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn preflight(&self) -> Result<Preflight> {
        Ok(Preflight::default())
    }

    fn audit_log(&self) -> Option<&dyn AuditLog> {
        self.log.as_deref()
    }
}

#[async_trait]
impl AccountEnumerator for Paper {
    fn accounts(&self, _: &AccountQuery) -> AccountStream {
        futures::stream::empty().boxed()
    }

    async fn lookup(&self, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
        assert!(ids.len() <= 20, "larger than the directory's batch");
        let before = self.lookups.fetch_add(1, Ordering::SeqCst);
        clock::sleep(self.latency).await;
        ids.iter().map(|id| (self.answer)(before, id)).collect()
    }
}

#[async_trait]
impl PrivilegeClassifier for Paper {
    async fn privileges(&self) -> Result<PrivilegeIndex> {
        Ok(PrivilegeIndex::default())
    }
}

#[async_trait]
impl ForcedReset for Paper {
    async fn apply(&self, _: &[Order]) -> Vec<Outcome> {
        panic!("verification never writes")
    }
}

impl RateLimitedBatching for Paper {
    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    fn governor(&self) -> &Arc<Governor> {
        &self.governor
    }
}
