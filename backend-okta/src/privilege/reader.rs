//! Reads that may be refused: what is refused leaves the survey open, and says what it needed.

use std::future::Future;

use futures::{StreamExt, TryStreamExt, stream};
use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::http::{Request, ServerFault};
use identity_core::limits::OperationClass;
use serde::de::DeserializeOwned;

use super::survey::Survey;
use super::table::RoleTable;
use crate::dialect::code::NO_LICENCE;
use crate::okta::Okta;
use crate::permissions::Need;

pub(super) const OPERATION: &str = "read privileges";
/// Reads of this kind that are under way at once; the governor has the last word.
const AT_ONCE: usize = 8;
/// It is not there (any more).
const NOT_FOUND: &str = "E0000007";

/// Why there are no rows.
#[derive(Debug)]
pub(super) enum Without {
    /// Whatever it is of has gone since; only of what is below an id.
    Gone(Error),
    /// It was refused; there may be some.
    Refused(Error),
}

/// The rows, or why there are none.
pub(super) type Heard<T> = Result<Vec<T>, Without>;

/// Reads, and collects what was found and what was not.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) okta: &'a Okta,
    pub(super) table: &'a RoleTable,
    pub(super) survey: Survey,
}

impl Reader<'_> {
    /// All rows of a listing whose body is an array.
    ///
    /// # Errors
    /// When it could not be read now and may be later, or when signing in failed.
    pub(super) async fn rows<T>(&self, class: OperationClass, request: Request) -> Result<Heard<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        heard(self.okta.list(OPERATION, class, request).try_collect().await)
    }

    /// All rows of a listing that has them as a member of its body.
    ///
    /// # Errors
    /// As of [`Reader::rows`].
    pub(super) async fn rows_in<T>(
        &self,
        class: OperationClass,
        request: Request,
        member: &'static str,
    ) -> Result<Heard<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        heard(self.okta.list_in(OPERATION, class, request, member).try_collect().await)
    }

    /// What each of these is heard to say, in their order, some of them at once. Each is below an id, which
    /// may have gone since it was listed: a whole listing that is not there is one that was not read.
    ///
    /// # Errors
    /// As of [`Reader::rows`].
    pub(super) async fn each<K, T, F>(&self, keys: Vec<K>, read: impl Fn(K) -> F) -> Result<Vec<(K, Heard<T>)>>
    where
        K: Clone,
        F: Future<Output = Result<Heard<T>>>,
    {
        let reads: Vec<_> = keys.into_iter().map(|key| (key.clone(), read(key))).collect();
        stream::iter(reads)
            .map(|(key, rows)| async move { Ok((key, rows.await?.map_err(below_an_id))) })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    /// The rows; where they were refused the survey says so.
    pub(super) fn taken<T>(&mut self, need: Need, of: Option<&str>, heard: Heard<T>) -> Vec<T> {
        match heard {
            Ok(rows) => rows,
            Err(Without::Gone(_)) => Vec::new(),
            Err(Without::Refused(error)) => {
                self.gap(need, of, &error);
                Vec::new()
            }
        }
    }

    /// Says that something could not be read.
    pub(super) fn gap(&mut self, need: Need, of: Option<&str>, error: &Error) {
        let gap = unread(need, of, error);
        if !self.survey.gaps.contains(&gap) {
            self.survey.gaps.push(gap);
        }
    }
}

/// In words that something could not be read, and what it takes.
pub(super) fn unread(need: Need, of: Option<&str>, error: &Error) -> String {
    let of = of.map_or_else(String::new, |of| format!(" ({of})"));
    let least = need.scope;
    let what = need.what;
    match error.kind() {
        ErrorKind::InsufficientPrivilege => format!(
            "{what}{of} could not be read: {}; grant the app {least}, and give it or the token's owner a role that may read it",
            error.detail()
        ),
        _ => format!("{what}{of} could not be read ({least}): {}", error.detail()),
    }
}

/// What a read came to; an error when it may succeed later.
fn heard<T>(read: Result<Vec<T>>) -> Result<Heard<T>> {
    let error = match read {
        Ok(rows) => return Ok(Ok(rows)),
        Err(error) => error,
    };
    let is_refused = error.status() == Status::Permanent && error.kind() != ErrorKind::Unauthenticated;
    if is_refused || has_code(&error, NO_LICENCE) {
        return Ok(Err(Without::Refused(error)));
    }
    Err(error)
}

fn below_an_id(without: Without) -> Without {
    match without {
        Without::Refused(error) if has_code(&error, NOT_FOUND) => Without::Gone(error),
        without => without,
    }
}

fn has_code(error: &Error, code: &str) -> bool {
    ServerFault::of(error).is_some_and(|fault| fault.code == code)
}
