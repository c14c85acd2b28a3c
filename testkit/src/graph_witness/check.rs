//! Holds exchanges against the metadata; what does not fit is a mistake in words.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::Findings;
use super::metadata::{Metadata, elements, plain};
use crate::mock_graph::Exchange;

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
const CUT: &[(&str, &str)] = &[("servicePrincipal", "appRoleAssignedTo"), ("servicePrincipal", "appRoleAssignments")];
/// Sets that Graph has and whose type the cut metadata has not.
const CUT_ROOTS: &[&str] = &["applications"];
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

/// What is to be said of a run.
pub(super) fn findings(metadata: &Metadata, exchanges: &[Exchange]) -> Findings {
    let mut all = Findings::default();
    for exchange in exchanges.iter().filter(|exchange| !exchange.login) {
        let mut check = Check { metadata, found: Vec::new(), absent: BTreeSet::new() };
        if exchange.path == "/v1.0/$batch" {
            check.batch(&exchange.body, &exchange.answer);
        } else {
            let path = exchange.path.strip_prefix("/v1.0/").unwrap_or(&exchange.path);
            let status = exchange.status.unwrap_or_default();
            check.one(path, exchange.query.as_deref(), &exchange.body, status, &exchange.answer);
        }
        all.mistakes.extend(check.found.into_iter().map(|it| format!("{} {}: {it}", exchange.method, exchange.path)));
        all.absent.append(&mut check.absent);
    }
    all
}

/// A member of an object; nothing where it has none.
fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    member(value, name).as_array().map(Vec::as_slice).unwrap_or_default()
}

struct Check<'a> {
    metadata: &'a Metadata,
    found: Vec<String>,
    absent: BTreeSet<String>,
}

impl Check<'_> {
    fn mistake(&mut self, words: String) {
        self.found.push(words);
    }

    fn batch(&mut self, body: &Value, answer: &Value) {
        let answers = list(answer, "responses");
        for part in list(body, "requests") {
            let url = member(part, "url").as_str().unwrap_or_default().trim_start_matches('/');
            let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
            let answered = answers.iter().find(|one| member(one, "id") == member(part, "id")).unwrap_or(&Value::Null);
            let status = member(answered, "status").as_u64().and_then(|status| u16::try_from(status).ok());
            self.one(path, query, member(part, "body"), status.unwrap_or_default(), member(answered, "body"));
        }
    }

    fn one(&mut self, path: &str, query: Option<&str>, body: &Value, status: u16, answer: &Value) {
        if status >= 400 {
            // What the service refuses may be a mistake of the test's own making: only its words are looked at.
            let error = member(answer, "error");
            if !member(error, "code").is_string() || !member(error, "message").is_string() {
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
                self.value(&declared, "value", member(answer, "value"));
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
    fn resolve(&mut self, path: &str) -> Result<Place, String> {
        let decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
        let path = decoded.trim_end_matches('/');
        let begins = |root: &str| {
            path.strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with('('))
        };
        if let Some(root) = CUT_ROOTS.iter().find(|root| begins(root).is_some()) {
            self.absent.insert((*root).to_owned());
            return Ok(Place::Cut);
        }
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

    fn step(&mut self, place: Place, part: &str) -> Result<Place, String> {
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
            self.absent.insert(format!("{name}/{part}"));
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
        let own = own.map(|own| match CUT_TYPES.iter().find(|(cut, _)| *cut == own) {
            Some((_, like)) => {
                self.absent.insert(own);
                (*like).to_owned()
            }
            None => own,
        });
        let name = own.unwrap_or_else(|| declared.to_owned());
        if !self.metadata.has_type(declared) {
            self.absent.insert(declared.to_owned());
            return;
        }
        if !self.metadata.derives(&name, declared) {
            return self.mistake(format!("'{name}' is no {declared}"));
        }
        for (member, value) in members.iter().filter(|(member, _)| !member.starts_with('@')) {
            let property = self.metadata.property(&name, member).or_else(|| self.metadata.navigation(&name, member));
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
                // A type that was cut away can be anything, and is named.
                (None, _) => {
                    let cut = !self.metadata.has_type(declared);
                    if cut {
                        self.absent.insert(declared.to_owned());
                    }
                    cut
                }
            },
        };
        if !fits {
            self.mistake(format!("'{name}' is no {declared}: {value}"));
        }
    }
}
