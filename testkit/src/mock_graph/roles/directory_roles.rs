//! `GET /directoryRoles`: the roles that somebody holds or held, with their members; nothing pages.

use serde_json::json;
use uuid::Uuid;

use super::super::collection::{self, Collection, Row};
use super::super::objects;
use super::super::privilege::RoleAssignment;
use super::super::privilege::builtin::{BUILT_IN, BuiltIn};
use super::super::refusal::Refusal;
use super::super::routes::Visit;
use super::super::service::Service;
use super::super::tenant::Tenant;
use super::assignments::held_now;
use super::{DIRECTORY_ROLE, SCOPED};
use crate::mock_http::Answer;
use crate::organisation::draw;

/// The object id of a directory role, which is not its template.
fn object_id(tenant: &Tenant, role: &BuiltIn) -> Uuid {
    let at = BUILT_IN.iter().position(|one| one == role).unwrap_or_default();
    draw::guid(tenant.population.organisation.seed() ^ 0x6469_7265, at as u64)
}

fn activated(held: &[RoleAssignment]) -> Vec<&'static BuiltIn> {
    BUILT_IN.iter().filter(|role| held.iter().any(|one| one.role == role.template)).collect()
}

fn role_row(tenant: &Tenant, role: &BuiltIn) -> Row {
    objects::row(json!({
        "id": object_id(tenant, role),
        "deletedDateTime": null,
        "description": role.name,
        "displayName": role.name,
        "roleTemplateId": role.template,
    }))
}

pub(super) fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let tenant = service.tenant();
    let roles = activated(&held_now(&tenant, &app));
    let collection = Collection { page: usize::MAX, ..Collection::of(&DIRECTORY_ROLE, roles.len()) };
    collection::answer(service, visit, collection, |place| {
        Some(role_row(&tenant, roles.get(usize::try_from(place).ok()?)?))
    })
}

/// The role that a path names: by object id, or by template.
fn named(tenant: &Tenant, held: &[RoleAssignment], name: &str) -> Result<&'static BuiltIn, Refusal> {
    let by_template = name.strip_prefix("roleTemplateId='").and_then(|rest| rest.strip_suffix('\''));
    let fits = |role: &&'static BuiltIn| match by_template {
        Some(template) => role.template == template,
        None => object_id(tenant, role).to_string() == name,
    };
    activated(held).into_iter().find(fits).ok_or_else(|| Refusal::not_found(name))
}

pub(super) fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let tenant = service.tenant();
    let role = named(&tenant, &held_now(&tenant, &app), visit.first())?;
    Ok(collection::one(service, visit, &DIRECTORY_ROLE, role_row(&tenant, role)))
}

pub(super) fn members(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let tenant = service.tenant();
    let held = held_now(&tenant, &app);
    let role = named(&tenant, &held, visit.first())?;
    let holders = held.iter().filter(|one| one.role == role.template && one.unit.is_none());
    let rows: Vec<Row> = holders
        .filter_map(|one| objects::row_of(&tenant, &app, visit.caller, &one.principal, visit.query.select.as_deref()))
        .collect();
    let collection = Collection { page: usize::MAX, ..Collection::of_objects(rows.len()) };
    collection::answer(service, visit, collection, |place| rows.get(usize::try_from(place).ok()?).cloned())
}

pub(super) fn scoped_members(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let tenant = service.tenant();
    let held = held_now(&tenant, &app);
    let role = named(&tenant, &held, visit.first())?;
    let rows: Vec<Row> =
        held.iter().filter(|one| one.role == role.template).filter_map(|one| scoped(&tenant, one)).collect();
    collection::answer(service, visit, Collection::of(&SCOPED, rows.len()), |place| {
        rows.get(usize::try_from(place).ok()?).cloned()
    })
}

/// A holding for a unit as a row; nothing for one of another scope.
pub(in crate::mock_graph) fn scoped(tenant: &Tenant, one: &RoleAssignment) -> Option<Row> {
    let (unit, role) = (one.unit?, BUILT_IN.iter().find(|role| role.template == one.role)?);
    let number = tenant.by_id(&one.principal);
    let name = number.and_then(|number| tenant.view(number)).and_then(|view| view.user.display_name);
    Some(objects::row(json!({
        "id": super::assignments::id(one),
        "administrativeUnitId": unit,
        "roleId": object_id(tenant, role),
        "roleMemberInfo": { "id": one.principal, "displayName": name },
    })))
}
