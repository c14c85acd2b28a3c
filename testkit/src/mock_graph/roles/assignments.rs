//! `GET /roleManagement/directory/roleAssignments`: what is held now.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::collection::{self, Collection, Row};
use super::super::objects::{self, App};
use super::super::privilege::{Holding, RoleAssignment};
use super::super::refusal::Refusal;
use super::super::routes::Visit;
use super::super::service::Service;
use super::super::tenant::Tenant;
use super::{ASSIGNMENT, definitions};
use crate::mock_http::Answer;

pub(super) fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let tenant = service.tenant();
    let held = held_now(&tenant, &app);
    collection::answer(service, visit, Collection::of(&ASSIGNMENT, held.len()), |place| {
        Some(assignment(&tenant, &app, visit, held.get(usize::try_from(place).ok()?)?))
    })
}

pub(super) fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let tenant = service.tenant();
    let held = held_now(&tenant, &app);
    let found = held.iter().find(|one| id(one) == visit.first()).ok_or_else(|| Refusal::not_found(visit.first()))?;
    Ok(collection::one(service, visit, &ASSIGNMENT, assignment(&tenant, &app, visit, found)))
}

/// What is held now, the app's own roles first.
pub(super) fn held_now(tenant: &Tenant, app: &App) -> Vec<RoleAssignment> {
    let own = app.roles.iter().map(|role| RoleAssignment {
        principal: app.principal,
        role: role.clone(),
        unit: None,
        how: Holding::Assigned,
    });
    own.chain(tenant.privilege.assignments.iter().filter(|one| one.is_active()).cloned()).collect()
}

/// The id as the service makes it: role and principal, and which of several.
pub(super) fn id(one: &RoleAssignment) -> String {
    let role = one.role.parse::<Uuid>().unwrap_or_default();
    let bytes = [role.to_bytes_le(), one.principal.to_bytes_le(), one.unit.unwrap_or_default().to_bytes_le()];
    let parts = if one.unit.is_some() { bytes.len() } else { 2 };
    let text = URL_SAFE_NO_PAD.encode(bytes.get(..parts).unwrap_or_default().concat());
    format!("{text}-1")
}

pub(super) fn scope(one: &RoleAssignment) -> String {
    one.unit.map_or_else(|| "/".to_owned(), |unit| format!("/administrativeUnits/{unit}"))
}

fn assignment(tenant: &Tenant, app: &App, visit: &Visit<'_>, one: &RoleAssignment) -> Row {
    let mut row = objects::row(json!({
        "id": id(one),
        "principalId": one.principal,
        "roleDefinitionId": one.role,
        "directoryScopeId": scope(one),
        "appScopeId": null,
        "condition": null,
        "principalOrganizationId": tenant.id,
    }));
    expand(tenant, app, visit, one, &mut row);
    row
}

/// Adds what `$expand` asks for.
pub(super) fn expand(tenant: &Tenant, app: &App, visit: &Visit<'_>, one: &RoleAssignment, row: &mut Row) {
    let Some(name) = &visit.query.expand else { return };
    let object = match name.as_str() {
        "principal" => objects::row_of(tenant, app, visit.caller, &one.principal, None),
        "roleDefinition" => definitions::definition(&tenant.privilege, &one.role),
        _ => one.unit.and_then(|unit| tenant.privilege.unit(&unit)).map(|unit| {
            let mut row = objects::unit_row(unit);
            row.insert("@odata.type".into(), "#microsoft.graph.administrativeUnit".into());
            row
        }),
    };
    row.insert(name.clone(), object.map_or(Value::Null, Value::from));
}
