//! Registrations of apps by client id, their owners, and who was granted a permission of an app's.

use serde_json::json;

use super::collection::{self, Collection, property};
use super::objects;
use super::query::{Entity, Options};
use super::refusal::Refusal;
use super::routes::{Route, Visit};
use super::service::Service;
use super::service_principals::{GRANTED, READING, named};
use super::tokens::app_role_id;
use crate::mock_http::Answer;
use crate::organisation::draw;

static APPLICATION: Entity = Entity {
    set: "applications",
    properties: &[property("id", &[]), property("appId", &[]), property("displayName", &[])],
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: &["applications", "{}"],
        entity: Some(&APPLICATION),
        options: Options { select: true, ..Options::NONE },
        answer: registration,
        ..READING
    },
    Route {
        path: &["applications", "{}", "owners"],
        options: Options { filter: false, ..READING.options },
        entity: None,
        answer: owners,
        ..READING
    },
    Route {
        path: &["servicePrincipals", "{}", "appRoleAssignedTo"],
        entity: Some(&GRANTED),
        answer: granted_to,
        ..READING
    },
];

/// A registration; Graph's own is in Microsoft's tenant and not here.
fn registration(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let tenant = service.tenant();
    let principal = named(&tenant, &app, visit.first())?;
    if principal.app_id == objects::GRAPH_APP {
        return Err(Refusal::not_found(visit.first()));
    }
    let seed = tenant.population.organisation.seed();
    let row = objects::row(json!({
        "id": draw::guid(seed ^ 0x6170_706C, principal.app_id.as_u64_pair().1),
        "appId": principal.app_id,
        "displayName": principal.name,
    }));
    Ok(collection::one(service, visit, &APPLICATION, row))
}

/// Its owners: nobody, as with the registrations that a portal makes for a whole team.
fn owners(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let tenant = service.tenant();
    let principal = named(&tenant, &app, visit.first())?;
    let owners = if principal.app_id == objects::GRAPH_APP { principal.owners } else { Vec::new() };
    objects::listing(service, visit, &tenant, &app, &owners, None)
}

/// Who was granted what of this app: all permissions here are of Graph.
fn granted_to(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let tenant = service.tenant();
    let resource = named(&tenant, &app, visit.first())?;
    let holders = objects::service_principals(&tenant, &app);
    let of_graph = resource.app_id == objects::GRAPH_APP;
    let granted: Vec<_> = holders
        .iter()
        .filter(|_| of_graph)
        .flat_map(|holder| holder.permissions.iter().map(move |permission| (holder, permission)))
        .collect();
    let created = tenant.population.organisation.as_of().to_string();
    collection::answer(service, visit, Collection::of(&GRANTED, granted.len()), |place| {
        let (holder, name) = granted.get(usize::try_from(place).ok()?)?;
        Some(objects::row(json!({
            "id": format!("{}-to-{place}", holder.id.simple()),
            "appRoleId": app_role_id(name),
            "createdDateTime": created,
            "deletedDateTime": null,
            "principalDisplayName": holder.name,
            "principalId": holder.id,
            "principalType": "ServicePrincipal",
            "resourceDisplayName": resource.name,
            "resourceId": resource.id,
        })))
    })
}
