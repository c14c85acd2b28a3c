//! Holds exchanges against the metadata; what does not fit is a mistake in words.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use testkit::mock_graph::Exchange;

use super::metadata::{Metadata, elements, plain};

/// Where paths begin. The cut metadata has no entity container; these are its sets and singletons.
const ROOTS: &[(&str, &str)] = &[
    ("users", "Collection(user)"),
    ("groups", "Collection(group)"),
    ("directoryRoles", "Collection(directoryRole)"),
    ("directoryObjects", "Collection(directoryObject)"),
    ("servicePrincipals", "Collection(servicePrincipal)"),
    ("organization", "Collection(organization)"),
    ("domains", "Collection(domain)"),
    ("roleManagement", "roleManagement"),
    ("reports", "reportRoot"),
    ("identityProtection", "identityProtectionRoot"),
    ("directory/administrativeUnits", "Collection(administrativeUnit)"),
    (
        "identityGovernance/privilegedAccess/group/assignmentScheduleInstances",
        "Collection(privilegedAccessGroupAssignmentScheduleInstance)",
    ),
    (
        "identityGovernance/privilegedAccess/group/eligibilityScheduleInstances",
        "Collection(privilegedAccessGroupEligibilityScheduleInstance)",
    ),
];
/// What Graph has and the cut metadata has not: type and member.
const CUT: &[(&str, &str)] = &[("servicePrincipal", "appRoleAssignments")];
/// Types of rows that the cut metadata has not, with what they are checked as.
const CUT_TYPES: &[(&str, &str)] = &[("agentUser", "user")];
/// Documented values outside of an enum: who has no second factor prefers "".
const OUTSIDE: &[(&str, &str)] = &[("userDefaultAuthenticationMethod", "")];

/// Where a path leads.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    /// An object, or a collection of objects, of a type.
    Of { name: String, collection: bool },
    /// An action or function with its parameters, and what it returns.
    Operation { parameters: Vec<(String, String)>, returns: Option<String> },
    /// A number as text.
    Count,
    /// Something that the cut metadata has not.
    Cut,
}

impl Place {
    fn of(declared: &str) -> Self {
        match elements(declared) {
            Some(name) => Self::Of { name: name.to_owned(), collection: true },
            None => Self::Of { name: declared.to_owned(), collection: false },
        }
    }
}

/// Every mistake of a run.
pub(crate) fn mistakes(metadata: &Metadata, exchanges: &[Exchange]) -> Vec<String> {
    let mut found = Vec::new();
    for exchange in exchanges.iter().filter(|exchange| !exchange.login) {
        let mut check = Check { metadata, found: Vec::new() };
        if exchange.path == "/v1.0/$batch" {
            check.batch(&exchange.body, &exchange.answer);
        } else {
            let path = exchange.path.strip_prefix("/v1.0/").unwrap_or(&exchange.path);
            let status = exchange.status.unwrap_or_default();
            check.one(path, exchange.query.as_deref(), &exchange.body, status, &exchange.answer);
        }
        found.extend(check.found.into_iter().map(|it| format!("{} {}: {it}", exchange.method, exchange.path)));
    }
    found
}

struct Check<'a> {
    metadata: &'a Metadata,
    found: Vec<String>,
}

impl Check<'_> {
    fn mistake(&mut self, words: String) {
        self.found.push(words);
    }

    fn batch(&mut self, body: &Value, answer: &Value) {
        let parts = body["requests"].as_array().cloned().unwrap_or_default();
        for part in parts {
            let url = part["url"].as_str().unwrap_or_default().trim_start_matches('/');
            let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
            let answers = answer["responses"].as_array().cloned().unwrap_or_default();
            let answered = answers.into_iter().find(|one| one["id"] == part["id"]).unwrap_or_default();
            let status = answered["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default();
            self.one(path, query, &part["body"], status, &answered["body"]);
        }
    }

    fn one(&mut self, path: &str, query: Option<&str>, body: &Value, status: u16, answer: &Value) {
        if status >= 400 {
            // What the service refuses may be a mistake of the test's own making: only its words are looked at.
            if !answer["error"]["code"].is_string() || !answer["error"]["message"].is_string() {
                self.mistake(format!("status {status} without code and message"));
            }
            return;
        }
        let place = match self.resolve(path) {
            Ok(place) => place,
            Err(words) => return self.mistake(words),
        };
        self.options(&place, query.unwrap_or_default());
        match (&place, body) {
            (Place::Operation { parameters, .. }, Value::Object(members)) => {
                for (name, value) in members {
                    match parameters.iter().find(|(known, _)| known == name) {
                        Some((_, declared)) => self.value(declared, name, value),
                        None => self.mistake(format!("the operation has no parameter '{name}'")),
                    }
                }
            }
            (Place::Of { name, .. }, Value::Object(members)) => self.object(name, members),
            _ => {}
        }
        self.answer(&place, answer);
    }

    fn answer(&mut self, place: &Place, answer: &Value) {
        let declared = match place {
            Place::Of { name, collection: true } => format!("Collection({name})"),
            Place::Of { name, collection: false } => name.clone(),
            Place::Operation { returns: Some(returns), .. } => returns.clone(),
            _ => return,
        };
        match (elements(&declared), answer) {
            // A collection that was posted to answers with what was made.
            (Some(_), Value::Object(members)) if members.contains_key("value") => {
                self.value(&declared, "value", &answer["value"]);
            }
            (Some(name), Value::Object(members)) => self.object(name, members),
            (None, Value::Object(members)) if declared.starts_with("Edm.") => {
                self.value(&declared, "value", members.get("value").unwrap_or(&Value::Null));
            }
            (None, Value::Object(members)) => self.object(&declared, members),
            _ => {}
        }
    }

    /// Where a path leads, part by part.
    fn resolve(&self, path: &str) -> Result<Place, String> {
        let decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
        let path = decoded.trim_end_matches('/');
        let begins = |root: &str| {
            path.strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with('('))
        };
        let (declared, rest) = ROOTS
            .iter()
            .find_map(|(root, declared)| begins(root).map(|rest| (*declared, rest)))
            .ok_or_else(|| format!("nothing is called '{path}'"))?;
        let mut place = Place::of(declared);
        let spread = rest.replace('(', "/").replace(')', "");
        for part in spread.split('/').filter(|part| !part.is_empty()) {
            place = self.step(place, part)?;
        }
        Ok(place)
    }

    fn step(&self, place: Place, part: &str) -> Result<Place, String> {
        let Place::Of { name, collection } = place else {
            return if place == Place::Cut { Ok(place) } else { Err(format!("nothing follows before '{part}'")) };
        };
        if part == "$count" && collection {
            return Ok(Place::Count);
        }
        if let Some(cast) = part.strip_prefix("microsoft.graph.") {
            let fits = self.metadata.derives(cast, &name);
            return if fits {
                Ok(Place::Of { name: cast.to_owned(), collection })
            } else {
                Err(format!("'{cast}' is no {name}"))
            };
        }
        if let Some(operation) = self.metadata.operation(&name, collection, part) {
            let parameters = operation.parameters.clone().into_iter().collect();
            return Ok(Place::Operation { parameters, returns: operation.returns.clone() });
        }
        if collection {
            // A word without digits and signs is no key.
            let is_word = part.chars().all(|c| c.is_ascii_alphabetic()) && part.len() > 3;
            return if is_word {
                Err(format!("no action or function '{part}' on a collection of {name}"))
            } else {
                Ok(Place::Of { name, collection: false })
            };
        }
        if CUT.contains(&(name.as_str(), part)) {
            return Ok(Place::Cut);
        }
        match self.metadata.navigation(&name, part) {
            Some(declared) => Ok(Place::of(declared)),
            None => Err(format!("no navigation property, action or function '{part}' on {name}")),
        }
    }

    fn options(&mut self, place: &Place, query: &str) {
        let declared = match place {
            Place::Of { name, .. } => name.clone(),
            Place::Operation { returns: Some(returns), .. } => elements(returns).unwrap_or(returns).to_owned(),
            _ => return,
        };
        for (option, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let option = percent_decode_str(option).decode_utf8_lossy().into_owned();
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            match option.as_str() {
                // Of an object of any type, anything may be selected.
                "$select" if declared != "directoryObject" => {
                    for name in value.split(',') {
                        if !self.knows(&declared, name) {
                            self.mistake(format!("$select: {declared} has no property '{name}'"));
                        }
                    }
                }
                "$expand" => {
                    let name = value.split('(').next().unwrap_or_default();
                    if self.metadata.navigation(&declared, name).is_none() {
                        self.mistake(format!("$expand: {declared} has no navigation property '{name}'"));
                    }
                }
                _ => {}
            }
        }
    }

    fn knows(&self, declared: &str, name: &str) -> bool {
        self.metadata.property(declared, name).is_some() || self.metadata.navigation(declared, name).is_some()
    }

    /// The members of an object, by its own type where it says one.
    fn object(&mut self, declared: &str, members: &Map<String, Value>) {
        let own = members.get("@odata.type").and_then(Value::as_str).map(plain);
        let own = own.map(|own| CUT_TYPES.iter().find(|(cut, _)| *cut == own).map_or(own, |(_, like)| (*like).into()));
        let name = own.unwrap_or_else(|| declared.to_owned());
        if !self.metadata.has_type(declared) {
            return;
        }
        if !self.metadata.derives(&name, declared) {
            return self.mistake(format!("'{name}' is no {declared}"));
        }
        for (member, value) in members.iter().filter(|(member, _)| !member.starts_with('@')) {
            let property = self.metadata.property(&name, member).or(self.metadata.navigation(&name, member));
            match property.map(str::to_owned) {
                Some(declared) => self.value(&declared, member, value),
                None => self.mistake(format!("{name} has no property '{member}'")),
            }
        }
    }

    fn value(&mut self, declared: &str, name: &str, value: &Value) {
        if value.is_null() {
            return;
        }
        if let Some(inner) = elements(declared) {
            match value.as_array() {
                Some(each) => each.iter().for_each(|one| self.value(inner, name, one)),
                None => self.mistake(format!("'{name}' is no list of {inner}: {value}")),
            }
            return;
        }
        let text = value.as_str();
        let fits = match declared {
            "Edm.String" => text.is_some(),
            "Edm.Boolean" => value.is_boolean(),
            "Edm.Int32" | "Edm.Int64" => value.is_i64(),
            "Edm.Guid" => text.is_some_and(|text| text.parse::<uuid::Uuid>().is_ok()),
            "Edm.DateTimeOffset" => text.is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
            _ => match (self.metadata.enum_members(declared), value) {
                (Some(members), _) => text.is_some_and(|text| {
                    members.iter().any(|member| member == text) || OUTSIDE.contains(&(declared, text))
                }),
                (None, Value::Object(members)) => {
                    self.object(declared, members);
                    true
                }
                // A type that was cut away can be anything.
                (None, _) => !self.metadata.has_type(declared),
            },
        };
        if !fits {
            self.mistake(format!("'{name}' is no {declared}: {value}"));
        }
    }
}
