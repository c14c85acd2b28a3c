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
    /// Refused for pace (429, a bucket that is empty). With a [`WindowHint`] only its class waits,
    /// without one all do.
    Throttled,
    /// Refused for load (503, LDAP busy or unavailable, too many requests at once), or no answer
    /// in time: a pause of our own for all, and a part of the requests at once.
    Busy,
}

/// What a server says of its current window (the rate-limit headers of an HTTP API).
///
/// A `limit` of 0 tells of no window (Okta answers its limit of requests at once so): it is not
/// learnt, and a [`Signal::Throttled`] that brings it counts as [`Signal::Busy`], whose pause is
/// short. With any other limit, a `Throttled` concerns the class alone: its window is over after
/// `resets_in`, and the other classes go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowHint {
    /// Permits per window.
    pub limit: u32,
    /// Permits left in this window.
    pub remaining: u32,
    /// How long until the window ends: by the server's clock (its `Date`), rounded up, so that
    /// the window is over by then.
    pub resets_in: Duration,
    /// When the window ends by the server's clock, in seconds since 1970. It tells windows apart
    /// whatever order and however late the answers come; without it, that is judged by
    /// `resets_in`.
    pub ends_at: Option<u64>,
}

impl WindowHint {
    /// What a server says of a window whose end it does not name.
    #[must_use]
    pub fn new(limit: u32, remaining: u32, resets_in: Duration) -> Self {
        Self { limit, remaining, resets_in, ends_at: None }
    }

    /// What a server says with the second at which its window ends, `date` being the second at
    /// which it said so; both in seconds since 1970, by its own clock.
    ///
    /// ```
    /// use identity_core::limits::WindowHint;
    /// use std::time::Duration;
    ///
    /// // x-rate-limit-limit, -remaining, -reset; Date.
    /// let hint = WindowHint::by_server_clock(600, 599, 1_700_000_060, 1_700_000_000);
    /// assert_eq!((hint.resets_in, hint.ends_at), (Duration::from_secs(60), Some(1_700_000_060)));
    /// ```
    #[must_use]
    pub fn by_server_clock(limit: u32, remaining: u32, reset: u64, date: u64) -> Self {
        let resets_in = Duration::from_secs(reset.saturating_sub(date));
        Self { ends_at: Some(reset), ..Self::new(limit, remaining, resets_in) }
    }
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
