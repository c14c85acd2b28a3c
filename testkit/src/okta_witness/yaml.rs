//! YAML as the values of JSON: what an OpenAPI description uses of it.

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value};

/// Reads one document.
///
/// # Errors
/// In words, where it is no YAML or has what JSON has not.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    match documents.as_slice() {
        [document] => value(document),
        other => Err(format!("{} documents in place of one", other.len())),
    }
}

fn value(node: &Yaml<'_>) -> Result<Value, String> {
    match node {
        Yaml::Value(Scalar::Null) => Ok(Value::Null),
        Yaml::Value(Scalar::Boolean(value)) => Ok((*value).into()),
        Yaml::Value(Scalar::Integer(value)) => Ok((*value).into()),
        Yaml::Value(Scalar::FloatingPoint(value)) => Ok(value.into_inner().into()),
        Yaml::Value(Scalar::String(text)) => Ok(text.as_ref().into()),
        Yaml::Sequence(each) => each.iter().map(value).collect(),
        Yaml::Mapping(members) => {
            let pairs = members.iter().map(|(name, node)| Ok((key(name)?, value(node)?)));
            pairs.collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
        Yaml::Representation(..) | Yaml::Tagged(..) | Yaml::Alias(_) | Yaml::BadValue => {
            Err("a tag, an alias or a value that JSON has not".into())
        }
    }
}

/// The name of a member: statuses are often written as numbers.
fn key(node: &Yaml<'_>) -> Result<String, String> {
    match value(node)? {
        Value::String(text) => Ok(text),
        Value::Object(_) | Value::Array(_) => Err("a member without a name".into()),
        other => Ok(other.to_string()),
    }
}
