//! What of each account decides who may reset it, and what the app itself may do.

use std::collections::{BTreeMap, BTreeSet};

use identity_core::account::AccountId;
use identity_core::privilege::MembershipGraph;

use super::survey::{Access, How, Scope, Survey};
use crate::matrix::{Caller, OwnRole, Target};

/// The answers to "may the app do this to that account", of one survey.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    /// Only those who are not like everybody.
    by_account: BTreeMap<AccountId, Target>,
    /// The roles that the app holds now; `None` where that is not known.
    own: Option<BTreeSet<OwnRole>>,
    /// Names of restricted units, for advice.
    restricted: BTreeMap<String, String>,
}

impl Targets {
    /// What matters of this survey for an app with this service principal.
    pub(crate) fn of(survey: &Survey, service_principal: Option<&str>) -> Self {
        let by_membership = members_of_role_assignable(survey);
        let mut by_principal: BTreeMap<&str, Target> = BTreeMap::new();
        for principal in &by_membership {
            by_principal.entry(principal).or_default().in_role_assignable_group = true;
        }
        for (principal, role, restricted) in active(survey) {
            let target = by_principal.entry(principal).or_default();
            let template = survey.roles.get(role).map_or(role, |role| &role.template);
            target.roles.insert(template.to_lowercase());
            target.holds_restricted_role |= restricted;
        }
        for (id, unit) in &survey.units {
            for member in &unit.members {
                let target = by_principal.entry(member).or_default();
                target.units.insert(id.clone());
                if unit.restricted {
                    target.restricted_units.insert(id.clone());
                }
            }
        }
        // Groups and apps hold roles, too, and are no accounts.
        by_principal.retain(|id, _| !survey.groups.contains_key(*id) && !survey.apps.contains_key(*id));
        let by_account = by_principal.into_iter().filter_map(|(id, target)| Some((AccountId::new(id).ok()?, target)));
        let restricted = survey.units.iter().filter(|(_, unit)| unit.restricted);
        Self {
            by_account: by_account.collect(),
            own: service_principal.filter(|_| survey.assignments_were_read).map(|own| own_roles(survey, own)),
            restricted: restricted.map(|(id, unit)| (id.clone(), unit.name.clone())).collect(),
        }
    }

    /// One account of which this is known, for tests.
    #[cfg(test)]
    pub(crate) fn planted(account: AccountId, target: Target, own: Option<BTreeSet<OwnRole>>) -> Self {
        Self { by_account: BTreeMap::from([(account, target)]), own, restricted: BTreeMap::new() }
    }

    /// What matters of one account.
    pub(crate) fn target(&self, account: &AccountId) -> Target {
        self.by_account.get(account).cloned().unwrap_or_default()
    }

    /// Every account that is not like everybody.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&AccountId, &Target)> {
        self.by_account.iter()
    }

    /// The roles that the app holds now.
    pub(crate) fn own(&self) -> Option<&BTreeSet<OwnRole>> {
        self.own.as_ref()
    }

    /// The restricted units of a target, in words.
    pub(crate) fn restricted_units(&self, target: &Target) -> String {
        let name = |id: &String| self.restricted.get(id).filter(|name| !name.is_empty()).unwrap_or(id).clone();
        target.restricted_units.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

/// Who holds which role now, and whether over a restricted unit.
fn active(survey: &Survey) -> impl Iterator<Item = (&str, &str, bool)> {
    let held = survey.holdings.iter().filter(|holding| is_active(holding.how));
    let held =
        held.map(|holding| (holding.principal.as_str(), holding.role.as_str(), survey.is_restricted(&holding.scope)));
    held.chain(survey.listed.iter().map(|(role, principal)| (principal.as_str(), role.as_str(), false)))
}

fn is_active(how: How) -> bool {
    matches!(how, How::Assigned | How::Activated | How::ByGroup)
}

/// Members at any depth, and owners, of groups that can be given roles.
fn members_of_role_assignable(survey: &Survey) -> BTreeSet<String> {
    let roots = survey.groups.iter().filter(|(_, group)| group.role_assignable);
    let nested = nesting(survey).close(roots.map(|(id, _)| id.clone()));
    let mut found = BTreeSet::new();
    for (id, group) in &survey.groups {
        for place in &group.places {
            let counts = match place.access {
                Access::Member => nested.contains_key(id),
                Access::Owner => group.role_assignable,
                Access::EligibleMember | Access::EligibleOwner => false,
            };
            if counts {
                found.insert(place.principal.clone());
            }
        }
    }
    found
}

fn nesting(survey: &Survey) -> MembershipGraph<String> {
    let mut graph = MembershipGraph::default();
    for (id, group) in &survey.groups {
        for place in group.places.iter().filter(|place| place.access == Access::Member) {
            graph.nest(place.principal.clone(), id.clone());
        }
    }
    graph
}

/// The roles of the matrix that a service principal holds now, itself or by a group.
fn own_roles(survey: &Survey, own: &str) -> BTreeSet<OwnRole> {
    let graph = nesting(survey);
    let mut holders = BTreeMap::new();
    let mut roles = BTreeSet::new();
    for holding in survey.holdings.iter().filter(|holding| is_active(holding.how)) {
        let holds = *holders
            .entry(holding.principal.as_str())
            .or_insert_with(|| holding.principal == own || graph.close([holding.principal.clone()]).contains_key(own));
        let template = survey.roles.get(&holding.role).map_or(&holding.role, |role| &role.template);
        let unit = match &holding.scope {
            Scope::Tenant => None,
            Scope::Unit(unit) => Some(unit.clone()),
            Scope::Object(_) => continue,
        };
        if let (true, Some(caller)) = (holds, Caller::of(template)) {
            roles.insert(OwnRole { caller, unit });
        }
    }
    roles
}
