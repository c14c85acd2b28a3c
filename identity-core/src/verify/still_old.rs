//! Which accounts still hold a password from before a given moment.

use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountId, AccountKind, DirectoryId, PasswordAuthority};
use crate::directory::{AccountEnumerator, AccountQuery};
use crate::error::Result;
use crate::plan::Population;
use crate::privilege::{PrivilegeIndex, Tier};

/// An account whose password is from before a given moment, or may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OldPassword {
    /// The directory.
    pub directory: DirectoryId,
    /// The account.
    pub id: AccountId,
    /// Its sign-in name.
    pub name: String,
    /// What it is.
    pub kind: AccountKind,
    /// The population that a plan would put it into.
    pub population: Population,
    /// Its tier.
    pub tier: Tier,
    /// Not disabled.
    pub enabled: bool,
    /// When its password was last set; `None` where the directory does not tell, which counts as
    /// old.
    pub last_set: Option<Timestamp>,
    /// It last signed in then; coarse in most directories.
    pub last_sign_in: Option<Timestamp>,
    /// Why a mass run never resets an account of this kind, and so what else has to be done.
    pub protected_because: Option<String>,
}

/// Lists the accounts of a directory whose password is from before `moment`, as they arrive.
///
/// An account of which the directory does not tell the time is listed: what is not known to be new
/// is not called new. Accounts whose password is mastered in another place are not: they are listed
/// there. Machines, managed accounts, trusts and krbtgt are listed too, with the reason why a mass
/// run does not reset them; narrow the list by [`OldPassword::kind`].
///
/// `index` says who is privileged; an account that it calls unknown counts with them. An account may
/// come twice, as from [`accounts`](crate::directory::AccountEnumerator::accounts); tell rows apart by
/// their id.
///
/// # Errors
/// In the stream: whatever makes the listing incomplete. The list up to there is not the whole one.
pub fn still_old<'a, D>(
    directory: &'a D,
    query: &AccountQuery,
    index: &'a PrivilegeIndex,
    moment: Timestamp,
) -> BoxStream<'a, Result<OldPassword>>
where
    D: AccountEnumerator + ?Sized,
{
    directory
        .accounts(query)
        .filter_map(move |account| async move {
            match account {
                Ok(account) => is_old(&account, moment).then(|| Ok(old(account, index))),
                Err(error) => Some(Err(error)),
            }
        })
        .boxed()
}

fn is_old(account: &Account, moment: Timestamp) -> bool {
    let here = matches!(account.authority, PasswordAuthority::Here | PasswordAuthority::Unknown);
    here && account.password.last_set.is_none_or(|last_set| last_set < moment)
}

fn old(account: Account, index: &PrivilegeIndex) -> OldPassword {
    let classification = index.classify(&account.id);
    OldPassword {
        population: Population::of(&account, &classification),
        tier: classification.tier,
        protected_because: account.kind.protected_because().map(str::to_owned),
        directory: account.directory,
        id: account.id,
        name: account.name,
        kind: account.kind,
        enabled: account.state.enabled,
        last_set: account.password.last_set,
        last_sign_in: account.last_sign_in,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::fixture::{at, corp, id};

    fn account(last_set: Option<i64>) -> Account {
        let mut account = Account::new(corp(), id(1), "user1", AccountKind::Person);
        account.password.last_set = last_set.map(at);
        account
    }

    #[test]
    fn what_is_not_known_to_be_new_is_old() {
        assert!(is_old(&account(Some(9)), at(10)));
        assert!(!is_old(&account(Some(10)), at(10)), "set at that very moment is not from before it");
        assert!(is_old(&account(None), at(10)));
        let mut elsewhere = account(Some(9));
        elsewhere.authority = PasswordAuthority::OnPrem;
        assert!(!is_old(&elsewhere, at(10)));
    }

    #[test]
    fn the_population_is_that_of_a_plan_and_unknown_goes_with_the_privileged() {
        let mut index = PrivilegeIndex::default();
        assert_eq!(old(account(None), &index).population, Population::Workforce);
        let mut dormant = account(None);
        dormant.state.enabled = false;
        assert_eq!(old(dormant, &index).population, Population::Dormant);
        index.mark_incomplete("a group could not be read");
        assert_eq!(old(account(None), &index).population, Population::Privileged);
        let mut machine = account(None);
        machine.kind = AccountKind::Computer;
        assert!(old(machine, &PrivilegeIndex::default()).protected_because.is_some());
    }
}
