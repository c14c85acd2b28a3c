//! Users: listing, reading, their lifecycle, passwords and sessions.

mod credentials;
mod lifecycle;
mod list;
pub(super) mod row;
mod sessions;

use http::Method;
use serde_json::json;

use super::access;
use super::org::Org;
use super::quota::Bucket;
use super::refusal::Refusal;
use super::routes::{BodyRule, Route, Visit};
use super::service::Service;
use super::settings::Settings;
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
    query: &["expand"],
    body: BodyRule::None,
    user_at: Some(3),
    answer: one,
};

/// What the routes that write to a user have in common.
const WRITING: Route = Route {
    method: Method::POST,
    path: &["api", "v1", "users", "{}"],
    scopes: MANAGE,
    right: access::MANAGE,
    bucket: Bucket::Users,
    operation: Operation::Write,
    query: &[],
    body: BodyRule::None,
    user_at: Some(3),
    answer: credentials::update,
};

const UPDATING: Route = Route {
    right: access::CREDENTIALS,
    bucket: Bucket::UserWrite,
    query: &["strict"],
    body: BodyRule::Object,
    ..WRITING
};

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route {
        path: &["api", "v1", "users"],
        bucket: Bucket::Users,
        query: &["search", "filter", "q", "after", "limit", "sortBy", "sortOrder", "fields", "expand"],
        user_at: None,
        answer: list::answer,
        ..READING
    },
    Route {
        path: &["api", "v1", "users", "{}", "blocks"],
        bucket: Bucket::Users,
        query: &[],
        answer: sessions::blocks,
        ..READING
    },
    UPDATING,
    Route { method: Method::PUT, ..UPDATING },
    Route {
        path: &["api", "v1", "users", "{}", "lifecycle", "expire_password"],
        right: access::EXPIRE_PASSWORD,
        query: &["tempPassword"],
        answer: lifecycle::expire_password,
        ..WRITING
    },
    Route {
        path: &["api", "v1", "users", "{}", "lifecycle", "expire_password_with_temp_password"],
        right: access::EXPIRE_PASSWORD,
        query: &["revokeSessions"],
        answer: lifecycle::expire_with_temp_password,
        ..WRITING
    },
    Route {
        path: &["api", "v1", "users", "{}", "lifecycle", "reset_password"],
        right: access::RESET_PASSWORD,
        query: &["sendEmail", "revokeSessions", "provider"],
        answer: lifecycle::reset_password,
        ..WRITING
    },
    Route {
        path: &["api", "v1", "users", "{}", "lifecycle", "reset_factors"],
        right: access::RESET_FACTORS,
        query: &[],
        answer: lifecycle::reset_factors,
        ..WRITING
    },
    Route {
        path: &["api", "v1", "users", "{}", "lifecycle", "unlock"],
        right: access::UNLOCK,
        query: &[],
        answer: lifecycle::unlock,
        ..WRITING
    },
    Route {
        path: &["api", "v1", "users", "{}", "lifecycle", "suspend"],
        right: access::SUSPEND,
        query: &[],
        answer: lifecycle::suspend,
        ..WRITING
    },
    Route {
        path: &["api", "v1", "users", "{}", "lifecycle", "unsuspend"],
        right: access::SUSPEND,
        query: &[],
        answer: lifecycle::unsuspend,
        ..WRITING
    },
    Route {
        path: &["api", "v1", "users", "{}", "lifecycle", "activate"],
        right: access::LIFECYCLE,
        query: &["sendEmail"],
        answer: lifecycle::activate,
        ..WRITING
    },
    Route {
        path: &["api", "v1", "users", "{}", "lifecycle", "reactivate"],
        right: access::LIFECYCLE,
        query: &["sendEmail"],
        answer: lifecycle::reactivate,
        ..WRITING
    },
    Route {
        path: &["api", "v1", "users", "{}", "lifecycle", "deactivate"],
        right: access::LIFECYCLE,
        query: &["sendEmail"],
        answer: lifecycle::deactivate,
        ..WRITING
    },
    Route {
        path: &["api", "v1", "users", "{}", "credentials", "forgot_password"],
        right: access::RESET_PASSWORD,
        query: &["sendEmail"],
        answer: credentials::forgot_password,
        ..WRITING
    },
    Route {
        path: &["api", "v1", "users", "{}", "credentials", "change_password"],
        right: access::CREDENTIALS,
        query: &["strict"],
        body: BodyRule::Object,
        answer: credentials::change_password,
        ..WRITING
    },
    Route {
        method: Method::DELETE,
        path: &["api", "v1", "users", "{}", "sessions"],
        right: access::CLEAR_SESSIONS,
        query: &["oauthTokens", "forgetDevices"],
        answer: sessions::clear,
        ..WRITING
    },
    Route {
        method: Method::DELETE,
        path: &["api", "v1", "users", "{}", "grants"],
        right: access::CLEAR_SESSIONS,
        answer: sessions::revoke_grants,
        ..WRITING
    },
    Route {
        path: &["oauth2", "v1", "global-token-revocation"],
        scopes: &["okta.universalLogout.manage"],
        right: access::CLEAR_SESSIONS,
        bucket: Bucket::Rest,
        body: BodyRule::Object,
        user_at: None,
        answer: sessions::log_out_everywhere,
        ..WRITING
    },
];

/// The number of the user that a path names.
pub(super) fn find(org: &mut Org, visit: &Visit<'_>) -> Result<u64, Refusal> {
    let name = visit.first();
    match (name, visit.caller.owner) {
        ("me", Some(owner)) => Ok(owner),
        _ => org.resolve(name).ok_or_else(|| Refusal::not_found(name, "User")),
    }
}

/// Whether blocks are to be shown with a user.
fn embeds_blocks(visit: &Visit<'_>, settings: &Settings) -> Result<bool, Refusal> {
    match visit.parameter("expand") {
        None => Ok(false),
        Some("blocks") => Ok(true),
        Some("classification") if settings.features => Ok(false),
        Some("classification") => Err(Refusal::no_such_feature()),
        Some(_) => Err(Refusal::validation("expand", "expand: The value is not known.")),
    }
}

fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let settings = service.settings();
    let blocks = embeds_blocks(visit, &settings)?;
    let mut org = service.org();
    let number = find(&mut org, visit)?;
    let view = org.view(number).ok_or_else(|| Refusal::not_found(visit.first(), "User"))?;
    let mut shown = row::single(&view, service, visit, &settings);
    let etag = row::etag(&shown);
    if blocks {
        shown.insert("_embedded".into(), json!({ "blocks": [] }));
    }
    Ok(Answer::ok(shown.into()).with("etag", etag))
}
