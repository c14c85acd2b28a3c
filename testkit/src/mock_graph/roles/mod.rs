//! Roles: definitions, who holds them, by privileged identity management too, and directory roles.

mod assignments;
mod definitions;
mod directory_roles;
mod schedules;

use http::Method;

use super::collection::property;
use super::query::{Entity, Operator, Options};
use super::routes::{BodyRule, Family, Route};
use crate::fault::Operation;

const ROLES: &[&str] = &[
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const ACTIVE: &[&str] = &[
    "RoleAssignmentSchedule.Read.Directory",
    "RoleAssignmentSchedule.ReadWrite.Directory",
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
];
const ELIGIBLE: &[&str] = &[
    "RoleEligibilitySchedule.Read.Directory",
    "RoleEligibilitySchedule.ReadWrite.Directory",
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
];

const EQUAL: &[Operator] = &[Operator::Equal];
const NOTHING: &[Operator] = &[];

static DEFINITION: Entity = Entity {
    set: "roleManagement/directory/roleDefinitions",
    properties: &[
        property("id", EQUAL),
        property("description", NOTHING),
        property("displayName", &[Operator::Equal, Operator::StartsWith]),
        property("isBuiltIn", EQUAL),
        property("isEnabled", EQUAL),
        property("resourceScopes", NOTHING),
        property("rolePermissions", NOTHING),
        property("templateId", EQUAL),
        property("version", NOTHING),
    ],
};

static ASSIGNMENT: Entity = Entity {
    set: "roleManagement/directory/roleAssignments",
    properties: &[
        property("id", EQUAL),
        property("principalId", EQUAL),
        property("roleDefinitionId", EQUAL),
        property("directoryScopeId", EQUAL),
        property("appScopeId", NOTHING),
        property("condition", NOTHING),
        property("principalOrganizationId", NOTHING),
    ],
};

static ACTIVE_SCHEDULE: Entity = Entity {
    set: "roleManagement/directory/roleAssignmentScheduleInstances",
    properties: &[
        property("id", NOTHING),
        property("principalId", EQUAL),
        property("roleDefinitionId", EQUAL),
        property("directoryScopeId", EQUAL),
        property("appScopeId", NOTHING),
        property("startDateTime", NOTHING),
        property("endDateTime", NOTHING),
        property("assignmentType", EQUAL),
        property("memberType", EQUAL),
        property("roleAssignmentOriginId", NOTHING),
        property("roleAssignmentScheduleId", EQUAL),
    ],
};

static ELIGIBLE_SCHEDULE: Entity = Entity {
    set: "roleManagement/directory/roleEligibilityScheduleInstances",
    properties: &[
        property("id", NOTHING),
        property("principalId", EQUAL),
        property("roleDefinitionId", EQUAL),
        property("directoryScopeId", EQUAL),
        property("appScopeId", NOTHING),
        property("startDateTime", NOTHING),
        property("endDateTime", NOTHING),
        property("memberType", EQUAL),
        property("roleEligibilityScheduleId", EQUAL),
    ],
};

static DIRECTORY_ROLE: Entity = Entity {
    set: "directoryRoles",
    properties: &[
        property("id", NOTHING),
        property("deletedDateTime", NOTHING),
        property("description", NOTHING),
        property("displayName", NOTHING),
        property("roleTemplateId", EQUAL),
    ],
};

/// Members of directory roles and of units by role.
pub(super) static SCOPED: Entity = Entity {
    set: "scopedRoleMemberships",
    properties: &[
        property("id", NOTHING),
        property("administrativeUnitId", NOTHING),
        property("roleId", NOTHING),
        property("roleMemberInfo", NOTHING),
    ],
};

const READING: Route = Route {
    method: Method::GET,
    path: &["roleManagement", "directory", "roleDefinitions"],
    permissions: ROLES,
    units: 1,
    units_selected: 1,
    family: Family::Directory,
    operation: Operation::Read,
    options: Options { manager: false, order_by: false, count: false, ..Options::LISTING },
    entity: Some(&DEFINITION),
    body: BodyRule::None,
    user_at: None,
    answer: definitions::list,
};
const EXPANDED: Options = Options { expand: &["principal", "roleDefinition", "directoryScope"], ..READING.options };

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route {
        path: &["roleManagement", "directory", "roleDefinitions", "{}"],
        options: Options { select: true, ..Options::NONE },
        answer: definitions::one,
        ..READING
    },
    Route {
        path: &["roleManagement", "directory", "roleAssignments"],
        options: EXPANDED,
        entity: Some(&ASSIGNMENT),
        answer: assignments::list,
        ..READING
    },
    Route {
        path: &["roleManagement", "directory", "roleAssignments", "{}"],
        options: Options { select: true, expand: EXPANDED.expand, ..Options::NONE },
        entity: Some(&ASSIGNMENT),
        answer: assignments::one,
        ..READING
    },
    Route {
        path: &["roleManagement", "directory", "roleAssignmentScheduleInstances"],
        permissions: ACTIVE,
        options: EXPANDED,
        entity: Some(&ACTIVE_SCHEDULE),
        answer: schedules::active,
        ..READING
    },
    Route {
        path: &["roleManagement", "directory", "roleEligibilityScheduleInstances"],
        permissions: ELIGIBLE,
        options: EXPANDED,
        entity: Some(&ELIGIBLE_SCHEDULE),
        answer: schedules::eligible,
        ..READING
    },
    // Directory roles do not page: no `$top`.
    Route {
        path: &["directoryRoles"],
        options: Options { select: true, filter: true, ..Options::NONE },
        entity: Some(&DIRECTORY_ROLE),
        answer: directory_roles::list,
        ..READING
    },
    Route {
        path: &["directoryRoles", "{}"],
        options: Options { select: true, ..Options::NONE },
        entity: Some(&DIRECTORY_ROLE),
        answer: directory_roles::one,
        ..READING
    },
    Route {
        path: &["directoryRoles", "{}", "members"],
        options: Options { select: true, ..Options::NONE },
        entity: None,
        answer: directory_roles::members,
        ..READING
    },
    Route {
        path: &["directoryRoles", "{}", "scopedMembers"],
        options: Options { select: true, ..Options::NONE },
        entity: Some(&SCOPED),
        answer: directory_roles::scoped_members,
        ..READING
    },
];

pub(super) use directory_roles::scoped;
