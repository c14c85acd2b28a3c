//! Sessions that end behind passwords of the same person in other directories.
//!
//! A session that is ended while the old password still opens new ones is not ended for long. So
//! where such a password is open yet, sessions are ended all the same, and are left open for a
//! resume: it ends them again when the password is set.

use std::collections::BTreeMap;

use super::lane::Lane;
use crate::error::{Error, ErrorKind, Result, Status};
use crate::journal::{EntryProgress, Event, Finality};
use crate::plan::Entry;
use crate::reset::Action;

/// How the passwords stand that an entry follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Followed {
    /// All are set, or there is none.
    Set,
    /// That of the entry with this number is open yet.
    Open(u64),
    /// That of the entry with this number will not be set by this run; none is open.
    GivenUp(u64),
}

/// How the passwords stand that each entry follows, as the journal knows them.
pub(super) async fn followed(lane: &Lane, entries: impl Iterator<Item = &Entry> + Send) -> Result<Vec<Followed>> {
    let follows: Vec<Vec<u64>> = entries.map(|entry| entry.follows.clone()).collect();
    let mut numbers: Vec<u64> = follows.iter().flatten().copied().collect();
    if numbers.is_empty() {
        return Ok(vec![Followed::Set; follows.len()]);
    }
    numbers.sort_unstable();
    numbers.dedup();
    let known = lane.journal.progress(&numbers).await?;
    let known: BTreeMap<u64, Followed> = known.iter().map(|known| (known.entry, password_of(known))).collect();
    let each = |number: &u64| known.get(number).copied().unwrap_or(Followed::Open(*number));
    Ok(follows.iter().map(|numbers| numbers.iter().map(each).fold(Followed::Set, Followed::worse)).collect())
}

/// A password that was begun and whose every set is given up is given up; one is enough to void the
/// old one.
fn password_of(known: &EntryProgress) -> Followed {
    let sets = || known.actions.iter().filter(|known| known.action.shows_in_password_state());
    if sets().any(|known| matches!(known.finality, Finality::Done { .. })) {
        Followed::Set
    } else if sets().next().is_some() && sets().all(|known| known.finality.is_final()) {
        Followed::GivenUp(known.entry)
    } else {
        Followed::Open(known.entry)
    }
}

impl Followed {
    fn worse(self, other: Self) -> Self {
        match (self, other) {
            (Self::Open(_), _) => self,
            (_, Self::Open(_)) | (Self::Set, _) => other,
            (Self::GivenUp(_), _) => self,
        }
    }

    /// What is recorded of an action that is done.
    pub(super) fn record(self, done: Event) -> Vec<Event> {
        let Event::Done { entry, action: Action::RevokeSessions, attempt, .. } = done else { return vec![done] };
        match self {
            Self::Set => vec![done],
            Self::Open(password) => {
                let error = Error::new(ErrorKind::Stopped, "end sessions")
                    .with_status(Status::Temporary)
                    .with_detail(format!(
                        "sessions were ended, but the password of the same person in entry {password} is still open: \
                         the old one opens new sessions"
                    ))
                    .with_advice("resume the run: it ends the sessions again when the password is set");
                vec![Event::AttemptFailed { entry, action: Action::RevokeSessions, attempt, error: (&error).into() }]
            }
            Self::GivenUp(password) => {
                let note = format!(
                    "its sessions were ended, but the password of the same person in entry {password} was not set: \
                     the old one opens new sessions"
                );
                vec![done, Event::Noted { entry, note }]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Baseline, ErrorRecord};

    const SET: Action = Action::SetPassword { must_change: true };

    fn known(events: &[Event]) -> Followed {
        let mut known = EntryProgress::new(7);
        events.iter().for_each(|event| known.fold(event));
        password_of(&known)
    }

    fn intent(action: Action) -> Event {
        Event::Intent { entry: 7, action, attempt: 1, baseline: Baseline::default(), sealed: None }
    }

    fn done(entry: u64, action: Action) -> Event {
        let (at, request_id, server_secret) = (None, None, None);
        Event::Done { entry, action, attempt: 1, at, request_id, read_back: false, server_secret }
    }

    fn failed(action: Action) -> Event {
        let error = ErrorRecord::from(&Error::new(ErrorKind::PasswordRejected, "set"));
        Event::Failed { entry: 7, action, attempt: 1, error }
    }

    #[test]
    fn a_password_is_open_until_it_is_set_or_given_up() {
        assert_eq!(known(&[]), Followed::Open(7), "not begun");
        assert_eq!(known(&[intent(SET)]), Followed::Open(7));
        assert_eq!(known(&[intent(SET), done(7, SET)]), Followed::Set);
        assert_eq!(known(&[intent(SET), failed(SET)]), Followed::GivenUp(7));
        let twice = [intent(Action::Scramble), done(7, Action::Scramble), intent(SET)];
        assert_eq!(known(&twice), Followed::Set, "the first set voids the old password");
        assert_eq!(known(&[done(7, Action::RevokeSessions)]), Followed::Open(7), "sessions are no password");
    }

    #[test]
    fn an_open_password_keeps_sessions_open_and_one_given_up_is_noted() {
        let worst = |all: &[Followed]| all.iter().copied().fold(Followed::Set, Followed::worse);
        assert_eq!(worst(&[Followed::Set, Followed::GivenUp(1), Followed::Open(2)]), Followed::Open(2));
        assert_eq!(worst(&[Followed::GivenUp(1), Followed::Set]), Followed::GivenUp(1));
        let events = Followed::Open(2).record(done(9, Action::RevokeSessions));
        assert!(
            matches!(events.as_slice(), [Event::AttemptFailed { entry: 9, error, .. }] if error.text.contains("entry 2"))
        );
        let events = Followed::GivenUp(2).record(done(9, Action::RevokeSessions));
        assert!(matches!(events.as_slice(), [Event::Done { .. }, Event::Noted { entry: 9, .. }]));
        assert_eq!(Followed::Open(2).record(done(9, Action::ResetAuthenticators)).len(), 1);
        assert!(matches!(Followed::Open(2).record(done(9, SET)).as_slice(), [Event::Done { .. }]));
    }
}
