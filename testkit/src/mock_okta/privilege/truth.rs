//! What a correct reading of an org's privilege comes to, computed from the org itself.

use std::collections::BTreeSet;

use identity_core::privilege::Tier;

use super::{AdminGraph, AdminRole};
use crate::mock_okta::org::Org;

/// What a user holds, by every route.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OktaPrivilege {
    /// The best of what it holds.
    pub tier: Tier,
    /// Each route once.
    pub routes: BTreeSet<OktaRoute>,
}

/// One route from a user to a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct OktaRoute {
    /// What it gives.
    pub tier: Tier,
    /// The type of a standard role, the id of a custom one.
    pub role: String,
    /// The group that it comes by, by id.
    pub group: Option<String>,
    /// The resource set that it is for, by id.
    pub resource_set: Option<String>,
}

/// What holders of a standard role can take over: who runs the org, holds it; every other administrator
/// runs a part of it.
fn tier_of_type(kind: &str) -> Tier {
    match kind {
        "API_ACCESS_MANAGEMENT_ADMIN"
        | "APP_ADMIN"
        | "USER_ADMIN"
        | "GROUP_MEMBERSHIP_ADMIN"
        | "HELP_DESK_ADMIN"
        | "READ_ONLY_ADMIN"
        | "REPORT_ADMIN"
        | "MOBILE_ADMIN"
        | "ACCESS_CERTIFICATIONS_ADMIN"
        | "ACCESS_REQUESTS_ADMIN" => Tier::Management,
        _ => Tier::Control,
    }
}

/// What a permission of a custom role gives.
fn tier_of_permission(permission: &str) -> Tier {
    match permission {
        reading if reading.ends_with(".read") => Tier::User,
        part if part.starts_with("okta.users.") || part.starts_with("okta.groups.") => Tier::Management,
        "okta.apps.manage" | "okta.apps.assignment.manage" | "okta.authzServers.manage" => Tier::Management,
        _ => Tier::Control,
    }
}

fn tier_of(graph: &AdminGraph, role: &AdminRole) -> Tier {
    match role {
        AdminRole::Standard(kind) => tier_of_type(kind),
        AdminRole::Custom { role, .. } => {
            let permissions = graph.custom_role(role).into_iter().flat_map(|role| &role.permissions);
            permissions.map(|one| tier_of_permission(one)).min().unwrap_or(Tier::User)
        }
    }
}

pub(in crate::mock_okta) fn privilege(org: &Org, user: u64) -> OktaPrivilege {
    let routes = org.held(user).into_iter().map(|(held, group)| {
        let tier = tier_of(&org.admin, &held);
        let (role, resource_set) = match held {
            AdminRole::Standard(kind) => (kind, None),
            AdminRole::Custom { role, resource_set } => (role, Some(resource_set)),
        };
        OktaRoute { tier, role, group: group.map(|group| group.id.clone()), resource_set }
    });
    let routes: BTreeSet<OktaRoute> = routes.filter(|route| route.tier < Tier::User).collect();
    let tier = routes.iter().map(|route| route.tier).min().unwrap_or(Tier::User);
    OktaPrivilege { tier, routes }
}
