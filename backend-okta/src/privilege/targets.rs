//! What of each account decides who may reset it, and what the caller itself may do.

use std::collections::BTreeSet;

use identity_core::account::AccountId;

use super::survey::{Principal, Survey};
use crate::matrix::{OwnRole, Target};
use crate::org::Caller;

/// The answers to "may the caller do this to that account", of one survey.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    /// Whoever holds any administrator role, of whatever tier.
    admins: BTreeSet<AccountId>,
    /// The roles of the caller; `None` where they could not be read.
    own: Option<BTreeSet<OwnRole>>,
}

impl Targets {
    /// What matters of this survey for this caller.
    pub(crate) fn of(survey: &Survey, caller: &Caller) -> Self {
        let mut admins: BTreeSet<&String> = survey.listed.iter().collect();
        for holding in &survey.holdings {
            match &holding.principal {
                Principal::User(id) => {
                    admins.insert(id);
                }
                Principal::Group(id) => {
                    admins.extend(survey.groups.get(id).into_iter().flat_map(|group| &group.members));
                }
                Principal::App(_) => {}
            }
        }
        Self {
            admins: admins.into_iter().filter_map(|id| AccountId::new(id).ok()).collect(),
            own: survey.own_was_read.then(|| own_roles(survey, caller)),
        }
    }

    /// Planted, for tests.
    #[cfg(test)]
    pub(crate) fn planted(admins: impl IntoIterator<Item = AccountId>, own: Option<BTreeSet<OwnRole>>) -> Self {
        Self { admins: admins.into_iter().collect(), own }
    }

    /// What matters of one account.
    pub(crate) fn target(&self, account: &AccountId) -> Target {
        Target { is_admin: self.admins.contains(account) }
    }

    /// How many accounts hold an administrator role.
    pub(crate) fn admins(&self) -> usize {
        self.admins.len()
    }

    /// The roles of the caller.
    pub(crate) fn own(&self) -> Option<&BTreeSet<OwnRole>> {
        self.own.as_ref()
    }
}

fn own_roles(survey: &Survey, caller: &Caller) -> BTreeSet<OwnRole> {
    let own = match caller {
        Caller::User { id, .. } => Principal::User(id.clone()),
        Caller::App(id) => Principal::App(id.clone()),
    };
    let is_own = |principal: &Principal| match (principal, caller) {
        (Principal::Group(group), Caller::User { id: user, .. }) => {
            survey.groups.get(group).is_some_and(|group| group.members.contains(user))
        }
        _ => *principal == own,
    };
    let held = survey.holdings.iter().filter(|holding| is_own(&holding.principal));
    held.map(|holding| match survey.roles.get(&holding.role) {
        Some(role) if role.is_custom => OwnRole::Custom(survey.role_name(&holding.role), role.permissions.clone()),
        _ => OwnRole::Standard(holding.role.clone()),
    })
    .collect()
}
