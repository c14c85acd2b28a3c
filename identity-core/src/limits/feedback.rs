//! What a server's response says about pace.

use std::time::Duration;

use super::OperationClass;

/// What one response said about pace. Backends tell every one to [`Governor::feedback`].
///
/// [`Governor::feedback`]: super::Governor::feedback
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Feedback {
    /// The class of the operation that was answered.
    pub class: OperationClass,
    /// What the response says.
    pub signal: Signal,
    /// How long the answer took. It also says when the request left: an answer to a request that
    /// was under way when the gate closed does not count as new trouble. Answers of one class are
    /// compared with each other, so leave it out of `Ok` where it says nothing about load (a page
    /// of a thousand rows among single look-ups).
    pub latency: Option<Duration>,
    /// How long the server asked us to wait.
    pub retry_after: Option<Duration>,
    /// What the server says of its current window.
    pub window: Option<WindowHint>,
}

/// What a response says about pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Served.
    Ok,
    /// Served, but the server says that it will soon refuse: fewer requests at once, no pause.
    Strained,
    /// Refused for pace (429, a bucket that is empty).
    Throttled,
    /// Refused for load (503, LDAP busy or unavailable), or no answer in time.
    Busy,
}

/// What a server says of its current window (the rate-limit headers of an HTTP API).
///
/// A `limit` of 0 says nothing and is passed over (Okta answers its concurrency limit so).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowHint {
    /// Permits per window.
    pub limit: u32,
    /// Permits left in this window.
    pub remaining: u32,
    /// How long until the window ends: by the server's clock (its `Date`), rounded up, so that
    /// the window is over by then.
    pub resets_in: Duration,
}

impl Feedback {
    /// A response with this signal and nothing more.
    #[must_use]
    pub fn new(class: OperationClass, signal: Signal) -> Self {
        Self { class, signal, latency: None, retry_after: None, window: None }
    }

    /// Adds how long the answer took.
    #[must_use]
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = Some(latency);
        self
    }

    /// Adds how long the server asked us to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Adds what the server says of its window.
    #[must_use]
    pub fn with_window(mut self, window: WindowHint) -> Self {
        self.window = Some(window);
        self
    }
}
