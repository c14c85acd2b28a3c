//! Journal and vault as a process sees them: they stay when it dies, and the stage watches what goes by.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::stream::BoxStream;

use super::stage::Stage;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{ChainHead, EntryProgress, Event, Journal, Record};
use crate::rehearsal::process::Process;
use crate::reset::{Secret, SecretKind};
use crate::vault::{SealedRef, Sealing, Vault};

/// The journal, watched.
#[derive(Debug)]
pub(super) struct WatchedJournal {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) stage: Arc<Stage>,
    pub(super) process: Process,
}

#[async_trait]
impl Journal for WatchedJournal {
    async fn append(&self, events: Vec<Event>) -> Result<()> {
        self.process.alive().await;
        let seen = self.stage.look(&events);
        self.journal.append(events).await?;
        self.stage.recorded(&seen);
        self.process.alive().await;
        Ok(())
    }

    async fn progress(&self, entries: &[u64]) -> Result<Vec<EntryProgress>> {
        self.process.alive().await;
        self.journal.progress(entries).await
    }

    fn records(&self, from: u64) -> BoxStream<'static, Result<Record>> {
        self.journal.records(from)
    }

    async fn head(&self) -> Result<ChainHead> {
        self.journal.head().await
    }
}

/// What was sealed. Nothing of it opens anything: it lies in memory.
#[derive(Debug, Default)]
pub(super) struct Sealed(Mutex<Contents>);

#[derive(Debug, Default)]
struct Contents {
    secrets: Vec<Secret>,
    by_entry: HashMap<u64, Vec<usize>>,
}

/// The vault as a process sees it.
#[derive(Debug)]
pub(super) struct WatchedVault {
    pub(super) sealed: Arc<Sealed>,
    pub(super) stage: Arc<Stage>,
    pub(super) process: Process,
}

#[async_trait]
impl Vault for WatchedVault {
    async fn seal(&self, passwords: Vec<Sealing>) -> Result<Vec<SealedRef>> {
        self.process.alive().await;
        if self.stage.is_vault_full() {
            return Err(Error::new(ErrorKind::Vault, "seal passwords")
                .with_detail("no space is left on the vault's disk")
                .with_advice("make room, then resume: nothing was sent that is not sealed"));
        }
        let mut kept = self.sealed.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Contents { secrets, by_entry } = &mut *kept;
        let seal = |sealing: Sealing| {
            let place = secrets.len();
            secrets.push(sealing.password);
            if sealing.kind == SecretKind::Password {
                by_entry.entry(sealing.entry).or_default().push(place);
            }
            SealedRef(place.to_string())
        };
        Ok(passwords.into_iter().map(seal).collect())
    }

    async fn reopen(&self, sealed: &SealedRef) -> Result<Option<Secret>> {
        let kept = self.sealed.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = sealed.0.parse::<usize>().ok().and_then(|place| kept.secrets.get(place));
        match found {
            Some(secret) => Ok(Some(secret.clone())),
            None => {
                Err(Error::new(ErrorKind::Vault, "open a sealed password").with_detail("there is no such password"))
            }
        }
    }

    async fn sealed_for(&self, entry: u64) -> Result<Vec<SealedRef>> {
        let kept = self.sealed.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.by_entry.get(&entry).into_iter().flatten().map(|place| SealedRef(place.to_string())).collect())
    }

    async fn is_empty(&self) -> Result<bool> {
        Ok(self.sealed.0.lock().unwrap_or_else(PoisonError::into_inner).secrets.is_empty())
    }
}
