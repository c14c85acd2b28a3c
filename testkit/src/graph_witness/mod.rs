//! A second witness: Microsoft's own description of Graph (CSDL). It knows nothing of the mock nor of
//! a backend, and reads what was asked and answered in a run: types, properties, values of enums,
//! actions and their parameters.
//!
//! The description is no part of the project, and has the part of v1.0 that is about identities.
//! Where it cannot be read, a test has to say so aloud and check nothing: [`NotRun`] has the words.

mod check;
mod metadata;

use std::collections::BTreeSet;
use std::path::PathBuf;

use thiserror::Error;

use crate::mock_graph::Exchange;
use metadata::Metadata;

/// The environment variable that names the file of the description.
pub const VARIABLE: &str = "IDENTITY_RESET_GRAPH_CSDL";

/// Where it is looked for otherwise: beside the repository.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/specs/graph-v1-identity.csdl");

/// Reads exchanges by Microsoft's description.
#[derive(Debug)]
pub struct Witness(Metadata);

/// Nothing was checked, since the description is not there.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("NOT RUN: the metadata of Graph cannot be read from {}: {because}; {VARIABLE} names its file", path.display())]
pub struct NotRun {
    path: PathBuf,
    because: String,
}

/// What the witness says of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Findings {
    /// What does not fit the description, each with its request.
    pub mistakes: Vec<String>,
    /// What was met and is not in the cut description: nothing is known of whether it was right. A
    /// test has to expect these by name.
    pub absent: BTreeSet<String>,
}

impl Witness {
    /// Reads the description from the file that [`VARIABLE`] names, or from
    /// `../shared/specs/graph-v1-identity.csdl` beside the repository.
    ///
    /// # Errors
    /// [`NotRun`] when there is none, or it is not Graph's.
    pub fn load() -> Result<Self, NotRun> {
        let path = std::env::var_os(VARIABLE).map_or_else(|| PathBuf::from(BESIDE), PathBuf::from);
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
        match text.and_then(|text| Metadata::read(&text)) {
            Ok(metadata) => Ok(Self(metadata)),
            Err(because) => Err(NotRun { path, because }),
        }
    }

    /// Holds the exchanges of a run against the description. Requests for tokens are not Graph's, and
    /// of refusals only the form is looked at.
    #[must_use]
    pub fn findings(&self, exchanges: &[Exchange]) -> Findings {
        check::findings(&self.0, exchanges)
    }
}
