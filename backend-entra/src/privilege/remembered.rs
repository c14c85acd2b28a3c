//! What was learnt of accounts that decides what can be done to them. Empty until somebody asked.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use identity_core::account::AccountId;
use uuid::Uuid;

use super::Targets;

/// What was learnt of accounts.
#[derive(Debug, Default)]
pub(crate) struct Known {
    targets: Mutex<Option<Arc<Targets>>>,
    /// By object id: sixteen bytes an account.
    mfa_capable: Mutex<Option<HashSet<Uuid>>>,
    /// Who was read as restricted, by whatever unit.
    restricted: Mutex<BTreeSet<AccountId>>,
}

impl Known {
    pub(crate) fn keep_targets(&self, targets: Arc<Targets>) {
        *self.targets.lock().unwrap_or_else(PoisonError::into_inner) = Some(targets);
    }

    /// What the last look at the tenant's privileges found; `None` before one.
    pub(crate) fn targets(&self) -> Option<Arc<Targets>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note of whether a restricted administrative unit has the account, as its row says.
    pub(crate) fn note_restricted(&self, account: &AccountId, is_restricted: bool) {
        let mut restricted = self.restricted.lock().unwrap_or_else(PoisonError::into_inner);
        if is_restricted {
            restricted.insert(account.clone());
        } else {
            restricted.remove(account);
        }
    }

    /// The accounts whose rows said last that a restricted administrative unit has them.
    pub(crate) fn restricted(&self) -> Vec<AccountId> {
        self.restricted.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Takes note of who can do multifactor authentication now.
    pub(crate) fn note_mfa(&self, account: &AccountId, is_capable: bool) {
        let Ok(id) = Uuid::try_parse(account.as_str()) else { return };
        let mut guard = self.mfa_capable.lock().unwrap_or_else(PoisonError::into_inner);
        let capable = guard.get_or_insert_with(HashSet::new);
        if is_capable {
            capable.insert(id);
        } else {
            capable.remove(&id);
        }
    }

    /// Whether an account can do multifactor authentication; `None` before anybody looked.
    pub(crate) fn can_do_mfa(&self, account: &AccountId) -> Option<bool> {
        let guard = self.mfa_capable.lock().unwrap_or_else(PoisonError::into_inner);
        let id = Uuid::try_parse(account.as_str()).ok();
        guard.as_ref().map(|capable| id.is_some_and(|id| capable.contains(&id)))
    }
}
