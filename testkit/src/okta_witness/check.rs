//! Holds one exchange against the description; what does not fit is a mistake in words.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::codes::Codes;
use super::description::{Description, Found, Missing, Operation, Parameter};
use super::schema::Side;
use super::{Findings, Seen};

/// What Okta has and the cut description has not.
const CUT: &[&str] = &["POST /oauth2/v1/token", "GET /oauth2/v1/clients"];
/// Refused for its form: the request may have been wrong on purpose.
const FOR_ITS_FORM: &[u16] = &[400, 404, 405];

struct Check<'a> {
    description: &'a Description,
    /// The operation, or the request where there is none.
    name: String,
    findings: &'a mut Findings,
}

/// Reads one exchange.
pub(super) fn check(description: &Description, codes: &Codes, seen: Seen<'_>, findings: &mut Findings) {
    let found = description.operation(seen.method, seen.path);
    let name = found.as_ref().map_or_else(|_| format!("{} {}", seen.method, seen.path), |one| one.operation.name());
    if CUT.contains(&name.as_str()) {
        findings.absent.insert(name);
        return;
    }
    let mut check = Check { description, name, findings };
    let refused = seen.status.filter(|status| *status >= 400);
    if let Some(status) = refused {
        check.refusal(codes, found.as_ref().ok().map(|found| found.operation), status, seen.answer);
        if FOR_ITS_FORM.contains(&status) {
            return;
        }
    }
    let found = match found {
        Ok(found) => found,
        Err(Missing::Path) => return check.mistake("no such path"),
        Err(Missing::Method) => return check.mistake("no such method"),
    };
    check.findings.operations.insert(check.name.clone());
    check.request(&found, seen);
    if let (Some(status), None) = (seen.status, refused) {
        check.answer(found.operation, status, seen.answer);
    }
}

impl Check<'_> {
    fn mistake(&mut self, words: impl std::fmt::Display) {
        self.findings.mistakes.insert(format!("{}: {words}", self.name));
    }

    fn request(&mut self, found: &Found<'_>, seen: Seen<'_>) {
        let operation = found.operation;
        for (name, value) in &found.captures {
            if let Some(parameter) = operation.parameters.iter().find(|one| one.in_path && one.name == *name) {
                self.parameter(parameter, value);
            }
        }
        let mut met: Vec<String> = Vec::new();
        for pair in seen.query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let plain = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
            let name = plain(name);
            match operation.parameters.iter().find(|one| !one.in_path && one.name == name) {
                Some(parameter) => self.parameter(parameter, &plain(value)),
                None => self.mistake(format!("no parameter '{name}'")),
            }
            if met.contains(&name) {
                self.mistake(format!("parameter '{name}' twice"));
            }
            met.push(name);
        }
        for needed in operation.parameters.iter().filter(|one| !one.in_path && one.required) {
            if !met.contains(&needed.name) {
                self.mistake(format!("parameter '{}' is missing", needed.name));
            }
        }
        match &operation.body {
            Some(body) if seen.body.is_null() => {
                if body.required {
                    self.mistake("the body is missing");
                }
            }
            Some(body) => self.value("request", &body.schema, Side::Request, seen.body),
            // An empty object says as much as no body.
            None if seen.body.is_null() || *seen.body == json!({}) => {}
            None => self.mistake("it takes no body"),
        }
    }

    /// The value of a parameter, read as its schema wants it.
    fn parameter(&mut self, parameter: &Parameter, text: &str) {
        let kind = parameter.schema.get("type").and_then(Value::as_str).unwrap_or_default();
        let read = match kind {
            "integer" => text.parse::<i64>().map(Value::from).unwrap_or_else(|_| text.into()),
            "boolean" => text.parse::<bool>().map(Value::from).unwrap_or_else(|_| text.into()),
            "array" => text.split(',').collect(),
            _ => text.into(),
        };
        self.value(&format!("parameter '{}'", parameter.name), &parameter.schema, Side::Request, &read);
    }

    fn answer(&mut self, operation: &Operation, status: u16, answer: &Value) {
        match operation.answers.get(&status) {
            None => self.mistake(format!("status {status} is not described")),
            // An empty object says as much as no body; after 204 there is nothing at all.
            Some(Value::Null) if answer.is_null() || (status != 204 && *answer == json!({})) => {}
            Some(Value::Null) => self.mistake(format!("status {status} has no body")),
            Some(schema) => self.value(&format!("answer {status}"), schema, Side::Answer, answer),
        }
    }

    /// A refusal: its envelope, its code and its words.
    fn refusal(&mut self, codes: &Codes, operation: Option<&Operation>, status: u16, answer: &Value) {
        if !answer.is_object() {
            // From something before Okta, or broken off.
            self.findings.absent.insert(format!("status {status} without an envelope"));
            return;
        }
        let described = operation.and_then(|operation| operation.answers.get(&status));
        if operation.is_some() && described.is_none() {
            // The description lists few of the refusals; which, is to be expected by name.
            let code = answer.get("errorCode").and_then(Value::as_str).unwrap_or_default();
            self.findings.absent.insert(format!("status {status} {code}"));
        }
        let envelope = json!({ "$ref": "#/components/schemas/Error" });
        self.value_at("refusal", "Error".into(), &envelope, Side::Answer, answer);
        for words in codes.mistakes(status, answer) {
            self.mistake(words);
        }
    }

    fn value(&mut self, place: &str, schema: &Value, side: Side, value: &Value) {
        let key = format!("{} {place}", self.name);
        self.value_at(place, key, schema, side, value);
    }

    fn value_at(&mut self, place: &str, key: String, schema: &Value, side: Side, value: &Value) {
        let validator = match self.description.validator(key, schema, side) {
            Ok(validator) => validator,
            Err(because) => return self.mistake(format!("{place}: the schema cannot be read: {because}")),
        };
        let errors: Vec<_> = validator.iter_errors(value).collect();
        for error in &errors {
            if follows(error, &errors) {
                continue;
            }
            let instance = error.instance();
            let words = match error.kind() {
                ValidationErrorKind::UnevaluatedProperties { unexpected }
                | ValidationErrorKind::AdditionalProperties { unexpected } => {
                    let each = unexpected.iter().map(|name| format!("'{name}' is not described"));
                    each.collect::<Vec<_>>().join(", ")
                }
                ValidationErrorKind::FalseSchema => "is not sent by this side".to_owned(),
                ValidationErrorKind::Required { property } => format!("{property} is missing"),
                ValidationErrorKind::Enum { .. } => format!("{instance} is not of the enum"),
                ValidationErrorKind::Type { .. } => format!("{} has the wrong type", short(instance)),
                ValidationErrorKind::Format { format } => format!("{instance} is no {format}"),
                other => format!("{} breaks '{}'", short(instance), other.keyword()),
            };
            let at = pointer(error.instance_path().as_str());
            self.mistake(format!("{place}{at}: {words}"));
        }
    }
}

/// Whether a mistake only follows from another: where one member is wrong, all the members beside it
/// count as not described.
fn follows(error: &ValidationError<'_>, all: &[ValidationError<'_>]) -> bool {
    let closed =
        |error: &ValidationError<'_>| matches!(error.kind(), ValidationErrorKind::UnevaluatedProperties { .. });
    let within = |other: &ValidationError<'_>| {
        let (place, other) = (error.instance_path().as_str(), other.instance_path().as_str());
        other.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let deeper = |other: &ValidationError<'_>| other.instance_path() != error.instance_path();
    closed(error) && all.iter().any(|other| within(other) && (deeper(other) || !closed(other)))
}

/// A value in few words.
fn short(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".into(),
        Value::Array(_) => "a list".into(),
        other => other.to_string(),
    }
}

/// A place in a value; which of a list does not matter.
fn pointer(path: &str) -> String {
    let parts = path.split('/').skip(1).map(|part| if part.parse::<usize>().is_ok() { "*" } else { part });
    parts.fold(String::new(), |all, part| all + "/" + part)
}
