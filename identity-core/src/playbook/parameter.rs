//! Parameters: what a trigger fills in.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use super::reader::{Fields, Given, Node, Reader};

/// A parameter of a playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameter {
    /// What it takes.
    pub kind: ParameterKind,
    /// What it is for, where the playbook says.
    pub about: Option<String>,
    /// What it is without an argument; one without is required.
    pub(super) default: Option<Value>,
}

impl Parameter {
    /// Whether an argument has to be given.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.default.is_none()
    }
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterKind {
    /// A text: the name of a group, a unit, a directory, an account.
    Text,
    /// A list of accounts' names, or a single one.
    Accounts,
    /// A time with its offset from UTC, RFC 3339.
    Timestamp,
    /// A whole number of accounts.
    Count,
}

impl ParameterKind {
    const ALL: [Self; 4] = [Self::Text, Self::Accounts, Self::Timestamp, Self::Count];

    /// The word for it in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Accounts => "accounts",
            Self::Timestamp => "timestamp",
            Self::Count => "count",
        }
    }

    fn of(node: &Node<'_>) -> Option<Self> {
        let word = node.text()?;
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == word);
        if found.is_none() {
            let words = Self::ALL.map(Self::as_str).join(", ");
            node.fault(format!("{word:?} is no type of parameter; there are {words}"));
        }
        found
    }
}

impl fmt::Display for ParameterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a parameter stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Accounts(Vec<String>),
    Timestamp(Timestamp),
    Count(u64),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Accounts(names) => f.write_str(&names.join("; ")),
            Self::Timestamp(time) => write!(f, "{time}"),
            Self::Count(count) => write!(f, "{count}"),
        }
    }
}

/// The most accounts that a count may say.
pub(super) const MOST_ACCOUNTS: u64 = 100_000_000;

/// The parameters that a playbook declares, and which of them it uses.
#[derive(Debug, Default)]
pub(super) struct Declared {
    parameters: BTreeMap<String, Parameter>,
    places: BTreeMap<String, usize>,
    used: RefCell<BTreeSet<String>>,
}

impl Declared {
    pub(super) fn read(root: &mut Fields<'_>) -> Self {
        let mut declared = Self::default();
        let Some(table) = root.take("parameter").and_then(Node::table) else { return declared };
        for (name, node) in table.named() {
            if !super::reader::is_word(&name) {
                node.fault("a parameter's name is a word in lower case");
                continue;
            }
            let at = node.at;
            let Some(mut fields) = node.table() else { continue };
            let kind = fields.need("type").and_then(|node| ParameterKind::of(&node));
            let about = fields.take("about").and_then(|node| node.text());
            let default = fields.take("default");
            fields.finish();
            let Some(kind) = kind else { continue };
            let default = default.and_then(|node| value(node, kind));
            declared.places.insert(name.clone(), at);
            declared.parameters.insert(name, Parameter { kind, about, default });
        }
        declared
    }

    /// A value, after its parameter was found to be declared and of this kind.
    pub(super) fn checked<T>(&self, node: &Node<'_>, given: Option<Given<T>>, kind: ParameterKind) -> Option<Given<T>> {
        let given = given?;
        if let Given::Parameter(name) = &given {
            self.used.borrow_mut().insert(name.clone());
            match self.parameters.get(name) {
                None => {
                    node.fault(format!("the parameter `{name}` is not declared: add [parameter.{name}]"));
                    return None;
                }
                Some(parameter) if parameter.kind != kind => {
                    node.fault(format!("the parameter `{name}` is of type {}; this takes {kind}", parameter.kind));
                    return None;
                }
                Some(_) => {}
            }
        }
        Some(given)
    }

    /// The parameters; one that stands for nothing is a fault.
    pub(super) fn finish(self, reader: &Reader<'_>) -> BTreeMap<String, Parameter> {
        let used = self.used.into_inner();
        for (name, at) in self.places.iter().filter(|(name, _)| !used.contains(*name)) {
            reader.fault(*at, &format!("parameter.{name}"), "is used nowhere");
        }
        self.parameters
    }
}

fn value(node: Node<'_>, kind: ParameterKind) -> Option<Value> {
    match kind {
        ParameterKind::Text => node.text().map(Value::Text),
        ParameterKind::Accounts => node.texts().map(Value::Accounts),
        ParameterKind::Timestamp => node.timestamp().map(Value::Timestamp),
        ParameterKind::Count => node.whole(1..=MOST_ACCOUNTS).map(Value::Count),
    }
}
