//! The organisation's privileged people as holders of cloud privilege: one for each route.

use jiff::SignedDuration;
use uuid::Uuid;

use super::builtin::{
    APPLICATION_ADMINISTRATOR, DIRECTORY_READERS, GLOBAL_ADMINISTRATOR, MESSAGE_CENTER_READER,
    PRIVILEGED_AUTHENTICATION, PRIVILEGED_ROLE, USER_ADMINISTRATOR,
};
use super::{
    AdministrativeUnit, CloudGroup, CustomRole, GroupSchedule, Holding, RoleAssignment, RoleGraph, ServicePrincipal,
};
use crate::mock_graph::tenant::{FIXED, Population, fixed};
use crate::organisation::{draw, special};

/// The action of the custom role.
const SETS_PASSWORDS: &str = "microsoft.directory/users/password/update";
/// The name of the custom role.
const CUSTOM_ROLE: &str = "Branch password desk";
/// Members of the largest group, so that its members take several pages.
const STAFF: usize = 250;

/// Who holds roles directly for the whole tenant, by the index of the organisation's account.
const DIRECT: &[(u64, &str)] = &[
    (special::DOMAIN_ADMIN, GLOBAL_ADMINISTRATOR),
    (special::ENTERPRISE_ADMIN, PRIVILEGED_ROLE),
    (special::POLICY_CREATOR, DIRECTORY_READERS),
    (special::CERT_PUBLISHER, MESSAGE_CENTER_READER),
];

/// The roles that an account of the organisation holds directly for the whole tenant.
pub(in crate::mock_graph) fn direct_roles(index: u64) -> impl Iterator<Item = &'static str> {
    DIRECT.iter().filter(move |(at, _)| *at == index).map(|(_, role)| *role)
}

/// Whether an account of the organisation is in the unit whose management is restricted.
pub(in crate::mock_graph) fn is_restricted(index: u64) -> bool {
    index == special::SERVER_OPERATOR
}

/// The privilege in a tenant before anybody changed it.
pub(in crate::mock_graph) fn planted(population: &Population, id_of: impl Fn(u64) -> Uuid) -> RoleGraph {
    let seed = population.organisation.seed();
    let object = |sort: u64, number: u64| draw::guid(seed ^ (0x726F_6C65 + sort), number);
    let of = |index: u64| id_of(FIXED + index);
    let mut graph = RoleGraph::default();
    let assign = |principal: Uuid, role: &str| RoleAssignment {
        principal,
        role: role.to_owned(),
        unit: None,
        how: Holding::Assigned,
    };

    for number in 0..FIXED {
        let roles = fixed::user(population, number).roles;
        graph.assignments.extend(roles.into_iter().map(|role| assign(id_of(number), role)));
    }
    graph.assignments.extend(DIRECT.iter().map(|(index, role)| assign(of(*index), role)));

    let group = |number: u64, name: &str, assignable: bool| CloudGroup {
        id: object(1, number),
        name: name.to_owned(),
        assignable,
        members: Vec::new(),
        owners: Vec::new(),
    };
    let mut operators = group(0, "Tier 0 operators", true);
    let mut night_shift = group(1, "Tier 0 night shift", true);
    let mut application_desk = group(2, "Application desk", true);
    let on_call = group(3, "On call", true);
    let mut staff = group(4, "Staff", false);
    operators.members = vec![of(special::NESTED_ONCE), night_shift.id];
    operators.owners = vec![of(special::PRIMARY_GROUP)];
    night_shift.members = vec![of(special::NESTED_THREE_DEEP)];
    application_desk.members = vec![of(special::SID_HISTORY)];
    staff.members =
        (0..population.end()).filter_map(|at| population.user(at)).map(|user| user.id).take(STAFF).collect();
    staff.owners = vec![of(special::CHIEF)];
    graph.assignments.push(assign(operators.id, PRIVILEGED_AUTHENTICATION));
    graph.assignments.push(assign(on_call.id, USER_ADMINISTRATOR));
    graph
        .assignments
        .push(RoleAssignment { how: Holding::Eligible, ..assign(application_desk.id, APPLICATION_ADMINISTRATOR) });
    let schedule =
        |group: Uuid, index: u64, owner: bool| GroupSchedule { group, principal: of(index), owner, eligible: true };
    graph.schedules = vec![
        schedule(operators.id, special::STALE_ADMIN_COUNT, true),
        schedule(operators.id, special::DISABLED_ADMIN, false),
        GroupSchedule { eligible: false, ..schedule(on_call.id, special::COMMA, false) },
    ];
    graph.groups = vec![operators, night_shift, application_desk, on_call, staff];

    graph
        .assignments
        .push(RoleAssignment { how: Holding::Eligible, ..assign(of(special::DISTRIBUTION), GLOBAL_ADMINISTRATOR) });
    let until = population.organisation.as_of().checked_add(SignedDuration::from_hours(24 * 3650));
    graph.assignments.push(RoleAssignment {
        how: Holding::Activated { until: until.unwrap_or(population.organisation.as_of()) },
        ..assign(of(special::SCHEMA_ADMIN), APPLICATION_ADMINISTRATOR)
    });

    let branch = AdministrativeUnit {
        id: object(2, 0),
        name: "Branch office".into(),
        restricted: false,
        members: vec![of(special::ORDINARY), of(special::PLAIN), id_of(fixed::ORDINARY)],
    };
    let board = AdministrativeUnit {
        id: object(2, 1),
        name: "Board".into(),
        restricted: true,
        members: vec![of(special::SERVER_OPERATOR), id_of(fixed::RESTRICTED)],
    };
    let for_unit = |index: u64, role: &str, unit: Uuid| RoleAssignment { unit: Some(unit), ..assign(of(index), role) };
    graph.assignments.push(for_unit(special::ACCOUNT_OPERATOR, USER_ADMINISTRATOR, branch.id));
    graph.assignments.push(for_unit(special::BACKUP_OPERATOR, USER_ADMINISTRATOR, board.id));
    graph.units = vec![branch, board];

    let custom = CustomRole { id: object(3, 0), name: CUSTOM_ROLE.into(), actions: vec![SETS_PASSWORDS.into()] };
    graph.assignments.push(assign(of(special::DNS_ADMIN), &custom.id.to_string()));
    graph.custom_roles = vec![custom];

    let service = |number: u64, name: &str, owner: u64| ServicePrincipal {
        id: object(4, number),
        app_id: object(5, number),
        name: name.to_owned(),
        owners: vec![of(owner)],
        permissions: Vec::new(),
    };
    let mut provisioning = service(0, "Provisioning", special::PRINT_OPERATOR);
    provisioning.permissions = vec!["RoleManagement.ReadWrite.Directory".into(), "User.Read.All".into()];
    let access_review = service(1, "Access review", special::SERVICE_PRIVILEGED);
    graph.assignments.push(assign(access_review.id, PRIVILEGED_ROLE));
    let mut intranet = service(2, "Intranet", special::CHIEF);
    intranet.permissions = vec!["User.Read.All".into()];
    graph.service_principals = vec![provisioning, access_review, intranet];
    graph
}
