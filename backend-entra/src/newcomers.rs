//! Accounts that were made a moment ago: a server that has not heard of one answers 404, as of one
//! that is gone.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use identity_core::account::{Account, AccountId};
use identity_core::limits::clock;
use jiff::{SignedDuration, Timestamp};

/// How long an account counts as new. The servers of one tenant usually agree within seconds;
/// Microsoft gives no number.
const NEW_FOR: SignedDuration = SignedDuration::from_mins(15);
/// How often a new account may not be found before it counts as gone.
const TRIES: u32 = 3;
/// How long to wait before each.
pub(crate) const WAIT: Duration = Duration::from_secs(5);
/// Above this many the old are forgotten.
const MANY: usize = 4_096;

/// The accounts that reads have shown to be new.
#[derive(Debug, Default)]
pub(crate) struct Newcomers(Mutex<HashMap<AccountId, Newcomer>>);

#[derive(Debug)]
struct Newcomer {
    created: Timestamp,
    missed: u32,
}

impl Newcomers {
    /// An account was read.
    pub(crate) fn seen(&self, account: &Account) {
        let now = clock::now();
        let Some(created) = account.created.filter(|created| is_new(*created, now)) else { return };
        let mut known = self.known();
        if known.len() >= MANY {
            known.retain(|_, newcomer| is_new(newcomer.created, now));
        }
        known.entry(account.id.clone()).or_insert(Newcomer { created, missed: 0 });
    }

    /// An account was not found; whether that may be because it is new.
    pub(crate) fn missed(&self, account: &AccountId) -> bool {
        let now = clock::now();
        let mut known = self.known();
        let Some(newcomer) = known.get_mut(account) else { return false };
        newcomer.missed += 1;
        if newcomer.missed <= TRIES && is_new(newcomer.created, now) {
            return true;
        }
        known.remove(account);
        false
    }

    fn known(&self) -> MutexGuard<'_, HashMap<AccountId, Newcomer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The clocks of the service and of this machine need not agree.
fn is_new(created: Timestamp, now: Timestamp) -> bool {
    now.duration_since(created) < NEW_FOR
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity_core::account::{AccountKind, DirectoryId};

    fn account(id: &str, age: SignedDuration) -> Account {
        let directory = DirectoryId::new("cloud").unwrap();
        let mut account = Account::new(directory, AccountId::new(id).unwrap(), id, AccountKind::Person);
        account.created = Some(clock::now() - age);
        account
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_account_is_missed_three_times_and_an_old_one_never() {
        let newcomers = Newcomers::default();
        let (new, old) = (account("new", SignedDuration::from_secs(30)), account("old", SignedDuration::from_hours(1)));
        newcomers.seen(&new);
        newcomers.seen(&old);
        let missed: Vec<bool> = (0..4).map(|_| newcomers.missed(&new.id)).collect();
        assert_eq!(missed, [true, true, true, false]);
        assert!(!newcomers.missed(&old.id));
        assert!(!newcomers.missed(&AccountId::new("nobody").unwrap()));
    }

    #[tokio::test(start_paused = true)]
    async fn new_is_a_matter_of_minutes() {
        let newcomers = Newcomers::default();
        let new = account("new", SignedDuration::from_secs(30));
        newcomers.seen(&new);
        clock::sleep(Duration::from_secs(15 * 60)).await;
        assert!(!newcomers.missed(&new.id));
    }
}
