//! Groups and their members.

use http::Method;
use serde_json::{Value, json};

use super::iam::MADE;
use super::org::Org;
use super::pages::Page;
use super::privilege::{OktaGroup, Principal};
use super::quota::Bucket;
use super::refusal::Refusal;
use super::routes::{BodyRule, Route, Visit};
use super::search::{self, Dialect};
use super::service::Service;
use super::users;
use crate::fault::Operation;
use crate::mock_http::Answer;

/// Rows of a page of groups, where nothing else is said and at most.
const GROUPS: usize = 10_000;
/// The same of a page of members.
const MEMBERS: usize = 1_000;

const READING: Route = Route {
    method: Method::GET,
    path: &["api", "v1", "groups"],
    scopes: &["okta.groups.read"],
    right: "okta.groups.read",
    bucket: Bucket::Groups,
    operation: Operation::Read,
    query: &["search", "filter", "q", "after", "limit", "expand", "sortBy", "sortOrder"],
    body: BodyRule::None,
    user_at: None,
    answer: list,
};

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route { path: &["api", "v1", "groups", "{}"], query: &[], answer: one, ..READING },
    Route { path: &["api", "v1", "groups", "{}", "users"], query: &["after", "limit"], answer: members, ..READING },
    Route {
        path: &["api", "v1", "users", "{}", "groups"],
        scopes: &["okta.users.read"],
        right: super::access::READ,
        bucket: Bucket::Users,
        query: &[],
        user_at: Some(3),
        answer: of_user,
        ..READING
    },
];

/// What groups can be searched and filtered by.
const ATTRIBUTES: &[&str] =
    &["id", "type", "created", "lastUpdated", "lastMembershipUpdated", "profile.name", "profile.description"];

fn row(service: &Service, group: &OktaGroup) -> Value {
    let own = service.address(&format!("/api/v1/groups/{}", group.id));
    json!({
        "id": group.id,
        "created": MADE,
        "lastUpdated": MADE,
        "lastMembershipUpdated": MADE,
        "objectClass": ["okta:user_group"],
        "type": group.kind,
        "profile": { "name": group.name, "description": group.name },
        "_links": {
            "logo": [{ "name": "medium", "href": format!("{}/img/logos/groups/okta-medium.png", service.url), "type": "image/png" }],
            "users": { "href": format!("{own}/users") },
            "apps": { "href": format!("{own}/apps") },
        },
    })
}

fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let expression = match (visit.parameter("search"), visit.parameter("filter")) {
        (Some(_), Some(_)) => return Err(Refusal::search_and_filter()),
        (Some(text), None) | (None, Some(text)) => Some(search::read(text, Dialect::Of(ATTRIBUTES))?),
        (None, None) => None,
    };
    let stats = match visit.parameter("expand") {
        None => false,
        Some("stats") => true,
        Some(_) => return Err(Refusal::validation("expand", "expand: The value is not known.")),
    };
    if visit.parameter("sortBy").is_some() && visit.parameter("search").is_none() {
        return Err(Refusal::invalid_search());
    }
    let begins = visit.parameter("q").map(str::to_lowercase);
    let org = service.org();
    let shown = |group: &&OktaGroup| {
        let value = |attribute: &str| match attribute {
            "id" => json!(group.id),
            "type" => json!(group.kind),
            "profile.name" | "profile.description" => json!(group.name),
            _ => json!(MADE),
        };
        let named = begins.as_ref().is_none_or(|words| group.name.to_lowercase().starts_with(words));
        named && expression.as_ref().is_none_or(|expression| expression.fits(&value))
    };
    let mut each: Vec<&OktaGroup> = org.admin.groups.iter().filter(shown).collect();
    if visit.parameter("sortBy") == Some("profile.name") {
        each.sort_by_key(|group| group.name.to_lowercase());
        if visit.parameter("sortOrder") == Some("desc") {
            each.reverse();
        }
    }
    let page = Page::of(service, visit, each.len(), GROUPS, GROUPS)?;
    let rows = page.cut(&each).iter().map(|group| {
        let mut row = row(service, group);
        if let Some(members) = row.as_object_mut().filter(|_| stats) {
            let holds = org.admin.of(&Principal::Group(group.id.clone())).next().is_some();
            let counted = json!({
                "usersCount": members_of(&org, group).len(),
                "appsCount": 0,
                "groupPushMappingsCount": 0,
                // The description spells it so.
                "hasAdminPrivlege": holds,
            });
            members.insert("_embedded".into(), json!({ "stats": counted }));
        }
        row
    });
    let rows = rows.collect();
    Ok(page.with_links(rows))
}

/// The members of a group who are there, in order.
fn members_of(org: &Org, group: &OktaGroup) -> Vec<u64> {
    let listed: Vec<u64> = if group.everybody { (0..org.end()).collect() } else { group.members.clone() };
    listed.into_iter().filter(|number| org.view(*number).is_some()).collect()
}

fn named<'a>(org: &'a Org, visit: &Visit<'_>) -> Result<&'a OktaGroup, Refusal> {
    org.admin.group(visit.first()).ok_or_else(|| Refusal::not_found(visit.first(), "UserGroup"))
}

fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    Ok(Answer::ok(row(service, named(&org, visit)?)))
}

fn members(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let settings = service.settings();
    let org = service.org();
    let each = members_of(&org, named(&org, visit)?);
    let page = Page::of(service, visit, each.len(), MEMBERS, MEMBERS)?;
    let rows = page.cut(&each).iter().filter_map(|number| {
        let view = org.view(*number)?;
        Some(users::row::row(&view, &settings, visit.call, &service.url).into())
    });
    let rows = rows.collect();
    Ok(page.with_links(rows))
}

fn of_user(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mut org = service.org();
    let number = users::find(&mut org, visit)?;
    let everybody = org.admin.groups.iter().filter(|group| group.everybody);
    let each = everybody.chain(org.admin.groups_of(number));
    Ok(Answer::ok(each.map(|group| row(service, group)).collect()))
}
