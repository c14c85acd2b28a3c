//! Learnt quotas against a bucket as Okta's: no refusal of our own doing, nearly all of the share.

use std::time::Duration;

use futures::FutureExt;
use proptest::prelude::*;

use super::okta::{Bucket, MINUTE, Run, Seen, USERS, governed, learning, others, paused};
use super::{millis, roomy, seconds, some};
use crate::limits::OperationClass::{Named, Read};
use crate::limits::{Feedback, Quota, Signal, WindowHint, clock};

fn sum(windows: &[Seen], of: impl Fn(&Seen) -> u32) -> u32 {
    windows.iter().map(of).sum()
}

/// Permits of a window that are ours, worked out apart from the governor.
fn ours(limit: u32, share: f64, part: Option<f64>) -> u32 {
    let permits = f64::from(limit).min(share * f64::from(limit) / part.unwrap_or(1.0));
    ((permits + 1e-6) as u32).max(1)
}

#[test]
fn alone_nearly_all_of_the_share_is_used_without_a_refusal() {
    let cases = [
        // Limit, share, the principal's part where it could be read.
        (600, 0.5, None),
        (300, 0.5, Some(0.5)),
        (300, 1.0, None),
        (600, 1.0, Some(1.0)),
        (100, 0.9, None),
        (50, 0.5, None),
        (2_000, 0.8, Some(0.9)),
    ];
    for (limit, share, part) in cases {
        for into_second in [0, 1, 500, 999] {
            let (windows, stats) = paused(async {
                let bucket = Bucket::new(limit, millis(into_second));
                let governor = governed(&learning(share, 40));
                if let Some(part) = part {
                    governor.set_principal_part(part);
                }
                Run { lanes: 40, ..Run::new(7) }.against(&governor, &bucket).await;
                (bucket.windows(), governor.quotas()[0])
            });
            let mine = ours(limit, share, part);
            let used = f64::from(sum(&windows, |seen| seen.ours)) / f64::from(3 * mine);
            let most = windows.iter().map(|seen| seen.ours).max().unwrap();
            println!(
                "limit {limit} share {share} part {part:?} +{into_second} ms: {:.2} % of the share, at most {most} of {mine} in a window",
                100.0 * used
            );
            assert_eq!(sum(&windows, |seen| seen.refused), 0);
            assert!(used >= 0.98, "{used}");
            assert!(most <= mine);
            assert_eq!(stats.limit, Some(limit));
            assert!(stats.used_part().unwrap() >= 0.98, "{stats:?}");
        }
    }
}

#[test]
fn before_the_first_answer_one_goes() {
    paused(async {
        let governor = governed(&learning(1.0, 64));
        let permit = governor.acquire(USERS, 1).await;
        assert!(clock::within(seconds(30), governor.acquire(USERS, 1)).await.is_err());
        assert_eq!(governor.quotas()[0].limit, None);
        let hint = WindowHint::by_server_clock(600, 599, 60, 29);
        governor.feedback(&Feedback::new(USERS, Signal::Ok).with_window(hint));
        // The rate is the learnt one at once, even while the permit is out.
        let begin = clock::instant();
        drop(governor.acquire(USERS, 1).await);
        assert!(begin.elapsed() <= millis(102), "{:?}", begin.elapsed());
        drop(permit);
    });
}

#[test]
fn without_hints_what_is_assumed_holds() {
    paused(async {
        let governor = governed(&learning(0.5, 64));
        let begin = clock::instant();
        let mut count = 0;
        while begin.elapsed() < MINUTE * 3 {
            drop(governor.acquire(USERS, 1).await);
            governor.feedback(&Feedback::new(USERS, Signal::Ok));
            count += 1;
        }
        assert!((89..=91).contains(&count), "{count}");
        assert_eq!(governor.quotas()[0].limit, None);
    });
}

#[test]
fn a_restart_in_mid_window_uses_what_is_left_and_no_more() {
    // What the process before used: evenly, all, and nothing.
    for (ago, before) in [(30, 148), (30, 300), (59, 299), (45, 0)] {
        let windows = paused(async {
            let bucket = Bucket::new(300, millis(400)).with_open_window(seconds(ago), before);
            let governor = governed(&learning(1.0, 10));
            Run::new(3).against(&governor, &bucket).await;
            bucket.windows()
        });
        // Where all was used, one request meets a refusal and then there is nothing until the reset.
        let (refused, idle) = if before == 300 { (1, 60 - ago) } else { (0, 0) };
        let fair = 300.0 * (180 - idle) as f64 / 60.0;
        let used = f64::from(sum(&windows, |seen| seen.ours)) / fair;
        println!("restart {ago} s into a window with {before} used: {:.2} % of the share", 100.0 * used);
        assert_eq!(sum(&windows, |seen| seen.refused), refused);
        // A window that has no time left for what it has left costs that.
        assert!(used >= 0.98, "{used}");
    }
}

#[test]
fn a_limit_that_changes_is_followed() {
    for (from, to) in [(300, 600), (600, 300), (600, 60)] {
        let windows = paused(async {
            let bucket = Bucket::new(from, millis(400));
            let governor = governed(&learning(0.5, 10));
            let run = Run { time: MINUTE * 5, ..Run::new(5) };
            let change = async {
                clock::sleep(seconds(90)).await;
                bucket.set_limit(to);
            };
            futures::join!(run.against(&governor, &bucket), change);
            assert_eq!(governor.quotas()[0].limit, Some(to));
            bucket.windows()
        });
        println!("{from} to {to}: {:?}", windows.iter().map(|seen| seen.ours).collect::<Vec<_>>());
        // Where more is used already than there is now, the server says so to what is under way.
        let under_way = if to < from / 4 { 10 } else { 0 };
        assert!(sum(&windows, |seen| seen.refused) <= under_way, "{windows:?}");
        for seen in &windows[3..5] {
            // A window need not end with a whole request.
            let full = f64::from(seen.ours + 1) >= 0.98 * f64::from(to / 2);
            assert!(seen.ours <= to / 2 && full, "{seen:?}");
        }
    }
}

#[test]
fn the_part_of_the_bucket_raises_the_share_and_a_raised_part_does_not_exceed_it() {
    paused(async {
        let governor = governed(&learning(0.5, 10));
        let tell = |limit: u32, reset: u64| {
            let hint = WindowHint::by_server_clock(limit, limit - 1, reset, reset - 60);
            governor.feedback(&Feedback::new(USERS, Signal::Ok).with_window(hint));
            governor.quotas()[0].allowed
        };
        assert_eq!(tell(300, 60), 150.0, "where the part is not known, the limit counts as the bucket");
        governor.set_principal_part(0.5);
        assert_eq!(governor.quotas()[0].allowed, 300.0);
        assert_eq!(tell(600, 120), 300.0, "the whole of the bucket is told now, and half of it is ours");
        assert_eq!(tell(150, 180), 150.0, "never more than the limit");
        governor.set_principal_part(1.0);
        assert_eq!(tell(600, 240), 75.0, "half of 150, until the part is told anew");
        governor.set_principal_part(1.0);
        assert_eq!(governor.quotas()[0].allowed, 300.0);
        for nonsense in [f64::NAN, 0.0, -1.0, 50.0, f64::INFINITY] {
            governor.set_principal_part(nonsense);
            assert_eq!(governor.quotas()[0].allowed, 300.0, "{nonsense}");
        }
    });
}

#[test]
fn a_limit_is_learnt_from_a_window_that_is_just_over() {
    paused(async {
        let governor = governed(&learning(0.5, 10));
        let hint = WindowHint::by_server_clock(600, 599, 60, 60);
        governor.feedback(&Feedback::new(USERS, Signal::Ok).with_window(hint));
        let stats = governor.quotas()[0];
        assert_eq!((stats.limit, stats.allowed, stats.remaining), (Some(600), 300.0, None));
        assert_eq!(stats.time_for(600), MINUTE * 2);
    });
}

#[test]
fn an_order_of_several_requests_pays_for_them_once() {
    // Orders of three requests, each answered, on a permit of three.
    let windows = paused(async {
        let bucket = Bucket::new(300, millis(100));
        let quota = Quota::learnt("users", some(60), MINUTE, USERS).with_cost(USERS, 3);
        let governor = governed(&roomy(10).with_quota(quota));
        let until = clock::instant() + MINUTE * 3;
        while clock::instant() < until {
            let permit = governor.acquire(USERS, 1).await;
            for _ in 0..3 {
                let (signal, hint) = bucket.arrive(true);
                clock::sleep(millis(50)).await;
                governor.feedback(&Feedback::new(USERS, signal).with_window(hint).with_latency(millis(50)));
            }
            drop(permit);
        }
        bucket.windows()
    });
    let used = f64::from(sum(&windows, |seen| seen.ours)) / 900.0;
    println!("orders of three requests: {:.2} % of the share", 100.0 * used);
    assert_eq!(sum(&windows, |seen| seen.refused), 0);
    assert!(used >= 0.98, "{used}");
}

#[test]
fn others_keep_their_part_and_refusals_are_few() {
    // What others send a minute, of 600 of which 360 are ours.
    for rate in [60, 240, 400, 1_200] {
        let windows = paused(async {
            let bucket = Bucket::new(600, millis(700));
            let governor = governed(&learning(0.6, 10));
            let run = Run { time: MINUTE * 6, ..Run::new(11) };
            futures::join!(run.against(&governor, &bucket), others(&bucket, rate, run.time, 2));
            bucket.windows()
        });
        println!("{rate} others a minute: {windows:?}");
        for seen in &windows {
            assert!(seen.ours <= 360, "{seen:?}");
            assert!(seen.others_refused == 0 || seen.others >= 240, "their part was taken: {seen:?}");
            assert!(seen.refused <= 3, "{seen:?}");
        }
        let rest = 360.min(600_u32.saturating_sub(rate));
        let used = sum(&windows[1..6], |seen| seen.ours);
        assert!(f64::from(used) >= 0.9 * f64::from(5 * rest), "{used} of five times {rest}");
    }
}

#[test]
fn too_many_at_once_is_no_window_and_no_long_pause() {
    for signal in [Signal::Throttled, Signal::Busy] {
        paused(async {
            let governor = governed(&learning(1.0, 40));
            let served = WindowHint::by_server_clock(600, 599, 60, 0);
            drop(governor.acquire(USERS, 1).await);
            governor.feedback(&Feedback::new(USERS, Signal::Ok).with_window(served));
            let (before, ceiling) = (governor.quotas()[0], governor.stats().ceiling);
            let crowded = Feedback::new(USERS, signal).with_window(WindowHint::by_server_clock(0, 0, 60, 0));
            for _ in 0..5 {
                governor.feedback(&crowded);
            }
            let after = governor.quotas()[0];
            assert_eq!((after.limit, after.remaining, after.allowed), (Some(600), Some(599), before.allowed));
            let stats = governor.stats();
            assert!(stats.ceiling <= ceiling / 2);
            assert_eq!((stats.busy, stats.throttled), (5, 0));
            let begin = clock::instant();
            drop(governor.acquire(Read, 1).await);
            assert!((millis(500)..=millis(1_001)).contains(&begin.elapsed()), "{:?}", begin.elapsed());
        });
    }
}

#[test]
fn a_refusal_that_tells_of_a_window_holds_its_class_alone() {
    paused(async {
        let governor = governed(&learning(1.0, 40));
        let ceiling = governor.stats().ceiling;
        let hint = |remaining, reset| WindowHint::by_server_clock(600, remaining, reset, 1_000);
        let refused = |class, hint| governor.feedback(&Feedback::new(class, Signal::Throttled).with_window(hint));
        refused(USERS, hint(0, 1_040));
        // So does a class without a quota.
        refused(Named("logs"), hint(0, 1_020));
        assert_eq!((governor.stats().closed_until, governor.stats().ceiling), (None, ceiling));
        assert_eq!((governor.stats().throttled, governor.quotas()[0].refused), (2, 1));
        assert_eq!(governor.quotas()[0].remaining, Some(0));
        let waits = async |class| {
            let begin = clock::instant();
            drop(governor.acquire(class, 1).await);
            begin.elapsed()
        };
        let (read, logs, users) = futures::join!(waits(Read), waits(Named("logs")), waits(USERS));
        assert_eq!(read, Duration::ZERO);
        assert!((seconds(20)..=millis(21_001)).contains(&logs), "{logs:?}");
        assert!((seconds(40)..=millis(41_001)).contains(&users), "{users:?}");

        // With permits left it is refused for something else; one of a window that is over is late.
        refused(Named("logs"), hint(7, 1_060));
        let pause = waits(Named("logs")).await;
        assert!((seconds(1)..=millis(2_001)).contains(&pause), "the second in a row: {pause:?}");
        refused(Named("logs"), WindowHint::by_server_clock(600, 0, 1_000, 999));
        assert!(governor.acquire(Named("logs"), 1).now_or_never().is_some());
    });
}

#[test]
fn an_answer_that_is_lost_counts_as_used() {
    let windows = paused(async {
        let bucket = Bucket::new(120, millis(250));
        let governor = governed(&learning(1.0, 10));
        Run { lost: 5, time: MINUTE * 6, ..Run::new(23) }.against(&governor, &bucket).await;
        bucket.windows()
    });
    println!("every fifth answer lost: {windows:?}");
    assert_eq!(sum(&windows, |seen| seen.refused), 0);
    assert!(sum(&windows, |seen| seen.ours) >= 600);
}

#[derive(Clone, Debug)]
struct Scene {
    limit: u32,
    share: f64,
    part: Option<f64>,
    into_second: u64,
    /// How long ago the window was opened, where one is open; the process before went evenly.
    open: Option<u64>,
    travel: (u64, u64),
    lanes: u32,
    seed: u64,
}

fn scene() -> impl Strategy<Value = Scene> {
    let part = proptest::option::of(0.2_f64..=1.0);
    let fields = (40_u32..1_200, 0.3_f64..=1.0, part, 0_u64..1_000, proptest::option::of(1_u64..60));
    (fields, (1_u64..3_000, 1_u64..6_000), 1_u32..60, any::<u64>()).prop_map(
        |((limit, share, part, into_second, open), travel, lanes, seed)| Scene {
            limit,
            share,
            part,
            into_second,
            open,
            travel,
            lanes,
            seed,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn alone_there_is_never_a_refusal(scene in scene()) {
        let mine = ours(scene.limit, scene.share, scene.part);
        let run = Run {
            lanes: scene.lanes,
            travel: (millis(scene.travel.0), millis(scene.travel.1)),
            ..Run::new(scene.seed)
        };
        let windows = paused(async {
            let mut bucket = Bucket::new(scene.limit, millis(scene.into_second));
            if let Some(ago) = scene.open {
                let used = f64::from(mine) * ago as f64 / 60.5;
                bucket = bucket.with_open_window(seconds(ago), used as u32);
            }
            let governor = governed(&learning(scene.share, scene.lanes));
            if let Some(part) = scene.part {
                governor.set_principal_part(part);
            }
            run.against(&governor, &bucket).await;
            bucket.windows()
        });
        prop_assert_eq!(sum(&windows, |seen| seen.refused), 0, "{:?}", windows);
        for seen in &windows {
            prop_assert!(seen.ours <= mine, "{:?} of {}", windows, mine);
        }
        // As far as the lanes suffice; the first answer is waited for.
        let trip = (run.travel.0 + run.travel.1).as_secs_f64();
        let by_lanes = f64::from(scene.lanes) / 4.0 / trip * 60.0;
        if by_lanes >= f64::from(mine) {
            let used = f64::from(sum(&windows, |seen| seen.ours)) + 1.0;
            let fair = f64::from(mine) * (3.0 - 2.0 * trip / 60.0);
            prop_assert!(used >= 0.98 * fair, "{} of {}: {:?}", used, fair, windows);
        }
    }
}
