//! What came of one order.

use std::time::Duration;

use jiff::Timestamp;

use super::Secret;
use crate::error::{Error, Status};

/// What came of one order.
#[derive(Debug)]
pub enum Outcome {
    /// The directory confirmed it.
    Done(Receipt),
    /// The directory refused, and will refuse again; nothing was changed.
    Refused(Error),
    /// The directory asked us to slow down; nothing was changed.
    Throttled(Error),
    /// It failed without effect and may succeed later.
    Temporary(Error),
    /// Bytes may have left and no answer came: read back before anything is repeated.
    Unknown(Error),
}

/// What the directory said when it confirmed.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Receipt {
    /// When, by the directory's clock, where it says so.
    pub at: Option<Timestamp>,
    /// The server's own id of the request.
    pub request_id: Option<String>,
    /// A secret that the server generated (a temporary password, a recovery link): sealed before
    /// the next order of that account.
    pub server_secret: Option<Secret>,
}

impl Receipt {
    /// Adds the time by the directory's clock.
    #[must_use]
    pub fn with_time(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// Adds the server's id of the request.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// Adds a secret that the server generated.
    #[must_use]
    pub fn with_server_secret(mut self, secret: Secret) -> Self {
        self.server_secret = Some(secret);
        self
    }
}

impl From<Error> for Outcome {
    /// Sorts an error by its kind and status.
    fn from(error: Error) -> Self {
        match error.status() {
            Status::Unknown => Self::Unknown(error),
            Status::Temporary if error.kind() == crate::error::ErrorKind::RateLimited => Self::Throttled(error),
            Status::Temporary => Self::Temporary(error),
            Status::Permanent | Status::Persistent => Self::Refused(error),
        }
    }
}

impl Outcome {
    /// A confirmation without particulars.
    #[must_use]
    pub fn done() -> Self {
        Self::Done(Receipt::default())
    }

    /// The error, unless done.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Done(_) => None,
            Self::Refused(error) | Self::Throttled(error) | Self::Temporary(error) | Self::Unknown(error) => {
                Some(error)
            }
        }
    }

    /// How long the directory asked us to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.error().and_then(Error::retry_after)
    }
}
