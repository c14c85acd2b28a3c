//! How fast whole runs of the engine go, in virtual time: nearly all of the share, and never a refusal
//! for pace that the run brought on itself.

use std::sync::Arc;
use std::time::Duration;

use backend_okta::OktaDirectory;
use identity_core::directory::RateLimitedBatching as _;
use identity_core::limits::{QuotaStats, clock};
use identity_core::reset::Action;
use jiff::SignedDuration;
use testkit::mock_okta::{Bucket, BucketUse, MockOkta, MockOktaBuilder, OktaUser};

use crate::campaign::Campaign;
use crate::inside::{config, connect};
use crate::stage::{of, ordinary};

const SET: Action = Action::SetPassword { must_change: false };
const TEMPORARY: Action = Action::SetTemporaryPassword;
const LATENCY: Duration = Duration::from_millis(50);
/// What a token may do in a minute in the buckets that write: the half of 600.
const SHARE: f64 = 300.0;
/// Three windows of it.
const THREE_WINDOWS: usize = 900;

fn org() -> MockOktaBuilder {
    of(3_000).okta_mastered_share(95).latency(LATENCY)
}

fn bucket(mock: &MockOkta, wanted: Bucket) -> BucketUse {
    mock.buckets().into_iter().find(|used| used.bucket == wanted).unwrap()
}

fn quota(directory: &OktaDirectory, name: &str) -> QuotaStats {
    directory.governor().quotas().into_iter().find(|quota| quota.name == name).unwrap()
}

/// The part of `a_minute` that was used from the first order to the last of this action.
async fn part(campaign: &Campaign, action: Action, a_minute: f64) -> f64 {
    let (count, seconds) = campaign.course(action).await;
    count as f64 / (seconds / 60.0 * a_minute)
}

fn assert_never_refused(mock: &MockOkta) {
    assert_eq!((mock.counts().throttled, mock.counts().over_concurrency), (0, 0), "{:?}", mock.counts());
    assert!(mock.buckets().iter().all(|used| used.refused == 0), "{:?}", mock.buckets());
}

/// Plans at a time when the buckets are fresh, so that what planning used does not count.
async fn planned(directory: &Arc<OktaDirectory>, users: &[OktaUser], actions: &[Action]) -> Campaign {
    let campaign = Campaign::planned(directory, users, actions).await;
    clock::sleep(Duration::from_secs(90)).await;
    campaign
}

#[tokio::test(start_paused = true)]
async fn generated_passwords_use_the_whole_share_over_three_windows_and_are_never_refused() {
    let mock = org().build();
    let directory = connect(config(&mock)).await;
    let users = ordinary(&mock, THREE_WINDOWS);
    let campaign = planned(&directory, &users, &[SET]).await.finished().await;
    assert_never_refused(&mock);
    let part = part(&campaign, SET, SHARE).await;
    let (count, seconds) = campaign.course(SET).await;
    println!("set: {count} in {seconds:.1} s are {part:.4} of the share; {:?}", quota(&directory, "user-write"));
    assert_eq!((count, mock.record().len()), (THREE_WINDOWS, THREE_WINDOWS), "each once");
    assert!((0.98..=1.02).contains(&part), "{part:.4} of the share in {seconds:.1} s");
    assert!(bucket(&mock, Bucket::UserWrite).most_in_window <= 300);
}

/// Two runs of one directory, one by each bucket: both buckets are used at the same time, by one
/// governor.
#[tokio::test(start_paused = true)]
async fn a_mix_of_generated_and_temporary_passwords_uses_both_buckets_side_by_side() {
    let mock = org().build();
    let directory = connect(config(&mock)).await;
    let users = ordinary(&mock, 2 * THREE_WINDOWS);
    let (ours, theirs) = users.split_at(THREE_WINDOWS);
    let by_us = Campaign::planned(&directory, ours, &[SET]).await;
    let by_okta = planned(&directory, theirs, &[TEMPORARY]).await;
    let begun = clock::instant();
    let (by_us, by_okta) = tokio::join!(by_us.finished(), by_okta.finished());
    let took = begun.elapsed().as_secs_f64();
    assert_never_refused(&mock);
    let parts = (part(&by_us, SET, SHARE).await, part(&by_okta, TEMPORARY, SHARE).await);
    println!("mix: {} passwords in {took:.1} s, {parts:?} of the two shares", mock.record().len());
    assert_eq!(mock.record().len(), 2 * THREE_WINDOWS, "each once");
    assert!(parts.0 >= 0.98 && parts.1 >= 0.98, "{parts:?}");
}

/// In one plan: what is set goes by one bucket, and the sessions by the other.
#[tokio::test(start_paused = true)]
async fn passwords_and_sessions_of_one_plan_go_by_two_buckets() {
    let mock = org().build();
    let directory = connect(config(&mock)).await;
    let users = ordinary(&mock, THREE_WINDOWS);
    let campaign = planned(&directory, &users, &[SET, Action::RevokeSessions]).await.finished().await;
    assert_never_refused(&mock);
    let (set, revoked) = (campaign.course(SET).await, campaign.course(Action::RevokeSessions).await);
    println!("one plan: {set:?} passwords, {revoked:?} revocations (number, seconds to the last)");
    assert_eq!((set.0, revoked.0), (THREE_WINDOWS, THREE_WINDOWS));
    // Both in the time of one of them, and not one after the other.
    assert!(THREE_WINDOWS as f64 / (set.1 / 60.0 * SHARE) >= 0.98, "{set:?}");
    assert!(THREE_WINDOWS as f64 / (revoked.1 / 60.0 * SHARE) >= 0.95, "{revoked:?}");
}

/// Others use 400 of 600 in each window: 200 are left, and those are used.
#[tokio::test(start_paused = true)]
async fn what_others_leave_is_used_and_no_more() {
    let mock = org().others(Bucket::UserWrite, 400).build();
    let directory = connect(config(&mock)).await;
    let users = ordinary(&mock, 600);
    let campaign = planned(&directory, &users, &[SET]).await.finished().await;
    assert_never_refused(&mock);
    let part = part(&campaign, SET, 200.0).await;
    println!("beside others: {:?} are {part:.4} of what they leave", campaign.course(SET).await);
    // A last window that begins is used by as much as is there.
    assert!(part >= 0.98, "{part:.4}");
}

/// Others take a whole window in a moment: that is refused once or a few times, and waited out.
#[tokio::test(start_paused = true)]
async fn a_window_that_others_emptied_is_waited_out_and_every_password_is_set_once() {
    for twice in [false, true] {
        let described = if twice { org().duplicate_rate_headers() } else { org() };
        let mock = described.build();
        let directory = connect(config(&mock)).await;
        let users = ordinary(&mock, 600);
        let campaign = planned(&directory, &users, &[SET]).await;
        let others = async {
            // Twenty seconds of the window that the first order opens.
            while mock.record().is_empty() {
                clock::sleep(Duration::from_millis(100)).await;
            }
            clock::sleep(Duration::from_secs(20)).await;
            mock.others_use(Bucket::UserWrite, 600);
        };
        let (campaign, ()) = tokio::join!(campaign.finished(), others);
        let used = bucket(&mock, Bucket::UserWrite);
        let (count, seconds) = campaign.course(SET).await;
        println!("emptied, headers twice {twice}: {count} in {seconds:.1} s, {} refused", used.refused);
        assert_eq!((count, mock.record().len()), (600, 600), "each once");
        // What was under way in that moment is refused; nothing is sent after it until the window ends.
        assert!((1..=10).contains(&used.refused), "{used:?}");
        // 100 before it, a window without any, and the rest.
        assert!(seconds < 60.0 + 500.0 / SHARE * 60.0 + 10.0, "{seconds:.1} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_on_either_side_changes_nothing() {
    for hours in [-3, 5] {
        let mock = org().build();
        mock.set_clock_skew(SignedDuration::from_hours(hours) + SignedDuration::from_millis(700));
        let directory = connect(config(&mock)).await;
        let users = ordinary(&mock, THREE_WINDOWS);
        let campaign = planned(&directory, &users, &[TEMPORARY]).await.finished().await;
        assert_never_refused(&mock);
        let part = part(&campaign, TEMPORARY, SHARE).await;
        println!("a clock {hours} h off: {part:.4} of the share");
        assert!(part >= 0.98, "{part:.4}");
    }
}

/// Fewer at once than the run would have: the org says so with a limit of 0 and 0 left, and the buckets
/// are what they were.
#[tokio::test(start_paused = true)]
async fn too_many_at_once_is_fewer_at_once_and_no_pause_of_a_bucket() {
    let mock = org().without_quotas().concurrency(6, 100).latency(Duration::from_millis(400)).build();
    let directory = connect(config(&mock).in_flight(10)).await;
    let users = ordinary(&mock, 900);
    let campaign = planned(&directory, &users, &[TEMPORARY]).await.finished().await;
    let counts = mock.counts();
    let (count, seconds) = campaign.course(TEMPORARY).await;
    let part = part(&campaign, TEMPORARY, SHARE).await;
    println!(
        "six at once: {count} in {seconds:.1} s ({part:.4} of the share), {} times too many",
        counts.over_concurrency
    );
    assert_eq!((count, mock.record().len()), (900, 900), "each once");
    assert!(counts.over_concurrency > 0, "nothing was tried here");
    assert!(counts.over_concurrency <= 60, "{counts:?}");
    let stats = quota(&directory, "users");
    assert_eq!(stats.limit, Some(300), "{stats:?}");
    // Five orders a second at 400 ms, and as many reads before them, are four at once.
    assert!(part >= 0.9, "{part:.4}");
}

/// The look before each touch has room of its own: the orders have all that is configured for them.
#[tokio::test(start_paused = true)]
async fn without_limits_a_run_is_limited_by_what_is_in_flight_alone() {
    const IN_FLIGHT: u32 = 10;
    for (actions, users, least) in [(&[TEMPORARY][..], 3_000, 0.95), (&[SET, Action::RevokeSessions][..], 1_200, 0.92)]
    {
        let mock = of(4_600).okta_mastered_share(95).latency(LATENCY).without_quotas().build();
        let directory = connect(config(&mock).without_quotas().in_flight(IN_FLIGHT)).await;
        let users = ordinary(&mock, users);
        let campaign = Campaign::planned(&directory, &users, actions).await;
        let begun = clock::instant();
        let campaign = campaign.finished().await;
        let whole = begun.elapsed().as_secs_f64();
        let (count, seconds) = campaign.course(actions[actions.len() - 1]).await;
        // What a loop takes that sends the same orders, as many in flight, and does nothing else.
        let bare = (count * actions.len()) as f64 / f64::from(IN_FLIGHT) * LATENCY.as_secs_f64();
        let (orders, fixed) = (bare / seconds, whole - seconds);
        println!(
            "{actions:?}: {count} accounts, {orders:.3} of a bare loop from the first order to the last, {:.3} with all \
             before and after ({fixed:.2} s, whatever the size)",
            bare / whole
        );
        assert_eq!(count, users.len());
        assert!(orders >= 0.95, "{orders:.3} of a bare loop");
        // What is before and after does not grow with the accounts: 0.95 of a whole run is from 2,900 orders on.
        assert!(bare / whole >= least, "{:.3} of a bare loop", bare / whole);
        // As many orders, and as many looks beside them.
        assert!(mock.counts().most_in_flight <= u64::from(2 * IN_FLIGHT), "{:?}", mock.counts());
    }
}
