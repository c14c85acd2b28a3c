//! A schema of OpenAPI 3.0 as a JSON Schema (2020-12), for one side of an exchange.
//!
//! Three things are stricter than in OpenAPI: an object has no members but those described, a member
//! for one side only is refused on the other, and a discriminator decides which schema holds.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Where the schemas are that a reference names.
const COMPONENTS: &str = "#/components/schemas/";
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Who sends what is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Request,
    Answer,
}

impl Side {
    /// The word of members that this side does not send.
    fn not_sent(self) -> &'static str {
        match self {
            Self::Request => "readOnly",
            Self::Answer => "writeOnly",
        }
    }
}

/// Compiles a schema with everything that it refers to.
///
/// # Errors
/// In words, where it is no schema.
pub(super) fn compile(schema: &Value, side: Side, components: &Map<String, Value>) -> Result<Validator, String> {
    let mut document = used(schema, side);
    let mut needed = BTreeMap::new();
    let mut open: Vec<String> = references(&document).into_iter().collect();
    while let Some(name) = open.pop() {
        if needed.contains_key(&name) {
            continue;
        }
        let found = components.get(&name).ok_or_else(|| format!("no schema is called '{name}'"))?;
        let component = part(found, side, true);
        open.extend(references(&component));
        needed.insert(name, component);
    }
    if let Value::Object(members) = &mut document {
        members.insert("$schema".into(), DIALECT.into());
        members.insert("components".into(), json!({ "schemas": needed }));
    }
    let options = jsonschema::options().should_validate_formats(true).should_ignore_unknown_formats(true);
    options.build(&document).map_err(|error| error.to_string())
}

/// The names of the components that a converted schema refers to.
fn references(schema: &Value) -> BTreeSet<String> {
    match schema {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(COMPONENTS));
            own.map(str::to_owned).into_iter().chain(members.values().flat_map(references)).collect()
        }
        Value::Array(each) => each.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}

/// A schema where it stands for a whole value: nothing is in it that is not described.
fn used(schema: &Value, side: Side) -> Value {
    let mut converted = part(schema, side, true);
    let described = |members: &&mut Map<String, Value>| {
        ["$ref", "allOf", "anyOf", "properties"].iter().any(|name| members.contains_key(*name))
    };
    if let Some(members) = converted.as_object_mut().filter(described) {
        members.insert("unevaluatedProperties".into(), false.into());
    }
    converted
}

/// A schema as it stands; `whole` where nothing beside it says more of the same value.
fn part(schema: &Value, side: Side, whole: bool) -> Value {
    let Value::Object(given) = schema else { return schema.clone() };
    if let Some(to) = given.get("$ref") {
        return json!({ "$ref": to });
    }
    let mut converted = Map::new();
    for (name, value) in given {
        match name.as_str() {
            "type" | "enum" | "minLength" | "maxLength" | "minimum" | "maximum" | "minItems" | "maxItems"
            | "uniqueItems" | "pattern" | "format" => {
                converted.insert(name.clone(), value.clone());
            }
            "items" => {
                converted.insert(name.clone(), used(value, side));
            }
            "additionalProperties" if value.is_object() => {
                converted.insert(name.clone(), used(value, side));
            }
            "additionalProperties" => {
                converted.insert(name.clone(), value.clone());
            }
            "allOf" => {
                converted.insert(name.clone(), parts(value, side));
            }
            // The schemas of one choice overlap: that one holds is enough.
            "oneOf" | "anyOf" if !given.contains_key("discriminator") => {
                converted.insert("anyOf".into(), parts(value, side));
            }
            _ => {}
        }
    }
    members(given, side, &mut converted);
    if given.contains_key("oneOf") || given.contains_key("anyOf") {
        decided(given, &mut converted);
    }
    let bare =
        ["properties", "additionalProperties", "allOf", "anyOf"].iter().all(|name| !converted.contains_key(*name));
    let extensible = given.get("x-okta-extensible") == Some(&Value::Bool(true));
    if extensible || (whole && bare && given.get("type").is_some_and(|kind| kind == "object")) {
        converted.insert("additionalProperties".into(), true.into());
    }
    if given.get("nullable") == Some(&Value::Bool(true)) { nullable(converted) } else { converted.into() }
}

fn parts(value: &Value, side: Side) -> Value {
    value.as_array().into_iter().flatten().map(|one| part(one, side, false)).collect()
}

/// The members of an object, and which it has to have.
fn members(given: &Map<String, Value>, side: Side, converted: &mut Map<String, Value>) {
    let Some(properties) = given.get("properties").and_then(Value::as_object) else {
        if let Some(required) = given.get("required") {
            converted.insert("required".into(), required.clone());
        }
        return;
    };
    let not_sent = |schema: &Value| schema.get(side.not_sent()) == Some(&Value::Bool(true));
    if !properties.is_empty() {
        let each = properties
            .iter()
            .map(|(name, schema)| (name.clone(), if not_sent(schema) { false.into() } else { used(schema, side) }));
        converted.insert("properties".into(), Value::Object(each.collect()));
    }
    let required = given.get("required").and_then(Value::as_array).into_iter().flatten();
    let sent = required.filter(|name| !name.as_str().and_then(|name| properties.get(name)).is_some_and(not_sent));
    let sent: Vec<Value> = sent.cloned().collect();
    if !sent.is_empty() {
        converted.insert("required".into(), sent.into());
    }
}

/// What a discriminator decides: the value of a member names the schema that holds.
fn decided(given: &Map<String, Value>, converted: &mut Map<String, Value>) {
    let Some(discriminator) = given.get("discriminator") else { return };
    let name = discriminator.get("propertyName").and_then(Value::as_str).unwrap_or_default();
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (kind, to) in discriminator.get("mapping").and_then(Value::as_object).into_iter().flatten() {
        kinds.entry(to.as_str().unwrap_or_default()).or_default().push(kind);
    }
    let every: Vec<&str> = kinds.values().flatten().copied().collect();
    converted.insert("required".into(), json!([name]));
    converted.insert("properties".into(), json!({ name: { "enum": every } }));
    let branches = kinds.into_iter().map(|(to, kinds)| {
        json!({ "if": { "properties": { name: { "enum": kinds } }, "required": [name] }, "then": { "$ref": to } })
    });
    converted.insert("allOf".into(), branches.collect());
}

/// The same, or null.
fn nullable(mut converted: Map<String, Value>) -> Value {
    if let Some(Value::Array(values)) = converted.get_mut("enum") {
        values.push(Value::Null);
    }
    match converted.get_mut("type") {
        Some(kind) => {
            *kind = json!([kind.take(), "null"]);
            converted.into()
        }
        None => json!({ "anyOf": [converted, { "type": "null" }] }),
    }
}
