//! The room of privilege: administrator roles, groups, resource sets and service apps, and who holds
//! what by which route.

mod planted;
mod truth;

pub use truth::{OktaPrivilege, OktaRoute};

pub(super) use planted::planted;
pub(super) use truth::privilege;

use std::collections::BTreeSet;

use super::org::Org;

/// What a test may change of the privilege in an org, all of it public. Standard roles that a user holds
/// directly may be in [`OktaUser::roles`](super::OktaUser::roles), too.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AdminGraph {
    /// Who holds which role.
    pub assignments: Vec<AdminAssignment>,
    /// The groups.
    pub groups: Vec<OktaGroup>,
    /// The roles that the organisation made.
    pub custom_roles: Vec<OktaCustomRole>,
    /// What custom roles are for.
    pub resource_sets: Vec<OktaResourceSet>,
    /// The service apps beside the mock's own.
    pub clients: Vec<OktaClient>,
}

/// One principal holds one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminAssignment {
    /// Who.
    pub principal: Principal,
    /// What.
    pub role: AdminRole,
}

/// Who can hold a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// A user, by number.
    User(u64),
    /// A group, by id; its members hold the role.
    Group(String),
    /// A service app, by client id.
    Client(String),
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdminRole {
    /// A standard role, by its type.
    Standard(String),
    /// A role that the organisation made, for a set of resources.
    Custom {
        /// The role's id.
        role: String,
        /// The resource set's id.
        resource_set: String,
    },
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OktaGroup {
    /// `00g…`.
    pub id: String,
    /// `profile.name`.
    pub name: String,
    /// `type`: OKTA_GROUP, BUILT_IN or APP_GROUP.
    pub kind: String,
    /// Its members, by number. Groups are not members of groups.
    pub members: Vec<u64>,
    /// Everybody is a member.
    pub everybody: bool,
}

/// A role that the organisation made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OktaCustomRole {
    /// `cr0…`.
    pub id: String,
    /// `label`.
    pub label: String,
    /// `okta.users.read` and so on.
    pub permissions: Vec<String>,
}

/// What a custom role is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OktaResourceSet {
    /// `iam…`.
    pub id: String,
    /// `label`.
    pub label: String,
    /// Okta resource names.
    pub resources: Vec<String>,
}

/// A service app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OktaClient {
    /// The client id, `0oa…`.
    pub id: String,
    /// `client_name`.
    pub name: String,
}

impl AdminGraph {
    pub(super) fn group(&self, id: &str) -> Option<&OktaGroup> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// By id or label.
    pub(super) fn custom_role(&self, name: &str) -> Option<&OktaCustomRole> {
        self.custom_roles.iter().find(|role| role.id == name || role.label == name)
    }

    /// By id or label.
    pub(super) fn resource_set(&self, name: &str) -> Option<&OktaResourceSet> {
        self.resource_sets.iter().find(|set| set.id == name || set.label == name)
    }

    /// The groups that a user is in and that somebody listed; not those of everybody.
    pub(super) fn groups_of(&self, user: u64) -> impl Iterator<Item = &OktaGroup> {
        self.groups.iter().filter(move |group| group.members.contains(&user))
    }

    /// The assignments of one principal.
    pub(super) fn of<'a>(&'a self, principal: &Principal) -> impl Iterator<Item = &'a AdminAssignment> + use<'a> {
        let principal = principal.clone();
        self.assignments.iter().filter(move |one| one.principal == principal)
    }
}

impl Org {
    /// What a user holds: each role with the group that it comes by, if any.
    pub(super) fn held(&self, user: u64) -> Vec<(AdminRole, Option<&OktaGroup>)> {
        let own = self.view(user).map(|view| view.user.roles).unwrap_or_default();
        let mut held: Vec<_> = own.into_iter().map(|kind| (AdminRole::Standard(kind.to_owned()), None)).collect();
        held.extend(self.admin.of(&Principal::User(user)).map(|one| (one.role.clone(), None)));
        for group in self.admin.groups_of(user) {
            let by_group = self.admin.of(&Principal::Group(group.id.clone()));
            held.extend(by_group.map(|one| (one.role.clone(), Some(group))));
        }
        held
    }

    /// Everybody who holds a role by whatever route, in order.
    pub(super) fn holders(&self) -> BTreeSet<u64> {
        // Roles of users outside of the graph: the fixed ones and whoever a test changed.
        let changed = (0..super::org::FIXED).chain(self.changed());
        let own = changed.filter(|number| self.view(*number).is_some_and(|view| !view.user.roles.is_empty()));
        let mut holders: BTreeSet<u64> = own.collect();
        for one in &self.admin.assignments {
            match &one.principal {
                Principal::User(number) => {
                    holders.insert(*number);
                }
                Principal::Group(id) => {
                    holders.extend(self.admin.group(id).into_iter().flat_map(|group| group.members.iter().copied()));
                }
                Principal::Client(_) => {}
            }
        }
        holders.retain(|number| self.view(*number).is_some());
        holders
    }

    /// Changes the graph, and with it who counts as an administrator.
    pub(super) fn change_admin(&mut self, change: impl FnOnce(&mut AdminGraph)) {
        change(&mut self.admin);
        self.administrators = self.holders().into_iter().collect();
    }
}
