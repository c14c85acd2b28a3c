//! `POST /$batch`: up to twenty requests in one (JSON batching, page of 2025-02-21).

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use identity_core::limits::clock;
use serde_json::{Map, Value, json};

use super::delivery;
use super::refusal::Refusal;
use super::service::Service;
use super::tokens::Caller;
use crate::fault::Fault;
use crate::mock_http::{Answer, Body, Call, Ending, deliver};
use crate::organisation::draw;

/// The most requests of one batch.
const MOST: usize = 20;

/// One request of a batch.
#[derive(Debug)]
struct Part {
    id: String,
    call: Call,
    depends_on: Vec<String>,
}

/// Serves a batch to its end.
pub(super) async fn serve(service: &Arc<Service>, call: &Call) -> Ending {
    let read = service.authenticate(call).and_then(|caller| Ok((caller, parts(service, call)?)));
    let (caller, parts) = match read {
        Ok(read) => read,
        Err(refusal) => return Ending::Answered(service.finish(call, Err(refusal))),
    };
    {
        let mut counts = service.counts();
        counts.batches += 1;
        counts.parts += parts.len() as u64;
    }
    let faults: Vec<Option<Fault>> = parts.iter().map(|part| service.fault(&part.call)).collect();
    // The connection is one: what breaks it for one part breaks it for all. A part that has no effect
    // is in a batch that never arrived.
    let of_the_way = |fault: &&Fault| {
        use Fault::{CutAfterApply, CutBeforeApply, CutMidAnswer, LateApply, NeverAnswer, Overtaken, Swallow};
        matches!(
            fault,
            CutBeforeApply | Swallow | CutAfterApply | CutMidAnswer | NeverAnswer | LateApply(_) | Overtaken
        )
    };
    let way = faults.iter().flatten().filter(of_the_way).min_by_key(|fault| weight(fault)).cloned();
    if let Some(Fault::LateApply(wait)) = way {
        let calls = parts.into_iter().map(|part| part.call).collect();
        delivery::later(service, calls, Some(caller), wait);
        return Ending::Broken(None);
    }
    let slow = faults.iter().flatten().filter_map(|fault| match fault {
        Fault::Slow(wait) => Some(*wait),
        _ => None,
    });
    if let Some(wait) = slow.max() {
        clock::sleep(wait).await;
    }
    deliver(&**service, way.as_ref(), || {
        let answers = answers(service, &caller, &parts, &faults);
        service.finish(call, Ok(Answer::ok(json!({ "responses": answers }))))
    })
    .await
}

/// Of several faults of the way, the one that leaves least decides.
fn weight(fault: &Fault) -> u8 {
    match fault {
        Fault::CutBeforeApply => 0,
        Fault::Swallow => 1,
        Fault::LateApply(_) => 2,
        Fault::CutAfterApply => 3,
        Fault::NeverAnswer => 4,
        Fault::CutMidAnswer => 5,
        _ => 6,
    }
}

/// Carries the parts out, each after what it depends on, and gives the answers in another order.
fn answers(service: &Service, caller: &Caller, parts: &[Part], faults: &[Option<Fault>]) -> Vec<Value> {
    let mut status: HashMap<&str, StatusCode> = HashMap::new();
    let mut answers = Vec::with_capacity(parts.len());
    let mut open: Vec<(&Part, &Option<Fault>)> = parts.iter().zip(faults).collect();
    // No dependency forms a circle, so that each round carries something out.
    while !open.is_empty() {
        let ready = |part: &Part| part.depends_on.iter().all(|id| status.contains_key(id.as_str()));
        let (now, later): (Vec<_>, Vec<_>) = open.into_iter().partition(|(part, _)| ready(part));
        if now.is_empty() {
            break;
        }
        for (part, fault) in now {
            let failed = |id: &String| status.get(id.as_str()).is_none_or(|status| !status.is_success());
            let answer = if part.depends_on.iter().any(failed) {
                service.finish(&part.call, Err(Refusal::failed_dependency(service.settings.other_codes)))
            } else {
                match fault {
                    Some(Fault::GatewayTimeout) => {
                        drop(service.carry_out(&part.call, Some(caller), None));
                        service.finish(&part.call, Err(Refusal::gateway_timeout()))
                    }
                    fault => delivery::one(service, &part.call, Some(caller), fault.as_ref()),
                }
            };
            status.insert(&part.id, answer.status);
            if !delivery::leaves_out(service) {
                answers.push(rendered(service, part, &answer));
            }
        }
        open = later;
    }
    shuffle(service, &mut answers);
    answers
}

fn rendered(service: &Service, part: &Part, answer: &Answer) -> Value {
    // The spelling of header names is not the same everywhere.
    let capital = (service.next_id().as_u128() >> 64).is_multiple_of(2);
    let name = |name: &str| if capital { capitals(name) } else { name.to_owned() };
    let mut headers = Map::new();
    for (header, value) in &answer.headers {
        headers.insert(name(header), value.clone().into());
    }
    if let Some(media_type) = answer.media_type() {
        headers.insert(name("content-type"), media_type.into());
    }
    let mut rendered = json!({ "id": part.id, "status": answer.status.as_u16(), "headers": headers });
    let body = match &answer.body {
        Body::None => None,
        Body::Json(value) => Some(value.clone()),
        Body::Text(_) | Body::Html(_) | Body::Bytes(_) => Some(STANDARD.encode(answer.bytes()).into()),
    };
    if let (Some(body), Some(members)) = (body, rendered.as_object_mut()) {
        members.insert("body".into(), body);
    }
    rendered
}

/// `retry-after` as `Retry-After`.
fn capitals(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// Answers come in any order.
fn shuffle(service: &Service, answers: &mut [Value]) {
    let drawn = service.next_id().as_u128() as u64;
    for at in (1..answers.len()).rev() {
        let other = draw::below(drawn, at as u64, "order of answers", at as u64 + 1);
        answers.swap(at, usize::try_from(other).unwrap_or(at));
    }
}

fn parts(service: &Service, call: &Call) -> Result<Vec<Part>, Refusal> {
    let bad = |text: &str| Refusal::bad_request(text);
    if call.query.is_some() {
        return Err(bad("Query options are not allowed on a batch."));
    }
    if call.media_type().as_deref() != Some("application/json") {
        return Err(bad("A batch must be of the type application/json."));
    }
    if call.body.len() > service.settings.largest_body {
        return Err(bad("The batch is too large."));
    }
    let body: Value = serde_json::from_slice(&call.body).map_err(|_| bad("Invalid batch payload format."))?;
    let requests = body.as_object().filter(|members| members.len() == 1).and_then(|members| members.get("requests"));
    let requests = requests.and_then(Value::as_array).ok_or_else(|| bad("Invalid batch payload format."))?;
    if requests.is_empty() || requests.len() > MOST {
        return Err(bad(&format!("Number of batch request steps must be between 1 and {MOST}.")));
    }
    let parts: Vec<Part> = requests.iter().map(part).collect::<Result<_, _>>()?;
    for (at, part) in parts.iter().enumerate() {
        if parts.iter().take(at).any(|other| other.id.eq_ignore_ascii_case(&part.id)) {
            return Err(bad("Request Ids in a batch have to be unique."));
        }
        if part.depends_on.iter().any(|id| !parts.iter().any(|other| other.id == *id)) {
            return Err(bad("A request depends on one that is not in the batch."));
        }
    }
    if circular(&parts) {
        return Err(bad("The dependencies of the batch form a circle."));
    }
    Ok(parts)
}

fn circular(parts: &[Part]) -> bool {
    let mut done: Vec<&str> = Vec::new();
    for _ in parts {
        let free = parts.iter().filter(|part| part.depends_on.iter().all(|id| done.contains(&id.as_str())));
        done = free.map(|part| part.id.as_str()).collect();
    }
    done.len() < parts.len()
}

fn part(request: &Value) -> Result<Part, Refusal> {
    let bad = |text: &str| Refusal::bad_request(format!("Invalid batch payload format: {text}."));
    let members = request.as_object().ok_or_else(|| bad("a request is no object"))?;
    if let Some(other) =
        members.keys().find(|name| !["id", "method", "url", "headers", "body", "dependsOn"].contains(&name.as_str()))
    {
        return Err(bad(&format!("a request has no member '{other}'")));
    }
    let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = text("id").ok_or_else(|| bad("a request has no id"))?;
    let method = text("method").ok_or_else(|| bad("a request has no method"))?;
    let method = match method {
        "GET" | "POST" | "PATCH" | "PUT" | "DELETE" => Method::from_bytes(method.as_bytes()),
        _ => return Err(bad("a request has an unknown method")),
    };
    let url = text("url").filter(|url| !url.contains("://") && !url.contains("$batch"));
    let url = url.ok_or_else(|| bad("the url of a request is not relative"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in members.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let pair = || Some((HeaderName::try_from(name.as_str()).ok()?, HeaderValue::try_from(value.as_str()?).ok()?));
        let (name, value) = pair().ok_or_else(|| bad("a header is none"))?;
        headers.insert(name, value);
    }
    if members.get("headers").is_some_and(|headers| !headers.is_object()) {
        return Err(bad("the headers of a request are no object"));
    }
    let body = match members.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(_) if !headers.contains_key(http::header::CONTENT_TYPE) => {
            return Err(bad("a request with a body has no Content-Type"));
        }
        Some(body) => body.to_string().into(),
    };
    let depends_on = match members.get("dependsOn") {
        None => Vec::new(),
        Some(Value::Array(ids)) => {
            let ids = ids.iter().map(|id| id.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
            ids.ok_or_else(|| bad("dependsOn is no list of ids"))?
        }
        Some(_) => return Err(bad("dependsOn is no list of ids")),
    };
    let method = method.map_err(|_| bad("a request has an unknown method"))?;
    let call = part_of(method, url, headers, body).ok_or_else(|| bad("the url of a request is none"))?;
    Ok(Part { id: id.to_owned(), call, depends_on })
}

/// A part of a batch; `None` for an address that is none.
fn part_of(method: Method, url: &str, headers: HeaderMap, body: Bytes) -> Option<Call> {
    let url = format!("/v1.0/{}", url.strip_prefix('/').unwrap_or(url));
    // What a browser's address may not have, the parts of batches have nevertheless: spaces, quotes.
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (url, None),
    };
    path.parse::<Uri>().ok()?;
    Some(Call { method, path, query, headers, body, batched: true })
}
