//! The System Log. Events come late and out of order: each has a delay of its own, drawn from its number.
//! Who asks with an end (`until`) is answered by when things happened; who asks without polls, and is
//! answered by when events came in.

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::cursor;
use super::org::{OktaEvent, Org};
use super::quota::Bucket;
use super::refusal::Refusal;
use super::routes::{BodyRule, Route, Visit};
use super::search::{self, Dialect, Expression};
use super::service::Service;
use crate::fault::Operation;
use crate::mock_http::Answer;
use crate::organisation::draw;

/// Rows of a page, where nothing else is said and at most.
const ROWS: usize = 100;
const MOST: usize = 1_000;
/// How far back a request without a beginning goes.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How far back the log goes.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// What events can be filtered by.
const ATTRIBUTES: &[&str] = &[
    "eventType",
    "outcome.result",
    "actor.id",
    "target.id",
    "transaction.id",
    "published",
    "uuid",
    "debugContext.debugData.requestId",
];

pub(super) const ROUTES: &[Route] = &[Route {
    method: Method::GET,
    path: &["api", "v1", "logs"],
    scopes: &["okta.logs.read"],
    right: "okta.logs.read",
    bucket: Bucket::Logs,
    operation: Operation::Read,
    query: &["since", "until", "after", "filter", "q", "limit", "sortOrder"],
    body: BodyRule::None,
    user_at: None,
    answer: list,
}];

/// A moment with its milliseconds.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// When an event comes in.
fn comes_in(org: &Org, event: &OktaEvent, latest: std::time::Duration) -> Timestamp {
    let most = u64::try_from(latest.as_millis()).unwrap_or(u64::MAX);
    let delay = if most == 0 { 0 } else { draw::below(org.population.seed(), event.number, "log delay", most) };
    let delay = SignedDuration::from_millis(i64::try_from(delay).unwrap_or(0));
    event.at.checked_add(delay).unwrap_or(event.at)
}

fn row(service: &Service, org: &Org, event: &OktaEvent) -> Value {
    let name_of = |id: &str| org.by_id(id).and_then(|number| org.view(number)).map(|view| view.user);
    let person = |id: &str| {
        let user = name_of(id);
        let name = user.as_ref().map_or("unknown", |user| user.login.as_str());
        let shown = user.as_ref().and_then(|user| user.display_name.as_deref().or(user.first_name.as_deref()));
        json!({ "id": id, "type": "User", "alternateId": name, "displayName": shown.unwrap_or(name) })
    };
    let actor = if event.actor.starts_with("00u") {
        person(&event.actor)
    } else {
        json!({ "id": event.actor, "type": "PublicClientApp", "alternateId": event.actor, "displayName": "identity-reset" })
    };
    json!({
        "uuid": draw::guid(service.seed ^ 0x6C6F_6773, event.number).to_string(),
        "published": moment(event.at),
        "eventType": event.event_type,
        "version": "0",
        "severity": "INFO",
        "displayMessage": event.event_type,
        "actor": actor,
        "outcome": { "result": if event.success { "SUCCESS" } else { "FAILURE" } },
        "target": [person(&event.target)],
        "transaction": { "type": "WEB", "id": event.transaction, "detail": {} },
        "debugContext": { "debugData": { "requestId": event.transaction } },
    })
}

fn value(event: &OktaEvent, service: &Service, attribute: &str) -> Value {
    match attribute {
        "eventType" => json!(event.event_type),
        "outcome.result" => json!(if event.success { "SUCCESS" } else { "FAILURE" }),
        "actor.id" => json!(event.actor),
        "target.id" => json!(event.target),
        "transaction.id" | "debugContext.debugData.requestId" => json!(event.transaction),
        "published" => json!(moment(event.at)),
        "uuid" => json!(draw::guid(service.seed ^ 0x6C6F_6773, event.number).to_string()),
        _ => Value::Null,
    }
}

/// Where a reader of the log stands.
struct Asked {
    since: Timestamp,
    until: Option<Timestamp>,
    filter: Option<Expression>,
    words: Option<String>,
    descending: bool,
    limit: usize,
}

impl Asked {
    fn read(visit: &Visit<'_>, now: Timestamp) -> Result<Self, Refusal> {
        let moment = |name: &str| {
            let wrong = |_| Refusal::validation(name, format!("{name}: The date format is not valid."));
            visit.parameter(name).map(|text| text.parse::<Timestamp>().map_err(wrong)).transpose()
        };
        let (since, until) = (moment("since")?, moment("until")?);
        if since.zip(until).is_some_and(|(since, until)| since > until) {
            return Err(Refusal::validation("since", "since: The beginning is behind the end."));
        }
        let before = |at: Timestamp, by: SignedDuration| at.checked_sub(by).unwrap_or(at);
        let descending = match visit.parameter("sortOrder") {
            None | Some("ASCENDING") => false,
            Some("DESCENDING") => true,
            Some(_) => return Err(Refusal::validation("sortOrder", "sortOrder: The order is not known.")),
        };
        Ok(Self {
            since: since.unwrap_or_else(|| before(until.unwrap_or(now), WEEK)).max(before(now, KEPT)),
            until,
            filter: visit.parameter("filter").map(|text| search::read(text, Dialect::Of(ATTRIBUTES))).transpose()?,
            words: visit.parameter("q").map(str::to_lowercase),
            descending,
            limit: visit.limit(ROWS, MOST)?,
        })
    }
}

fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    service.counts().pages += 1;
    let latest = service.settings().log_delay;
    let org = service.org();
    let now = org.now();
    let asked = Asked::read(visit, now)?;
    let binding = cursor::binding(visit.call, &["after", "limit"]);
    let used_for = format!("logs {binding}");
    // A cursor is the place behind the last row: the moment it is ordered by, and its number.
    let given = cursor::given(visit.call);
    let from: Option<(i64, u64)> = match given {
        None => None,
        Some(text) => {
            let [at, number] = cursor::read(service.seed, &used_for, text)
                .ok_or_else(|| Refusal::validation("after", "after: The cursor is not one of this listing."))?;
            Some((i64::try_from(at).unwrap_or(i64::MAX), number))
        }
    };
    let fits = |event: &&OktaEvent| {
        let told = asked.filter.as_ref().is_none_or(|filter| filter.fits(&|name| value(event, service, name)));
        let named = |words: &String| {
            [event.event_type, &event.target, &event.actor].iter().any(|text| text.to_lowercase().contains(words))
        };
        told && asked.words.as_ref().is_none_or(named)
    };
    let mut each: Vec<((i64, u64), &OktaEvent)> = Vec::new();
    for event in org.events.iter().filter(fits) {
        let came = comes_in(&org, event, latest);
        // Who polls asks for what came in; who names an end asks for what happened.
        let (at, within) = match asked.until {
            Some(until) => (event.at, event.at >= asked.since && event.at < until),
            None => (came, came >= asked.since),
        };
        if came <= now && within {
            each.push(((at.as_millisecond(), event.number), event));
        }
    }
    each.sort_by_key(|(place, _)| *place);
    if asked.descending {
        each.reverse();
    }
    let behind =
        |place: &(i64, u64)| from.is_none_or(|from| if asked.descending { *place < from } else { *place > from });
    each.retain(|(place, _)| behind(place));
    let more = each.len() > asked.limit;
    each.truncate(asked.limit);
    let rows: Vec<Value> = each.iter().map(|(_, event)| row(service, &org, event)).collect();
    let address = |after: Option<&str>| cursor::address(service, "/api/v1/logs", after, asked.limit, &binding);
    let answer = Answer::ok(rows.into()).with("link", format!("<{}>; rel=\"self\"", address(given)));
    if !more && asked.until.is_some() {
        return Ok(answer);
    }
    // Who polls always has a next page, where nothing came in since the same one again.
    let next = each.last().map(|(place, _)| *place).or(from).unwrap_or_default();
    let next = cursor::write(service.seed, &used_for, [u64::try_from(next.0).unwrap_or_default(), next.1]);
    Ok(answer.with("link", format!("<{}>; rel=\"next\"", address(Some(&next)))))
}
