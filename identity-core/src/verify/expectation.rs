//! What reading an account back should show, from the plan and the journal.

use jiff::Timestamp;

use crate::journal::{ActionProgress, Baseline, EntryProgress, Finality};
use crate::plan::{Disposition, Entry};
use crate::reset::Action;

/// What reading an account back should show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expectation {
    /// How many confirmed actions set a password.
    pub(crate) sets: u64,
    /// How many sets may have landed: each attempt can have, although no answer came.
    pub(crate) attempts: u64,
    /// Whether the first of two sets had attempts without an answer, of which one may have landed
    /// last.
    pub(crate) interim_may_be_last: bool,
    /// Whether the password is to be changed at the next sign-in.
    pub(crate) must_change: bool,
    /// Whether the password is to be void until its owner comes back by recovery.
    pub(crate) awaits_recovery: bool,
    /// Whether the account is to be disabled.
    pub(crate) disabled: bool,
    /// Whether a lock-out is to be cleared.
    pub(crate) unlocked: bool,
    /// What the moment from which on sessions are valid is compared with, where they were revoked.
    pub(crate) revoked: Option<Revoked>,
    /// What the directory said before the first touch of the password.
    pub(crate) baseline: Baseline,
    /// When the directory confirmed the last touch of the password, where it says so.
    pub(crate) confirmed: Option<Timestamp>,
}

/// A revocation of sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Revoked {
    /// From when on sessions were valid before, where the directory told.
    pub(crate) before: Option<Timestamp>,
    /// When the directory confirmed it, where it says so.
    pub(crate) at: Option<Timestamp>,
}

impl Expectation {
    /// What reading an entry back should show; `None` unless there is something that reading can
    /// show and the journal holds all of it as done. `tells_sessions`: whether the directory says
    /// from when on sessions are valid.
    pub(crate) fn of(entry: &Entry, known: &EntryProgress, tells_sessions: bool) -> Option<Self> {
        let actions = match &entry.disposition {
            Disposition::Reset { actions } => actions,
            Disposition::Manual { .. } => return Self::of_hands(entry, known),
        };
        let mut expected = Self::default();
        let mut readable = false;
        let mut confirmed = Vec::new();
        for action in actions.iter().copied() {
            let ends_sessions = tells_sessions && action == Action::RevokeSessions;
            if !can_be_read_back(action) && !ends_sessions {
                continue;
            }
            readable = true;
            let done = known.action(action)?;
            let Finality::Done { at, .. } = &done.finality else { return None };
            expected.expect(done);
            if action.shows_in_password_state() {
                confirmed.push(*at);
            }
            if ends_sessions {
                expected.revoked = Some(Revoked { before: done.baseline.sessions_valid_from, at: *at });
            }
        }
        // The times of all of them or of none: a time that is too early would blame somebody else.
        expected.confirmed =
            confirmed.into_iter().collect::<Option<Vec<_>>>().and_then(|times| times.into_iter().max());
        let first = known.actions.iter().find(|begun| begun.action.shows_in_password_state());
        expected.baseline = first.map(|begun| begun.baseline.clone()).unwrap_or_default();
        readable.then_some(expected)
    }

    /// What reading a manual entry back should show once somebody recorded it as done: another time of
    /// its password than the plan knows.
    fn of_hands(entry: &Entry, known: &EntryProgress) -> Option<Self> {
        known.manual_done.as_ref()?;
        let before = entry.expected.last_set?;
        let baseline = Baseline { last_set: Some(before), ..Baseline::default() };
        Some(Self { sets: 1, attempts: 1, baseline, ..Self::default() })
    }

    /// Whether the password's record is to show something.
    pub(crate) fn touches_password(&self) -> bool {
        self.sets > 0 || self.must_change || self.awaits_recovery
    }

    fn expect(&mut self, done: &ActionProgress) {
        if done.action.sets_password() {
            self.interim_may_be_last |= self.attempts > self.sets;
            self.sets += 1;
            self.attempts += u64::from(done.attempt.max(1));
        }
        self.must_change |= done.action.demands_change();
        self.awaits_recovery |= matches!(done.action, Action::ResetToRecovery { .. });
        self.disabled |= done.action == Action::Disable;
        self.unlocked |= done.action == Action::Unlock;
    }
}

/// Whether looking the account up shows something of what was done to it, as far as the journal
/// tells: a verdict says that it did, and a mark of valid sessions before a revocation that it will.
pub(crate) fn shows(actions: &[Action], known: &EntryProgress) -> bool {
    let tells_sessions =
        known.action(Action::RevokeSessions).is_some_and(|known| known.baseline.sessions_valid_from.is_some());
    known.verdict.is_some() || tells_sessions || actions.iter().any(|action| can_be_read_back(*action))
}

/// Whether looking an account up shows, in every directory, that this action happened.
fn can_be_read_back(action: Action) -> bool {
    action.shows_in_password_state() || matches!(action, Action::Disable | Action::Unlock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{ErrorRecord, Event};
    use crate::verify::fixture::{SET, SET_MUST_CHANGE, at, corp, entry, id};

    fn intent(action: Action, attempt: u32, version: u64) -> Event {
        let baseline = Baseline { version: Some(version), ..Baseline::default() };
        Event::Intent { entry: 1, action, attempt, baseline, sealed: None }
    }

    fn done(action: Action, attempt: u32, time: Option<i64>) -> Event {
        let at = time.map(at);
        Event::Done { entry: 1, action, attempt, at, request_id: None, read_back: false, server_secret: None }
    }

    fn expected(actions: &[Action], events: &[Event]) -> Option<Expectation> {
        let mut known = EntryProgress::new(1);
        events.iter().for_each(|event| known.fold(event));
        Expectation::of(&entry(1, &corp(), actions), &known, false)
    }

    #[test]
    fn every_attempt_may_have_set_the_password_and_the_first_baseline_counts() {
        let error = crate::error::Error::new(crate::error::ErrorKind::Timeout, "set password");
        let unknown = Event::AttemptUnknown { entry: 1, action: SET, attempt: 1, error: ErrorRecord::from(&error) };
        let events = [intent(SET, 1, 5), unknown, intent(SET, 2, 6), done(SET, 2, Some(9))];
        let expected = expected(&[SET], &events).unwrap();
        assert_eq!((expected.sets, expected.attempts, expected.must_change), (1, 2, false));
        assert_eq!((expected.baseline.version, expected.confirmed), (Some(5), Some(at(9))));
    }

    #[test]
    fn a_first_set_without_an_answer_may_land_last() {
        let error = crate::error::Error::new(crate::error::ErrorKind::Timeout, "scramble password");
        let first = Action::Scramble;
        let unknown = Event::AttemptUnknown { entry: 1, action: first, attempt: 1, error: ErrorRecord::from(&error) };
        let events = [
            intent(first, 1, 5),
            unknown,
            intent(first, 2, 5),
            done(first, 2, None),
            intent(SET, 1, 6),
            done(SET, 1, None),
        ];
        let expected = expected(&[first, SET], &events).unwrap();
        assert!(expected.interim_may_be_last);
        assert_eq!((expected.sets, expected.baseline.version), (2, Some(5)));
        let mut account = crate::verify::fixture::Paper::account(&corp(), &id(1));
        let mut verdict = |version| {
            account.password.version = Some(version);
            crate::verify::judge::judge(&expected, Some(&account)).verdict
        };
        use crate::journal::Verdict;
        assert_eq!(verdict(6), Verdict::Unknown, "the first of the two only");
        assert_eq!(verdict(7), Verdict::Changed);
        assert_eq!(verdict(8), Verdict::ChangedByOther, "which one landed last cannot be told");
    }

    #[test]
    fn a_time_that_only_one_of_two_touches_has_is_not_used() {
        let both = [SET_MUST_CHANGE, Action::ExpirePassword];
        let events = |time| {
            let [set, expire] = both;
            [intent(set, 1, 5), done(set, 1, Some(9)), intent(expire, 1, 6), done(expire, 1, time)]
        };
        assert_eq!(expected(&both, &events(None)).unwrap().confirmed, None);
        assert_eq!(expected(&both, &events(Some(12))).unwrap().confirmed, Some(at(12)));
    }

    #[test]
    fn nothing_is_expected_unless_all_that_can_be_read_back_is_done() {
        assert_eq!(expected(&[SET], &[]), None);
        assert_eq!(expected(&[SET], &[intent(SET, 1, 5)]), None);
        assert_eq!(expected(&[Action::Disable, SET], &[intent(SET, 1, 5), done(SET, 1, None)]), None);
        assert_eq!(expected(&[Action::RevokeSessions], &[done(Action::RevokeSessions, 1, None)]), None);
        assert!(expected(&[SET, Action::RevokeSessions], &[intent(SET, 1, 5), done(SET, 1, None)]).is_some());
    }
}
