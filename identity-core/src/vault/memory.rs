//! A vault in memory: for tests and rehearsals. Nothing is durable.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{SealedRef, Sealing, Vault};
use crate::error::{Error, ErrorKind, Result};
use crate::reset::Secret;

/// A vault in memory: for tests and rehearsals. It ends with the process, and its passwords lie
/// open in memory until then. A clone is another handle on the same vault.
#[derive(Clone, Debug, Default)]
pub struct MemoryVault(Arc<Mutex<Vec<Sealing>>>);

impl MemoryVault {
    /// An empty vault.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that was sealed, oldest first.
    #[must_use]
    pub fn sealed(&self) -> Vec<Sealing> {
        self.kept().clone()
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Sealing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Vault for MemoryVault {
    async fn seal(&self, passwords: Vec<Sealing>) -> Result<Vec<SealedRef>> {
        let mut kept = self.kept();
        let first = kept.len();
        kept.extend(passwords);
        Ok((first..kept.len()).map(reference).collect())
    }

    async fn reopen(&self, sealed: &SealedRef) -> Result<Option<Secret>> {
        let kept = self.kept();
        let place = sealed.0.parse::<usize>().ok();
        match place.and_then(|place| kept.get(place)) {
            Some(found) => Ok(Some(found.password.clone())),
            None => Err(Error::new(ErrorKind::Vault, "open a sealed password")
                .with_detail(format!("the vault holds no password {:?}", sealed.0))),
        }
    }

    async fn sealed_for(&self, entry: u64) -> Result<Vec<SealedRef>> {
        let kept = self.kept();
        let places =
            kept.iter().enumerate().filter(|(_, sealing)| sealing.entry == entry && sealing.kind.is_password());
        Ok(places.map(|(place, _)| reference(place)).collect())
    }

    async fn is_empty(&self) -> Result<bool> {
        Ok(self.sealed().is_empty())
    }
}

fn reference(place: usize) -> SealedRef {
    SealedRef(place.to_string())
}
