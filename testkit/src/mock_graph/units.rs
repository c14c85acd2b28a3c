//! Administrative units, their members, and who holds roles for them.

use http::Method;
use uuid::Uuid;

use super::collection::{self, Collection, Row, property};
use super::objects;
use super::privilege::AdministrativeUnit;
use super::query::{Entity, Operator, Options};
use super::refusal::Refusal;
use super::roles::{SCOPED, scoped};
use super::routes::{BodyRule, Family, Route, Visit};
use super::service::Service;
use super::tenant::Tenant;
use crate::fault::Operation;
use crate::mock_http::Answer;

const READ: &[&str] = &[
    "AdministrativeUnit.Read.All",
    "AdministrativeUnit.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

static UNIT: Entity = Entity {
    set: "directory/administrativeUnits",
    properties: &[
        property("id", &[Operator::Equal]),
        property("displayName", &[Operator::Equal, Operator::StartsWith]),
        property("description", &[]),
        property("visibility", &[]),
        property("isMemberManagementRestricted", &[]),
    ],
};

const READING: Route = Route {
    method: Method::GET,
    path: &["directory", "administrativeUnits"],
    permissions: READ,
    units: 1,
    units_selected: 1,
    family: Family::Directory,
    operation: Operation::Read,
    options: Options { manager: false, order_by: false, ..Options::LISTING },
    entity: Some(&UNIT),
    body: BodyRule::None,
    user_at: None,
    answer: list,
};

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route {
        path: &["directory", "administrativeUnits", "{}"],
        options: Options { select: true, ..Options::NONE },
        answer: one,
        ..READING
    },
    Route {
        path: &["directory", "administrativeUnits", "{}", "members"],
        options: Options { filter: false, ..READING.options },
        entity: None,
        answer: members,
        ..READING
    },
    Route {
        path: &["directory", "administrativeUnits", "{}", "scopedRoleMembers"],
        permissions: &["RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", "Directory.Read.All"],
        options: Options { filter: false, count: false, ..READING.options },
        entity: Some(&SCOPED),
        answer: scoped_members,
        ..READING
    },
];

fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let tenant = service.tenant();
    let units = &tenant.privilege.units;
    collection::answer(service, visit, Collection::of(&UNIT, units.len()), |place| {
        units.get(usize::try_from(place).ok()?).map(objects::unit_row)
    })
}

fn named<'a>(tenant: &'a Tenant, name: &str) -> Result<&'a AdministrativeUnit, Refusal> {
    let id: Option<Uuid> = name.parse().ok();
    id.and_then(|id| tenant.privilege.unit(&id)).ok_or_else(|| Refusal::not_found(name))
}

fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let tenant = service.tenant();
    let row = objects::unit_row(named(&tenant, visit.first())?);
    Ok(collection::one(service, visit, &UNIT, row))
}

fn members(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let tenant = service.tenant();
    let ids = &named(&tenant, visit.first())?.members;
    objects::listing(service, visit, &tenant, &app, ids, None)
}

fn scoped_members(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let tenant = service.tenant();
    let unit = named(&tenant, visit.first())?.id;
    let held = tenant.privilege.assignments.iter().filter(|one| one.is_active() && one.unit == Some(unit));
    let rows: Vec<Row> = held.filter_map(|one| scoped(&tenant, one)).collect();
    collection::answer(service, visit, Collection::of(&SCOPED, rows.len()), |place| {
        rows.get(usize::try_from(place).ok()?).cloned()
    })
}
