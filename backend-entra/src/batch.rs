//! Up to twenty requests in one `$batch`, and one result for each.
//!
//! A batch that Graph can read is answered 200, whatever came of its requests; each is judged as if
//! it had been sent alone, so that meaning and pace are the same.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::http::{Client, Effect, Request, Response, ServerFault};
use identity_core::limits::OperationClass;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::retold::retold_as;
use crate::wire::batch::{Answers, Batch, Part, PartAnswer};

/// The most requests of one batch ("Combine multiple HTTP requests using JSON batching", 2025-02-21).
pub(crate) const LARGEST: usize = 20;

/// Sends the requests once, at most twenty together, and gives one result for each in their order. A
/// single one goes as it is. The caller holds the permits.
///
/// # Errors
/// Of each request what [`Client::attempt`] would say of it. Where the batch as a whole was not
/// answered, or the answer leaves a request out, what a write came to is [`Status::Unknown`].
pub(crate) async fn send(
    client: &Client,
    operation: &'static str,
    class: OperationClass,
    requests: &[Request],
) -> Vec<Result<Response>> {
    let mut results = Vec::with_capacity(requests.len());
    for batch in requests.chunks(LARGEST) {
        match batch {
            [alone] => results.push(client.attempt(operation, class, alone).await),
            _ => results.extend(together(client, operation, class, batch).await),
        }
    }
    results
}

async fn together(
    client: &Client,
    operation: &'static str,
    class: OperationClass,
    requests: &[Request],
) -> Vec<Result<Response>> {
    let mut results: Vec<Place> = Vec::with_capacity(requests.len());
    let mut parts = Vec::with_capacity(requests.len());
    for (place, request) in requests.iter().enumerate() {
        match part(operation, place, request) {
            Ok(part) => {
                parts.push(part);
                results.push(Place::Open);
            }
            Err(error) => results.push(Place::Settled(Err(error))),
        }
    }
    if !parts.is_empty() {
        match exchange(client, operation, class, requests, parts).await {
            Ok(answer) => read(client, operation, class, requests, &answer, &mut results),
            Err(error) => {
                for (place, request) in results.iter_mut().zip(requests) {
                    place.settle_open(|| Err(of_part(&error, request)));
                }
            }
        }
    }
    let unsaid = |(place, request): (Place, &Request)| match place {
        Place::Settled(result) => result,
        Place::Open => Err(without_answer(operation, request, "the answer to the batch says nothing of this one")),
        Place::Twice => Err(without_answer(operation, request, "the answer to the batch has two of this one")),
    };
    results.into_iter().zip(requests).map(unsaid).collect()
}

/// What is known of one request of the batch.
enum Place {
    Open,
    Settled(Result<Response>),
    /// Two answers: neither can be relied on.
    Twice,
}

impl Place {
    fn settle_open(&mut self, result: impl FnOnce() -> Result<Response>) {
        if matches!(self, Self::Open) {
            *self = Self::Settled(result());
        }
    }
}

fn part<'a>(operation: &'static str, place: usize, request: &'a Request) -> Result<Part<'a>> {
    let invalid = |detail: &str| Error::new(ErrorKind::InputInvalid, operation).with_detail(detail);
    let url = request.path_and_query()?.ok_or_else(|| invalid("a link of the service goes into no batch"))?;
    let mut headers = BTreeMap::new();
    for (name, value) in request.headers() {
        headers.insert(name.as_str(), value.to_str().map_err(|_| invalid("a header is no text"))?);
    }
    let body: Option<&RawValue> = match request.body().as_ref() {
        [] => None,
        bytes => Some(serde_json::from_slice(bytes).map_err(|_| invalid("the body is not JSON"))?),
    };
    Ok(Part { id: id(place), method: request.method().as_str(), url, headers, body })
}

fn id(place: usize) -> String {
    (place + 1).to_string()
}

async fn exchange(
    client: &Client,
    operation: &'static str,
    class: OperationClass,
    requests: &[Request],
    parts: Vec<Part<'_>>,
) -> Result<Response> {
    let writes = requests.iter().any(|request| request.effect() == Effect::Write);
    let effect = if writes { Effect::Write } else { Effect::Read };
    let batch = Request::post("/$batch").json(&Batch { requests: parts })?.with_effect(effect);
    client.attempt(operation, class, &batch).await
}

/// What it means for one request that the batch failed as a whole.
fn of_part(error: &Error, request: &Request) -> Error {
    let status = match (error.status(), request.effect()) {
        (Status::Unknown, Effect::Read) => Status::Temporary,
        // One request that is answered 503 had no effect. Of twenty, some may have had theirs before
        // something gave way.
        (Status::Temporary, Effect::Write)
            if error.kind() == ErrorKind::Unavailable && ServerFault::of(error).is_some() =>
        {
            Status::Unknown
        }
        (status, _) => status,
    };
    retold_as(error, error.kind(), status)
}

/// Puts each answer in its place.
fn read(
    client: &Client,
    operation: &'static str,
    class: OperationClass,
    requests: &[Request],
    answer: &Response,
    results: &mut [Place],
) {
    let Ok(answers) = serde_json::from_slice::<Answers<'_>>(&answer.body) else { return };
    let parts = answers.responses.iter().filter_map(|raw| serde_json::from_str::<PartAnswer<'_>>(raw.get()).ok());
    for part in parts {
        let place = (0..requests.len()).find(|place| id(*place) == part.id);
        let Some((place, (request, result))) =
            place.and_then(|place| Some((place, (requests.get(place)?, results.get_mut(place)?))))
        else {
            tracing::warn!(operation, id = %part.id, "an answer to nothing that was asked");
            continue;
        };
        *result = match result {
            Place::Open => match response(&part, answer) {
                Some(response) => Place::Settled(judged(client, operation, class, request, response)),
                None => continue,
            },
            _ => {
                tracing::warn!(operation, place, "two answers to one request");
                Place::Twice
            }
        };
    }
}

fn judged(
    client: &Client,
    operation: &'static str,
    class: OperationClass,
    request: &Request,
    response: Response,
) -> Result<Response> {
    let unauthenticated = response.status == StatusCode::UNAUTHORIZED;
    client.judge(operation, class, request, response).map_err(|error| {
        if unauthenticated {
            // The batch came in by the same token, so that it ended on the way: a new one is had
            // with the next request, and nothing was done.
            error.with_status(Status::Temporary)
        } else {
            error
        }
    })
}

/// The response that the part would have had alone; `None` for a status that is none.
fn response(part: &PartAnswer<'_>, batch: &Response) -> Option<Response> {
    let status = StatusCode::from_u16(part.status).ok()?;
    let mut headers = headers(part.headers.as_ref());
    // The clock is one, and a part seldom tells it.
    if let (None, Some(date)) = (headers.get(header::DATE), batch.headers.get(header::DATE)) {
        headers.insert(header::DATE, date.clone());
    }
    let body = part.body.map(|raw| body(raw, &headers, &batch.body)).unwrap_or_default();
    Some(Response::new(status, headers, body))
}

/// More headers of a part than that are not looked at: a map of headers has an end.
const MOST_HEADERS: usize = 64;

fn headers(told: Option<&Map<String, Value>>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in told.into_iter().flatten().take(MOST_HEADERS) {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::try_from(text)) {
            headers.append(name, value);
        }
    }
    headers
}

/// The body of a part: JSON stays where it lies, in the memory of the batch's answer, which is
/// wiped; anything else comes as base64.
fn body(raw: &RawValue, headers: &HeaderMap, batch: &Bytes) -> Bytes {
    let says_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().contains("json"));
    if raw.get().starts_with('"') && !says_json {
        let text: String = serde_json::from_str(raw.get()).unwrap_or_default();
        return STANDARD.decode(&text).unwrap_or_else(|_| text.into_bytes()).into();
    }
    batch.slice_ref(raw.get().as_bytes())
}

fn without_answer(operation: &'static str, request: &Request, detail: &str) -> Error {
    let status = match request.effect() {
        Effect::Read => Status::Temporary,
        Effect::Write => Status::Unknown,
    };
    Error::new(ErrorKind::Protocol, operation).with_status(status).with_detail(detail)
}

#[cfg(test)]
mod tests;
