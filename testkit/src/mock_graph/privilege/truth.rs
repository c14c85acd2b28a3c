//! What a correct reading of a tenant's privilege comes to, computed from the tenant itself.

use std::collections::BTreeSet;

use identity_core::privilege::Tier;
use uuid::Uuid;

use super::{Holding, RoleAssignment, RoleGraph};

/// Application permissions whose holder can take the tenant.
const TAKES_THE_TENANT: &[&str] = &[
    "RoleManagement.ReadWrite.Directory",
    "AppRoleAssignment.ReadWrite.All",
    "Application.ReadWrite.All",
    "UserAuthenticationMethod.ReadWrite.All",
];

/// What a user holds, by every route.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloudPrivilege {
    /// The best of what it holds.
    pub tier: Tier,
    /// Each route once.
    pub routes: BTreeSet<CloudRoute>,
}

/// One route from a user to what it holds or could hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct CloudRoute {
    /// What it gives.
    pub tier: Tier,
    /// How it begins, seen from the user.
    pub rule: RouteRule,
    /// The name of the role, permission, group or unit at its end.
    pub holds: String,
    /// The objects on the way, by object id, nearest to the user first.
    pub path: Vec<Uuid>,
}

/// How a route begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RouteRule {
    /// Holds the role now and always.
    Assigned,
    /// Holds the role for now.
    Activated,
    /// Can activate the role.
    Eligible,
    /// Is in the group, at whatever depth.
    GroupMember,
    /// Owns the group, and can add itself.
    GroupOwner,
    /// Can activate membership of the group.
    GroupMemberEligible,
    /// Can activate ownership of the group.
    GroupOwnerEligible,
    /// Owns the service principal, and can sign in as it.
    ApplicationOwner,
    /// Is in a unit whose management is restricted.
    RestrictedUnit,
}

/// Collects the routes of one user.
struct Walk<'a> {
    graph: &'a RoleGraph,
    routes: BTreeSet<CloudRoute>,
}

pub(in crate::mock_graph) fn privilege(graph: &RoleGraph, user: &Uuid) -> CloudPrivilege {
    let mut walk = Walk { graph, routes: BTreeSet::new() };
    for one in graph.assignments.iter().filter(|one| one.principal == *user) {
        let rule = match one.how {
            Holding::Assigned => RouteRule::Assigned,
            Holding::Activated { .. } => RouteRule::Activated,
            Holding::Eligible => RouteRule::Eligible,
        };
        walk.role(one, rule, &[]);
    }
    for group in &graph.groups {
        let (members, owners) = (graph.members(&group.id), graph.owners(&group.id));
        let eligible = |owner: bool| {
            let mut each = graph.schedules.iter().filter(|one| one.group == group.id && one.principal == *user);
            each.any(|one| one.eligible && one.owner == owner)
        };
        for (holds, rule) in [
            (members.contains(user), RouteRule::GroupMember),
            (owners.contains(user), RouteRule::GroupOwner),
            (eligible(false), RouteRule::GroupMemberEligible),
            (eligible(true), RouteRule::GroupOwnerEligible),
        ] {
            if holds {
                walk.group(group.id, rule, &[group.id]);
            }
        }
    }
    for service in graph.service_principals.iter().filter(|service| service.owners.contains(user)) {
        for one in graph.assignments.iter().filter(|one| one.principal == service.id) {
            walk.role(one, RouteRule::ApplicationOwner, &[service.id]);
        }
        for permission in service.permissions.iter().filter(|name| TAKES_THE_TENANT.contains(&name.as_str())) {
            walk.add(Tier::Control, RouteRule::ApplicationOwner, permission, &[service.id]);
        }
    }
    for unit in graph.units.iter().filter(|unit| unit.restricted && unit.members.contains(user)) {
        walk.add(Tier::Management, RouteRule::RestrictedUnit, &unit.name, &[unit.id]);
    }
    let tier = walk.routes.iter().map(|route| route.tier).min().unwrap_or(Tier::User);
    CloudPrivilege { tier, routes: walk.routes }
}

impl Walk<'_> {
    fn add(&mut self, tier: Tier, rule: RouteRule, holds: &str, path: &[Uuid]) {
        self.routes.insert(CloudRoute { tier, rule, holds: holds.to_owned(), path: path.to_vec() });
    }

    /// What one assignment gives; for a unit, no more than its members.
    fn role(&mut self, one: &RoleAssignment, rule: RouteRule, path: &[Uuid]) {
        let Some((name, tier)) = self.graph.role(&one.role) else { return };
        let tier = if one.unit.is_some() { tier.max(Tier::Management) } else { tier };
        if tier < Tier::User {
            let path: Vec<Uuid> = path.iter().copied().chain(one.unit).collect();
            self.add(tier, rule, &name, &path);
        }
    }

    /// What a group and those above it give.
    fn group(&mut self, group: Uuid, rule: RouteRule, path: &[Uuid]) {
        let graph = self.graph;
        for one in graph.assignments.iter().filter(|one| one.principal == group) {
            self.role(one, rule, path);
        }
        if let Some(found) = graph.group(&group).filter(|found| found.assignable) {
            // Its members and owners are protected, whatever it holds.
            self.add(Tier::Management, rule, &found.name, path);
        }
        for above in &graph.groups {
            if !path.contains(&above.id) && graph.members(&above.id).contains(&group) {
                let further: Vec<Uuid> = path.iter().copied().chain([above.id]).collect();
                self.group(above.id, rule, &further);
            }
        }
    }
}
