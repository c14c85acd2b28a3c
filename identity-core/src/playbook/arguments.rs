//! What the parameters of a playbook are to stand for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Playbook;
use super::fault::invalid;
use super::parameter::{MOST_ACCOUNTS, ParameterKind, Value};
use super::reader::is_plain;
use crate::error::{Error, ErrorKind, Result};

/// What the parameters of a playbook are to stand for, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Arguments(BTreeMap<String, Json>);

impl Arguments {
    /// Sets an argument. Given again, the argument is a list.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        let (name, value) = (name.into(), value.into());
        let value = match self.0.remove(&name) {
            None => value,
            Some(Json::Array(mut list)) => {
                list.push(value);
                Json::Array(list)
            }
            Some(one) => Json::Array(vec![one, value]),
        };
        self.0.insert(name, value);
        self
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What each parameter of a playbook stands for.
    pub(super) fn bind(&self, playbook: &Playbook) -> Result<BTreeMap<String, Value>> {
        let names = || playbook.parameters().map(|(name, _)| name).collect::<Vec<_>>().join(", ");
        for name in self.0.keys() {
            if !playbook.parameters.contains_key(name) {
                let has = if playbook.parameters.is_empty() { "none".to_owned() } else { names() };
                return Err(argument(playbook, name, format!("the playbook has no such parameter; it has {has}")));
            }
        }
        let mut bound = BTreeMap::new();
        for (name, parameter) in &playbook.parameters {
            let value = match (self.0.get(name), &parameter.default) {
                (Some(given), _) => {
                    convert(given, parameter.kind).map_err(|problem| argument(playbook, name, problem))?
                }
                (None, Some(default)) => default.clone(),
                (None, None) => {
                    let about = parameter.about.as_ref().map(|about| format!(" ({about})")).unwrap_or_default();
                    return Err(argument(playbook, name, format!("is required{about}")));
                }
            };
            bound.insert(name.clone(), value);
        }
        Ok(bound)
    }
}

fn argument(playbook: &Playbook, name: &str, problem: impl AsRef<str>) -> Error {
    let fault = invalid(playbook.path(), &format!("parameter `{name}`: {}", problem.as_ref()));
    Error::new(ErrorKind::InputInvalid, "fill in the playbook").with_detail(fault.detail().to_owned())
}

fn convert(given: &Json, kind: ParameterKind) -> Result<Value, String> {
    let expected = match kind {
        ParameterKind::Text => "must be a text",
        ParameterKind::Accounts => "must be a list of account names",
        ParameterKind::Timestamp => "must be a time with its offset in quotes: 2026-03-01T08:00:00Z",
        ParameterKind::Count => "must be a whole number from 1 to 100,000,000",
    };
    let text = |json: &Json| {
        let text = json.as_str().map(str::trim).filter(|text| !text.is_empty());
        text.filter(|text| text.chars().all(is_plain)).map(str::to_owned)
    };
    let value = match kind {
        ParameterKind::Text => text(given).map(Value::Text),
        ParameterKind::Accounts => {
            let names: Option<Vec<String>> = match given {
                Json::Array(list) => list.iter().map(text).collect(),
                one => text(one).map(|one| vec![one]),
            };
            names.filter(|names| !names.is_empty()).map(Value::Accounts)
        }
        ParameterKind::Timestamp => text(given).and_then(|text| text.parse().ok()).map(Value::Timestamp),
        ParameterKind::Count => {
            let count = given.as_u64().or_else(|| text(given).and_then(|text| text.parse().ok()));
            count.filter(|count| (1..=MOST_ACCOUNTS).contains(count)).map(Value::Count)
        }
    };
    value.ok_or_else(|| expected.to_owned())
}
