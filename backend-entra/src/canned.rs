//! A transport that answers what the test says, and keeps what was sent.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use identity_core::account::DirectoryId;
use identity_core::http::{Transport, TransportFault};
use serde_json::{Value, json};

use crate::{EntraConfig, EntraDirectory};

/// An answer, or what keeps it away.
pub(crate) type Answer = Result<http::Response<Bytes>, TransportFault>;

/// What was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: Method,
    /// The whole address.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Answers requests to Graph in order, those that read and come in one batch one by one; requests for tokens are always granted unless
/// [`Canned::new`] is all there is to it (see [`Canned::signed_in`]).
#[derive(Debug)]
pub(crate) struct Canned {
    answers: Mutex<VecDeque<Answer>>,
    sent: Mutex<Vec<Sent>>,
    grants: bool,
    /// Whether nobody holds the newer role of the synchronisation without an answer of the test.
    no_second_role: AtomicBool,
}

/// An answer with a JSON body.
pub(crate) fn reply(status: u16, body: &str) -> Answer {
    let mut response = http::Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The answer, with a header more.
pub(crate) fn with_header(answer: Answer, name: &'static str, value: &'static str) -> Answer {
    answer.map(|mut response| {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        response
    })
}

/// A directory over canned answers, connected: the tenant `tenant-1` with the domains `managed.test`
/// and `federated.test`. What was sent to connect is not among [`Canned::sent`].
pub(crate) async fn directory(answers: impl IntoIterator<Item = Answer>) -> (Arc<EntraDirectory>, Arc<Canned>) {
    connected(config(), answers).await
}

/// As [`directory`], with a configuration of the test's own.
pub(crate) async fn connected(
    config: EntraConfig,
    answers: impl IntoIterator<Item = Answer>,
) -> (Arc<EntraDirectory>, Arc<Canned>) {
    let canned = Canned::signed_in(TENANT.map(|body| reply(200, body)).into_iter().chain(answers));
    let directory = EntraDirectory::connect(config.transport(canned.clone())).await.unwrap();
    canned.sent.lock().unwrap().clear();
    (directory, canned)
}

/// A configuration of `tenant-1` that signs in by a secret.
pub(crate) fn config() -> EntraConfig {
    let id = DirectoryId::new("cloud").unwrap();
    EntraConfig::new(id, "managed.test").client_secret("535fb089-9ff3-47b6-9bfb-4f1264799865", "planted-secret".into())
}

/// What is read to connect.
pub(crate) const TENANT: [&str; 2] = [
    r#"{"value":[{"id":"tenant-1","displayName":"Contoso","onPremisesSyncEnabled":true,"verifiedDomains":[]}]}"#,
    r#"{"value":[{"id":"managed.test","authenticationType":"Managed"},{"id":"federated.test","authenticationType":"Federated"}]}"#,
];

impl Canned {
    /// Answers everything, requests for tokens too, in this order.
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            sent: Mutex::default(),
            grants: false,
            no_second_role: false.into(),
        })
    }

    /// Grants every request for a token by itself; answers the others in this order.
    pub(crate) fn signed_in(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            sent: Mutex::default(),
            grants: true,
            no_second_role: true.into(),
        })
    }

    /// Leaves also the newer role of the synchronisation to the answers of the test.
    pub(crate) fn answer_every_role(&self) {
        self.no_second_role.store(false, Ordering::Relaxed);
    }

    /// What was sent so far, without the requests for tokens that were granted.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    /// Answers each of some reads that came together as if it had come alone.
    async fn unpacked(&self, parts: &http::request::Parts, reads: Vec<Value>) -> Answer {
        let base = parts.uri.to_string().trim_end_matches("/$batch").to_owned();
        let mut responses = Vec::new();
        for read in reads {
            let uri = format!("{base}{}", read["url"].as_str().unwrap());
            let mut request = http::Request::get(uri);
            for (name, value) in read["headers"].as_object().into_iter().flatten() {
                request = request.header(name, value.as_str().unwrap());
            }
            let answer = self.send(request.body(Bytes::new()).unwrap()).await?;
            let header = |value: &HeaderValue| value.to_str().unwrap().to_owned();
            let headers: BTreeMap<_, _> =
                answer.headers().iter().map(|(name, value)| (name.to_string(), header(value))).collect();
            let is_json = headers.get("content-type").is_some_and(|value| value.contains("json"));
            let body = if is_json { serde_json::from_slice(answer.body()).ok() } else { None };
            let body = body.unwrap_or_else(|| Value::from(STANDARD.encode(answer.body())));
            let status = answer.status().as_u16();
            responses.push(json!({ "id": read["id"], "status": status, "headers": headers, "body": body }));
        }
        reply(200, &json!({ "responses": responses }).to_string())
    }

    /// How many answers were not asked for.
    pub(crate) fn left(&self) -> usize {
        self.answers.lock().unwrap().len()
    }
}

/// The requests of a batch that only reads.
fn reads_together(parts: &http::request::Parts, body: &Bytes) -> Option<Vec<Value>> {
    let batch: Value =
        if parts.uri.path().ends_with("/$batch") { serde_json::from_slice(body).ok()? } else { return None };
    let requests = batch["requests"].as_array()?.clone();
    requests.iter().all(|request| request["method"] == "GET").then_some(requests)
}

#[async_trait]
impl Transport for Canned {
    async fn send(&self, request: http::Request<Bytes>) -> Answer {
        let (parts, body) = request.into_parts();
        if self.grants && parts.uri.path().ends_with("/oauth2/v2.0/token") {
            return reply(200, r#"{"token_type":"Bearer","expires_in":3599,"access_token":"t0k3n"}"#);
        }
        if let Some(reads) = reads_together(&parts, &body) {
            return self.unpacked(&parts, reads).await;
        }
        let of_second_role =
            parts.uri.query().is_some_and(|query| query.contains("a92aed5d-d78a-4d16-b381-09adb37eb3b0"));
        if of_second_role && self.no_second_role.load(Ordering::Relaxed) {
            return reply(200, r#"{"value":[]}"#);
        }
        let sent = Sent { method: parts.method, target: parts.uri.to_string(), headers: parts.headers, body };
        self.sent.lock().unwrap().push(sent);
        let none = || TransportFault::NoAnswer("the test has no answer left".into());
        self.answers.lock().unwrap().pop_front().ok_or_else(none)?
    }
}
