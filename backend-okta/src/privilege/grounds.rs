//! From what was read to the index: each account with each of its grounds.

use std::collections::BTreeSet;

use identity_core::account::AccountId;
use identity_core::privilege::{Ground, PrivilegeIndex, Tier};

use super::survey::{Holding, Principal, Survey};

/// Stable words for the rules of grounds.
mod rule {
    /// Holds it itself.
    pub(super) const ROLE: &str = "role";
    /// In a group that holds it.
    pub(super) const MEMBER: &str = "member";
    /// Administers apps, of which one holds it.
    pub(super) const APP_ADMIN: &str = "app_admin";
}

/// An account comes to what a principal holds.
struct Way {
    account: String,
    rule: &'static str,
    /// Nearest to the account first.
    path: Vec<String>,
}

/// The index of what was read.
pub(crate) fn index(survey: &Survey) -> PrivilegeIndex {
    let mut index = PrivilegeIndex::default();
    let app_admins = app_admins(survey);
    for holding in &survey.holdings {
        let tier = survey.tier(&holding.role);
        if tier == Tier::User {
            continue;
        }
        let words = words(survey, holding);
        match &holding.principal {
            Principal::App(app) => {
                for way in &app_admins {
                    let mut path = way.path.clone();
                    path.push(survey.app_name(app));
                    give(&mut index, survey, holding, &way.account, rule::APP_ADMIN, path, &words);
                }
            }
            principal => {
                for way in ways(survey, principal) {
                    give(&mut index, survey, holding, &way.account, way.rule, way.path, &words);
                }
            }
        }
    }
    unread_apps(survey, &app_admins, &mut index);
    listed_only(survey, &mut index);
    for gap in survey.gaps() {
        index.mark_incomplete(gap.clone());
    }
    index
}

/// The accounts that use what a user or a group holds.
fn ways(survey: &Survey, principal: &Principal) -> Vec<Way> {
    match principal {
        Principal::User(id) => vec![Way { account: id.clone(), rule: rule::ROLE, path: Vec::new() }],
        Principal::Group(id) => {
            let path = vec![format!("member of {}", survey.group_name(id))];
            let members = survey.groups.get(id).into_iter().flat_map(|group| &group.members);
            members.map(|member| Way { account: member.clone(), rule: rule::MEMBER, path: path.clone() }).collect()
        }
        Principal::App(_) => Vec::new(),
    }
}

/// Whoever administers apps, with the way to it. Over which apps is not told apart: a resource set or a
/// target can hold any.
fn app_admins(survey: &Survey) -> Vec<Way> {
    let administer = survey.holdings.iter().filter(|holding| survey.administers_apps(&holding.role));
    let ways = administer.flat_map(|holding| {
        ways(survey, &holding.principal).into_iter().map(|mut way| {
            way.path.push(words(survey, holding));
            way
        })
    });
    ways.collect()
}

/// A role in words, the last of the evidence.
fn words(survey: &Survey, holding: &Holding) -> String {
    let name = survey.role_name(&holding.role);
    let role = survey.roles.get(&holding.role);
    let name = match role {
        Some(role) if role.is_custom => match &role.permissions {
            Some(permissions) => format!("custom role {name} ({})", in_short(permissions)),
            None => format!("custom role {name} (its permissions were not read)"),
        },
        _ => name,
    };
    match &holding.over {
        Some(set) => format!("{name} over {}", survey.set_name(set)),
        None => name,
    }
}

/// The first few of many.
fn in_short(permissions: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = permissions.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match permissions.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Where it is not known which apps hold what, one of them may hold everything.
fn unread_apps(survey: &Survey, app_admins: &[Way], index: &mut PrivilegeIndex) {
    let Some(why) = &survey.apps_unread else { return };
    let accounts: BTreeSet<&String> = app_admins.iter().map(|way| &way.account).collect();
    for account in accounts {
        match AccountId::new(account) {
            Ok(id) => index
                .mark_unknown(id, format!("it administers apps, and which of them hold a role is not known: {why}")),
            Err(_) => index.mark_incomplete(format!("an administrator of apps has no usable id ({why})")),
        }
    }
}

/// Whom the listing names, and of whom nothing was seen.
fn listed_only(survey: &Survey, index: &mut PrivilegeIndex) {
    let holds = |id: &String| {
        let user = Principal::User(id.clone());
        survey.held_by(&user).next().is_some() || survey.groups.values().any(|group| group.members.contains(id))
    };
    for id in &survey.listed {
        let why = if survey.unread.contains(id) {
            "it is listed among the administrators, and its roles could not be read"
        } else if !holds(id) {
            "it is listed among the administrators, and none of its roles was shown"
        } else {
            continue;
        };
        match AccountId::new(id) {
            Ok(account) => index.mark_unknown(account, why),
            Err(_) => index.mark_incomplete("an administrator has no usable id"),
        }
    }
}

fn give(
    index: &mut PrivilegeIndex,
    survey: &Survey,
    holding: &Holding,
    account: &str,
    rule: &str,
    mut path: Vec<String>,
    words: &str,
) {
    let holds = survey.role_name(&holding.role);
    path.push(words.to_owned());
    match AccountId::new(account) {
        Ok(id) => {
            let tier = survey.tier(&holding.role);
            index.add(id, Ground { tier, rule: rule.to_owned(), holds, evidence: path });
        }
        Err(_) => index.mark_incomplete(format!("{holds} is held by something without a usable id")),
    }
}
