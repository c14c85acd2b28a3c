//! What a response says about pace.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::limits::{Signal, WindowHint};

/// What a response says about pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pace {
    /// Served, strained, refused for pace, refused for load.
    pub signal: Signal,
    /// How long the server asked us to wait.
    pub retry_after: Option<Duration>,
    /// What it says of its window.
    pub window: Option<WindowHint>,
}

impl Pace {
    /// A signal and nothing more.
    #[must_use]
    pub fn new(signal: Signal) -> Self {
        Self { signal, retry_after: None, window: None }
    }

    /// What status and Retry-After say: 429 is throttled, 502, 503 and 504 are busy.
    #[must_use]
    pub fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        todo!()
    }

    /// Adds what the server says of its window.
    #[must_use]
    pub fn with_window(mut self, window: WindowHint) -> Self {
        self.window = Some(window);
        self
    }

    /// Adds how long the server asked us to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

/// How long `Retry-After` asks us to wait: seconds, or a date by the server's own clock (its
/// `Date`). `None` when there is none or it cannot be read.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    todo!()
}

/// What the server's clock says: its `Date`.
#[must_use]
pub fn server_date(headers: &HeaderMap) -> Option<Timestamp> {
    todo!()
}
