//! `$batch` as it stands on the wire ("Combine multiple HTTP requests using JSON batching",
//! 2025-02-21).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Several requests in one.
#[derive(Serialize)]
pub(crate) struct Batch<'a> {
    /// At most 20.
    pub(crate) requests: Vec<Part<'a>>,
}

/// One request of a batch. Without `Debug`: its body may hold a password.
#[derive(Serialize)]
pub(crate) struct Part<'a> {
    /// Ours; what the answer is known by.
    pub(crate) id: String,
    /// The method.
    pub(crate) method: &'a str,
    /// Path and query below the version.
    pub(crate) url: String,
    /// With `Content-Type` where there is a body.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<&'a str, &'a str>,
    /// The body as it was written, not copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<&'a RawValue>,
}

/// The answers, in any order; each is read by itself, so that one that is not of the right shape
/// takes no other with it.
#[derive(Deserialize)]
pub(crate) struct Answers<'a> {
    /// One for each request, if the service is well.
    #[serde(borrow)]
    pub(crate) responses: Vec<&'a RawValue>,
}

/// The answer to one request of a batch.
#[derive(Deserialize)]
pub(crate) struct PartAnswer<'a> {
    /// The id of the request.
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    /// The status that a single request would have been answered with.
    pub(crate) status: u16,
    /// Its headers; their names come in any case.
    #[serde(default)]
    pub(crate) headers: Option<Map<String, Value>>,
    /// JSON as it stands, or text that is base64 of something else.
    #[serde(borrow, default)]
    pub(crate) body: Option<&'a RawValue>,
}
