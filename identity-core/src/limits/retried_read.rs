//! Reads that are repeated while a repeat can help.

use std::future::Future;

use super::{Feedback, Governor, OperationClass, RetryCause, RetryPolicy, Signal, clock};
use crate::error::{Error, ErrorKind, Result, Status};

/// Reads, and reads again while the error is temporary or no answer came, by `policy`.
///
/// Each attempt waits for a permit for `operations` operations of `class` and may take as long as
/// [`Limits::deadline`](super::Limits::deadline). For reads only: a write whose answer did not
/// come is observed, not repeated. The read tells its responses to [`Governor::feedback`] itself;
/// a missed deadline is told here.
///
/// ```
/// use identity_core::error::{Error, ErrorKind};
/// use identity_core::limits::{Governor, Limits, OperationClass, RetryPolicy, retried_read};
/// use std::{num::NonZeroU32, sync::atomic::{AtomicU32, Ordering}, time::Duration};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> identity_core::error::Result<()> {
/// let governor = Governor::new(&Limits::new(NonZeroU32::MIN, NonZeroU32::MIN));
/// let policy = RetryPolicy::default().with_backoff(Duration::from_millis(1), Duration::from_millis(2));
/// let asked = AtomicU32::new(0);
/// let name = retried_read(&governor, OperationClass::Read, 1, &policy, "look up", async || {
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
/// repeat could have helped but policy or budget allow no more. [`ErrorKind::Timeout`] when the
/// last attempt missed the deadline.
pub async fn retried_read<T, F, A>(
    governor: &Governor,
    class: OperationClass,
    operations: u32,
    policy: &RetryPolicy,
    operation: &'static str,
    mut read: F,
) -> Result<T>
where
    T: Send,
    F: FnMut() -> A + Send,
    A: Future<Output = Result<T>> + Send,
{
    let (mut faults, mut throttled) = (0, 0);
    loop {
        let permit = governor.acquire(class, operations).await;
        let answer = clock::within(governor.deadline(), read()).await;
        drop(permit);
        let error = match answer {
            Ok(Ok(value)) => {
                governor.retry_budget().deposit();
                return Ok(value);
            }
            Ok(Err(error)) => error,
            Err(elapsed) => missed(governor, class, operation, elapsed),
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

/// The deadline of an attempt is over: the governor hears of it, since no response will tell it.
fn missed(governor: &Governor, class: OperationClass, operation: &'static str, elapsed: clock::Elapsed) -> Error {
    governor.feedback(&Feedback::new(class, Signal::Busy).with_latency(elapsed.limit));
    Error::new(ErrorKind::Timeout, operation)
        .with_detail(elapsed.to_string())
        .with_advice("the directory is slow or out of reach: see its load and the network, or raise the deadline")
        .with_source(elapsed)
}
