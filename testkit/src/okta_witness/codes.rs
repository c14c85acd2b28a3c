//! Okta's list of error codes: which status and which words belong to each.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// The list, by code.
#[derive(Debug)]
pub(super) struct Codes(BTreeMap<String, Code>);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Code {
    error_code: String,
    status_code: u16,
    /// `{0}` and so on stand for words of the occasion.
    error_summary: String,
}

#[derive(Debug, Deserialize)]
struct Document {
    errors: Vec<Code>,
}

impl Codes {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let codes: BTreeMap<_, _> = document.errors.into_iter().map(|code| (code.error_code.clone(), code)).collect();
        if codes.contains_key("E0000001") { Ok(Self(codes)) } else { Err("it has no code E0000001".into()) }
    }

    /// What is wrong with the body of a refusal.
    pub(super) fn mistakes(&self, status: u16, answer: &Value) -> Vec<String> {
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
        let (given, summary) = (text("errorCode"), text("errorSummary"));
        let mut found = Vec::new();
        match self.0.get(given) {
            None => found.push(format!("error code '{given}' does not exist")),
            Some(code) => {
                if code.status_code != status {
                    found.push(format!("{given} has status {} and not {status}", code.status_code));
                }
                if !fits(&code.error_summary, summary) {
                    found.push(format!("{given} says '{}' and not '{summary}'", code.error_summary));
                }
            }
        }
        if text("errorLink") != given {
            found.push(format!("errorLink of {given} is '{}'", text("errorLink")));
        }
        if !text("errorId").starts_with("oae") {
            found.push(format!("errorId of {given} does not begin with 'oae'"));
        }
        found
    }
}

/// Whether words fit a pattern in which `{0}` and so on stand for any words.
fn fits(pattern: &str, words: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('{') else { return pattern == words };
    let Some((_, after)) = rest.split_once('}') else { return pattern == words };
    let Some(words) = words.strip_prefix(before) else { return false };
    if after.contains('{') {
        // None of the list has two; were one to come, its second is not read.
        return true;
    }
    words.len() > after.len() && words.ends_with(after)
}
