//! How Okta spells errors and pace.

use http::HeaderMap;
use identity_core::http::{Dialect, Response, ServerFault};
use serde::Deserialize;

/// How Okta spells errors and pace.
#[derive(Debug)]
pub(crate) struct OktaDialect;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    error_code: String,
    #[serde(default)]
    error_summary: String,
}

impl Dialect for OktaDialect {
    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        headers.get("x-okta-request-id")?.to_str().ok().map(str::to_owned)
    }

    fn fault(&self, response: &Response) -> ServerFault {
        match serde_json::from_slice::<Envelope>(&response.body) {
            Ok(envelope) => ServerFault::new(&envelope.error_code, &envelope.error_summary),
            Err(_) => ServerFault::default(),
        }
    }
}
