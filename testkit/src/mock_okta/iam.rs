//! `/api/v1/iam`: who holds roles at all, the roles that the organisation made, and what they are for.
//! Further pages are named in the body only.

use http::Method;
use serde_json::{Map, Value, json};

use super::pages::Page;
use super::privilege::{AdminRole, OktaCustomRole, OktaResourceSet, Principal};
use super::quota::Bucket;
use super::refusal::Refusal;
use super::routes::{BodyRule, Route, Visit};
use super::service::Service;
use crate::fault::Operation;
use crate::mock_http::Answer;
use crate::mock_okta::org::id;

/// Rows of a page, where nothing else is said and at most.
const ROWS: usize = 100;
/// When roles and sets were made.
pub(super) const MADE: &str = "2025-02-03T09:12:45.000Z";

const READING: Route = Route {
    method: Method::GET,
    path: &["api", "v1", "iam", "assignees", "users"],
    scopes: &["okta.roles.read"],
    right: "okta.roles.read",
    bucket: Bucket::Iam,
    operation: Operation::Read,
    query: &["after", "limit"],
    body: BodyRule::None,
    user_at: None,
    answer: assignees,
};
const SET: &str = "resource-sets";

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route { path: &["api", "v1", "iam", "roles"], query: &["after"], answer: roles, ..READING },
    Route { path: &["api", "v1", "iam", "roles", "{}"], query: &[], answer: one_role, ..READING },
    Route { path: &["api", "v1", "iam", "roles", "{}", "permissions"], query: &[], answer: permissions, ..READING },
    Route { path: &["api", "v1", "iam", SET], query: &["after"], answer: resource_sets, ..READING },
    Route { path: &["api", "v1", "iam", SET, "{}"], query: &[], answer: one_resource_set, ..READING },
    Route { path: &["api", "v1", "iam", SET, "{}", "resources"], answer: resources, ..READING },
    Route { path: &["api", "v1", "iam", SET, "{}", "bindings"], query: &["after"], answer: bindings, ..READING },
    Route {
        path: &["api", "v1", "iam", SET, "{}", "bindings", "{}", "members"],
        query: &["after"],
        answer: members,
        ..READING
    },
];

fn href(service: &Service, path: &str) -> Value {
    json!({ "href": service.address(path) })
}

fn assignees(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let holders: Vec<u64> = org.holders().into_iter().collect();
    let page = Page::of(service, visit, holders.len(), ROWS, ROWS)?;
    let rows = page.cut(&holders).iter().map(|number| {
        let id = org.id_of(*number);
        json!({
            "id": id,
            "orn": format!("orn:okta:directory:{}:users:{id}", org.id),
            "_links": {
                "self": href(service, &format!("/api/v1/users/{id}")),
                "roles": href(service, &format!("/api/v1/users/{id}/roles")),
            },
        })
    });
    let rows = rows.collect();
    Ok(page.in_body("value", rows, Map::new()))
}

fn role_row(service: &Service, role: &OktaCustomRole) -> Value {
    let own = format!("/api/v1/iam/roles/{}", role.id);
    json!({
        "id": role.id,
        "label": role.label,
        "description": role.label,
        "created": MADE,
        "lastUpdated": MADE,
        "_links": {
            "self": href(service, &own),
            "permissions": href(service, &format!("{own}/permissions")),
        },
    })
}

fn roles(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let page = Page::of(service, visit, org.admin.custom_roles.len(), ROWS, ROWS)?;
    let rows = page.cut(&org.admin.custom_roles).iter().map(|role| role_row(service, role)).collect();
    Ok(page.in_body("roles", rows, Map::new()))
}

fn no_role(visit: &Visit<'_>) -> Refusal {
    Refusal::not_found(visit.first(), "CustomRole")
}

fn one_role(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let role = org.admin.custom_role(visit.first()).ok_or_else(|| no_role(visit))?;
    Ok(Answer::ok(role_row(service, role)))
}

fn permissions(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let role = org.admin.custom_role(visit.first()).ok_or_else(|| no_role(visit))?;
    let own = format!("/api/v1/iam/roles/{}", role.id);
    let rows = role.permissions.iter().map(|label| {
        json!({
            "label": label,
            "created": MADE,
            "lastUpdated": MADE,
            "conditions": null,
            "_links": { "self": href(service, &format!("{own}/permissions/{label}")), "role": href(service, &own) },
        })
    });
    Ok(Answer::ok(json!({ "permissions": rows.collect::<Vec<_>>() })))
}

fn set_row(service: &Service, set: &OktaResourceSet) -> Value {
    let own = format!("/api/v1/iam/resource-sets/{}", set.id);
    json!({
        "id": set.id,
        "label": set.label,
        "description": set.label,
        "created": MADE,
        "lastUpdated": MADE,
        "_links": {
            "self": href(service, &own),
            "resources": href(service, &format!("{own}/resources")),
            "bindings": href(service, &format!("{own}/bindings")),
        },
    })
}

fn resource_sets(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let page = Page::of(service, visit, org.admin.resource_sets.len(), ROWS, ROWS)?;
    let rows = page.cut(&org.admin.resource_sets).iter().map(|set| set_row(service, set)).collect();
    Ok(page.in_body("resource-sets", rows, Map::new()))
}

fn no_set(visit: &Visit<'_>) -> Refusal {
    Refusal::not_found(visit.first(), "ResourceSet")
}

fn one_resource_set(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let set = org.admin.resource_set(visit.first()).ok_or_else(|| no_set(visit))?;
    Ok(Answer::ok(set_row(service, set)))
}

fn resources(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let set = org.admin.resource_set(visit.first()).ok_or_else(|| no_set(visit))?;
    let page = Page::of(service, visit, set.resources.len(), ROWS, ROWS)?;
    let rows = page.cut(&set.resources).iter().enumerate().map(|(at, orn)| {
        let number = (page.places.start + at) as u64;
        json!({ "id": id::id(service.seed, "ire", number), "orn": orn, "created": MADE, "lastUpdated": MADE })
    });
    let rows = rows.collect();
    let own = format!("/api/v1/iam/resource-sets/{}", set.id);
    let links = [("resource-set".to_owned(), href(service, &own))];
    Ok(page.in_body("resources", rows, links.into_iter().collect()))
}

/// The ids of the roles that are held for a set, each once and in order.
fn bound(org: &super::org::Org, set: &OktaResourceSet) -> Vec<String> {
    let roles = org.admin.assignments.iter().filter_map(|one| match &one.role {
        AdminRole::Custom { role, resource_set } if *resource_set == set.id => Some(role.clone()),
        _ => None,
    });
    roles.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

fn bindings(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let set = org.admin.resource_set(visit.first()).ok_or_else(|| no_set(visit))?;
    let roles = bound(&org, set);
    let page = Page::of(service, visit, roles.len(), ROWS, ROWS)?;
    let own = format!("/api/v1/iam/resource-sets/{}", set.id);
    let rows = page.cut(&roles).iter().map(|role| {
        let binding = format!("{own}/bindings/{role}");
        let members = href(service, &format!("{binding}/members"));
        json!({ "id": role, "_links": { "self": href(service, &binding), "members": members } })
    });
    let rows = rows.collect();
    let links = [
        ("self".to_owned(), href(service, &format!("{own}/bindings"))),
        ("resource-set".to_owned(), href(service, &own)),
    ];
    Ok(page.in_body("roles", rows, links.into_iter().collect()))
}

fn members(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let set = org.admin.resource_set(visit.first()).ok_or_else(|| no_set(visit))?;
    let name = visit.captures.get(1).map_or("", String::as_str);
    let role = org.admin.custom_role(name).ok_or_else(|| Refusal::not_found(name, "CustomRole"))?;
    let wanted = AdminRole::Custom { role: role.id.clone(), resource_set: set.id.clone() };
    let each: Vec<(usize, &Principal)> = org
        .admin
        .assignments
        .iter()
        .enumerate()
        .filter(|(_, one)| one.role == wanted)
        .map(|(at, one)| (at, &one.principal))
        .collect();
    let page = Page::of(service, visit, each.len(), ROWS, ROWS)?;
    let rows = page.cut(&each).iter().map(|(at, principal)| {
        let path = match principal {
            Principal::User(number) => format!("/api/v1/users/{}", org.id_of(*number)),
            Principal::Group(group) => format!("/api/v1/groups/{group}"),
            Principal::Client(client) => format!("/oauth2/v1/clients/{client}"),
        };
        json!({
            "id": id::id(service.seed, "irb", *at as u64),
            "created": MADE,
            "lastUpdated": MADE,
            "_links": { "self": href(service, &path) },
        })
    });
    let rows = rows.collect();
    let binding = format!("/api/v1/iam/resource-sets/{}/bindings/{}", set.id, role.id);
    let links = [
        ("self".to_owned(), href(service, &format!("{binding}/members"))),
        ("binding".to_owned(), href(service, &binding)),
    ];
    Ok(page.in_body("members", rows, links.into_iter().collect()))
}
