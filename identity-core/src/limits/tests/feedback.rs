//! Feedback: the gate, the learnt window, the adaptive ceiling.

use std::time::Duration;

use futures::FutureExt;

use super::{millis, roomy, seconds, writes};
use crate::limits::OperationClass::{Named, Read, Write};
use crate::limits::{Feedback, Governor, OperationClass, Pacing, Signal, WindowHint, clock};

fn said(signal: Signal) -> Feedback {
    Feedback::new(Write, signal)
}

fn window(remaining: u32, resets_in: Duration) -> WindowHint {
    WindowHint::new(100, remaining, resets_in)
}

async fn waits(governor: &Governor, class: OperationClass) -> Duration {
    let begin = clock::instant();
    drop(governor.acquire(class, 1).await);
    begin.elapsed()
}

#[tokio::test(start_paused = true)]
async fn retry_after_stops_every_lane() {
    let governor = Governor::new(&roomy(64));
    governor.feedback(&said(Signal::Throttled).with_retry_after(seconds(30)));
    assert!(governor.stats().closed_until.is_some());
    let (write, read, named) =
        futures::join!(waits(&governor, Write), waits(&governor, Read), waits(&governor, Named("reports")));
    assert_eq!([write, read, named], [seconds(30); 3]);
    assert!(governor.stats().closed_until.is_none());
    assert_eq!(governor.stats().waited, seconds(90));
}

#[tokio::test(start_paused = true)]
async fn reads_beside_wait_for_no_write_but_for_all_else() {
    let governor = Governor::new(&roomy(4).with_reads_beside(2));
    // The ceiling begins at one: as many go beside it.
    let write = governor.acquire(Write, 1).await;
    let read = governor.acquire(Read, 1).await;
    assert_eq!(governor.stats().in_flight, 2);
    assert!(governor.acquire(Read, 1).now_or_never().is_none(), "one beside a ceiling of one");
    assert!(governor.acquire(Named("reports"), 1).now_or_never().is_none(), "it is no read");
    drop(read);
    let read = governor.acquire(Read, 1).now_or_never();
    assert!(read.is_some());
    assert!(governor.acquire(Write, 1).now_or_never().is_none(), "a read takes no room of a write, nor gives it any");
    drop(write);
    let write = governor.acquire(Write, 1).now_or_never();
    assert!(write.is_some());
    governor.feedback(&said(Signal::Throttled).with_retry_after(seconds(30)));
    drop(read);
    assert_eq!(waits(&governor, Read).await, seconds(30), "a pause is for everybody");
}

#[tokio::test(start_paused = true)]
async fn the_longest_retry_after_holds_and_a_hostile_one_is_capped() {
    let governor = Governor::new(&roomy(64));
    governor.feedback(&said(Signal::Busy).with_retry_after(seconds(20)));
    governor.feedback(&said(Signal::Busy).with_retry_after(seconds(5)));
    assert_eq!(waits(&governor, Write).await, seconds(20));
    governor.feedback(&said(Signal::Busy).with_retry_after(Duration::MAX));
    assert_eq!(waits(&governor, Write).await, seconds(3600));

    let governor = Governor::with_pacing(&roomy(64), Pacing::default().with_longest_pause(seconds(60)));
    governor.feedback(&said(Signal::Busy).with_retry_after(seconds(86_400)));
    assert_eq!(waits(&governor, Write).await, seconds(60));
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_closes_for_longer_holds_those_who_wait_already() {
    let governor = Governor::new(&roomy(64));
    governor.feedback(&said(Signal::Throttled).with_retry_after(seconds(5)));
    let longer = async {
        clock::sleep(seconds(3)).await;
        governor.feedback(&said(Signal::Throttled).with_retry_after(seconds(10)));
    };
    let (waited, ()) = futures::join!(waits(&governor, Write), longer);
    assert_eq!(waited, seconds(13));
}

#[tokio::test(start_paused = true)]
async fn our_own_pauses_grow_and_a_success_ends_that() {
    let governor = Governor::with_pacing(&roomy(64), Pacing::default().with_seed(1));
    for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
        // Absent or zero, Retry-After says nothing; the many refusals of one moment count once.
        governor.feedback(&said(Signal::Throttled).with_retry_after(Duration::ZERO));
        for _ in 0..20 {
            governor.feedback(&said(Signal::Busy));
        }
        let waited = waits(&governor, Write).await;
        // The timer ticks in milliseconds.
        assert!(waited >= seconds(pause) / 2 && waited <= seconds(pause) + millis(1), "{waited:?} of {pause} s");
    }
    governor.feedback(&said(Signal::Ok).with_latency(millis(1)));
    clock::sleep(millis(5)).await;
    governor.feedback(&said(Signal::Ok).with_latency(millis(1)));
    governor.feedback(&said(Signal::Busy));
    assert!(waits(&governor, Write).await <= millis(1_001));
}

#[tokio::test(start_paused = true)]
async fn a_success_that_left_before_the_gate_closed_proves_nothing() {
    let governor = Governor::with_pacing(&roomy(64), Pacing::default().with_seed(1));
    governor.feedback(&said(Signal::Busy));
    let first = waits(&governor, Write).await;
    governor.feedback(&said(Signal::Ok).with_latency(first + millis(10)));
    governor.feedback(&said(Signal::Busy));
    assert!(waits(&governor, Write).await >= seconds(1), "the second pause is from 1 to 2 seconds");
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_used_up_holds_its_class_until_it_ends() {
    let governor = Governor::new(&roomy(64));
    governor.feedback(&said(Signal::Ok).with_window(window(2, seconds(40))));
    let (first, second) = (governor.acquire(Write, 1).await, governor.acquire(Write, 1).await);
    assert!(governor.acquire(Write, 1).now_or_never().is_none(), "what is out counts as used");
    governor.feedback(&said(Signal::Ok).with_window(window(1, seconds(40))));
    drop(first);
    governor.feedback(&said(Signal::Ok).with_window(window(0, seconds(40))));
    drop(second);
    assert_eq!(waits(&governor, Read).await, Duration::ZERO);
    assert_eq!(waits(&governor, Write).await, seconds(40));
}

#[tokio::test(start_paused = true)]
async fn hints_out_of_order_do_not_raise_what_is_left() {
    let governor = Governor::new(&roomy(64));
    governor.feedback(&said(Signal::Ok).with_window(window(0, seconds(40))));
    governor.feedback(&said(Signal::Ok).with_window(window(3, seconds(41))));
    governor.feedback(&said(Signal::Ok).with_window(window(90, seconds(2))));
    assert_eq!(waits(&governor, Write).await, seconds(40));
}

#[tokio::test(start_paused = true)]
async fn the_share_of_a_learnt_window_is_left_to_others() {
    let governor = Governor::new(&roomy(64).with_quota(writes(100_000, seconds(1)).with_share(0.8)));
    governor.feedback(&said(Signal::Ok).with_window(window(21, seconds(60))));
    assert!(waits(&governor, Write).await < seconds(1));
    governor.feedback(&said(Signal::Ok).with_window(window(20, seconds(60))));
    assert!(waits(&governor, Write).await >= seconds(59));
}

#[tokio::test(start_paused = true)]
async fn hints_that_make_no_sense_do_no_harm() {
    let governor = Governor::new(&roomy(64));
    let hint = |limit, remaining, resets_in| said(Signal::Ok).with_window(WindowHint::new(limit, remaining, resets_in));
    governor.feedback(&hint(0, 0, seconds(60)));
    assert_eq!(waits(&governor, Write).await, Duration::ZERO, "Okta's 0 of 0 is no window");
    governor.feedback(&hint(10, 0, Duration::ZERO));
    assert_eq!(waits(&governor, Write).await, Duration::ZERO);
    governor.feedback(&hint(1, u32::MAX, Duration::MAX));
    assert_eq!(waits(&governor, Write).await, Duration::ZERO);
    governor.feedback(&hint(1, 0, Duration::MAX));
    assert_eq!(waits(&governor, Write).await, seconds(3600));
}

/// Serves `rounds` rounds of as many requests as may be out.
async fn serve(governor: &Governor, rounds: u32, latency: Duration) {
    for _ in 0..rounds {
        let mut permits = Vec::new();
        while let Some(permit) = governor.acquire(Write, 1).now_or_never() {
            permits.push(permit);
        }
        clock::sleep(latency).await;
        for permit in permits {
            governor.feedback(&said(Signal::Ok).with_latency(latency));
            drop(permit);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_ceiling_doubles_until_trouble_and_then_climbs_by_ones() {
    let governor = Governor::new(&roomy(64));
    assert_eq!(governor.stats().ceiling, 16);
    serve(&governor, 2, millis(20)).await;
    assert_eq!(governor.stats().ceiling, 64);
    serve(&governor, 3, millis(20)).await;
    assert_eq!(governor.stats().ceiling, 64, "never above the limit");
    assert_eq!(governor.batch_room(OperationClass::Write), 8, "an eighth: others are in flight meanwhile");

    governor.feedback(&said(Signal::Busy).with_retry_after(seconds(1)));
    assert_eq!(governor.stats().ceiling, 8, "few pass an opening gate");
    assert_eq!(governor.batch_room(OperationClass::Write), 1);
    clock::sleep(seconds(1)).await;
    serve(&governor, 2, millis(20)).await;
    assert_eq!(governor.stats().ceiling, 32, "quickly to the half");
    serve(&governor, 4, millis(20)).await;
    assert!((35..=36).contains(&governor.stats().ceiling), "{}", governor.stats().ceiling);
}

#[tokio::test(start_paused = true)]
async fn the_ceiling_never_falls_below_one_and_grows_only_where_it_binds() {
    let governor = Governor::new(&roomy(64));
    for _ in 0..20 {
        governor.feedback(&said(Signal::Throttled).with_latency(Duration::ZERO).with_retry_after(seconds(1)));
        clock::sleep(seconds(2)).await;
    }
    assert_eq!(governor.stats().ceiling, 1);
    assert_eq!(waits(&governor, Write).await, Duration::ZERO);
    let permit = governor.acquire(Write, 20).await;
    assert_eq!(governor.stats().in_flight, 20, "a batch above the ceiling goes alone");
    assert!(governor.acquire(Write, 1).now_or_never().is_none());
    drop(permit);

    let governor = Governor::new(&roomy(64));
    for _ in 0..100 {
        let permit = governor.acquire(Write, 1).await;
        governor.feedback(&said(Signal::Ok));
        drop(permit);
    }
    assert_eq!(governor.stats().ceiling, 16, "one at a time says nothing about seventeen");
}

#[tokio::test(start_paused = true)]
async fn answers_that_become_slow_lower_the_ceiling() {
    let governor = Governor::new(&roomy(32));
    serve(&governor, 5, millis(40)).await;
    assert_eq!(governor.stats().ceiling, 32);
    serve(&governor, 1, millis(60)).await;
    assert_eq!(governor.stats().ceiling, 32);
    serve(&governor, 4, millis(400)).await;
    assert!(governor.stats().ceiling <= 16, "{}", governor.stats().ceiling);
    assert!(governor.stats().closed_until.is_none());

    let quick = Governor::new(&roomy(32));
    serve(&quick, 5, millis(1)).await;
    serve(&quick, 5, millis(20)).await;
    assert_eq!(quick.stats().ceiling, 32, "20 ms are not slow, whatever was before");
}

#[tokio::test(start_paused = true)]
async fn what_was_said_is_counted() {
    let governor = Governor::new(&roomy(4));
    for signal in [Signal::Ok, Signal::Ok, Signal::Throttled, Signal::Busy] {
        governor.feedback(&said(signal));
    }
    let stats = governor.stats();
    assert_eq!((stats.requests, stats.throttled, stats.busy), (4, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_strained_server_gets_half_as_many_at_once_and_no_pause() {
    let governor = Governor::new(&roomy(64));
    let before = governor.stats().ceiling;
    let permits = futures::future::join_all((0..before).map(|_| governor.acquire(Write, 1))).await;
    governor.feedback(&said(Signal::Strained));
    governor.feedback(&said(Signal::Strained));
    let stats = governor.stats();
    assert_eq!(stats.ceiling, before / 2, "answers of the same moment cut once");
    assert_eq!((stats.throttled, stats.busy, stats.closed_until), (0, 0, None));
    drop(permits);
    governor.feedback(&said(Signal::Strained));
    assert_eq!(governor.stats().ceiling, before / 4);
}
