//! Reads that are repeated while a repeat can help.

use std::future::Future;

use super::{Governor, RetryCause, RetryPolicy, clock};
use crate::error::{Result, Status};

/// Reads, and reads again while the error is temporary or no answer came, by `policy`.
///
/// For reads only: a write whose answer did not come is observed, not repeated. A read takes its
/// own permits, request by request, and keeps its own deadlines; see
/// [`directory`](crate::directory).
///
/// ```
/// use identity_core::error::{Error, ErrorKind};
/// use identity_core::limits::{Governor, Limits, RetryPolicy, retried_read};
/// use std::{num::NonZeroU32, sync::atomic::{AtomicU32, Ordering}, time::Duration};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> identity_core::error::Result<()> {
/// let governor = Governor::new(&Limits::new(NonZeroU32::MIN, NonZeroU32::MIN));
/// let policy = RetryPolicy::default().with_backoff(Duration::from_millis(1), Duration::from_millis(2));
/// let asked = AtomicU32::new(0);
/// let name = retried_read(&governor, &policy, async || {
///     match asked.fetch_add(1, Ordering::Relaxed) {
///         0 => Err(Error::new(ErrorKind::Unavailable, "look up")),
///         _ => Ok("alice"),
///     }
/// })
/// .await?;
/// assert_eq!(name, "alice");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The error of the last attempt, with the number of attempts; [`Status::Persistent`] where a
/// repeat could have helped but policy or budget allow no more.
pub async fn retried_read<T, F, A>(governor: &Governor, policy: &RetryPolicy, mut read: F) -> Result<T>
where
    T: Send,
    F: FnMut() -> A + Send,
    A: Future<Output = Result<T>> + Send,
{
    let (mut faults, mut throttled) = (0, 0);
    loop {
        let error = match read().await {
            Ok(value) => {
                governor.retry_budget().deposit();
                return Ok(value);
            }
            Err(error) => error,
        };
        let cause = RetryCause::from(&error);
        let count = if cause == RetryCause::Throttled { &mut throttled } else { &mut faults };
        *count += 1;
        let count = *count;
        let error = error.with_attempts(faults + throttled);
        if !error.is_temporary() && cause != RetryCause::Timeout {
            return Err(error);
        }
        let delay = match cause {
            RetryCause::Throttled => governor.throttled_delay(policy, count, error.retry_after()),
            _ => governor.retry_delay(policy, count, error.retry_after()),
        };
        match delay {
            Some(delay) if governor.retry_budget().withdraw(cause) => clock::sleep(delay).await,
            _ => return Err(error.with_status(Status::Persistent)),
        }
    }
}
