//! What was learnt of accounts that decides what can be done to them. Empty until somebody asked.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use identity_core::account::AccountId;

use super::Targets;

/// What was learnt of accounts.
#[derive(Debug, Default)]
pub(crate) struct Known {
    targets: Mutex<Option<Arc<Targets>>>,
    /// Whose enrolments were read.
    readiness: Mutex<BTreeSet<AccountId>>,
}

impl Known {
    pub(crate) fn keep_targets(&self, targets: Arc<Targets>) {
        *self.targets.lock().unwrap_or_else(PoisonError::into_inner) = Some(targets);
    }

    /// What the last look at the org's privileges found; `None` before one.
    pub(crate) fn targets(&self) -> Option<Arc<Targets>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note that the enrolments of an account were read.
    pub(crate) fn note_readiness(&self, account: &AccountId) {
        self.readiness.lock().unwrap_or_else(PoisonError::into_inner).insert(account.clone());
    }

    /// Whether the enrolments of an account were read: afterwards they may be gone.
    pub(crate) fn has_readiness(&self, account: &AccountId) -> bool {
        self.readiness.lock().unwrap_or_else(PoisonError::into_inner).contains(account)
    }
}
