//! `/api/v1/principal-rate-limits`: which part of every bucket a principal may use.

use http::Method;
use serde_json::{Map, Value, json};

use super::org::{Org, fixed, id};
use super::pages::Page;
use super::quota::{Bucket, Share};
use super::refusal::Refusal;
use super::routes::{BodyRule, Route, Visit};
use super::search::{self, Dialect};
use super::service::Service;
use crate::fault::Operation;
use crate::mock_http::Answer;

/// When the entries were made: without milliseconds, as these endpoints write it.
const MADE: &str = "2025-02-03T09:12:45Z";

const READING: Route = Route {
    method: Method::GET,
    path: &["api", "v1", "principal-rate-limits"],
    scopes: &["okta.principalRateLimits.read"],
    right: "okta.principalRateLimits.read",
    bucket: Bucket::PrincipalRateLimits,
    operation: Operation::Read,
    query: &["filter", "after", "limit"],
    body: BodyRule::None,
    user_at: None,
    answer: list,
};
const WRITING: Route = Route {
    scopes: &["okta.principalRateLimits.manage"],
    right: "okta.principalRateLimits.manage",
    operation: Operation::Write,
    query: &[],
    body: BodyRule::Object,
    ..READING
};

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route { path: &["api", "v1", "principal-rate-limits", "{}"], query: &[], answer: one, ..READING },
    Route { method: Method::PUT, path: &["api", "v1", "principal-rate-limits", "{}"], answer: replace, ..WRITING },
    Route { method: Method::POST, answer: add, ..WRITING },
];

/// A principal that has an entry: its id and its type.
type Entry = (String, &'static str);

fn entries(service: &Service) -> Vec<Entry> {
    let tokens = service.tokens();
    let of_tokens =
        tokens.api_tokens.iter().filter(|token| !token.revoked).map(|token| (token.id.clone(), "SSWS_TOKEN"));
    of_tokens.chain([(tokens.client_id.clone(), "OAUTH_CLIENT")]).collect()
}

fn id_of(service: &Service, principal: &str) -> String {
    let at = entries(service).iter().position(|(id, _)| id == principal);
    id::id(service.seed, "prl", at.map_or(u64::MAX >> 20, |at| at as u64))
}

fn row(service: &Service, org: &Org, (principal, kind): &Entry) -> Value {
    let share = service.quotas().share(principal);
    let by = org.id_of(fixed::RUNNER);
    json!({
        "id": id_of(service, principal),
        "orgId": org.id,
        "principalId": principal,
        "principalType": kind,
        "defaultPercentage": share.percentage,
        "defaultConcurrencyPercentage": share.concurrency_percentage,
        "createdDate": MADE,
        "createdBy": by,
        "lastUpdate": MADE,
        "lastUpdatedBy": by,
    })
}

fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let filter = visit
        .parameter("filter")
        .ok_or_else(|| Refusal::validation("filter", "filter: The field cannot be left blank"))?;
    let filter = search::read(filter, Dialect::Of(&["principalType", "principalId"]))?;
    let mut each = entries(service);
    each.retain(|(id, kind)| {
        filter.fits(&|name| match name {
            "principalType" => json!(kind),
            "principalId" => json!(id),
            _ => Value::Null,
        })
    });
    let page = Page::of(service, visit, each.len(), 20, 50)?;
    let org = service.org();
    let rows = page.cut(&each).iter().map(|entry| row(service, &org, entry)).collect();
    Ok(page.with_links(rows))
}

fn named(service: &Service, visit: &Visit<'_>) -> Result<Entry, Refusal> {
    let found = entries(service).into_iter().find(|(id, _)| id_of(service, id) == visit.first());
    found.ok_or_else(|| Refusal::not_found(visit.first(), "PrincipalRateLimitEntity"))
}

fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let entry = named(service, visit)?;
    Ok(Answer::ok(row(service, &service.org(), &entry)))
}

/// A part in percent.
fn percentage(body: &Map<String, Value>, name: &str, else_: u32) -> Result<u32, Refusal> {
    let wrong = || Refusal::validation(name, format!("{name}: The value has to be from 5 to 100."));
    let Some(given) = body.get(name) else { return Ok(else_) };
    let given = given.as_u64().and_then(|given| u32::try_from(given).ok()).ok_or_else(wrong)?;
    if (5..=100).contains(&given) { Ok(given) } else { Err(wrong()) }
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refusal> {
    let missing = || Refusal::validation(name, format!("{name}: The field cannot be left blank"));
    body.get(name).and_then(Value::as_str).ok_or_else(missing)
}

fn replace(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let entry = named(service, visit)?;
    if (text(&visit.body, "principalId")?, text(&visit.body, "principalType")?) != (entry.0.as_str(), entry.1) {
        return Err(Refusal::validation("principalId", "principalId: It is another principal's."));
    }
    let before = service.quotas().share(&entry.0);
    let share = Share {
        percentage: percentage(&visit.body, "defaultPercentage", before.percentage)?,
        concurrency_percentage: percentage(&visit.body, "defaultConcurrencyPercentage", before.concurrency_percentage)?,
    };
    service.quotas().set_share(&entry.0, share);
    Ok(Answer::ok(row(service, &service.org(), &entry)))
}

/// Every principal has its entry already.
fn add(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let principal = text(&visit.body, "principalId")?;
    text(&visit.body, "principalType")?;
    if entries(service).iter().any(|(id, _)| id == principal) {
        return Err(Refusal::validation("principalRateLimitMediated", "principalId: There is one already."));
    }
    Err(Refusal::not_found(principal, "Principal"))
}
