//! Reads that may be refused: what is refused leaves the survey open, and says what it needed.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::http::{Request, ServerFault};
use identity_core::limits::{OperationClass, clock};
use serde::de::DeserializeOwned;

use super::survey::Survey;
use crate::dialect::code;
use crate::graph::Graph;
use crate::permissions::{Granted, Need, has};
use crate::wire::page::Page;

pub(super) const OPERATION: &str = "read privileges";
/// Reads of this kind that are under way at once; the governor has the last word.
const AT_ONCE: usize = 8;
/// How Privileged Identity Management says that the tenant has no licence for it: with status 400, under
/// several names; and as premium reports say it.
const NO_LICENCE: [&str; 3] = ["AadPremiumLicenseRequired", "PimLicenseRequired", code::NO_LICENCE];
/// Licensed tenants are at times refused as if they were not: so often it is asked before it is believed.
const ASKED: u32 = 3;
const PAUSE: std::time::Duration = std::time::Duration::from_secs(2);

/// Why there are no rows.
#[derive(Debug)]
pub(super) enum Without {
    /// The tenant has no licence, so that there are none.
    Licence,
    /// It was refused; there may be some.
    Refused(Error),
}

/// The rows, or why there are none.
pub(super) type Heard<T> = Result<Vec<T>, Without>;

/// Reads, and collects what was found and what was not.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) graph: &'a Graph,
    /// What the token says was granted; `None` where it says nothing.
    pub(super) granted: Option<Granted>,
    pub(super) survey: Survey,
    /// Principals of which it is known what they are, or that they are gone.
    pub(super) told: BTreeSet<String>,
}

impl Reader<'_> {
    /// All rows of a listing.
    ///
    /// # Errors
    /// When it could not be read now and may be later, or when signing in failed.
    pub(super) async fn rows<T>(&self, class: OperationClass, request: Request) -> Result<Heard<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let mut asked = 0;
        loop {
            asked += 1;
            let error = match self.graph.list(OPERATION, class, request.clone()).try_collect().await {
                Ok(rows) => return Ok(Ok(rows)),
                Err(error) => error,
            };
            if has_code(&error, &[code::NO_LICENCE]) && asked < ASKED {
                clock::sleep(PAUSE).await;
                continue;
            }
            return refused(error).map(Err);
        }
    }

    /// The rows of one listing for each of these, in their order; the first pages go together.
    ///
    /// # Errors
    /// As of [`Reader::rows`].
    pub(super) async fn rows_of_each<T>(
        &self,
        class: OperationClass,
        ids: &[String],
        request: impl Fn(&str) -> Request,
    ) -> Result<Vec<(String, Heard<T>)>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let requests: Vec<Request> = ids.iter().map(|id| request(id)).collect();
        let pages = self.graph.together::<Page<T>>(OPERATION, class, &requests).await?;
        let reads: Vec<_> = ids.iter().cloned().zip(requests).zip(pages).collect();
        let reads = stream::iter(reads)
            .map(|((id, request), page)| async move {
                match page {
                    Some(page) if page.next.is_none() => Ok((id, Ok(page.value))),
                    _ => Ok((id, self.rows(class, request).await?)),
                }
            })
            .buffered(AT_ONCE);
        reads.try_collect().await
    }

    /// One object for each of these, in their order: see [`Reader::one`].
    ///
    /// # Errors
    /// As of [`Reader::rows`].
    pub(super) async fn one_of_each<T>(&self, requests: Vec<Request>) -> Result<Vec<Result<Option<T>, Without>>>
    where
        T: DeserializeOwned + Send,
    {
        let answers = self.graph.together::<T>(OPERATION, OperationClass::Read, &requests).await?;
        let reads: Vec<_> = requests.into_iter().zip(answers).collect();
        let reads = stream::iter(reads)
            .map(|(request, answer)| async move {
                match answer {
                    Some(object) => Ok(Ok(Some(object))),
                    None => self.one(request).await,
                }
            })
            .buffered(AT_ONCE);
        reads.try_collect().await
    }

    /// One object; `None` where it is not there.
    ///
    /// # Errors
    /// As of [`Reader::rows`].
    pub(super) async fn one<T: DeserializeOwned>(&self, request: Request) -> Result<Result<Option<T>, Without>> {
        match self.graph.one(OPERATION, OperationClass::Read, &request).await {
            Ok(object) => Ok(Ok(Some(object))),
            Err(error) if has_code(&error, &[code::NOT_FOUND]) => Ok(Ok(None)),
            Err(error) => refused(error).map(Err),
        }
    }

    /// The rows; where they were refused the survey says so.
    pub(super) fn taken<T>(&mut self, need: Need, of: Option<&str>, heard: Heard<T>) -> Vec<T> {
        match heard {
            Ok(rows) => rows,
            Err(without) => {
                self.gap(need, of, without);
                Vec::new()
            }
        }
    }

    /// Says that something could not be read.
    pub(super) fn gap(&mut self, need: Need, of: Option<&str>, without: Without) {
        let of = of.map_or_else(String::new, |of| format!(" ({of})"));
        let least = need.any_of.first().copied().unwrap_or_default();
        let why = match without {
            Without::Licence => "the service says that there is no licence for it".to_owned(),
            Without::Refused(error) => error.detail().to_owned(),
        };
        let advice = match &self.granted {
            Some(granted) if has(granted, need.any_of) => {
                format!("although the token has a permission for it ({least})")
            }
            _ => format!("grant the app {least}"),
        };
        let gap = format!("{}{of} could not be read: {why}; {advice}", need.what);
        if !self.survey.gaps.contains(&gap) {
            self.survey.gaps.push(gap);
        }
    }
}

/// What a refusal means; an error when it is none.
fn refused(error: Error) -> Result<Without> {
    if has_code(&error, &NO_LICENCE) {
        return Ok(Without::Licence);
    }
    if error.status() == Status::Permanent && error.kind() != ErrorKind::Unauthenticated {
        return Ok(Without::Refused(error));
    }
    Err(error)
}

fn has_code(error: &Error, codes: &[&str]) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<ServerFault>());
    source.is_some_and(|fault| {
        let is = |code: &&str| fault.code.eq_ignore_ascii_case(code) || fault.inner_code.as_deref() == Some(*code);
        codes.iter().any(is)
    })
}
