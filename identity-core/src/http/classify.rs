//! What an HTTP status means for a read and for a write.

use http::StatusCode;

use super::Effect;
use crate::error::{ErrorKind, Status};

/// What a refusal means: the kind and status of the error, and what can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// Whether trying again can help.
    pub status: Status,
    /// What the user can do.
    pub advice: Option<String>,
}

impl Verdict {
    /// An error of `kind` and `status`.
    #[must_use]
    pub fn new(kind: ErrorKind, status: Status) -> Self {
        Self { kind, status, advice: None }
    }

    /// Says what the user can do.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// What a status other than 2xx means.
#[must_use]
pub fn classify(status: StatusCode, effect: Effect, of_account: bool) -> Verdict {
    todo!()
}
