//! The same error once more: for another request that it befell as well, or with what it means there.

use identity_core::error::{Error, ErrorKind, Status};
use identity_core::http::ServerFault;

/// The error once more.
pub(crate) fn retold(error: &Error) -> Error {
    retold_as(error, error.kind(), error.status())
}

/// The error once more, of another kind or status. What the service said stays its source.
pub(crate) fn retold_as(error: &Error, kind: ErrorKind, status: Status) -> Error {
    let mut again = Error::new(kind, error.operation())
        .with_status(status)
        .with_detail(error.detail())
        .with_attempts(error.attempts());
    if let Some(directory) = error.directory() {
        again = again.with_directory(directory.clone());
    }
    if let Some(account) = error.account() {
        again = again.with_account(account.clone());
    }
    if let Some(advice) = error.advice() {
        again = again.with_advice(advice);
    }
    if let Some(id) = error.request_id() {
        again = again.with_request_id(id);
    }
    if let Some(wait) = error.retry_after() {
        again = again.with_retry_after(wait);
    }
    match ServerFault::of(error) {
        Some(fault) => again.with_source(fault.clone()),
        None => again,
    }
}
