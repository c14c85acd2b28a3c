//! The body of a refusal.

use serde::Deserialize;

use super::null_as_none;

/// The body of a refusal: `{"error":{"code":…,"message":…,"innerError":{…},"details":[…]}}`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
    /// `innerError` on the wire, `innererror` in the schema.
    #[serde(default, rename = "innerError", alias = "innererror", deserialize_with = "null_as_none")]
    pub(crate) inner: Inner,
    #[serde(default, deserialize_with = "null_as_none")]
    details: Vec<Detail>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Inner {
    pub(crate) code: Option<String>,
    #[serde(rename = "request-id")]
    pub(crate) request_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Detail {
    #[serde(default)]
    target: Option<String>,
}

impl Refusal {
    /// The refusal in a body; `None` for any other body.
    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Body {
            error: Refusal,
        }
        serde_json::from_slice::<Body>(body).ok().map(|body| body.error)
    }

    /// The properties that the details of a refusal name.
    pub(crate) fn targets(body: &[u8]) -> Vec<String> {
        let details = Self::of(body).unwrap_or_default().details;
        details.into_iter().filter_map(|detail| detail.target).collect()
    }
}
