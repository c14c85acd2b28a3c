//! Okta's description: its operations, and what each takes and answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::amended::AMENDMENTS;
use super::schema::{self, Side};
use super::yaml;

const JSON: &str = "application/json";
const METHODS: &[&str] = &["get", "post", "put", "patch", "delete"];

/// The description.
#[derive(Debug)]
pub(super) struct Description {
    document: Value,
    operations: Vec<Operation>,
    /// Each schema is compiled once, when it is first needed.
    compiled: Mutex<BTreeMap<(String, Side), Arc<Validator>>>,
}

/// One thing that can be asked.
#[derive(Debug)]
pub(super) struct Operation {
    /// `GET`, `POST`, …
    pub(super) method: String,
    /// The path with `{names}` in it.
    pub(super) template: String,
    parts: Vec<String>,
    /// Parameters of path and query.
    pub(super) parameters: Vec<Parameter>,
    /// The body that it takes.
    pub(super) body: Option<Body>,
    /// The schema of each answer by status; null where it has no body.
    pub(super) answers: BTreeMap<u16, Value>,
    /// Scopes of which one is needed.
    pub(super) scopes: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) in_path: bool,
    pub(super) required: bool,
    pub(super) schema: Value,
}

#[derive(Debug)]
pub(super) struct Body {
    pub(super) required: bool,
    pub(super) schema: Value,
}

/// An operation that a path led to.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) operation: &'a Operation,
    /// What stands in the place of each name of the path.
    pub(super) captures: Vec<(String, String)>,
}

/// Why a path led to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Path,
    Method,
}

impl Description {
    /// The description with what recordings add to it.
    pub(super) fn amended(text: &str) -> Result<Self, String> {
        let mut document = yaml::read(text)?;
        AMENDMENTS.iter().try_for_each(|one| one.apply(&mut document))?;
        Self::of(document)
    }

    /// The description as it is published.
    pub(super) fn published(text: &str) -> Result<Self, String> {
        Self::of(yaml::read(text)?)
    }

    fn of(document: Value) -> Result<Self, String> {
        let paths = document.get("paths").and_then(Value::as_object).ok_or("it has no paths")?;
        let mut operations = Vec::new();
        for (template, item) in paths {
            for method in METHODS {
                if let Some(given) = item.get(*method) {
                    operations.push(operation(&document, template, method, item, given)?);
                }
            }
        }
        if !operations.iter().any(|one| one.template == "/api/v1/users") {
            return Err("it does not describe /api/v1/users".into());
        }
        Ok(Self { document, operations, compiled: Mutex::default() })
    }

    /// The operation of a path as it is sent; parts that are spelt out go first.
    pub(super) fn operation(&self, method: &str, path: &str) -> Result<Found<'_>, Missing> {
        let given: Vec<String> =
            path.split('/').skip(1).map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect();
        let fits = |one: &&Operation| {
            let same = |(part, given): (&String, &String)| part == given || (is_name(part) && !given.is_empty());
            one.parts.len() == given.len() && one.parts.iter().zip(&given).all(same)
        };
        let wild = |one: &Operation| one.parts.iter().filter(|part| is_name(part)).count();
        let fewest = self.operations.iter().filter(fits).map(wild).min().ok_or(Missing::Path)?;
        let mut candidates = self.operations.iter().filter(fits).filter(|one| wild(one) == fewest);
        let operation = candidates.find(|one| one.method == method).ok_or(Missing::Method)?;
        let captured = operation.parts.iter().zip(given).filter(|(part, _)| is_name(part));
        let captures = captured.map(|(part, given)| (part.trim_matches(['{', '}']).to_owned(), given)).collect();
        Ok(Found { operation, captures })
    }

    /// The validator of a schema; `place` is its name in this description.
    pub(super) fn validator(&self, place: String, schema: &Value, side: Side) -> Result<Arc<Validator>, String> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (place, side);
        if let Some(found) = compiled.get(&key) {
            return Ok(Arc::clone(found));
        }
        let empty = Map::new();
        let components = self.document.pointer("/components/schemas").and_then(Value::as_object);
        let made = Arc::new(schema::compile(schema, side, components.unwrap_or(&empty))?);
        compiled.insert(key, Arc::clone(&made));
        Ok(made)
    }
}

impl Operation {
    /// Method and path of the description.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }
}

fn is_name(part: &str) -> bool {
    part.starts_with('{')
}

/// What a reference of the document leads to.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> Result<&'a Value, String> {
    let Some(to) = value.get("$ref").and_then(Value::as_str) else { return Ok(value) };
    let found = to.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
    found.ok_or_else(|| format!("nothing is called '{to}'"))
}

fn operation(document: &Value, template: &str, method: &str, item: &Value, given: &Value) -> Result<Operation, String> {
    let listed = |of: &'_ Value| of.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut parameters: Vec<Parameter> = Vec::new();
    for one in listed(item).iter().chain(&listed(given)) {
        let one = resolved(document, one)?;
        let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
        if ["path", "query"].contains(&text("in")) {
            parameters.retain(|other| other.name != text("name"));
            parameters.push(Parameter {
                name: text("name").to_owned(),
                in_path: text("in") == "path",
                required: one.get("required") == Some(&Value::Bool(true)),
                schema: one.get("schema").cloned().unwrap_or_else(|| json!({})),
            });
        }
    }
    let body = given
        .get("requestBody")
        .map(|body| resolved(document, body))
        .transpose()?
        .map(|body| Body { required: body.get("required") == Some(&Value::Bool(true)), schema: schema_of(body) });
    let mut answers = BTreeMap::new();
    for (status, answer) in given.get("responses").and_then(Value::as_object).into_iter().flatten() {
        let status = status.parse().map_err(|_| format!("'{status}' is no status"))?;
        answers.insert(status, schema_of(resolved(document, answer)?));
    }
    let security = given.get("security").and_then(Value::as_array).into_iter().flatten();
    let scopes = security.filter_map(|one| one.get("oauth2")).filter_map(Value::as_array).flatten();
    Ok(Operation {
        method: method.to_uppercase(),
        template: template.to_owned(),
        parts: template.split('/').skip(1).map(str::to_owned).collect(),
        parameters,
        body,
        answers,
        scopes: scopes.filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}

/// The schema of a body as JSON; null where it has none.
fn schema_of(body: &Value) -> Value {
    let content = body.get("content").and_then(|content| content.get(JSON));
    content.and_then(|content| content.get("schema")).cloned().unwrap_or(Value::Null)
}
