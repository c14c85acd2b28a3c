//! Users: listing, reading, following changes, setting passwords, revoking sessions.

mod delta;
mod list;
mod patch;
mod properties;
mod revoke;

pub(super) use list::binding;
pub(super) use properties::{USER, row};

use http::Method;
use serde_json::{Map, Value, json};

use super::query::Options;
use super::refusal::Refusal;
use super::routes::{BodyRule, Family, Route, Visit};
use super::service::Service;
use super::tenant::{Tenant, View};
use crate::fault::Operation;
use crate::mock_http::Answer;

/// What lets an app read users.
pub(super) const READ: &[&str] =
    &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];

/// What every route of users has in common.
const READING: Route = Route {
    method: Method::GET,
    path: &["users"],
    permissions: READ,
    units: 2,
    units_selected: 1,
    family: Family::Directory,
    operation: Operation::Read,
    options: Options::LISTING,
    entity: Some(&USER),
    body: BodyRule::None,
    user_at: None,
    answer: list::answer,
};

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route {
        path: &["users", "$count"],
        options: Options { filter: true, counts: true, ..Options::NONE },
        answer: list::count,
        ..READING
    },
    Route {
        path: &["users", "delta"],
        options: Options { select: true, filter: true, skip_token: true, delta_token: true, ..Options::NONE },
        answer: delta::answer,
        ..READING
    },
    Route { path: &["users", "{}"], units: 1, options: Options::ONE, user_at: Some(1), answer: one, ..READING },
    Route {
        method: Method::PATCH,
        path: &["users", "{}"],
        permissions: patch::PERMISSIONS,
        units: 1,
        operation: Operation::Write,
        options: Options::NONE,
        body: BodyRule::Object,
        user_at: Some(1),
        answer: patch::answer,
        ..READING
    },
    Route {
        method: Method::POST,
        path: &["users", "{}", "revokeSignInSessions"],
        permissions: &["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
        units: 1,
        operation: Operation::Write,
        options: Options::NONE,
        body: BodyRule::Empty,
        user_at: Some(1),
        answer: revoke::answer,
        ..READING
    },
];

/// The number of the user that a path names.
pub(super) fn find(tenant: &mut Tenant, name: &str) -> Result<u64, Refusal> {
    let number = tenant.resolve(name).filter(|number| !tenant.not_found_yet(*number));
    let number = number.ok_or_else(|| Refusal::not_found(name))?;
    tenant.settle(number);
    Ok(number)
}

/// A user as a row, with its manager where that is asked for.
fn shown(view: &View<'_>, tenant: &Tenant, visit: &Visit<'_>) -> Map<String, Value> {
    let mut shown = row(view, tenant, visit.query.select.as_deref());
    if let Some(select) = &visit.query.manager
        && let Some(manager) = view.user.manager.and_then(|number| tenant.view(number))
    {
        let mut manager = row(&manager, tenant, select.as_deref());
        manager.insert("@odata.type".into(), "#microsoft.graph.user".into());
        shown.insert("manager".into(), manager.into());
    }
    shown
}

fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let name = visit.first();
    let mut tenant = service.tenant();
    if visit.query.selects("signInActivity") {
        list::may_see_sign_ins(service, visit)?;
        if name.parse::<uuid::Uuid>().is_err() {
            return Err(Refusal::bad_request("Get By Key only supports UserId and the key has to be a valid Guid."));
        }
    }
    let number = find(&mut tenant, name)?;
    let view = tenant.view(number).ok_or_else(|| Refusal::not_found(name))?;
    let mut shown = shown(&view, &tenant, visit);
    let context = list::context(service, visit.query.select.as_deref());
    shown.insert("@odata.context".into(), json!(format!("{context}/$entity")));
    Ok(Answer::ok(shown.into()))
}
