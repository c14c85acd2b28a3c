//! The org itself, and its API tokens.

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::iam::MADE;
use super::org::Org;
use super::quota::Bucket;
use super::refusal::Refusal;
use super::routes::{BodyRule, Route, Visit};
use super::service::Service;
use super::tokens::{ApiToken, PrincipalType};
use super::users::row::moment;
use crate::fault::Operation;
use crate::mock_http::Answer;

const READING: Route = Route {
    method: Method::GET,
    path: &["api", "v1", "api-tokens"],
    scopes: &["okta.apiTokens.read"],
    right: "okta.apiTokens.read",
    bucket: Bucket::Rest,
    operation: Operation::Read,
    query: &[],
    body: BodyRule::None,
    user_at: None,
    answer: tokens,
};

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route { path: &["api", "v1", "api-tokens", "{}"], answer: one_token, ..READING },
    Route {
        method: Method::DELETE,
        path: &["api", "v1", "api-tokens", "current"],
        // Whoever holds a token may give it up.
        scopes: &["okta.apiTokens.manage"],
        right: super::access::READ,
        operation: Operation::Write,
        answer: give_up,
        ..READING
    },
    Route {
        path: &["api", "v1", "org"],
        scopes: &["okta.orgs.read"],
        right: "okta.orgs.read",
        answer: the_org,
        ..READING
    },
];

fn row(service: &Service, org: &Org, token: &ApiToken) -> Value {
    let (own, user) = (format!("/api/v1/api-tokens/{}", token.id), format!("/api/v1/users/{}", org.id_of(token.owner)));
    let link = |path: &str, allow: Value| json!({ "href": service.address(path), "hints": { "allow": allow } });
    // A token is good for thirty days, and for thirty more with every use.
    let expires = org.now().checked_add(SignedDuration::from_hours(30 * 24)).unwrap_or_else(|_| org.now());
    json!({
        "id": token.id,
        "name": token.name,
        "userId": org.id_of(token.owner),
        "clientName": "Okta API",
        "tokenWindow": null,
        "network": { "connection": "ANYWHERE" },
        "expiresAt": moment(expires),
        "created": MADE,
        "lastUpdated": MADE,
        "_links": { "self": link(&own, json!(["GET", "DELETE"])), "user": link(&user, json!(["GET"])) },
    })
}

fn tokens(service: &Service, _: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let tokens = service.tokens();
    let good = tokens.api_tokens.iter().filter(|token| !token.revoked);
    Ok(Answer::ok(good.map(|token| row(service, &org, token)).collect()))
}

fn one_token(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let tokens = service.tokens();
    let found = tokens.api_tokens.iter().find(|token| token.id == visit.first() && !token.revoked);
    let found = found.ok_or_else(|| Refusal::not_found(visit.first(), "ApiToken"))?;
    Ok(Answer::ok(row(service, &org, found)))
}

fn give_up(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    if visit.caller.principal_type != PrincipalType::SswsToken {
        return Err(Refusal::forbidden());
    }
    let mut tokens = service.tokens();
    if let Some(token) = tokens.api_tokens.iter_mut().find(|token| token.id == visit.caller.principal) {
        token.revoked = true;
    }
    Ok(Answer::no_content())
}

fn the_org(service: &Service, _: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    Ok(Answer::ok(json!({
        "id": org.id,
        "companyName": "Mock organisation",
        "subdomain": "mock",
        "status": "ACTIVE",
        "created": MADE,
        "lastUpdated": MADE,
    })))
}
