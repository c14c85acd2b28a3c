//! The directory's own record: what really happened, for tests to count.

use identity_core::account::AccountId;
use identity_core::reset::{Secret, SecretKind};
use sha2::{Digest, Sha256};

use super::state::{DELETED, TOUCHED};
use super::{MemoryDirectory, QuotaRecord};

/// The first half of the SHA-256 of a password.
pub type PasswordDigest = [u8; 16];

/// The digest that the record keeps of a password.
#[must_use]
pub fn digest(password: &Secret) -> PasswordDigest {
    let whole: [u8; 32] = Sha256::digest(password.expose().as_bytes()).into();
    let mut half = PasswordDigest::default();
    half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    half
}

impl MemoryDirectory {
    /// How often our writes set the account's password.
    #[must_use]
    pub fn times_set(&self, account: &AccountId) -> u64 {
        let index = self.index_of(account).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.inner().states.sets.get(index).copied()).map_or(0, u64::from)
    }

    /// The digest of every distinct password that our writes set, in order. More than one is an
    /// account that was given two passwords.
    #[must_use]
    pub fn passwords_set(&self, account: &AccountId) -> Vec<PasswordDigest> {
        self.index_of(account).map(|index| self.inner().states.passwords(index)).unwrap_or_default()
    }

    /// The kind and digest of every secret that was issued to the account, oldest first.
    #[must_use]
    pub fn issued(&self, account: &AccountId) -> Vec<(SecretKind, PasswordDigest)> {
        let index = self.index_of(account);
        index.and_then(|index| self.inner().states.issued.get(&index).cloned()).unwrap_or_default()
    }

    /// Every account that a write of ours had an effect on.
    #[must_use]
    pub fn touched(&self) -> Vec<AccountId> {
        let indices: Vec<u64> = {
            let inner = self.inner();
            let flags = inner.states.flags.iter().zip(0_u64..);
            flags.filter(|(flags, _)| **flags & TOUCHED != 0).map(|(_, index)| index).collect()
        };
        indices.into_iter().filter_map(|index| self.id_at(index)).collect()
    }

    /// How many accounts are there now.
    #[must_use]
    pub fn population(&self) -> u64 {
        let inner = self.inner();
        let deleted = inner.states.flags.iter().filter(|flags| **flags & DELETED != 0).count();
        inner.states.len() - deleted as u64
    }

    /// The greatest number of requests that were in flight at once.
    #[must_use]
    pub fn greatest_in_flight(&self) -> u32 {
        self.inner().greatest_in_flight
    }

    /// The most orders that arrived in one batch.
    #[must_use]
    pub fn largest_batch(&self) -> usize {
        self.inner().largest_batch
    }

    /// How many writes arrived, whatever came of them.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.inner().writes
    }

    /// How many reads arrived: pages, lookups and sweeps.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.inner().reads
    }

    /// What each quota has seen.
    #[must_use]
    pub fn quotas(&self) -> Vec<QuotaRecord> {
        self.inner().windows.iter().map(|window| window.record().clone()).collect()
    }
}
