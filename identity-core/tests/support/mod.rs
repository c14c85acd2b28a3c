//! One small organisation in memory, its plan, and a run that can crash at any step.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use identity_core::account::AccountId;
use identity_core::directory::Backend;
use identity_core::engine::{Guardrails, Run, RunEnd};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::journal::{ChainHead, EntryProgress, Event, Journal, MemoryJournal, Record};
use identity_core::plan::{Approvals, Disposition, Entry, Plan, PlanRow, PlanSpec};
use identity_core::reset::Secret;
use identity_core::vault::{MemoryVault, SealedRef, Sealing, Vault};
use testkit::fault::FaultScript;
use testkit::memory::{MemoryBuilder, MemoryDirectory};
use testkit::organisation::Organisation;

pub(crate) struct World {
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) plan: Plan,
    pub(crate) journal: MemoryJournal,
    pub(crate) vault: MemoryVault,
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new(accounts: u64) -> Self {
        Self::with(accounts, |builder| builder).await
    }

    pub(crate) async fn faulty(accounts: u64, script: FaultScript) -> Self {
        Self::with(accounts, |builder| builder.faults(script)).await
    }

    pub(crate) async fn with(accounts: u64, shape: impl FnOnce(MemoryBuilder) -> MemoryBuilder) -> Self {
        let builder = MemoryDirectory::builder("corp").organisation(Organisation::new(7, accounts));
        Self::planned(shape(builder).build().unwrap(), everyone()).await
    }

    pub(crate) async fn planned(directory: Arc<MemoryDirectory>, spec: PlanSpec) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plan = spec
            .builder()
            .directory(Arc::clone(&directory) as Arc<dyn Backend>)
            .write_to(folder.path().join("plan.jsonl"))
            .await
            .unwrap();
        Self { directory, plan, journal: MemoryJournal::new(), vault: MemoryVault::new(), _folder: folder }
    }

    /// Everything approved, generous guardrails.
    pub(crate) fn run(&self) -> Run {
        self.run_on(Arc::new(self.journal.clone()), Arc::new(self.vault.clone()))
    }

    pub(crate) fn run_on(&self, journal: Arc<dyn Journal>, vault: Arc<dyn Vault>) -> Run {
        let mut guardrails = Guardrails::default();
        guardrails.canary_failures = u64::MAX;
        guardrails.failure_floor = u64::MAX;
        guardrails.consecutive_refusals = u64::MAX;
        Run::new(self.plan.clone(), journal, vault)
            .directory(Arc::clone(&self.directory) as Arc<dyn Backend>)
            .approvals(Approvals::approve_all(&self.plan, "test").unwrap())
            .guardrails(guardrails)
    }

    pub(crate) async fn finish(&self) -> RunEnd {
        self.run().start().await.unwrap().finish().await.unwrap()
    }

    /// The plan's entries that the engine resets.
    pub(crate) fn resets(&self) -> Vec<Entry> {
        self.plan
            .rows()
            .unwrap()
            .filter_map(|row| match row.unwrap() {
                PlanRow::Entry(entry) if matches!(entry.disposition, Disposition::Reset { .. }) => Some(entry),
                _ => None,
            })
            .collect()
    }

    pub(crate) async fn progress(&self, entry: &Entry) -> EntryProgress {
        self.journal.progress(&[entry.seq]).await.unwrap().remove(0)
    }

    /// The passwords that the vault holds for an entry, oldest first.
    pub(crate) fn sealed(&self, entry: &Entry) -> Vec<Secret> {
        self.vault
            .sealed()
            .into_iter()
            .filter(|sealing| sealing.entry == entry.seq && sealing.kind.is_password())
            .map(|s| s.password)
            .collect()
    }

    /// Nobody but planned accounts was touched.
    pub(crate) fn assert_only_the_plan(&self) {
        let planned: BTreeSet<AccountId> = self.resets().into_iter().map(|entry| entry.id).collect();
        for touched in self.directory.touched() {
            assert!(planned.contains(&touched), "{touched} was touched and is not planned");
        }
    }

    /// Promises 3 and 4, against the directory's own record: every planned account has exactly
    /// one password, and it is the last one that the vault holds for it.
    pub(crate) fn assert_each_has_one_password_that_the_vault_knows(&self) {
        self.assert_only_the_plan();
        for entry in self.resets() {
            let Disposition::Reset { actions } = &entry.disposition else { continue };
            let set = self.directory.passwords_set(&entry.id);
            assert_eq!(set.len(), 1, "{} was given {} different passwords", entry.name, set.len());
            if actions.iter().any(|action| action.needs_sealing()) {
                let sealed = self.sealed(&entry);
                let last = sealed.last().unwrap_or_else(|| panic!("{} has nothing sealed", entry.name));
                assert_eq!(
                    set[0],
                    testkit::memory::digest(last),
                    "{}: the vault's last password is another",
                    entry.name
                );
            }
        }
    }
}

/// A journal that fails from some append on, as a crash or a full disk would.
#[derive(Debug)]
pub(crate) struct Failing<J> {
    pub(crate) inner: J,
    pub(crate) left: AtomicI64,
    /// Whether the append that fails was durable all the same (a crash after the sync).
    pub(crate) after_the_fact: bool,
}

impl<J> Failing<J> {
    pub(crate) fn after(inner: J, appends: i64, after_the_fact: bool) -> Arc<Self> {
        Arc::new(Self { inner, left: AtomicI64::new(appends), after_the_fact })
    }

    fn crashes(&self) -> Option<bool> {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        (left <= 0).then_some(left == 0 && self.after_the_fact)
    }
}

fn crash(kind: ErrorKind) -> Error {
    Error::new(kind, "append").with_detail("the machine is gone")
}

#[async_trait]
impl<J: Journal> Journal for Failing<J> {
    async fn append(&self, events: Vec<Event>) -> Result<()> {
        match self.crashes() {
            None => self.inner.append(events).await,
            Some(durable) => {
                if durable {
                    self.inner.append(events).await?;
                }
                Err(crash(ErrorKind::Journal))
            }
        }
    }

    async fn progress(&self, entries: &[u64]) -> Result<Vec<EntryProgress>> {
        self.inner.progress(entries).await
    }

    fn records(&self, from: u64) -> BoxStream<'static, Result<Record>> {
        self.inner.records(from)
    }

    async fn head(&self) -> Result<ChainHead> {
        self.inner.head().await
    }
}

#[async_trait]
impl<V: Vault> Vault for Failing<V> {
    async fn seal(&self, passwords: Vec<Sealing>) -> Result<Vec<SealedRef>> {
        match self.crashes() {
            None => self.inner.seal(passwords).await,
            Some(durable) => {
                if durable {
                    self.inner.seal(passwords).await?;
                }
                Err(crash(ErrorKind::Vault))
            }
        }
    }

    async fn reopen(&self, sealed: &SealedRef) -> Result<Option<Secret>> {
        self.inner.reopen(sealed).await
    }

    async fn sealed_for(&self, entry: u64) -> Result<Vec<SealedRef>> {
        self.inner.sealed_for(entry).await
    }

    async fn is_empty(&self) -> Result<bool> {
        self.inner.is_empty().await
    }
}

pub(crate) fn everyone() -> PlanSpec {
    PlanSpec::default().select(identity_core::plan::Selection::everyone())
}
