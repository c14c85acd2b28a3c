//! The roles of one principal: of a user with those that it has by its groups, of a group, of a service
//! app; and the service apps.

use http::Method;
use serde_json::{Value, json};

use super::iam::MADE;
use super::org::{Org, id};
use super::pages::Page;
use super::privilege::{AdminRole, Principal};
use super::quota::Bucket;
use super::refusal::Refusal;
use super::routes::{BodyRule, Route, Visit};
use super::service::Service;
use super::users;
use crate::fault::Operation;
use crate::mock_http::Answer;

/// The most apps of a page.
const APPS: usize = 200;

const READING: Route = Route {
    method: Method::GET,
    path: &["api", "v1", "users", "{}", "roles"],
    scopes: &["okta.roles.read"],
    right: "okta.roles.read",
    bucket: Bucket::Users,
    operation: Operation::Read,
    query: &["expand"],
    body: BodyRule::None,
    user_at: Some(3),
    answer: of_user,
};
const OF_GROUP: Route = Route {
    path: &["api", "v1", "groups", "{}", "roles"],
    bucket: Bucket::Groups,
    user_at: None,
    answer: of_group,
    ..READING
};
const CLIENTS: Route = Route {
    path: &["oauth2", "v1", "clients"],
    scopes: &["okta.clients.read", "okta.apps.read"],
    right: "okta.clients.read",
    bucket: Bucket::Clients,
    query: &["after", "limit", "q"],
    user_at: None,
    answer: clients,
    ..READING
};

pub(super) const ROUTES: &[Route] = &[
    READING,
    OF_GROUP,
    CLIENTS,
    Route { path: &["oauth2", "v1", "clients", "{}"], query: &[], answer: one_client, ..CLIENTS },
    Route {
        path: &["oauth2", "v1", "clients", "{}", "roles"],
        scopes: READING.scopes,
        right: READING.right,
        query: &[],
        answer: of_client,
        ..CLIENTS
    },
];

/// The label of a standard role.
fn label(kind: &str) -> String {
    match kind {
        "SUPER_ADMIN" => "Super Administrator".into(),
        "ORG_ADMIN" => "Organization Administrator".into(),
        "APP_ADMIN" => "Application Administrator".into(),
        // What the API calls USER_ADMIN has one label in one org and another in the next.
        "USER_ADMIN" => "Group Administrator".into(),
        "HELP_DESK_ADMIN" => "Help Desk Administrator".into(),
        "READ_ONLY_ADMIN" => "Read Only Administrator".into(),
        "GROUP_MEMBERSHIP_ADMIN" => "Group Membership Administrator".into(),
        "REPORT_ADMIN" => "Report Administrator".into(),
        "API_ACCESS_MANAGEMENT_ADMIN" => "API Access Management Administrator".into(),
        other => other.to_owned(),
    }
}

/// Roles that can be held for some groups or apps only have an id that is their type in Base32.
fn base32(kind: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letter = |five: u32| LETTERS.get((five & 31) as usize).copied().unwrap_or(b'A');
    let (mut held, mut bits, mut text) = (0u32, 0u32, String::new());
    for byte in kind.bytes() {
        held = (held << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(letter(held >> bits)));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(letter(held << (5 - bits))));
    }
    text
}

/// One role of a principal. `assignee` is the path of who holds it: for a role by a group, the group.
fn row(service: &Service, org: &Org, role: &AdminRole, at: usize, by: &Principal) -> Value {
    let (kind_of, assignee) = match by {
        Principal::User(number) => ("USER", format!("/api/v1/users/{}", org.id_of(*number))),
        Principal::Group(group) => ("GROUP", format!("/api/v1/groups/{group}")),
        Principal::Client(client) => ("CLIENT", format!("/oauth2/v1/clients/{client}")),
    };
    let href = |path: &str| json!({ "href": service.address(path) });
    match role {
        AdminRole::Standard(kind) => {
            let targeted = ["APP_ADMIN", "USER_ADMIN", "HELP_DESK_ADMIN", "GROUP_MEMBERSHIP_ADMIN"];
            let prefix = if kind_of == "GROUP" { "gra" } else { "ra1" };
            let id =
                if targeted.contains(&kind.as_str()) { base32(kind) } else { id::id(service.seed, prefix, at as u64) };
            json!({
                "id": id,
                "label": label(kind),
                "type": kind,
                "status": "ACTIVE",
                "created": MADE,
                "lastUpdated": MADE,
                "assignmentType": kind_of,
                "_links": { "assignee": href(&assignee) },
            })
        }
        AdminRole::Custom { role, resource_set } => {
            let found = org.admin.custom_role(role);
            let (set, own) = (format!("/api/v1/iam/resource-sets/{resource_set}"), format!("/api/v1/iam/roles/{role}"));
            json!({
                "id": id::id(service.seed, "irb", at as u64),
                "role": role,
                "label": found.map_or("", |found| found.label.as_str()),
                "type": "CUSTOM",
                "status": "ACTIVE",
                "created": MADE,
                "lastUpdated": MADE,
                "assignmentType": kind_of,
                "resource-set": resource_set,
                "_links": {
                    "assignee": href(&assignee),
                    "role": href(&own),
                    "permissions": href(&format!("{own}/permissions")),
                    "resource-set": href(&set),
                },
            })
        }
    }
}

/// What may be shown with a role.
fn expands(visit: &Visit<'_>) -> Result<(), Refusal> {
    match visit.parameter("expand") {
        None | Some("targets/groups" | "targets/catalog/apps") => Ok(()),
        Some(_) => Err(Refusal::validation("expand", "expand: The value is not known.")),
    }
}

fn of_user(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    expands(visit)?;
    let mut org = service.org();
    let number = users::find(&mut org, visit)?;
    let held = org.held(number);
    let rows = held.iter().enumerate().map(|(at, (role, group))| {
        let by = group.map_or(Principal::User(number), |group| Principal::Group(group.id.clone()));
        row(service, &org, role, at, &by)
    });
    Ok(Answer::ok(rows.collect()))
}

fn of(service: &Service, org: &Org, principal: &Principal) -> Answer {
    let rows = org.admin.of(principal).enumerate().map(|(at, one)| row(service, org, &one.role, at, principal));
    Answer::ok(rows.collect())
}

fn of_group(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    expands(visit)?;
    let org = service.org();
    let name = visit.first();
    org.admin.group(name).ok_or_else(|| Refusal::not_found(name, "UserGroup"))?;
    Ok(of(service, &org, &Principal::Group(name.to_owned())))
}

fn client_row(id: &str, name: &str) -> Value {
    json!({
        "client_id": id,
        "client_id_issued_at": 1_738_573_965,
        "client_name": name,
        "client_secret_expires_at": 0,
        "application_type": "service",
        "grant_types": ["client_credentials"],
        "response_types": ["token"],
        "token_endpoint_auth_method": "private_key_jwt",
        "redirect_uris": [],
        "post_logout_redirect_uris": [],
    })
}

/// The mock's own app and those of the org.
fn apps(service: &Service, org: &Org) -> Vec<(String, String)> {
    let own = (service.tokens().client_id.clone(), "identity-reset".to_owned());
    let others = org.admin.clients.iter().map(|client| (client.id.clone(), client.name.clone()));
    std::iter::once(own).chain(others).collect()
}

fn clients(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mut each = apps(service, &service.org());
    if let Some(words) = visit.parameter("q") {
        each.retain(|(id, name)| name.to_lowercase().starts_with(&words.to_lowercase()) || id == words);
    }
    let page = Page::of(service, visit, each.len(), 20, APPS)?;
    let rows = page.cut(&each).iter().map(|(id, name)| client_row(id, name)).collect();
    Ok(page.with_links(rows))
}

/// The app that a path names.
fn app(service: &Service, org: &Org, visit: &Visit<'_>) -> Result<(String, String), Refusal> {
    let found = apps(service, org).into_iter().find(|(id, _)| id == visit.first());
    found.ok_or_else(|| Refusal::not_found(visit.first(), "PublicClientApp"))
}

fn one_client(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let (id, name) = app(service, &service.org(), visit)?;
    Ok(Answer::ok(client_row(&id, &name)))
}

fn of_client(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let (id, _) = app(service, &org, visit)?;
    let principal = Principal::Client(id.clone());
    if id != service.tokens().client_id {
        return Ok(of(service, &org, &principal));
    }
    // What the mock's own app may do is a setting of its own.
    let own: Vec<String> = service.tokens().roles.iter().cloned().collect();
    let own = own.into_iter().map(AdminRole::Standard);
    let also = org.admin.of(&principal).map(|one| one.role.clone());
    let rows = own.chain(also).enumerate().map(|(at, role)| row(service, &org, &role, at, &principal));
    Ok(Answer::ok(rows.collect()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_of_targeted_roles_are_those_that_were_recorded() {
        assert_eq!(super::base32("USER_ADMIN"), "KVJUKUS7IFCE2SKO");
        assert_eq!(super::base32("APP_ADMIN"), "IFIFAX2BIRGUSTQ");
    }
}
