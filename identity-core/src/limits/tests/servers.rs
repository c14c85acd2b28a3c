//! Whole runs against simulated servers: how long they take, and how often the server had to say no.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use super::{millis, roomy, seconds, writes};
use crate::limits::OperationClass::Write;
use crate::limits::{Feedback, Governor, Limits, Pacing, Signal, WindowHint, clock};

const LATENCY: Duration = Duration::from_millis(50);

/// A server that allows so many requests in a fixed window, which the first request opens.
struct Server {
    limit: u32,
    window: Duration,
    /// Tells its window with each response, as Okta does; otherwise Retry-After on refusals, as Graph does.
    tells: bool,
    open: Mutex<Option<(Instant, u32)>>,
}

impl Server {
    fn new(limit: u32, window: Duration, tells: bool) -> Self {
        Self { limit, window, tells, open: Mutex::new(None) }
    }

    fn state(&self) -> MutexGuard<'_, Option<(Instant, u32)>> {
        self.open.lock().unwrap()
    }

    async fn serve(&self) -> Feedback {
        clock::sleep(LATENCY / 2).await;
        let (resets_in, remaining, signal) = {
            let now = clock::instant();
            let mut state = self.state();
            let (opened, used) = state.filter(|(opened, _)| now < *opened + self.window).unwrap_or((now, 0));
            *state = Some((opened, used + 1));
            let signal = if used < self.limit { Signal::Ok } else { Signal::Throttled };
            (opened + self.window - now, self.limit.saturating_sub(used + 1), signal)
        };
        clock::sleep(LATENCY / 2).await;
        let feedback = Feedback::new(Write, signal).with_latency(LATENCY);
        if self.tells {
            feedback.with_window(WindowHint::new(self.limit, remaining, resets_in))
        } else if signal == Signal::Throttled {
            feedback.with_retry_after(resets_in)
        } else {
            feedback
        }
    }
}

/// Resets so many accounts with 64 lanes; how long it took, and how many refusals there were.
async fn run(limits: &Limits, server: &Server, accounts: u32) -> (Duration, u64) {
    let governor = Governor::new(limits);
    let left = AtomicU32::new(accounts);
    let begin = clock::instant();
    join_all((0..64).map(|_| async {
        while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            loop {
                let permit = governor.acquire(Write, 1).await;
                let feedback = server.serve().await;
                governor.feedback(&feedback);
                drop(permit);
                if feedback.signal == Signal::Ok {
                    break;
                }
            }
        }
    }))
    .await;
    (begin.elapsed(), governor.stats().throttled)
}

#[tokio::test(start_paused = true)]
async fn headers_alone_are_enough_for_no_refusal() {
    let server = Server::new(600, seconds(60), true);
    let (took, refused) = run(&roomy(64), &server, 6_000).await;
    // Nine whole windows, and the time that the tenth window's work takes.
    let ideal = seconds(540);
    assert_eq!(refused, 0);
    assert!(took < ideal.mul_f64(1.02), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_quota_at_the_documented_rate_gets_no_refusal() {
    let server = Server::new(200, seconds(10), false);
    let limits = roomy(64).with_quota(writes(200, seconds(10)));
    let (took, refused) = run(&limits, &server, 6_000).await;
    assert_eq!(refused, 0);
    assert!(took < seconds(300).mul_f64(1.02), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn without_quota_or_headers_the_gate_still_uses_most_of_it() {
    let server = Server::new(200, seconds(10), false);
    let (took, refused) = run(&roomy(64), &server, 6_000).await;
    let ideal = seconds(290);
    assert!(took < ideal.mul_f64(1.06), "{took:?}");
    // Each window ends with the refusals of what is out at that moment.
    assert!(refused < 30 * 32, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn an_opening_gate_lets_no_stampede_through() {
    let governor = Governor::with_pacing(&roomy(64), Pacing::default().with_seed(1));
    let sent = Mutex::new(Vec::new());
    let busy_until = clock::instant() + seconds(10);
    join_all((0..200).map(|_| async {
        loop {
            let permit = governor.acquire(Write, 1).await;
            sent.lock().unwrap().push(clock::instant());
            clock::sleep(LATENCY).await;
            let busy = clock::instant() < busy_until;
            let signal = if busy { Signal::Busy } else { Signal::Ok };
            governor.feedback(&Feedback::new(Write, signal).with_latency(LATENCY));
            drop(permit);
            if !busy {
                break;
            }
        }
    }))
    .await;
    // The first sixteen meet a busy server; after that each opening of the gate sends a few.
    let sent = sent.into_inner().unwrap();
    let while_busy = sent.iter().filter(|instant| **instant + LATENCY < busy_until).count();
    assert!((17..=16 + 2 + 4).contains(&while_busy), "{while_busy}");
    let after = |wait| sent.iter().filter(|instant| (busy_until..busy_until + wait).contains(*instant)).count();
    assert!(after(seconds(17)) >= 200, "{}", after(seconds(17)));
}

#[tokio::test(start_paused = true)]
async fn without_limits_the_room_in_flight_is_filled() {
    let server = Server::new(u32::MAX, seconds(60), false);
    let (took, refused) = run(&roomy(64), &server, 64_000).await;
    assert_eq!(refused, 0);
    assert!(took < millis(50) * 1_010, "{took:?}");
}
