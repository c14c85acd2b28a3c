//! Service principals: the mock's own app, Graph, and the organisation's; owners and what was granted.

use http::Method;
use serde_json::json;
use uuid::Uuid;

use super::collection::{self, Collection, Row, property};
use super::objects::{self, App};
use super::privilege::ServicePrincipal;
use super::query::{Entity, Operator, Options};
use super::refusal::Refusal;
use super::routes::{BodyRule, Family, Route, Visit};
use super::service::Service;
use super::tenant::Tenant;
use super::tokens::app_role_id;
use crate::fault::Operation;
use crate::mock_http::Answer;

/// What lets an app read service principals.
pub(super) const READ: &[&str] =
    &["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];

const EQUAL: &[Operator] = &[Operator::Equal];
const NOTHING: &[Operator] = &[];

static SERVICE_PRINCIPAL: Entity = Entity {
    set: "servicePrincipals",
    properties: &[
        property("id", EQUAL),
        property("appId", EQUAL),
        property("appDisplayName", NOTHING),
        property("displayName", &[Operator::Equal, Operator::StartsWith]),
        property("accountEnabled", EQUAL),
        property("servicePrincipalType", EQUAL),
        property("appRoles", NOTHING),
    ],
};

pub(super) static GRANTED: Entity = Entity {
    set: "appRoleAssignments",
    properties: &[
        property("id", NOTHING),
        property("appRoleId", NOTHING),
        property("createdDateTime", NOTHING),
        property("deletedDateTime", NOTHING),
        property("principalDisplayName", NOTHING),
        property("principalId", NOTHING),
        property("principalType", NOTHING),
        property("resourceDisplayName", NOTHING),
        property("resourceId", EQUAL),
    ],
};

pub(super) const READING: Route = Route {
    method: Method::GET,
    path: &["servicePrincipals"],
    permissions: READ,
    units: 1,
    units_selected: 1,
    family: Family::Directory,
    operation: Operation::Read,
    options: Options { manager: false, order_by: false, ..Options::LISTING },
    entity: Some(&SERVICE_PRINCIPAL),
    body: BodyRule::None,
    user_at: None,
    answer: list,
};

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route {
        path: &["servicePrincipals", "{}"],
        options: Options { select: true, ..Options::NONE },
        answer: one,
        ..READING
    },
    Route {
        path: &["servicePrincipals", "{}", "owners"],
        options: Options { filter: false, ..READING.options },
        entity: None,
        answer: owners,
        ..READING
    },
    Route {
        path: &["servicePrincipals", "{}", "appRoleAssignments"],
        entity: Some(&GRANTED),
        answer: granted,
        ..READING
    },
];

fn service_row(tenant: &Tenant, service: &ServicePrincipal) -> Row {
    let mut row = objects::service_row(tenant, service);
    row.remove("@odata.type");
    row
}

fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let tenant = service.tenant();
    let services = objects::service_principals(&tenant, &app);
    collection::answer(service, visit, Collection::of(&SERVICE_PRINCIPAL, services.len()), |place| {
        services.get(usize::try_from(place).ok()?).map(|one| service_row(&tenant, one))
    })
}

/// The service principal that a path names: by object id, or by client id.
pub(super) fn named(tenant: &Tenant, app: &App, name: &str) -> Result<ServicePrincipal, Refusal> {
    let by_app = name.strip_prefix("appId='").and_then(|rest| rest.strip_suffix('\''));
    let id: Option<Uuid> = by_app.unwrap_or(name).parse().ok();
    let fits = |one: &ServicePrincipal| id == Some(if by_app.is_some() { one.app_id } else { one.id });
    objects::service_principals(tenant, app).into_iter().find(fits).ok_or_else(|| Refusal::not_found(name))
}

fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let tenant = service.tenant();
    let row = service_row(&tenant, &named(&tenant, &app, visit.first())?);
    Ok(collection::one(service, visit, &SERVICE_PRINCIPAL, row))
}

fn owners(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let tenant = service.tenant();
    let owners = named(&tenant, &app, visit.first())?.owners;
    objects::listing(service, visit, &tenant, &app, &owners, None)
}

fn granted(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let tenant = service.tenant();
    let holder = named(&tenant, &app, visit.first())?;
    let resource = objects::graph_principal(&tenant);
    let created = tenant.population.organisation.as_of().to_string();
    collection::answer(service, visit, Collection::of(&GRANTED, holder.permissions.len()), |place| {
        let name = holder.permissions.get(usize::try_from(place).ok()?)?;
        Some(objects::row(json!({
            "id": format!("{}-{place}", holder.id.simple()),
            "appRoleId": app_role_id(name),
            "createdDateTime": created,
            "deletedDateTime": null,
            "principalDisplayName": holder.name,
            "principalId": holder.id,
            "principalType": "ServicePrincipal",
            "resourceDisplayName": "Microsoft Graph",
            "resourceId": resource,
        })))
    })
}
