//! The one clock. Everything that waits, waits here, on tokio's time: a paused runtime runs hours
//! in milliseconds, and the time in records moves with it.
#![expect(clippy::disallowed_methods, reason = "this is the room where time is read and waited for")]

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

/// Now, as a date and time. Within a process it advances with tokio's clock, so that virtual time
/// shows in records; it starts at the machine's clock.
#[must_use]
pub fn now() -> Timestamp {
    static START: OnceLock<(Timestamp, Instant)> = OnceLock::new();
    let (date, instant) = START.get_or_init(|| (Timestamp::now(), Instant::now()));
    // Only a duration of centuries does not fit; then the start is the best that can be said.
    date.checked_add(instant.elapsed()).unwrap_or(*date)
}
