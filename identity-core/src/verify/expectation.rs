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
    /// Whether the password is to be changed at the next sign-in.
    pub(crate) must_change: bool,
    /// Whether the account is to be disabled.
    pub(crate) disabled: bool,
    /// Whether a lock-out is to be cleared.
    pub(crate) unlocked: bool,
    /// What the directory said before the first touch of the password.
    pub(crate) baseline: Baseline,
    /// When the directory confirmed the last touch of the password, where it says so.
    pub(crate) confirmed: Option<Timestamp>,
}

impl Expectation {
    /// What reading an entry back should show; `None` unless there is something that reading can
    /// show and the journal holds all of it as done.
    pub(crate) fn of(entry: &Entry, known: &EntryProgress) -> Option<Self> {
        let Disposition::Reset { actions } = &entry.disposition else { return None };
        let mut expected = Self::default();
        let mut readable = false;
        let mut confirmed = Vec::new();
        for action in actions.iter().copied().filter(|action| can_be_read_back(*action)) {
            readable = true;
            let done = known.action(action)?;
            let Finality::Done { at, .. } = &done.finality else { return None };
            expected.expect(done);
            if action.shows_in_password_state() {
                confirmed.push(*at);
            }
        }
        // The times of all of them or of none: a time that is too early would blame somebody else.
        expected.confirmed =
            confirmed.into_iter().collect::<Option<Vec<_>>>().and_then(|times| times.into_iter().max());
        let first = known.actions.iter().find(|begun| begun.action.shows_in_password_state());
        expected.baseline = first.map(|begun| begun.baseline.clone()).unwrap_or_default();
        readable.then_some(expected)
    }

    /// Whether the password's record is to show something.
    pub(crate) fn touches_password(&self) -> bool {
        self.sets > 0 || self.must_change
    }

    fn expect(&mut self, done: &ActionProgress) {
        if done.action.needs_password() {
            self.sets += 1;
            self.attempts += u64::from(done.attempt.max(1));
        }
        self.must_change |= asks_for_change(done.action);
        self.disabled |= done.action == Action::Disable;
        self.unlocked |= done.action == Action::Unlock;
    }
}

/// Whether looking an account up shows that this action happened.
pub(crate) fn can_be_read_back(action: Action) -> bool {
    action.shows_in_password_state() || matches!(action, Action::Disable | Action::Unlock)
}

/// Whether this action has the owner change the password at the next sign-in.
pub(crate) fn asks_for_change(action: Action) -> bool {
    matches!(action, Action::SetPassword { must_change: true } | Action::ExpirePassword)
}
