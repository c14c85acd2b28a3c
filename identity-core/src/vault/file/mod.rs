//! The durable vault: one file of sealed lines.

mod append;
mod envelope;
mod index;
mod line;
mod unseal;

pub use unseal::{Unsealed, unseal};

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use self::append::Appender;
use self::index::{Index, Reference};
use super::{Identity, Recipient, SealedRef, Sealing, Vault};
use crate::durable::{GroupCommit, blocking};
use crate::error::{Error, ErrorKind, Result};
use crate::reset::Secret;

/// A vault in one file to which lines are only ever added. Each call of [`seal`](Vault::seal)
/// adds one: a JSON object with the line's number, the accounts in clear, and one `age` message
/// that holds their passwords. Whoever has a recipient's key opens it with [`unseal`] or with the
/// ordinary tool:
///
/// ```sh
/// jq -r .sealed vault.jsonl | while read -r line; do base64 -d <<<"$line" | age -d -i key; done
/// ```
///
/// `seal` returns when the line is synced to disk; calls that wait at the same time share one
/// sync. After a write error every later call fails: open the file anew to go on. One process has
/// it at a time, by a lock file `<path>.lock`. A [`SealedRef`] is `line:place:fingerprint`: lines
/// counted from 1 and places from 0, both in decimal, and the first 16 bytes of the SHA-256 of the
/// line's sealed text in hexadecimal.
///
/// Memory: some 40 bytes a line, for finding a password by entry; more where the entries of a line
/// do not follow one another.
///
/// ```
/// use identity_core::account::{AccountId, DirectoryId};
/// use identity_core::reset::{Secret, SecretKind};
/// use identity_core::vault::{Identity, SealedFile, Sealing, Vault};
///
/// # async fn keep() -> identity_core::error::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder");
/// # let path = folder.path().join("vault.jsonl");
/// let key = Identity::generate();
/// let vault = SealedFile::create(&path, vec![key.recipient()])?.with_identities(vec![key]);
/// let sealed = vault
///     .seal(vec![Sealing {
///         entry: 1,
///         directory: DirectoryId::new("corp").expect("an id"),
///         account: AccountId::new("42").expect("an id"),
///         name: "jdoe".into(),
///         kind: SecretKind::Password,
///         password: Secret::new("correct horse".into()),
///     }])
///     .await?;
/// assert!(sealed[0].0.starts_with("1:0:"));
/// let again = vault.reopen(&sealed[0]).await?.expect("the vault has the key");
/// assert_eq!(again.expose(), "correct horse");
/// # Ok(())
/// # }
/// # futures::executor::block_on(keep()).expect("kept");
/// ```
pub struct SealedFile {
    path: PathBuf,
    recipients: Arc<[Recipient]>,
    identities: Arc<[Identity]>,
    index: Arc<Mutex<Index>>,
    cut_off: u64,
    appender: GroupCommit<Appender>,
}

const SEAL: &str = "seal passwords";
const OPEN: &str = "open the vault";
const REOPEN: &str = "open a sealed password";

impl SealedFile {
    /// Makes a new, empty vault that only its owner can read. Blocks for a few syncs.
    ///
    /// # Errors
    /// Without a recipient; when the file exists already or cannot be made; when the lock is held.
    pub fn create(path: impl AsRef<Path>, recipients: Vec<Recipient>) -> Result<Self> {
        let path = path.as_ref();
        somebody(&recipients)?;
        let index = Arc::new(Mutex::new(Index::default()));
        let appender = Appender::create(path, Arc::clone(&index))?;
        Ok(Self::start(path, recipients, index, 0, appender))
    }

    /// Opens a vault that an earlier process left, however it ended, to seal on to `recipients`
    /// (not necessarily those of before). Reads it through once.
    ///
    /// An incomplete last line is cut off: `seal` had not returned, so its passwords were never
    /// sent. [`SealedFile::cut_off`] tells.
    ///
    /// # Errors
    /// Without a recipient; when the file is missing or cannot be read; when a line other than an
    /// incomplete last one is damaged; when another process has it.
    pub fn open(path: impl AsRef<Path>, recipients: Vec<Recipient>) -> Result<Self> {
        let path = path.as_ref();
        somebody(&recipients)?;
        let index = Arc::new(Mutex::new(Index::default()));
        let (appender, cut_off) = Appender::open(path, Arc::clone(&index))?;
        Ok(Self::start(path, recipients, index, cut_off, appender))
    }

    /// Opens a vault where there is one, and makes a new one where there is none: for a program
    /// that begins and resumes with the same call.
    ///
    /// # Errors
    /// As of [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create(path: impl AsRef<Path>, recipients: Vec<Recipient>) -> Result<Self> {
        let path = path.as_ref();
        if path.exists() { Self::open(path, recipients) } else { Self::create(path, recipients) }
    }

    /// Adds keys that open what this vault sealed, so that the same password can be sent again.
    #[must_use]
    pub fn with_identities(mut self, identities: Vec<Identity>) -> Self {
        self.identities = identities.into();
        self
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes of an incomplete last line were cut off when it was opened; 0 for none.
    #[must_use]
    pub fn cut_off(&self) -> u64 {
        self.cut_off
    }

    /// How many syncs there were since it was opened: fewer than calls of `seal` when calls
    /// were grouped.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.appender.commits()
    }

    fn start(
        path: &Path,
        recipients: Vec<Recipient>,
        index: Arc<Mutex<Index>>,
        cut_off: u64,
        appender: Appender,
    ) -> Self {
        Self {
            path: path.to_owned(),
            recipients: recipients.into(),
            identities: Arc::new([]),
            index,
            cut_off,
            appender: GroupCommit::new(appender),
        }
    }

    /// Breaks the file under the vault, for tests.
    #[cfg(test)]
    fn swap_file(&self, file: std::fs::File) {
        assert!(self.appender.with_store(|appender| appender.swap_file(file)).is_some());
    }
}

#[async_trait]
impl Vault for SealedFile {
    async fn seal(&self, passwords: Vec<Sealing>) -> Result<Vec<SealedRef>> {
        if passwords.is_empty() {
            return Ok(Vec::new());
        }
        let recipients = Arc::clone(&self.recipients);
        let sealed = blocking(ErrorKind::Vault, SEAL, move || envelope::close(&passwords, &recipients)).await?;
        self.appender.submit(sealed).await
    }

    async fn reopen(&self, sealed: &SealedRef) -> Result<Option<Secret>> {
        let missing = || {
            Error::new(ErrorKind::Vault, REOPEN)
                .with_detail(format!("{} holds no password {:?}", self.path.display(), sealed.0))
                .with_advice("journal and vault must be of the same run")
        };
        let reference: Reference = sealed.0.parse().map_err(|()| missing())?;
        let line = reference.place.line;
        let (offset, fingerprint) = lock(&self.index).line(line).ok_or_else(missing)?;
        if fingerprint != reference.fingerprint {
            return Err(unseal::changed(&self.path, line));
        }
        if self.identities.is_empty() {
            return Ok(None);
        }
        let (path, identities) = (self.path.clone(), Arc::clone(&self.identities));
        let opened =
            blocking(ErrorKind::Vault, REOPEN, move || unseal::one(&path, offset, reference, &identities)).await?;
        opened.map(Some).ok_or_else(missing)
    }

    async fn sealed_for(&self, entry: u64) -> Result<Vec<SealedRef>> {
        Ok(lock(&self.index).references(entry).into_iter().map(Reference::to_ref).collect())
    }

    async fn is_empty(&self) -> Result<bool> {
        Ok(lock(&self.index).is_empty())
    }
}

impl fmt::Debug for SealedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedFile")
            .field("path", &self.path)
            .field("recipients", &self.recipients)
            .finish_non_exhaustive()
    }
}

/// Nobody could ever open what is sealed to nobody.
fn somebody(recipients: &[Recipient]) -> Result<()> {
    if recipients.is_empty() {
        return Err(Error::new(ErrorKind::ConfigInvalid, OPEN)
            .with_detail("the vault has no recipient")
            .with_advice("name at least one public key age1…, made with age-keygen"));
    }
    Ok(())
}

/// No change of an index can be left half done: see its methods.
fn lock(index: &Mutex<Index>) -> MutexGuard<'_, Index> {
    index.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
