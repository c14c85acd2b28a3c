//! The decision table: named cases one by one, then the whole product of what can be read.

use jiff::Timestamp;

use crate::account::{Account, AccountKind, PasswordState};
use crate::journal::{Baseline, Verdict};
use crate::verify::expectation::{Expectation, Revoked};
use crate::verify::fixture::{at, corp, id};
use crate::verify::judge::{Reading, judge};

use Verdict::{Changed, ChangedByOther, ChangedByOwner, Gone, Unchanged, Unknown};

/// When the set was confirmed, in seconds after the baseline's.
const CONFIRMED: i64 = 100;

fn set(attempts: u64, must_change: bool, confirmed: bool) -> Expectation {
    let confirmed = confirmed.then(|| at(CONFIRMED));
    Expectation { sets: 1, attempts, must_change, confirmed, ..Expectation::default() }
}

fn with_baseline(mut expected: Expectation, last_set: Option<i64>, version: Option<u64>, flag: bool) -> Expectation {
    expected.baseline = Baseline { last_set: last_set.map(at), version, must_change: flag, ..Baseline::default() };
    expected
}

fn account(last_set: Option<i64>, version: Option<u64>, flag: bool) -> Account {
    let mut account = Account::new(corp(), id(1), "name", AccountKind::Person);
    let last_set: Option<Timestamp> = last_set.map(at);
    account.password = PasswordState { last_set, version, must_change: flag, ..PasswordState::default() };
    account
}

#[test]
fn sessions_that_were_revoked_are_judged_by_the_moment_from_which_they_are_valid() {
    // (valid from before, confirmed) · valid from now · verdict
    type Case = ((Option<i64>, Option<i64>), Option<i64>, Verdict);
    let cases: &[Case] = &[
        ((Some(0), Some(100)), Some(100), Changed),
        ((Some(0), Some(100)), Some(95), Changed),
        ((Some(0), Some(100)), Some(0), Unchanged),
        // Moved, and long before the order: somebody else's revocation.
        ((Some(0), Some(100)), Some(50), Unchanged),
        // The new password moved it in the order's own second, or as it ended.
        ((Some(100), Some(100)), Some(100), Changed),
        ((Some(99), Some(100)), Some(99), Changed),
        ((Some(98), Some(100)), Some(98), Unchanged),
        // Without the time of the order only a move counts.
        ((Some(100), None), Some(100), Unchanged),
        ((Some(0), None), Some(100), Changed),
        ((None, None), Some(100), Unknown),
        ((None, Some(100)), Some(100), Changed),
        ((Some(0), Some(100)), None, Unknown),
    ];
    for ((before, confirmed), now, verdict) in cases {
        let revoked = Revoked { before: before.map(at), at: confirmed.map(at) };
        let expected = Expectation { revoked: Some(revoked), ..Expectation::default() };
        let mut account = account(None, None, false);
        account.state.sessions_valid_from = now.map(at);
        assert_eq!(judge(&expected, Some(&account)).verdict, *verdict, "{before:?}, {confirmed:?}, now {now:?}");
    }
}

#[test]
fn a_password_that_was_set_is_judged_by_version_then_time_then_flag() {
    // (attempts, must change, confirmed) · before and after: (time, version, flag) · verdict
    type Seen = (Option<i64>, Option<u64>, bool);
    let no: Seen = (None, None, false);
    type Case = ((u64, bool, bool), Seen, Seen, Verdict);
    let cases: &[Case] = &[
        // By version.
        ((1, false, false), (Some(0), Some(5), false), (Some(100), Some(6), false), Changed),
        ((1, false, false), (Some(0), Some(5), false), (Some(0), Some(5), false), Unchanged),
        ((1, false, false), (Some(0), Some(5), false), (Some(100), Some(5), false), Unchanged),
        ((1, false, false), (Some(0), Some(5), false), (Some(100), Some(7), false), ChangedByOther),
        ((1, false, false), (Some(0), Some(5), false), (Some(0), Some(4), false), Unknown),
        // A second attempt after an unknown outcome may have set the same password twice.
        ((2, false, false), (Some(0), Some(5), false), (Some(100), Some(7), false), Changed),
        ((2, false, false), (Some(0), Some(5), false), (Some(100), Some(8), false), ChangedByOther),
        // Must-change, by version.
        ((1, true, false), (Some(0), Some(5), false), (None, Some(6), true), Changed),
        ((1, true, false), (Some(0), Some(5), false), (Some(900), Some(7), false), ChangedByOwner),
        ((1, true, false), (Some(0), Some(5), false), (None, Some(7), true), ChangedByOther),
        ((1, true, false), (Some(0), Some(5), false), (Some(100), Some(6), false), Changed),
        // By time.
        ((1, false, false), (Some(0), None, false), (Some(100), None, false), Changed),
        ((1, false, false), (Some(0), None, false), (Some(0), None, false), Unchanged),
        ((1, false, false), (Some(0), None, false), (Some(-9), None, false), Unknown),
        ((1, false, false), no, (Some(100), None, false), Unknown),
        ((1, false, false), (Some(0), None, false), no, Unknown),
        // By time, with the time of the confirmation.
        ((1, false, true), (Some(0), None, false), (Some(100), None, false), Changed),
        ((1, false, true), (Some(0), None, false), (Some(110), None, false), Changed),
        ((1, false, true), (Some(0), None, false), (Some(111), None, false), ChangedByOther),
        ((1, true, true), (Some(0), None, false), (Some(111), None, false), ChangedByOwner),
        ((1, true, true), (Some(0), None, false), (Some(111), None, true), ChangedByOther),
        // A directory that does not show the flag: the time is still that of our own set.
        ((1, true, true), (Some(0), None, false), (Some(100), None, false), Changed),
        ((1, false, true), no, (Some(95), None, false), Changed),
        ((1, false, true), no, (Some(50), None, false), Unknown),
        // By the flag: Active Directory has no time while a change is demanded.
        ((1, true, false), (Some(0), None, false), (None, None, true), Changed),
        ((1, true, false), (None, None, true), (None, None, true), Unknown),
        ((1, false, false), (Some(0), None, false), (None, None, true), Unknown),
        ((1, false, false), (None, None, true), (Some(100), None, false), Changed),
        // The flag says yes and the time says no.
        ((1, true, false), (Some(0), None, false), (Some(0), None, true), Unknown),
    ];
    for (plan, before, after, wanted) in cases {
        let expected = with_baseline(set(plan.0, plan.1, plan.2), before.0, before.1, before.2);
        let reading = judge(&expected, Some(&account(after.0, after.1, after.2)));
        assert_eq!(reading.verdict, *wanted, "{plan:?} {before:?} -> {after:?}");
    }
}

#[test]
fn a_temporary_password_that_moves_no_time_is_judged_by_the_status() {
    // Before: flag, status changed · after: time, flag, status changed · confirmed at 100, or without a time.
    let cases = [
        (false, Some(0), Some(0), true, Some(100), true, Changed),
        (false, Some(0), Some(0), true, Some(100), false, Changed),
        (false, None, Some(0), true, Some(100), true, Changed),
        // Somebody expired it long after, or long before.
        (false, Some(0), Some(0), true, Some(900), true, ChangedByOther),
        (false, Some(0), Some(0), true, Some(50), true, Unknown),
        // It had expired before: the status says nothing, unless it moved.
        (true, Some(0), Some(0), true, Some(0), true, Unknown),
        (true, None, Some(0), true, Some(0), true, Unknown),
        (true, Some(0), Some(0), true, Some(101), true, Changed),
        // The status is another one: nothing was set, or the owner has changed it since.
        (false, Some(0), Some(0), false, Some(100), true, Unchanged),
        (false, Some(0), Some(900), false, Some(900), true, ChangedByOwner),
        // Where the time moves it is the evidence.
        (true, Some(0), Some(100), true, Some(0), true, Changed),
        // A directory that tells no status: as ever.
        (false, None, Some(0), true, None, true, Unknown),
        (true, None, Some(0), true, None, true, Unchanged),
    ];
    for (flag, before, time, flag_now, now, confirmed, wanted) in cases {
        let mut expected = with_baseline(set(1, true, confirmed), Some(0), None, flag);
        expected.baseline.status_changed = before.map(at);
        let mut read = account(time, None, flag_now);
        read.state.status_changed = now.map(at);
        let reading = judge(&expected, Some(&read));
        assert_eq!(reading.verdict, wanted, "{flag} {before:?} -> {time:?} {flag_now} {now:?}, confirmed {confirmed}");
    }
}

#[test]
fn a_demand_to_change_is_judged_by_the_flag() {
    let cases = [
        (Some(0), Some(5), false, None, Some(5), true, Changed),
        (None, Some(5), true, None, Some(5), true, Changed),
        (Some(0), Some(5), false, Some(0), Some(5), false, Unchanged),
        (Some(0), Some(5), false, Some(50), Some(6), false, ChangedByOwner),
        (Some(0), None, false, Some(50), None, false, ChangedByOwner),
        (None, None, true, Some(50), None, false, ChangedByOwner),
        (Some(0), Some(5), false, None, Some(6), true, ChangedByOther),
        (Some(0), None, false, None, None, true, Changed),
        // A directory that keeps the time of the last set while a change is demanded.
        (Some(0), None, false, Some(0), None, true, Changed),
        (Some(0), None, false, Some(0), None, false, Unchanged),
        (Some(0), None, false, Some(50), None, true, ChangedByOther),
        (None, None, false, None, None, false, Unchanged),
    ];
    for (time, version, flag, time_after, version_after, flag_after, wanted) in cases {
        let expected = Expectation { must_change: true, ..Expectation::default() };
        let expected = with_baseline(expected, time, version, flag);
        let reading = judge(&expected, Some(&account(time_after, version_after, flag_after)));
        assert_eq!(
            reading.verdict, wanted,
            "{time:?} {version:?} {flag} -> {time_after:?} {version_after:?} {flag_after}"
        );
    }
    let mut never = account(None, None, true);
    never.password.never_expires = true;
    let reading = judge(&Expectation { must_change: true, ..Expectation::default() }, Some(&never));
    assert_eq!((reading.verdict, reading.note.is_some()), (Unchanged, true), "the flag has no effect");
}

#[test]
fn a_reset_to_recovery_is_judged_by_the_wait_and_then_by_the_time() {
    // Before and after: (time, version), whether it awaits recovery · confirmed at 100, or without a time.
    let (ours, none) = (Some(at(CONFIRMED)), None);
    let cases = [
        (Some(0), None, Some(0), None, true, ours, Changed),
        (None, None, None, None, true, none, Changed),
        // The owner has come back since.
        (Some(0), None, Some(900), None, false, ours, ChangedByOwner),
        (None, None, Some(900), None, false, ours, ChangedByOwner),
        (Some(0), None, Some(105), None, false, ours, ChangedByOwner),
        (Some(0), Some(5), Some(900), Some(6), false, none, ChangedByOwner),
        // Whoever set it before the confirmation did not come by the link.
        (Some(0), None, Some(50), None, false, ours, Unknown),
        (Some(0), None, Some(0), None, false, ours, Unchanged),
        (Some(0), Some(5), Some(0), Some(5), false, none, Unchanged),
        (Some(0), None, None, None, false, ours, Unknown),
        (None, None, Some(50), None, false, ours, Unknown),
    ];
    for (time, version, time_after, version_after, awaits, confirmed, wanted) in cases {
        let expected = Expectation { awaits_recovery: true, confirmed, ..Expectation::default() };
        let expected = with_baseline(expected, time, version, false);
        let mut now = account(time_after, version_after, false);
        now.password.awaits_recovery = awaits;
        let reading = judge(&expected, Some(&now));
        assert_eq!(reading.verdict, wanted, "{time:?} {version:?} -> {time_after:?} {version_after:?} {awaits}");
        assert_eq!(reading.settles, matches!(wanted, Unchanged | Unknown));
    }
}

#[test]
fn the_whole_product_keeps_the_rules() {
    let mut seen = 0;
    for expected in expectations() {
        for after in accounts() {
            let Reading { verdict, settles, .. } = judge(&expected, Some(&after));
            let before = &expected.baseline;
            let now = &after.password;
            let case = format!("{expected:?} -> {now:?}");
            let flag_gone = expected.must_change && !now.must_change;
            let same = *before == Baseline::from(&after);
            if same && expected.sets > 0 {
                assert!(matches!(verdict, Unchanged | Unknown), "nothing moved: {case}");
            }
            if verdict == ChangedByOwner {
                assert!(flag_gone, "an owner's change clears the flag: {case}");
            }
            assert_eq!(
                settles,
                matches!(verdict, Unchanged | Unknown),
                "only what can still come is waited for: {case}"
            );
            if let (Some(old), Some(new), true) = (before.version, now.version, expected.sets > 0) {
                let wanted = match new.checked_sub(old) {
                    None => Unknown,
                    Some(0) => Unchanged,
                    Some(n) if n > 1 && flag_gone => ChangedByOwner,
                    Some(n) if n <= expected.attempts => Changed,
                    Some(_) => ChangedByOther,
                };
                assert_eq!(verdict, wanted, "a version decides, whatever the time says: {case}");
            } else if verdict == Unchanged && expected.sets > 0 {
                assert!(before.last_set.is_some() && before.last_set == now.last_set, "the same time: {case}");
            } else if verdict == Changed && expected.sets > 0 {
                let time = now.last_set > before.last_set;
                let flag = expected.must_change && now.must_change && !before.must_change && now.last_set.is_none();
                assert!(time || flag, "something must have moved: {case}");
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 2 * 2 * 2 * 2 * 2 * 2 * 2 * (6 * 5 * 2));
}

fn expectations() -> Vec<Expectation> {
    let mut all = Vec::new();
    for sets in [0, 1] {
        for attempts in [1, 2] {
            for must_change in [false, true] {
                for confirmed in [None, Some(at(CONFIRMED))] {
                    for version in [None, Some(5)] {
                        for last_set in [None, Some(0)] {
                            for flag in [false, true] {
                                // Without a set it is the demand to change that is expected.
                                let must_change = must_change || sets == 0;
                                let expected =
                                    Expectation { sets, attempts, must_change, confirmed, ..Expectation::default() };
                                all.push(with_baseline(expected, last_set, version, flag));
                            }
                        }
                    }
                }
            }
        }
    }
    all
}

fn accounts() -> Vec<Account> {
    let mut all = Vec::new();
    for version in [None, Some(4), Some(5), Some(6), Some(7), Some(8)] {
        for last_set in [None, Some(-9), Some(0), Some(CONFIRMED), Some(CONFIRMED + 60)] {
            for flag in [false, true] {
                all.push(account(last_set, version, flag));
            }
        }
    }
    all
}

#[test]
fn the_state_of_the_account_is_judged_with_its_password() {
    let changed = account(Some(100), Some(6), false);
    let expected = with_baseline(set(1, false, false), Some(0), Some(5), false);

    let disabling = Expectation { disabled: true, ..expected.clone() };
    let reading = judge(&disabling, Some(&changed));
    assert_eq!((reading.verdict, reading.note.is_some()), (Unchanged, true), "still enabled");
    let mut disabled = changed.clone();
    disabled.state.enabled = false;
    assert_eq!(judge(&disabling, Some(&disabled)).verdict, Changed);

    let mut locked = changed.clone();
    locked.state.locked = true;
    let unlocking = Expectation { unlocked: true, ..expected };
    let reading = judge(&unlocking, Some(&locked));
    assert_eq!((reading.verdict, reading.note.is_some()), (Changed, true), "locked again by old devices");
    let only_unlocking = Expectation { unlocked: true, ..Expectation::default() };
    assert_eq!(judge(&only_unlocking, Some(&locked)).verdict, Unchanged);
    assert_eq!(judge(&only_unlocking, Some(&changed)).verdict, Changed);

    assert_eq!(judge(&only_unlocking, None).verdict, Gone);
    assert!(judge(&only_unlocking, None).settles, "an old replica may not have it yet");
}
