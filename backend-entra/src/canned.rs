//! A tenant over canned answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use identity_core::account::DirectoryId;
use identity_core::http::Transport;
use serde_json::{Value, json};
pub(crate) use testkit::canned::{Answer, Canned, Sent, reply, with_header};

use crate::{EntraConfig, EntraDirectory};

/// The aside of those who hold the newer role of the synchronisation: nobody, without an answer of
/// the test.
pub(crate) const SECOND_ROLE: &str = "second role";

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
    let canned = signed_in(TENANT.map(|body| reply(200, body)).into_iter().chain(answers));
    let directory = EntraDirectory::connect(config.transport(Arc::new(Unpacking(canned.clone())))).await.unwrap();
    canned.forget();
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

/// Grants every request for a token aside; answers the others in this order.
pub(crate) fn signed_in(answers: impl IntoIterator<Item = Answer>) -> Arc<Canned> {
    Canned::new(answers)
        .with_aside("tokens", |uri| {
            let granted = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"t0k3n"}"#;
            uri.path().ends_with("/oauth2/v2.0/token").then(|| reply(200, granted))
        })
        .with_aside(SECOND_ROLE, |uri| {
            let of_it = uri.query().is_some_and(|query| query.contains("a92aed5d-d78a-4d16-b381-09adb37eb3b0"));
            of_it.then(|| reply(200, r#"{"value":[]}"#))
        })
}

/// Answers each of some reads that come in one batch as if it had come alone; everything else as it is.
#[derive(Debug)]
pub(crate) struct Unpacking(pub(crate) Arc<Canned>);

impl Unpacking {
    async fn unpacked(&self, base: &str, reads: Vec<Value>) -> Answer {
        let mut responses = Vec::new();
        for read in reads {
            let uri = format!("{base}{}", read["url"].as_str().unwrap());
            let mut request = http::Request::get(uri);
            for (name, value) in read["headers"].as_object().into_iter().flatten() {
                request = request.header(name, value.as_str().unwrap());
            }
            let answer = self.0.send(request.body(Bytes::new()).unwrap()).await?;
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
}

/// The requests of a batch that only reads.
fn reads_together(request: &http::Request<Bytes>) -> Option<Vec<Value>> {
    let is_batch = request.uri().path().ends_with("/$batch");
    let batch: Value = if is_batch { serde_json::from_slice(request.body()).ok()? } else { return None };
    let requests = batch["requests"].as_array()?.clone();
    requests.iter().all(|request| request["method"] == "GET").then_some(requests)
}

#[async_trait]
impl Transport for Unpacking {
    async fn send(&self, request: http::Request<Bytes>) -> Answer {
        match reads_together(&request) {
            Some(reads) => {
                let base = request.uri().to_string();
                self.unpacked(base.trim_end_matches("/$batch"), reads).await
            }
            None => self.0.send(request).await,
        }
    }
}
