//! Users: listing, reading, their lifecycle, passwords and sessions.

mod row;

pub(super) use row::{links, row};

use http::Method;

use super::access;
use super::org::Org;
use super::quota::Bucket;
use super::refusal::Refusal;
use super::routes::{BodyRule, Route, Visit};
use super::service::Service;
use crate::fault::Operation;
use crate::mock_http::Answer;

/// What lets an app read users.
pub(super) const READ: &[&str] = &["okta.users.read"];
/// What lets an app write to users.
pub(super) const MANAGE: &[&str] = &["okta.users.manage"];

/// What the routes that read a user have in common.
const READING: Route = Route {
    method: Method::GET,
    path: &["api", "v1", "users", "{}"],
    scopes: READ,
    right: access::READ,
    bucket: Bucket::User,
    operation: Operation::Read,
    query: &["expand", "fields"],
    body: BodyRule::None,
    user_at: Some(3),
    answer: one,
};

pub(super) const ROUTES: &[Route] = &[READING];

/// The number of the user that a path names.
pub(super) fn find(org: &mut Org, visit: &Visit<'_>) -> Result<u64, Refusal> {
    let name = visit.first();
    match (name, visit.caller.owner) {
        ("me", Some(owner)) => Ok(owner),
        _ => org.resolve(name).ok_or_else(|| Refusal::not_found(name, "User")),
    }
}

fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let settings = service.settings();
    let mut org = service.org();
    let number = find(&mut org, visit)?;
    let view = org.view(number).ok_or_else(|| Refusal::not_found(visit.first(), "User"))?;
    let mut shown = row(&view, &settings, visit.call, &service.url);
    shown.insert("_links".into(), links(&view, service));
    let etag = row::etag(&shown);
    Ok(Answer::ok(shown.into()).with("etag", etag))
}
