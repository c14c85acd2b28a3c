//! A second witness: Okta's own description of its Management API (OpenAPI) and its list of error
//! codes. It knows nothing of the mock nor of a backend, and reads what was asked and answered in a
//! run: paths, methods, parameters, bodies, statuses, and the words of refusals.
//!
//! The description is closed where OpenAPI leaves it open: a member that is not described is found.
//! Both files are no part of the project. Where one cannot be read, a test has to say so aloud and
//! check nothing: [`NotRun`] has the words.

mod amended;
mod check;
mod codes;
mod description;
mod schema;
mod yaml;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

use crate::mock_http::Exchange;
use codes::Codes;
use description::Description;

/// The environment variable that names the file of the description.
pub const OPENAPI: &str = "IDENTITY_RESET_OKTA_OPENAPI";

/// The environment variable that names the file of the error codes.
pub const ERROR_CODES: &str = "IDENTITY_RESET_OKTA_ERROR_CODES";

/// Where they are looked for otherwise: beside the repository.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/specs");

/// Reads exchanges by Okta's description and its list of error codes.
#[derive(Debug)]
pub struct Witness {
    description: Description,
    codes: Codes,
}

/// Nothing was checked, since a file is not there.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("NOT RUN: {} cannot be read: {because}; {variable} names the file", path.display())]
pub struct NotRun {
    variable: &'static str,
    path: PathBuf,
    because: String,
}

/// What the witness says of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Findings {
    /// What does not fit the description, each once, with the operation and the place where it was
    /// met. Places in lists are `*`.
    pub mistakes: BTreeSet<String>,
    /// What was met and is not in the cut description: nothing is known of whether it was right. A
    /// test has to expect these by name.
    pub absent: BTreeSet<String>,
    /// The operations that were met, as method and path of the description.
    pub operations: BTreeSet<String>,
}

/// One request and its answer, as far as the description speaks of them.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// The path as it was sent.
    pub path: &'a str,
    /// The query as it was sent.
    pub query: Option<&'a str>,
    /// The body of the request; null where there was none.
    pub body: &'a Value,
    /// The status of the answer; `None` where there was none.
    pub status: Option<u16>,
    /// The body of the answer; null where there was none.
    pub answer: &'a Value,
}

impl<'a> From<&'a Exchange> for Seen<'a> {
    fn from(exchange: &'a Exchange) -> Self {
        Self {
            method: &exchange.method,
            path: &exchange.path,
            query: exchange.query.as_deref(),
            body: &exchange.body,
            status: exchange.status,
            answer: &exchange.answer,
        }
    }
}

impl Witness {
    /// Reads the files that [`OPENAPI`] and [`ERROR_CODES`] name, or `okta-management-reset.yaml` and
    /// `okta-error-codes.json` of `../shared/specs` beside the repository. Where Okta was recorded to
    /// answer otherwise than its description says, the recordings are believed: see
    /// [`amendments`](Self::amendments).
    ///
    /// # Errors
    /// [`NotRun`] when one is not there, or is not Okta's.
    pub fn load() -> Result<Self, NotRun> {
        Self::read(Description::amended)
    }

    /// The same with the description as Okta publishes it.
    ///
    /// # Errors
    /// [`NotRun`] when a file is not there, or is not Okta's.
    pub fn as_published() -> Result<Self, NotRun> {
        Self::read(Description::published)
    }

    fn read(description: fn(&str) -> Result<Description, String>) -> Result<Self, NotRun> {
        let description = read(OPENAPI, "okta-management-reset.yaml", description)?;
        let codes = read(ERROR_CODES, "okta-error-codes.json", Codes::read)?;
        Ok(Self { description, codes })
    }

    /// In words, where [`load`](Self::load) departs from what Okta publishes.
    pub fn amendments() -> impl Iterator<Item = &'static str> {
        amended::AMENDMENTS.iter().map(|one| one.words)
    }

    /// Holds exchanges against the description. Of what was refused for its form (400, 404, 405) only
    /// the refusal is read: the mistake may be a test's own.
    #[must_use]
    pub fn findings<'a>(&self, exchanges: impl IntoIterator<Item = impl Into<Seen<'a>>>) -> Findings {
        let mut findings = Findings::default();
        for seen in exchanges {
            check::check(&self.description, &self.codes, seen.into(), &mut findings);
        }
        findings
    }

    /// The scopes of which an operation wants one, by method and path as it is sent; `None` where the
    /// description has no such operation.
    #[must_use]
    pub fn scopes(&self, method: &str, path: &str) -> Option<&[String]> {
        self.description.operation(method, path).ok().map(|found| found.operation.scopes.as_slice())
    }
}

fn read<T>(variable: &'static str, name: &str, parse: fn(&str) -> Result<T, String>) -> Result<T, NotRun> {
    let path = std::env::var_os(variable).map_or_else(|| Path::new(BESIDE).join(name), PathBuf::from);
    let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
    text.and_then(|text| parse(&text)).map_err(|because| NotRun { variable, path, because })
}
