//! The one clock. Everything that waits, waits here, on tokio's time: a paused runtime runs hours
//! in milliseconds, and the time in records moves with it.
#![expect(clippy::disallowed_methods, reason = "this is the room where time is read and waited for")]

use std::fmt;
use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Now, on tokio's monotonic clock.
#[must_use]
pub fn instant() -> Instant {
    Instant::now()
}

/// Waits.
pub async fn sleep(wait: Duration) {
    tokio::time::sleep(wait).await;
}

/// Waits until then; at once when it is past.
pub async fn sleep_until(then: Instant) {
    tokio::time::sleep_until(then).await;
}

/// Waits for `future`, but no longer than `limit`; then the future is dropped.
///
/// ```
/// use identity_core::limits::clock;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(clock::within(Duration::from_secs(1), async { 7 }).await, Ok(7));
/// let never = std::future::pending::<()>();
/// assert!(clock::within(Duration::from_millis(1), never).await.is_err());
/// # }
/// ```
///
/// # Errors
/// [`Elapsed`] when the future was not ready in time.
pub async fn within<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    tokio::time::timeout(limit, future).await.map_err(|_| Elapsed { limit })
}

/// The time of [`within`] was over before its future was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Elapsed {
    /// How long was waited.
    pub limit: Duration,
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {:?}", self.limit)
    }
}

impl std::error::Error for Elapsed {}

/// Now, as a date and time. Within a process it advances with tokio's clock, so that virtual time
/// shows in records; it starts at the machine's clock.
#[must_use]
pub fn now() -> Timestamp {
    static START: OnceLock<(Timestamp, Instant)> = OnceLock::new();
    let (date, instant) = START.get_or_init(|| (Timestamp::now(), Instant::now()));
    // Only a duration of centuries does not fit; then the start is the best that can be said.
    date.checked_add(instant.elapsed()).unwrap_or(*date)
}
