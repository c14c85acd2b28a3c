//! Groups, their members and owners, and privileged identity management for groups.

mod governance;

use http::Method;
use uuid::Uuid;

use super::collection::{self, Collection, property};
use super::objects;
use super::privilege::CloudGroup;
use super::query::{Entity, Operator, Options};
use super::refusal::Refusal;
use super::routes::{BodyRule, Family, Route, Visit};
use super::service::Service;
use super::tenant::Tenant;
use crate::fault::Operation;
use crate::mock_http::Answer;

/// What lets an app read groups.
pub(super) const READ: &[&str] = &[
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Group.ReadBasic.All",
    "GroupMember.ReadBasic.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

const EQUAL: &[Operator] = &[Operator::Equal];
const CHOICE: &[Operator] = &[Operator::Equal, Operator::In];
const NOTHING: &[Operator] = &[];

static GROUP: Entity = Entity {
    set: "groups",
    properties: &[
        property("id", CHOICE),
        property("displayName", &[Operator::Equal, Operator::In, Operator::StartsWith]),
        property("description", NOTHING),
        property("groupTypes", NOTHING),
        property("isAssignableToRole", EQUAL),
        property("mail", &[Operator::Equal, Operator::StartsWith]),
        property("mailEnabled", EQUAL),
        property("mailNickname", &[Operator::Equal, Operator::StartsWith]),
        property("onPremisesSyncEnabled", EQUAL),
        property("securityEnabled", EQUAL),
        property("visibility", NOTHING),
    ],
};

const READING: Route = Route {
    method: Method::GET,
    path: &["groups"],
    permissions: READ,
    units: 2,
    units_selected: 1,
    family: Family::Directory,
    operation: Operation::Read,
    options: Options { manager: false, order_by: false, ..Options::LISTING },
    entity: Some(&GROUP),
    body: BodyRule::None,
    user_at: None,
    answer: list,
};
const OBJECTS: Options = Options { filter: false, ..READING.options };
const MEMBERS: Route = Route {
    path: &["groups", "{}", "members"],
    units: 3,
    units_selected: 2,
    options: OBJECTS,
    entity: None,
    ..READING
};

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route {
        path: &["groups", "{}"],
        units: 1,
        options: Options { select: true, ..Options::NONE },
        answer: one,
        ..READING
    },
    Route { answer: members, ..MEMBERS },
    Route { path: &["groups", "{}", "members", "microsoft.graph.user"], answer: member_users, ..MEMBERS },
    Route {
        path: &["groups", "{}", "transitiveMembers"],
        units: 5,
        units_selected: 4,
        answer: transitive_members,
        ..MEMBERS
    },
    Route {
        path: &["groups", "{}", "transitiveMembers", "microsoft.graph.user"],
        units: 5,
        units_selected: 4,
        answer: transitive_users,
        ..MEMBERS
    },
    Route { path: &["groups", "{}", "owners"], units: 1, units_selected: 1, answer: owners, ..MEMBERS },
    governance::ASSIGNMENTS,
    governance::ELIGIBILITIES,
];

fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let tenant = service.tenant();
    let groups = &tenant.privilege.groups;
    collection::answer(service, visit, Collection::of(&GROUP, groups.len()), |place| {
        groups.get(usize::try_from(place).ok()?).map(group_row)
    })
}

/// A group among groups: its type is understood.
fn group_row(group: &CloudGroup) -> collection::Row {
    let mut row = objects::group_row(group);
    row.remove("@odata.type");
    row
}

/// The group that a path names.
fn named<'a>(tenant: &'a Tenant, name: &str) -> Result<&'a CloudGroup, Refusal> {
    let id: Option<Uuid> = name.parse().ok();
    id.and_then(|id| tenant.privilege.group(&id)).ok_or_else(|| Refusal::not_found(name))
}

fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let tenant = service.tenant();
    let row = group_row(named(&tenant, visit.first())?);
    Ok(collection::one(service, visit, &GROUP, row))
}

/// Which objects of a group, and of which type only.
fn objects_of(
    service: &Service,
    visit: &Visit<'_>,
    which: fn(&Tenant, &Uuid) -> Vec<Uuid>,
    only: Option<&str>,
) -> Result<Answer, Refusal> {
    if only.is_some() && !visit.query.count {
        let message = "An OData cast needs the ConsistencyLevel header and $count.";
        return Err(Refusal::unsupported_query(message, service.settings.other_codes));
    }
    let app = objects::app(service);
    let tenant = service.tenant();
    let ids = which(&tenant, &named(&tenant, visit.first())?.id);
    objects::listing(service, visit, &tenant, &app, &ids, only)
}

const USERS: Option<&str> = Some("#microsoft.graph.user");

fn members(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    objects_of(service, visit, |tenant, group| tenant.privilege.members(group), None)
}

fn member_users(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    objects_of(service, visit, |tenant, group| tenant.privilege.members(group), USERS)
}

fn transitive_members(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    objects_of(service, visit, |tenant, group| tenant.privilege.transitive_members(group), None)
}

fn transitive_users(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    objects_of(service, visit, |tenant, group| tenant.privilege.transitive_members(group), USERS)
}

fn owners(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    objects_of(service, visit, |tenant, group| tenant.privilege.owners(group), None)
}
