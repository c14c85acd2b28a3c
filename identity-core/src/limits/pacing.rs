//! How a governor reacts: the numbers behind gate, backoff and adaptive ceiling.

use std::time::Duration;

/// How a [`Governor`](super::Governor) reacts to what servers say. The defaults suit the
/// directories that we know.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Pacing {
    /// The longest that a server can make us pause, whatever it asks for. Default 1 hour.
    pub longest_pause: Duration,
    /// The first pause after a refusal without Retry-After; it doubles with each refusal that
    /// follows and is cut by chance to between half and whole. Default 1 second.
    pub first_pause: Duration,
    /// The longest of our own pauses. Default 60 seconds.
    pub own_pause_cap: Duration,
    /// The in-flight ceiling is cut when answers take this many times as long as they used to.
    /// Default 3.
    pub slow_factor: f64,
    /// An answer faster than this is never slow. Default 50 milliseconds.
    pub never_slow: Duration,
    /// The seed of the random choices (jitter); `None` takes one from the operating system.
    pub seed: Option<u64>,
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            longest_pause: Duration::from_secs(3600),
            first_pause: Duration::from_secs(1),
            own_pause_cap: Duration::from_secs(60),
            slow_factor: 3.0,
            never_slow: Duration::from_millis(50),
            seed: None,
        }
    }
}

impl Pacing {
    /// Makes the random choices repeatable.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the longest that a server can make us pause.
    #[must_use]
    pub fn with_longest_pause(mut self, pause: Duration) -> Self {
        self.longest_pause = pause;
        self
    }
}
