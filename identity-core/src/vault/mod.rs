//! Where generated passwords go: sealed and durable before the directory sees them.
//!
//! [`SealedFile`] is the vault of real runs: a file that the holders of the recipients' keys open
//! with [`unseal`], or with the ordinary `age` program. [`MemoryVault`] is for tests and
//! rehearsals.

mod file;
mod key;
mod memory;

pub use file::{SealedFile, Unsealed, unseal};
pub use key::{Identity, Recipient};
pub use memory::MemoryVault;

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::account::{AccountId, DirectoryId};
use crate::error::Result;
use crate::reset::{Secret, SecretKind};

/// A keeper of generated passwords.
#[async_trait]
pub trait Vault: fmt::Debug + Send + Sync + 'static {
    /// Seals passwords. When it returns they are durable and can be opened by whom they were
    /// sealed to; one reference per password, in the order given.
    ///
    /// # Errors
    /// When they are not known to be durable. None of them is sent then.
    async fn seal(&self, passwords: Vec<Sealing>) -> Result<Vec<SealedRef>>;

    /// Opens a password that this run sealed, so that the same one can be sent again after an
    /// unknown outcome. `None` when this vault can seal but not open: it holds no key for that.
    ///
    /// # Errors
    /// When the vault cannot be read, or holds no such record.
    async fn reopen(&self, sealed: &SealedRef) -> Result<Option<Secret>>;

    /// The references of the passwords sealed for a plan entry, oldest first; no secrets of
    /// another [kind](SecretKind). A password that was sealed although no intent is recorded may
    /// have been sent if the journal lost its tail.
    ///
    /// # Errors
    /// When the vault cannot be read.
    async fn sealed_for(&self, entry: u64) -> Result<Vec<SealedRef>>;

    /// Whether nothing was ever sealed in it. A run does not begin on a vault that another one used.
    ///
    /// # Errors
    /// When the vault cannot be read.
    async fn is_empty(&self) -> Result<bool>;
}

/// A password or another secret to be sealed, with what its reader needs to know.
#[derive(Clone, Debug)]
pub struct Sealing {
    /// The plan entry's sequence number.
    pub entry: u64,
    /// The directory.
    pub directory: DirectoryId,
    /// The account.
    pub account: AccountId,
    /// The account's sign-in name, for the person who opens the vault.
    pub name: String,
    /// What kind of secret it is.
    pub kind: SecretKind,
    /// The password, or what the server made in its place.
    pub password: Secret,
}

/// Names one sealed password within its vault. Not a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SealedRef(pub String);
