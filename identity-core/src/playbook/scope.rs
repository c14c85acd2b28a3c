//! Whom a playbook means, spares and protects.

use std::collections::BTreeMap;

use super::parameter::{Declared, ParameterKind, Value};
use super::reader::{Fields, Given, Node};
use crate::directory::DirectoryInfo;
use crate::plan::{AccountName, Selection};

/// Which directories something concerns.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Everywhere,
    Directory(Given<String>),
    Kind(String),
}

#[derive(Clone, Debug)]
enum Who {
    Everyone,
    Group(Given<String>),
    Unit(Given<String>),
    Query(String),
    Accounts(Given<Vec<String>>),
}

/// A set of accounts: one `[[scope]]` or `[[exclude]]`.
#[derive(Clone, Debug)]
pub(super) struct Part {
    key: String,
    place: Place,
    who: Who,
}

/// One `[[protect]]`.
#[derive(Clone, Debug)]
pub(super) struct Protected {
    key: String,
    place: Place,
    accounts: Given<Vec<String>>,
}

impl Place {
    fn read(fields: &mut Fields<'_>, declared: &Declared) -> Option<Self> {
        let kind = fields.take("kind");
        match (fields.take("directory"), kind) {
            (None, None) => Some(Self::Everywhere),
            (Some(node), None) => declared.checked(&node, node.given_text(), ParameterKind::Text).map(Self::Directory),
            (None, Some(node)) => node.word().map(Self::Kind),
            (Some(_), Some(node)) => {
                node.fault("a directory is named by its id or by its kind, not by both");
                None
            }
        }
    }

    /// The directories that it names, of those there are.
    fn directories<'d>(
        &self,
        bound: &BTreeMap<String, Value>,
        directories: &'d [DirectoryInfo],
    ) -> Result<Vec<&'d DirectoryInfo>, String> {
        let there = || {
            let all = directories.iter().map(|directory| format!("{} ({})", directory.id, directory.kind));
            all.collect::<Vec<_>>().join(", ")
        };
        let (found, wanted): (Vec<_>, _) = match self {
            Self::Everywhere => return Ok(directories.iter().collect()),
            Self::Directory(id) => {
                let id = text(id, bound)?;
                (directories.iter().filter(|directory| directory.id.as_str() == id).collect(), format!("id {id:?}"))
            }
            Self::Kind(kind) => {
                (directories.iter().filter(|directory| directory.kind == *kind).collect(), format!("kind {kind:?}"))
            }
        };
        if found.is_empty() {
            return Err(format!("no directory has the {wanted}; there are {}", there()));
        }
        Ok(found)
    }
}

impl Part {
    pub(super) fn read(mut fields: Fields<'_>, declared: &Declared) -> Option<Self> {
        const WHO: &str = "say one of everyone = true, group, unit, query, accounts";
        let key = fields.key().to_owned();
        let place = Place::read(&mut fields, declared);
        let mut found = Vec::new();
        if let Some(node) = fields.take("everyone") {
            match node.flag() {
                Some(false) => node.fault("can only be true"),
                _ => found.push(Some(Who::Everyone)),
            }
        }
        if let Some(node) = fields.take("group") {
            found.push(declared.checked(&node, node.given_text(), ParameterKind::Text).map(Who::Group));
        }
        if let Some(node) = fields.take("unit") {
            found.push(declared.checked(&node, node.given_text(), ParameterKind::Text).map(Who::Unit));
        }
        if let Some(node) = fields.take("query") {
            found.push(node.text().map(Who::Query));
        }
        if let Some(node) = fields.take("accounts") {
            found.push(accounts(node, declared).map(Who::Accounts));
        }
        if found.len() != 1 {
            fields.fault(if found.is_empty() { WHO.to_owned() } else { format!("{WHO}, not several") });
        }
        fields.finish();
        let who = if found.len() == 1 { found.pop()? } else { None };
        Some(Self { key, place: place?, who: who? })
    }

    /// The selections that it is, among these directories.
    pub(super) fn selections(
        &self,
        bound: &BTreeMap<String, Value>,
        directories: &[DirectoryInfo],
    ) -> Result<Vec<Selection>, String> {
        let at = |problem: String| format!("`{}`: {problem}", self.key);
        if let (Place::Everywhere, Who::Everyone) = (&self.place, &self.who) {
            return Ok(vec![Selection::everyone()]);
        }
        let meant = self.place.directories(bound, directories).map_err(at)?;
        if let Who::Accounts(given) = &self.who {
            let names = names(&self.place, &list(given, bound).map_err(at)?, &meant).map_err(at)?;
            return Ok(vec![Selection::Listed { accounts: names }]);
        }
        let mut selections = Vec::new();
        for directory in meant {
            let id = directory.id.as_str();
            selections.push(match &self.who {
                Who::Everyone => Selection::directory(id),
                Who::Group(name) => Selection::group(id, text(name, bound).map_err(at)?),
                Who::Unit(path) => Selection::unit(id, text(path, bound).map_err(at)?),
                Who::Query(query) => Selection::native(id, query),
                Who::Accounts(_) => continue,
            });
        }
        Ok(selections)
    }
}

impl Protected {
    pub(super) fn read(mut fields: Fields<'_>, declared: &Declared) -> Option<Self> {
        let key = fields.key().to_owned();
        let place = Place::read(&mut fields, declared);
        let accounts = fields.need("accounts").and_then(|node| accounts(node, declared));
        fields.finish();
        Some(Self { key, place: place?, accounts: accounts? })
    }

    pub(super) fn names(
        &self,
        bound: &BTreeMap<String, Value>,
        directories: &[DirectoryInfo],
    ) -> Result<Vec<AccountName>, String> {
        let at = |problem: String| format!("`{}`: {problem}", self.key);
        let meant = self.place.directories(bound, directories).map_err(at)?;
        names(&self.place, &list(&self.accounts, bound).map_err(at)?, &meant).map_err(at)
    }
}

/// Names in the one directory that is meant, or in whichever has them.
fn names(place: &Place, accounts: &[String], meant: &[&DirectoryInfo]) -> Result<Vec<AccountName>, String> {
    let directory = match (place, meant) {
        (Place::Everywhere, _) => None,
        (_, [one]) => Some(one.id.as_str()),
        _ => return Err("accounts by name are of one directory, and several are of this kind: name its id".to_owned()),
    };
    let name = |account: &String| match directory {
        Some(directory) => AccountName::new(account).in_directory(directory),
        None => AccountName::new(account),
    };
    Ok(accounts.iter().map(name).collect())
}

fn accounts(node: Node<'_>, declared: &Declared) -> Option<Given<Vec<String>>> {
    match node.reference().ok()? {
        Some(name) => declared.checked(&node, Some(Given::Parameter(name)), ParameterKind::Accounts),
        None => node.texts().map(Given::Fixed),
    }
}

fn text(given: &Given<String>, bound: &BTreeMap<String, Value>) -> Result<String, String> {
    match given {
        Given::Fixed(text) => Ok(text.clone()),
        Given::Parameter(name) => match bound.get(name) {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(format!("the parameter `{name}` has no text")),
        },
    }
}

fn list(given: &Given<Vec<String>>, bound: &BTreeMap<String, Value>) -> Result<Vec<String>, String> {
    match given {
        Given::Fixed(names) => Ok(names.clone()),
        Given::Parameter(name) => match bound.get(name) {
            Some(Value::Accounts(names)) => Ok(names.clone()),
            _ => Err(format!("the parameter `{name}` has no list of accounts")),
        },
    }
}
