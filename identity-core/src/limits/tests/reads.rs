//! Reads that are repeated.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{millis, roomy, seconds};
use crate::error::{Error, ErrorKind, Result, Status};
use crate::limits::{Governor, OperationClass, Pacing, RetryBudget, RetryPolicy, clock, retried_read};

fn governor() -> std::sync::Arc<Governor> {
    Governor::with_pacing(&roomy(4).with_deadline(seconds(10)), Pacing::default().with_seed(3))
}

/// Reads with an error of this kind so many times, then well; also says how often it was asked.
async fn read(governor: &Governor, kind: ErrorKind, times: u32) -> (Result<u32>, u32) {
    let asked = AtomicU32::new(0);
    let result = retried_read(governor, &RetryPolicy::default(), async || {
        let asked = asked.fetch_add(1, Ordering::Relaxed);
        if asked < times { Err(Error::new(kind, "look up")) } else { Ok(asked) }
    })
    .await;
    (result, asked.into_inner())
}

#[tokio::test(start_paused = true)]
async fn what_can_help_is_repeated() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Transport, ErrorKind::Timeout, ErrorKind::RateLimited] {
        let (result, asked) = read(&governor(), kind, 3).await;
        assert_eq!((result.unwrap(), asked), (3, 4), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_is_not() {
    let (result, asked) = read(&governor(), ErrorKind::InsufficientPrivilege, 1).await;
    let error = result.unwrap_err();
    assert_eq!((error.status(), error.attempts(), asked), (Status::Permanent, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn in_the_end_it_is_persistent_and_says_how_often() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Timeout] {
        let (result, asked) = read(&governor(), kind, u32::MAX).await;
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.status(), error.attempts(), asked), (kind, Status::Persistent, 4, 4));
    }
}

#[tokio::test(start_paused = true)]
async fn being_throttled_is_not_failing() {
    let governor = governor();
    let (result, asked) = read(&governor, ErrorKind::RateLimited, 40).await;
    assert_eq!((result.unwrap(), asked), (40, 41));
    assert_eq!(governor.retry_budget().tokens(), RetryBudget::FULL);
    let (result, asked) = read(&governor, ErrorKind::RateLimited, u32::MAX).await;
    assert_eq!((result.unwrap_err().status(), asked), (Status::Persistent, 50));
}

#[tokio::test(start_paused = true)]
async fn an_outage_spends_the_budget_once_for_all() {
    let governor = governor();
    let mut asked = 0;
    for _ in 0..200 {
        asked += read(&governor, ErrorKind::Unavailable, u32::MAX).await.1;
    }
    // 200 first attempts, and 500 tokens at 5 a retry.
    assert_eq!(asked, 300);
}

#[tokio::test(start_paused = true)]
async fn the_wait_is_at_least_what_was_asked() {
    let governor = governor();
    let first = AtomicU32::new(1);
    let begin = clock::instant();
    let read = async || match first.swap(0, Ordering::Relaxed) {
        1 => Err(Error::new(ErrorKind::Unavailable, "look up").with_retry_after(seconds(25))),
        _ => Ok(()),
    };
    let policy = RetryPolicy::default();
    retried_read(&governor, &policy, read).await.unwrap();
    assert!(begin.elapsed() >= seconds(25) && begin.elapsed() < seconds(25) + millis(10), "{:?}", begin.elapsed());
}

#[test]
fn it_can_be_spawned() {
    fn spawnable<T: Send>(_: &T) {}
    let governor = governor();
    let policy = RetryPolicy::never();
    let wait = async || -> Result<()> {
        clock::sleep(Duration::ZERO).await;
        Ok(())
    };
    spawnable(&retried_read(&governor, &policy, wait));
    spawnable(&governor.acquire(OperationClass::Read, 1));
}
