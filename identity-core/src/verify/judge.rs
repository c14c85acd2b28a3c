//! The verdict on one account: what was read against what should be there.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::expectation::{Expectation, Revoked};
use crate::account::{Account, AccountState, PasswordState};
use crate::journal::{Baseline, Verdict};

/// How much later than the confirmation a password's time may be and still be that of our own
/// set: confirmations are given in whole seconds by some directories, and come from another
/// machine than the record of the password in others.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(10);

/// The grain of the moment from which sessions are valid, and of a confirmation: whole seconds, and
/// one of them may tick between the two.
const GRAIN: SignedDuration = SignedDuration::from_secs(2);

/// What one reading says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// Whether the next reading may say something else: replication can be behind.
    pub(crate) settles: bool,
    /// What a person should know beside the verdict.
    pub(crate) note: Option<&'static str>,
}

/// Judges what was read (`None`: no such account) against what should be there.
pub(crate) fn judge(expected: &Expectation, account: Option<&Account>) -> Reading {
    judge_state(expected, account.map(|account| (&account.state, &account.password)))
}

/// As [`judge`], of what one server of a directory says.
pub(crate) fn judge_state(expected: &Expectation, state: Option<(&AccountState, &PasswordState)>) -> Reading {
    let Some((account, password)) = state else { return waiting(Verdict::Gone) };
    if expected.disabled && account.enabled {
        return waiting(Verdict::Unchanged).noting("read back: the account is enabled, although it was to be disabled");
    }
    let still_locked = expected.unlocked && account.locked;
    if still_locked && !expected.touches_password() && !expected.disabled {
        return waiting(Verdict::Unchanged).noting(LOCKED);
    }
    let sessions = expected.revoked.as_ref().map(|revoked| judge_sessions(revoked, account.sessions_valid_from));
    let password = if expected.sets > 0 {
        judge_set(expected, account, password)
    } else if expected.awaits_recovery {
        judge_recovery(expected, password)
    } else if expected.must_change {
        judge_flag(&expected.baseline, password)
    } else {
        settled(Verdict::Changed)
    };
    // Everything that was ordered has to show: the first thing that does not is what is said.
    let password = match sessions {
        Some(sessions) if matches!(password.verdict, Verdict::Changed | Verdict::ChangedByOwner) => {
            match sessions.verdict {
                Verdict::Changed => password,
                _ => sessions,
            }
        }
        _ => password,
    };
    // A lock-out that came back says nothing of the password.
    if still_locked && password.note.is_none() { password.noting(LOCKED) } else { password }
}

const SESSIONS: &str = "read back: sessions from before the order are still valid, although they were to be revoked";
const LOCKED: &str = "read back: the account is locked out (again); a device or program may still try the old password";
const INTERIM: &str = "read back: set more often than was confirmed; the first of the two passwords, which nobody knows, may be the last that landed: reset the account again";
const SAME_STATUS: &str = "read back: the password had expired before and still has, and the directory shows no time of the new one: whether it was set cannot be told by reading; the confirmation stands";
const NOT_FLAGGED: &str = "read back: no change is demanded at the next sign-in, although that was ordered";

/// Sessions were revoked: the moment from which on they are valid has to be later than before, and
/// not from before the order. A new password moves it too, perhaps in the very second of the
/// revocation: then it is not later than before, and is the order's own second all the same.
fn judge_sessions(revoked: &Revoked, valid_from: Option<Timestamp>) -> Reading {
    let Some(valid_from) = valid_from else { return waiting(Verdict::Unknown) };
    let of_that_second = revoked.at.is_some_and(|at| valid_from.duration_since(at).abs() < GRAIN);
    let moved = revoked.before.map(|before| valid_from > before || (valid_from == before && of_that_second));
    let is_since = revoked.at.map(|at| valid_from.duration_since(at) >= -TOLERANCE);
    match (moved, is_since) {
        (Some(false), _) | (_, Some(false)) => waiting(Verdict::Unchanged).noting(SESSIONS),
        (Some(true), _) | (None, Some(true)) => settled(Verdict::Changed),
        (None, None) => waiting(Verdict::Unknown),
    }
}

/// A password was set. A version tells sets apart; without one the time must do, and without
/// that the flag.
fn judge_set(expected: &Expectation, account: &AccountState, now: &PasswordState) -> Reading {
    let before = &expected.baseline;
    let flag_gone = expected.must_change && !now.must_change && !now.never_expires;
    if let (Some(old), Some(new)) = (before.version, now.version) {
        return match new.checked_sub(old) {
            Some(0) => waiting(Verdict::Unchanged),
            // Behind what was seen before, or fewer sets than were confirmed: an old replica.
            None => waiting(Verdict::Unknown),
            Some(grown) if grown < expected.sets => waiting(Verdict::Unknown),
            Some(grown) if grown > expected.sets && flag_gone => settled(Verdict::ChangedByOwner),
            Some(grown) if grown == expected.sets && flag_gone => settled(Verdict::Changed).noting(NOT_FLAGGED),
            Some(grown) if grown > expected.sets && expected.interim_may_be_last => {
                settled(Verdict::ChangedByOther).noting(INTERIM)
            }
            Some(grown) if grown <= expected.attempts => settled(Verdict::Changed),
            Some(_) => settled(Verdict::ChangedByOther),
        };
    }
    let newly_flagged = expected.must_change && now.must_change && !before.must_change;
    let Some(last_set) = now.last_set else {
        // Active Directory keeps no time while a change is demanded: the flag is the evidence.
        return if newly_flagged { settled(Verdict::Changed) } else { waiting(Verdict::Unknown) };
    };
    match before.last_set.map(|old| last_set.cmp(&old)) {
        Some(Ordering::Equal) if expected.must_change && now.must_change && account.status_changed.is_some() => {
            return judge_by_status(expected, account.status_changed);
        }
        Some(Ordering::Equal) if newly_flagged => return waiting(Verdict::Unknown),
        Some(Ordering::Equal) => return waiting(Verdict::Unchanged),
        Some(Ordering::Less) => return waiting(Verdict::Unknown),
        Some(Ordering::Greater) | None => {}
    }
    let moved = before.last_set.is_some() || before.must_change;
    match expected.confirmed.map(|at| last_set.duration_since(at)) {
        Some(later) if later > TOLERANCE && flag_gone => settled(Verdict::ChangedByOwner),
        Some(later) if later > TOLERANCE => settled(Verdict::ChangedByOther),
        Some(later) if later >= -TOLERANCE => settled(Verdict::Changed),
        _ if moved => settled(Verdict::Changed),
        _ => waiting(Verdict::Unknown),
    }
}

/// A change is demanded, and the time of the password did not move. A directory that tells when the
/// status changed may keep that time for passwords that the owner chose: then the status, and when it
/// changed, are the evidence.
fn judge_by_status(expected: &Expectation, now: Option<Timestamp>) -> Reading {
    let before = &expected.baseline;
    let moved = match (before.status_changed, now) {
        (Some(old), Some(new)) => new > old,
        _ => !before.must_change,
    };
    if !moved {
        // The same status as before, which a set in it need not have moved.
        let reading = waiting(Verdict::Unknown);
        return if before.must_change { reading.noting(SAME_STATUS) } else { reading };
    }
    match expected.confirmed.zip(now).map(|(at, changed)| changed.duration_since(at)) {
        // It got this status by an order that came later, and not by ours.
        Some(later) if later > TOLERANCE => settled(Verdict::ChangedByOther),
        Some(later) if later < -TOLERANCE => waiting(Verdict::Unknown),
        _ => settled(Verdict::Changed),
    }
}

/// The password was voided until its owner comes back: either it still is, or the owner has come back
/// since, which sets a password later than the confirmation.
fn judge_recovery(expected: &Expectation, now: &PasswordState) -> Reading {
    if now.awaits_recovery {
        return settled(Verdict::Changed);
    }
    let moved = moved(&expected.baseline, now);
    match expected.confirmed.zip(now.last_set).map(|(at, last_set)| last_set.duration_since(at)) {
        Some(later) if later > TOLERANCE => settled(Verdict::ChangedByOwner),
        // Set before the order was confirmed: whoever set it did not come back by recovery.
        Some(later) if later < -TOLERANCE && moved => waiting(Verdict::Unknown),
        _ if moved => settled(Verdict::ChangedByOwner),
        _ if now.last_set.is_some() && expected.baseline.last_set == now.last_set => waiting(Verdict::Unchanged),
        _ => waiting(Verdict::Unknown),
    }
}

/// Only a change at the next sign-in was demanded.
fn judge_flag(before: &Baseline, now: &PasswordState) -> Reading {
    if now.never_expires {
        return settled(Verdict::Unchanged)
            .noting("read back: the password never expires, so the demand to change it has no effect");
    }
    match (now.must_change, moved(before, now)) {
        (true, false) => settled(Verdict::Changed),
        (true, true) => settled(Verdict::ChangedByOther),
        (false, true) => settled(Verdict::ChangedByOwner),
        (false, false) => waiting(Verdict::Unchanged),
    }
}

/// Whether the password itself was certainly set or changed since.
fn moved(before: &Baseline, now: &PasswordState) -> bool {
    if let (Some(old), Some(new)) = (before.version, now.version) {
        return new > old;
    }
    match (before.last_set, now.last_set) {
        (Some(old), Some(new)) => new > old,
        (None, Some(_)) => before.must_change,
        _ => false,
    }
}

fn settled(verdict: Verdict) -> Reading {
    Reading { verdict, settles: false, note: None }
}

fn waiting(verdict: Verdict) -> Reading {
    Reading { verdict, settles: true, note: None }
}

impl Reading {
    fn noting(mut self, note: &'static str) -> Self {
        self.note = Some(note);
        self
    }
}
