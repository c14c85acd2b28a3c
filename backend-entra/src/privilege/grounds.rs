//! From what was read to the index: each account with each of its grounds.

use std::collections::{BTreeMap, BTreeSet};

use identity_core::account::AccountId;
use identity_core::privilege::{Ground, PrivilegeIndex, Tier};

use super::survey::{Holding, How, Scope, Survey};
use super::table::is_directory_sync;
use super::ways::Ways;

/// Stable words for the rules of grounds, beside those that say by which way an account can use what a
/// group or an app holds.
mod rule {
    pub(super) const APP_PERMISSION: &str = "app_permission";
    pub(super) const DIRECTORY_SYNC: &str = "directory_sync";
    pub(super) const RESTRICTED_UNIT: &str = "restricted_unit";
    pub(super) const ROLE: &str = "role";
    pub(super) const ROLE_ACTIVATED: &str = "role_activated";
    pub(super) const ROLE_ASSIGNABLE_GROUP: &str = "role_assignable_group";
    pub(super) const ROLE_ELIGIBLE: &str = "role_eligible";
    /// The directory lists the account with the role; by which way was not seen.
    pub(super) const ROLE_LISTED: &str = "role_listed";
}

/// What a principal holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    tier: Tier,
    /// The rule for an account that holds it itself.
    rule: &'static str,
    holds: String,
    /// The last of the evidence.
    words: String,
}

/// The index of what was read.
pub(super) fn index(survey: &Survey) -> PrivilegeIndex {
    let mut index = PrivilegeIndex::default();
    let ways = Ways::of(survey);
    for (principal, grants) in &grants(survey) {
        for grant in grants {
            if !ways.is_no_account(principal) {
                give(&mut index, principal, grant.ground(grant.rule, Vec::new()));
            }
        }
        for (over, membership) in ways.reach(principal) {
            for way in ways.straight_to(&over).filter(|way| !ways.is_no_account(&way.holder)) {
                let path = ways.in_words(way, &membership.path);
                for grant in grants {
                    give(&mut index, &way.holder, grant.ground(way.by.rule(), path.clone()));
                }
            }
        }
    }
    restricted_members(survey, &mut index);
    listed_only(survey, &ways, &mut index);
    for gap in survey.gaps() {
        index.mark_incomplete(gap.clone());
    }
    index
}

impl Grant {
    fn ground(&self, rule: &str, mut path: Vec<String>) -> Ground {
        path.push(self.words.clone());
        Ground { tier: self.tier, rule: rule.to_owned(), holds: self.holds.clone(), evidence: path }
    }
}

/// What each principal holds itself.
fn grants(survey: &Survey) -> BTreeMap<String, BTreeSet<Grant>> {
    let mut grants: BTreeMap<String, BTreeSet<Grant>> = BTreeMap::new();
    for holding in &survey.holdings {
        if let (Some(grant), false) = (by_role(survey, holding), is_by_group(holding.how)) {
            grants.entry(holding.principal.clone()).or_default().insert(grant);
        }
    }
    for (id, app) in &survey.apps {
        for (permission, tier) in app.permissions.iter().filter(|(_, tier)| **tier != Tier::User) {
            grants.entry(id.clone()).or_default().insert(Grant {
                tier: *tier,
                rule: rule::APP_PERMISSION,
                holds: permission.clone(),
                words: format!("permission {permission}"),
            });
        }
    }
    for (id, group) in survey.groups.iter().filter(|(_, group)| group.role_assignable) {
        // One that holds a privileged role says so by that.
        grants.entry(id.clone()).or_insert_with(|| {
            BTreeSet::from([Grant {
                tier: Tier::Management,
                rule: rule::ROLE_ASSIGNABLE_GROUP,
                holds: format!("role-assignable group {}", group.name),
                words: "can be given roles".to_owned(),
            }])
        });
    }
    grants
}

fn is_by_group(how: How) -> bool {
    matches!(how, How::ByGroup | How::EligibleByGroup)
}

/// What a holding gives; `None` where the role is not privileged.
fn by_role(survey: &Survey, holding: &Holding) -> Option<Grant> {
    let role = survey.roles.get(&holding.role);
    // A role whose definition could not be read is not known to be harmless.
    let (tier, name) = role.map_or((Tier::Management, holding.role.as_str()), |role| (role.tier, role.name.as_str()));
    let (tier, over) = match &holding.scope {
        Scope::Tenant => (tier, None),
        // Whoever has a role there may do what the administrators of the whole tenant may not.
        Scope::Unit(unit) if survey.is_restricted(&holding.scope) => {
            (tier.min(Tier::Management), Some(format!("restricted {}", survey.unit_name(unit))))
        }
        // A unit can hold anybody, tier 0 too.
        Scope::Unit(unit) => (tier, Some(survey.unit_name(unit))),
        // What the one object holds comes by its own way.
        Scope::Object(object) => (tier.max(Tier::Management), Some(format!("object {object}"))),
    };
    if tier == Tier::User {
        return None;
    }
    let rule = match holding.how {
        _ if role.is_some_and(|role| is_directory_sync(&role.template)) => rule::DIRECTORY_SYNC,
        How::Assigned => rule::ROLE,
        How::Activated => rule::ROLE_ACTIVATED,
        How::Eligible => rule::ROLE_ELIGIBLE,
        How::ByGroup | How::EligibleByGroup => rule::ROLE_LISTED,
    };
    let how = match holding.how {
        How::Assigned => "",
        How::Activated => ", activated for a time",
        How::Eligible => ", eligible",
        How::ByGroup => ", by a group that was not seen",
        How::EligibleByGroup => ", eligible by a group that was not seen",
    };
    let over = over.map_or_else(String::new, |over| format!(" over {over}"));
    Some(Grant { tier, rule, holds: name.to_owned(), words: format!("{name}{over}{how}") })
}

/// The members of restricted units: somebody found them worth protecting, and no administrator of the
/// tenant can reset them.
fn restricted_members(survey: &Survey, index: &mut PrivilegeIndex) {
    for (id, unit) in survey.units.iter().filter(|(_, unit)| unit.restricted) {
        let name = survey.unit_name(id);
        for member in unit.members.iter().filter(|member| !survey.groups.contains_key(*member)) {
            give(
                index,
                member,
                Ground {
                    tier: Tier::Management,
                    rule: rule::RESTRICTED_UNIT.to_owned(),
                    holds: format!("restricted {name}"),
                    evidence: vec![format!("member of {name}")],
                },
            );
        }
    }
}

/// Whose own row says that a restricted unit has them, where no unit that could be read explains it: one
/// that hides its members, or that was not shown.
pub(super) fn add_restricted(index: &mut PrivilegeIndex, accounts: Vec<AccountId>) {
    for account in accounts {
        if index.classify(&account).grounds.iter().any(|ground| ground.rule == rule::RESTRICTED_UNIT) {
            continue;
        }
        let ground = Ground {
            tier: Tier::Management,
            rule: rule::RESTRICTED_UNIT.to_owned(),
            holds: "a restricted administrative unit".to_owned(),
            evidence: vec!["isManagementRestricted; the unit was not seen".to_owned()],
        };
        index.add(account, ground);
    }
}

/// Whom other listings show with a role, and of whom no way to it was seen.
fn listed_only(survey: &Survey, ways: &Ways<'_>, index: &mut PrivilegeIndex) {
    let by_group = survey.holdings.iter().filter(|holding| is_by_group(holding.how));
    let by_group = by_group.filter_map(|holding| Some((holding.principal.clone(), by_role(survey, holding)?)));
    let members = survey.listed.iter().filter_map(|(role, principal)| {
        let (role, scope) = (role.clone(), Scope::Tenant);
        let mut grant = by_role(survey, &Holding { principal: principal.clone(), role, scope, how: How::Assigned })?;
        (grant.rule, grant.words) = (rule::ROLE_LISTED, format!("{}, listed among its members", grant.holds));
        Some((principal.clone(), grant))
    });
    for (principal, grant) in by_group.chain(members) {
        let Ok(account) = AccountId::new(&principal) else { continue };
        let is_seen = index.classify(&account).grounds.iter().any(|ground| ground.holds == grant.holds);
        if !is_seen && !ways.is_no_account(&principal) {
            index.add(account, grant.ground(grant.rule, Vec::new()));
        }
    }
}

fn give(index: &mut PrivilegeIndex, principal: &str, ground: Ground) {
    match AccountId::new(principal) {
        Ok(account) => index.add(account, ground),
        Err(_) => index.mark_incomplete(format!("{} is held by something without a usable id", ground.holds)),
    }
}
