//! What journal and vault share: one writer per file, and many callers per sync to disk.

mod group;
mod lock;

pub(crate) use group::{GroupCommit, Store};
pub(crate) use lock::{FileLock, create_private, sync_parent};

use tokio::runtime::Handle;

use crate::error::{Error, ErrorKind, Result};

/// Does blocking work on a thread where it holds nobody up; right here where there is no runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    kind: ErrorKind,
    operation: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let Ok(runtime) = Handle::try_current() else { return work() };
    runtime.spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(kind, operation).with_detail("the work was cut short").with_source(error))
    })
}
