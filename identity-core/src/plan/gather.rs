//! Brings the accounts of directories to the stage.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;

use super::stage::{Mark, Stage};
use crate::account::Account;
use crate::directory::{AccountQuery, Backend, Scope};
use crate::error::{Error, ErrorKind, Result, Status};
use crate::limits::clock;

/// How often a reading is tried in all.
const ATTEMPTS: u32 = 3;
/// The wait before it is tried again, where the directory names none; doubled each time.
const WAIT: Duration = Duration::from_secs(2);
/// The longest wait, whatever the directory asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Accounts that are put on the stage at once.
const PAGE: usize = 500;

/// The stage as async code uses it: the disk is waited for on threads made for waiting.
#[derive(Clone, Debug)]
pub(crate) struct SharedStage(Arc<Mutex<Stage>>);

impl SharedStage {
    /// Opens one inside `folder`, which is made where it is missing.
    pub(crate) async fn open(folder: PathBuf) -> Result<Self> {
        let stage = blocking(move || {
            std::fs::create_dir_all(&folder).map_err(|error| {
                Error::new(ErrorKind::InputInvalid, "make the plan")
                    .with_detail(format!("{}: {error}", folder.display()))
                    .with_advice("name a folder that can be written")
                    .with_source(error)
            })?;
            Stage::open(&folder)
        });
        Ok(Self(Arc::new(Mutex::new(stage.await?))))
    }

    /// Works on the stage.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Stage) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let stage = Arc::clone(&self.0);
        blocking(move || work(&mut stage.lock().unwrap_or_else(PoisonError::into_inner))).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::new(ErrorKind::Unexpected, "make the plan").with_source(error)),
    }
}

/// Reads, and reads again where that may help.
pub(crate) async fn again<T, F: Future<Output = Result<T>> + Send>(mut read: impl FnMut() -> F + Send) -> Result<T> {
    let mut attempt = 1;
    loop {
        match read().await {
            Err(error) if attempt < ATTEMPTS && may_help(&error) => clock::sleep(wait_after(&error, attempt)).await,
            Err(error) => return Err(error.with_attempts(attempt)),
            Ok(value) => return Ok(value),
        }
        attempt += 1;
    }
}

/// A reading changes nothing, so that one without an answer can be repeated like one that failed.
fn may_help(error: &Error) -> bool {
    matches!(error.status(), Status::Temporary | Status::Unknown)
}

fn wait_after(error: &Error, attempt: u32) -> Duration {
    let own = WAIT.saturating_mul(1 << attempt.saturating_sub(1).min(8));
    error.retry_after().unwrap_or(own).max(own).min(LONGEST_WAIT)
}

/// Puts every account of a directory on the stage.
pub(crate) async fn everyone(backend: &Arc<dyn Backend>, place: usize, stage: &SharedStage) -> Result<()> {
    again(|| async {
        // What an enumeration brought before it broke off may be gone when it is begun again.
        stage.run(move |stage| stage.forget_accounts(place)).await?;
        enumerate(backend, &AccountQuery::everyone(), stage, move |stage, page| stage.put_accounts(place, page)).await
    })
    .await
}

/// Marks the accounts of one scope.
pub(crate) async fn scope(
    backend: &Arc<dyn Backend>,
    place: usize,
    mark: Mark,
    scope: Scope,
    stage: &SharedStage,
) -> Result<()> {
    let query = AccountQuery::of(scope);
    again(|| async {
        stage.run(move |stage| stage.forget_mark(mark)).await?;
        enumerate(backend, &query, stage, move |stage, page| stage.put_marked(place, mark, page)).await
    })
    .await
}

async fn enumerate(
    backend: &Arc<dyn Backend>,
    query: &AccountQuery,
    stage: &SharedStage,
    put: impl Fn(&mut Stage, &[Account]) -> Result<()> + Copy + Send + 'static,
) -> Result<()> {
    let id = &backend.info().id;
    let mut accounts = backend.accounts(query);
    let mut page = Vec::with_capacity(PAGE);
    while let Some(account) = accounts.next().await {
        let account = account?;
        if account.directory != *id {
            return Err(Error::new(ErrorKind::Protocol, "list accounts")
                .with_directory(id.clone())
                .with_account(account.id)
                .with_detail(format!("the backend gave an account of another directory, {}", account.directory)));
        }
        page.push(account);
        if page.len() == PAGE {
            let full = std::mem::replace(&mut page, Vec::with_capacity(PAGE));
            stage.run(move |stage| put(stage, &full)).await?;
        }
    }
    stage.run(move |stage| put(stage, &page)).await
}
