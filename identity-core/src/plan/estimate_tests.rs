use std::num::NonZeroU32;

use super::*;

const WRITE: OperationClass = OperationClass::Write;
const USERS: OperationClass = OperationClass::Named("users");
const TEMPORARY: Action = Action::SetTemporaryPassword;

fn class_of(action: Action) -> OperationClass {
    if matches!(action, Action::SetPassword { .. } | Action::Scramble) { WRITE } else { USERS }
}

fn quota(name: &'static str, permits: u32, class: OperationClass) -> Quota {
    Quota::new(name, NonZeroU32::new(permits).unwrap(), Duration::from_secs(60), class)
}

fn limits(quotas: impl IntoIterator<Item = Quota>) -> Limits {
    let limits = Limits::new(NonZeroU32::MIN, NonZeroU32::new(10).unwrap());
    quotas.into_iter().fold(limits, Limits::with_quota)
}

fn ordered(actions: &[(Action, u64)], either: &[(Action, u64)]) -> Ordered {
    Ordered { actions: actions.iter().copied().collect(), either: either.iter().copied().collect() }
}

#[test]
fn the_slowest_quota_decides_and_classes_go_side_by_side() {
    let limits = limits([quota("write", 600, WRITE), quota("users", 60, USERS).with_share(0.5)]);
    let orders = |write, users| BTreeMap::from([(WRITE, write), (USERS, users)]);
    // Ten a second, and one every two seconds; the first of each comes at once.
    assert_eq!(slowest(&limits, &orders(601, 0)), (60.0, Some("write")));
    assert_eq!(slowest(&limits, &orders(601, 31)), (60.0, Some("write")));
    assert_eq!(slowest(&limits, &orders(601, 61)), (120.0, Some("users")));
    assert_eq!(slowest(&limits, &orders(1, 1)), (0.0, None));
    let burst = limits
        .clone()
        .with_quota(quota("both", 60, WRITE).with_cost(USERS, 2).with_burst(NonZeroU32::new(11).unwrap()));
    assert_eq!(slowest(&burst, &orders(101, 5)), (100.0, Some("both")), "costs add up, and the burst is free");
    let one_call = limits.with_one_call_of(USERS, NonZeroU32::new(60).unwrap());
    assert_eq!(slowest(&one_call, &orders(0, 601)), (20.0, Some("users")), "eleven calls");
}

#[test]
fn nothing_known_is_no_time_and_a_wrong_share_lets_nothing_through() {
    assert_eq!(slowest(&limits([]), &[(WRITE, 1_000)].into()), (0.0, None));
    for share in [0.0, -1.0, f64::NAN] {
        let (seconds, _) = slowest(&limits([quota("write", 60, WRITE).with_share(share)]), &[(WRITE, 2)].into());
        assert!(seconds == 0.0 || duration(seconds) == Duration::MAX, "{share}: {seconds}");
    }
}

/// Every mix is tried one by one.
#[test]
fn the_mix_that_finishes_first_is_found() {
    for (write, users) in [(600, 600), (600, 60), (60, 600), (500, 125), (1, 1_000)] {
        for (revoked, people) in [(0, 200), (150, 200), (200, 200), (500, 37), (0, 1)] {
            let limits = limits([quota("write", write, WRITE), quota("users", users, USERS)]);
            let planned = ordered(&[(TEMPORARY, people), (Action::RevokeSessions, revoked)], &[(TEMPORARY, people)]);
            let mix = fastest(&limits, class_of, &planned).unwrap();
            assert_eq!(mix.set + mix.temporary, people);
            let time = |temporary: u64| {
                duration(slowest(&limits, &[(WRITE, people - temporary), (USERS, revoked + temporary)].into()).0)
            };
            assert_eq!(mix.least, time(mix.temporary));
            let best = (0..=people).map(time).min().unwrap();
            assert_eq!(mix.least, best, "{write} {users} {revoked} {people}: {mix:?}");
        }
    }
}

#[test]
fn there_is_no_mix_where_a_quota_is_not_known_or_shared_or_nobody_can_choose() {
    let planned = ordered(&[(SET, 10)], &[(SET, 10)]);
    let both = limits([quota("write", 600, WRITE), quota("users", 600, USERS)]);
    assert!(fastest(&both, class_of, &planned).is_some());
    assert_eq!(fastest(&limits([quota("write", 600, WRITE)]), class_of, &planned), None);
    assert_eq!(fastest(&both, |_| WRITE, &planned), None);
    // Services and scrambled passwords stay as they are planned.
    assert_eq!(fastest(&both, class_of, &ordered(&[(SET, 10)], &[])), None);
}

#[test]
fn times_are_told_in_units_that_people_use() {
    let words = |seconds: f64| Words(duration(seconds)).to_string();
    assert_eq!([words(0.0), words(19.9), words(119.5)], ["0 s", "20 s", "2 min"]);
    assert_eq!([words(3_601.0), words(7_200.0), words(90_061.0)], ["61 min", "2 h 0 min", "25 h 2 min"]);
    assert_eq!(words(f64::INFINITY), "for ever");
}
