//! Rows of objects by id, whatever they are: users, groups, service principals, units.

use serde_json::{Value, json};
use uuid::Uuid;

use super::collection::{self, Collection, Row};
use super::privilege::{AdministrativeUnit, CloudGroup, ServicePrincipal};
use super::refusal::Refusal;
use super::routes::Visit;
use super::service::Service;
use super::tenant::Tenant;
use super::tokens::{Caller, app_role_id};
use super::users;
use crate::mock_http::Answer;

/// The client id of Graph itself, the same in every tenant.
pub(super) const GRAPH_APP: Uuid = Uuid::from_u128(0x0000_0003_0000_0000_c000_0000_0000_0000);

/// The app of the mock, as it is now.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) principal: Uuid,
    pub(super) client_id: Uuid,
    pub(super) roles: Vec<String>,
    pub(super) permissions: Vec<String>,
}

/// The app as the directory shows it. Asked before the tenant is locked.
pub(super) fn app(service: &Service) -> App {
    let tokens = service.tokens();
    App {
        principal: tokens.principal,
        client_id: tokens.client_id,
        roles: tokens.roles.iter().cloned().collect(),
        permissions: tokens.permissions.iter().cloned().collect(),
    }
}

/// Every service principal: the mock's app, Graph, and the others.
pub(super) fn service_principals(tenant: &Tenant, app: &App) -> Vec<ServicePrincipal> {
    let own = ServicePrincipal {
        id: app.principal,
        app_id: app.client_id,
        name: "Password reset".into(),
        owners: Vec::new(),
        permissions: app.permissions.clone(),
    };
    let graph = ServicePrincipal {
        id: graph_principal(tenant),
        app_id: GRAPH_APP,
        name: "Microsoft Graph".into(),
        owners: Vec::new(),
        permissions: Vec::new(),
    };
    [own, graph].into_iter().chain(tenant.privilege.service_principals.iter().cloned()).collect()
}

/// The object id of Graph's own service principal.
pub(super) fn graph_principal(tenant: &Tenant) -> Uuid {
    crate::organisation::draw::guid(tenant.population.organisation.seed() ^ 0x67_7261_7068, 0)
}

pub(super) fn group_row(group: &CloudGroup) -> Row {
    row(json!({
        "@odata.type": "#microsoft.graph.group",
        "id": group.id,
        "displayName": group.name,
        "description": null,
        "groupTypes": [],
        "isAssignableToRole": if group.assignable { json!(true) } else { Value::Null },
        "mail": null,
        "mailEnabled": false,
        "mailNickname": group.name.replace(' ', "-"),
        "onPremisesSyncEnabled": null,
        "securityEnabled": true,
        "visibility": if group.assignable { "Private" } else { "Public" },
    }))
}

pub(super) fn unit_row(unit: &AdministrativeUnit) -> Row {
    row(json!({
        "id": unit.id,
        "displayName": unit.name,
        "description": null,
        "visibility": null,
        "isMemberManagementRestricted": unit.restricted,
    }))
}

pub(super) fn service_row(tenant: &Tenant, service: &ServicePrincipal) -> Row {
    // What can be granted on Graph; other apps of the mock have no roles of their own.
    let names = || {
        let granted = tenant.privilege.service_principals.iter().flat_map(|other| &other.permissions);
        let mut names: Vec<&str> = super::tokens::PERMISSIONS.to_vec();
        names.extend(granted.map(String::as_str));
        names.sort_unstable();
        names.dedup();
        names
    };
    let roles: Vec<Value> =
        if service.app_id == GRAPH_APP { names().into_iter().map(app_role).collect() } else { Vec::new() };
    row(json!({
        "@odata.type": "#microsoft.graph.servicePrincipal",
        "id": service.id,
        "appId": service.app_id,
        "appDisplayName": service.name,
        "displayName": service.name,
        "accountEnabled": true,
        "servicePrincipalType": "Application",
        "appRoles": roles,
    }))
}

fn app_role(name: &str) -> Value {
    json!({
        "id": app_role_id(name),
        "value": name,
        "displayName": name,
        "description": name,
        "isEnabled": true,
        "origin": "Application",
        "allowedMemberTypes": ["Application"],
    })
}

/// The row of an object; nothing for an id that nobody has. What the app may not read of it is
/// empty but for type and id.
pub(super) fn row_of(tenant: &Tenant, app: &App, caller: &Caller, id: &Uuid, select: Option<&[String]>) -> Option<Row> {
    let (row, readable) = if let Some(number) = tenant.by_id(id) {
        let mut row = users::row(&tenant.view(number)?, tenant, select);
        row.entry("@odata.type").or_insert_with(|| "#microsoft.graph.user".into());
        row.insert("id".into(), json!(id));
        (row, caller.has_any(users::READ))
    } else if let Some(group) = tenant.privilege.group(id) {
        (group_row(group), caller.has_any(super::groups::READ))
    } else {
        let service = service_principals(tenant, app).into_iter().find(|service| service.id == *id)?;
        (service_row(tenant, &service), caller.has_any(super::service_principals::READ))
    };
    if readable {
        return Some(row);
    }
    let hidden = |(name, value): (String, Value)| {
        let kept = name == "@odata.type" || name == "id";
        (name, if kept { value } else { Value::Null })
    };
    Some(row.into_iter().map(hidden).collect())
}

/// Answers with objects by their ids; `only` leaves those of one type.
pub(super) fn listing(
    service: &Service,
    visit: &Visit<'_>,
    tenant: &Tenant,
    app: &App,
    ids: &[Uuid],
    only: Option<&str>,
) -> Result<Answer, Refusal> {
    let select = visit.query.select.as_deref();
    let fits = |row: &Row| only.is_none_or(|only| row.get("@odata.type").and_then(Value::as_str) == Some(only));
    let rows: Vec<Row> =
        ids.iter().filter_map(|id| row_of(tenant, app, visit.caller, id, select)).filter(fits).collect();
    let typed = |mut row: Row| {
        // A cast says what every row is.
        if only.is_some() {
            row.remove("@odata.type");
        }
        row
    };
    let context = match only {
        Some("#microsoft.graph.user") => "users",
        Some("#microsoft.graph.group") => "groups",
        _ => "directoryObjects",
    };
    let collection = Collection { context: Some(context), ..Collection::of_objects(rows.len()) };
    collection::answer(service, visit, collection, |place| rows.get(usize::try_from(place).ok()?).cloned().map(typed))
}

/// The members of a JSON object.
pub(super) fn row(value: Value) -> Row {
    match value {
        Value::Object(members) => members,
        _ => Row::new(),
    }
}
