//! The room of privilege: roles, groups, units and service principals, and who holds what by which
//! route.

pub(super) mod builtin;
mod planted;
mod truth;

pub use truth::{CloudPrivilege, CloudRoute, RouteRule};

pub(super) use planted::{direct_roles, is_restricted, planted};
pub(super) use truth::privilege;

use std::collections::BTreeSet;

use identity_core::privilege::Tier;
use jiff::Timestamp;
use uuid::Uuid;

/// What a test may change of the privilege in a tenant, all of it public.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RoleGraph {
    /// Who holds which role; those of the mock's app at the scope of the tenant are
    /// [`app_roles`](super::MockGraphBuilder::app_roles).
    pub assignments: Vec<RoleAssignment>,
    /// The groups.
    pub groups: Vec<CloudGroup>,
    /// Members and owners of groups by privileged identity management.
    pub schedules: Vec<GroupSchedule>,
    /// The administrative units.
    pub units: Vec<AdministrativeUnit>,
    /// The service principals beside the mock's app.
    pub service_principals: Vec<ServicePrincipal>,
    /// The roles that the organisation made.
    pub custom_roles: Vec<CustomRole>,
}

/// One principal holds one role, or may hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleAssignment {
    /// A user, a group or a service principal, by object id.
    pub principal: Uuid,
    /// The role definition: a template, or the id of a custom role.
    pub role: String,
    /// The administrative unit that it is for; the whole tenant without.
    pub unit: Option<Uuid>,
    /// Since when and how it is held.
    pub how: Holding,
}

/// How a role is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// Always.
    Assigned,
    /// For now, from an eligibility.
    Activated {
        /// When it ends.
        until: Timestamp,
    },
    /// Not now; the principal can activate it.
    Eligible,
}

/// A group of the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudGroup {
    /// The object id.
    pub id: Uuid,
    /// `displayName`.
    pub name: String,
    /// `isAssignableToRole`.
    pub assignable: bool,
    /// Users, groups and service principals, by object id.
    pub members: Vec<Uuid>,
    /// Users and service principals, by object id.
    pub owners: Vec<Uuid>,
}

/// A member or owner of a group by privileged identity management.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSchedule {
    /// The group.
    pub group: Uuid,
    /// Who.
    pub principal: Uuid,
    /// As owner; otherwise as member.
    pub owner: bool,
    /// Not now; the principal can activate it. Otherwise it is a member or owner now.
    pub eligible: bool,
}

/// An administrative unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdministrativeUnit {
    /// The object id.
    pub id: Uuid,
    /// `displayName`.
    pub name: String,
    /// `isMemberManagementRestricted`: only who holds a role for this unit manages its members.
    pub restricted: bool,
    /// Users and groups, by object id.
    pub members: Vec<Uuid>,
}

/// A service principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePrincipal {
    /// The object id.
    pub id: Uuid,
    /// The client id of its app.
    pub app_id: Uuid,
    /// `displayName`.
    pub name: String,
    /// Users, by object id.
    pub owners: Vec<Uuid>,
    /// Application permissions on Graph that were granted, by name.
    pub permissions: Vec<String>,
}

/// A role that the organisation made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomRole {
    /// The definition's id, which is its template too.
    pub id: Uuid,
    /// `displayName`.
    pub name: String,
    /// `allowedResourceActions`.
    pub actions: Vec<String>,
}

/// What about a user decides who may reset it.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// Role definitions that it holds now, by whatever route and at whatever scope.
    pub(super) roles: BTreeSet<String>,
    /// It is a member or an owner of a role-assignable group, or holds a role for a unit whose
    /// management is restricted.
    pub(super) as_protected: bool,
    /// Units of which it is a member.
    pub(super) units: Vec<Uuid>,
    /// Those of them whose management is restricted.
    pub(super) restricted_units: Vec<Uuid>,
}

impl Standing {
    pub(super) fn is_protected(&self) -> bool {
        self.as_protected || !self.roles.is_empty() || !self.restricted_units.is_empty()
    }
}

impl RoleAssignment {
    pub(super) fn is_active(&self) -> bool {
        self.how != Holding::Eligible
    }
}

impl RoleGraph {
    pub(super) fn group(&self, id: &Uuid) -> Option<&CloudGroup> {
        self.groups.iter().find(|group| group.id == *id)
    }

    pub(super) fn unit(&self, id: &Uuid) -> Option<&AdministrativeUnit> {
        self.units.iter().find(|unit| unit.id == *id)
    }

    pub(super) fn custom_role(&self, id: &str) -> Option<&CustomRole> {
        self.custom_roles.iter().find(|role| role.id.to_string() == id)
    }

    /// The name of a role and what a holder for the whole tenant can take over.
    pub(super) fn role(&self, id: &str) -> Option<(String, Tier)> {
        if let Some(role) = builtin::built_in(id) {
            return Some((role.name.to_owned(), role.tier));
        }
        let role = self.custom_role(id)?;
        let over_passwords = role.actions.iter().any(|action| action.starts_with("microsoft.directory/users/password"));
        Some((role.name.clone(), if over_passwords { Tier::Management } else { Tier::User }))
    }

    /// Members of a group now, those by privileged identity management among them.
    pub(super) fn members(&self, group: &Uuid) -> Vec<Uuid> {
        self.inside(group, false)
    }

    /// Owners of a group now.
    pub(super) fn owners(&self, group: &Uuid) -> Vec<Uuid> {
        self.inside(group, true)
    }

    fn inside(&self, group: &Uuid, owner: bool) -> Vec<Uuid> {
        let listed = self.group(group).map(|group| if owner { &group.owners } else { &group.members });
        let mut inside: Vec<Uuid> = listed.cloned().unwrap_or_default();
        let now = self.schedules.iter().filter(|one| one.group == *group && one.owner == owner && !one.eligible);
        inside.extend(now.map(|one| one.principal));
        let mut seen = BTreeSet::new();
        inside.retain(|id| seen.insert(*id));
        inside
    }

    /// Everybody in a group at any depth, groups included, each once.
    pub(super) fn transitive_members(&self, group: &Uuid) -> Vec<Uuid> {
        let (mut found, mut seen, mut open) = (Vec::new(), BTreeSet::from([*group]), vec![*group]);
        while let Some(next) = open.pop() {
            for member in self.members(&next) {
                if seen.insert(member) {
                    found.push(member);
                    open.extend(self.group(&member).map(|group| group.id));
                }
            }
        }
        found
    }

    /// The groups that an object is in at any depth, each once.
    pub(super) fn groups_of(&self, object: &Uuid) -> Vec<&CloudGroup> {
        let (mut found, mut seen, mut open) = (Vec::new(), BTreeSet::new(), vec![*object]);
        while let Some(next) = open.pop() {
            for group in self.groups.iter().filter(|group| self.members(&group.id).contains(&next)) {
                if seen.insert(group.id) {
                    found.push(group);
                    open.push(group.id);
                }
            }
        }
        found
    }

    /// What decides who may reset a user.
    pub(super) fn standing(&self, user: &Uuid) -> Standing {
        let within = self.groups_of(user);
        let holders: Vec<Uuid> = std::iter::once(*user).chain(within.iter().map(|group| group.id)).collect();
        let held = self.assignments.iter().filter(|one| one.is_active() && holders.contains(&one.principal));
        let held: Vec<&RoleAssignment> = held.collect();
        let owns = |group: &CloudGroup| group.assignable && self.owners(&group.id).contains(user);
        let restricted = |id: &Uuid| self.unit(id).is_some_and(|unit| unit.restricted);
        let units: Vec<Uuid> =
            self.units.iter().filter(|unit| unit.members.contains(user)).map(|unit| unit.id).collect();
        Standing {
            roles: held.iter().map(|one| one.role.clone()).collect(),
            as_protected: within.iter().any(|group| group.assignable)
                || self.groups.iter().any(owns)
                || held.iter().filter_map(|one| one.unit).any(|unit| restricted(&unit)),
            restricted_units: units.iter().filter(|unit| restricted(unit)).copied().collect(),
            units,
        }
    }
}
