//! Reads TOML so that every fault names its line and key, and reading goes on behind it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::Fault;

/// The most faults that are kept: whoever reads them begins at the first.
const MOST_FAULTS: usize = 200;

/// The most tables of one kind.
const MOST_TABLES: usize = 1_000;

/// What begins a reference to a parameter.
const REFERENCE: &str = "${";

/// A text and what was found wrong with it.
#[derive(Debug)]
pub(crate) struct Reader<'t> {
    text: &'t str,
    faults: RefCell<Vec<Fault>>,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, faults: RefCell::default() }
    }

    /// The whole text as a table; `None` when it is no TOML.
    pub(crate) fn root(&self) -> Option<Fields<'_>> {
        match DeTable::parse(self.text) {
            Ok(table) => Some(Fields::of(self, String::new(), 0, table.into_inner())),
            Err(fault) => {
                let span = fault.span().unwrap_or(0..0);
                // Where a key is given twice, this is the key.
                let key = self.text.get(span.clone()).filter(|key| !key.is_empty() && key.len() < 60);
                let key = key.filter(|key| !key.contains(['\n', '='])).unwrap_or_default().trim();
                self.fault(span.start, key, fault.message());
                None
            }
        }
    }

    pub(crate) fn fault(&self, at: usize, key: &str, problem: impl Into<String>) {
        let mut faults = self.faults.borrow_mut();
        if faults.len() == MOST_FAULTS {
            return;
        }
        let before = self.text.bytes().take(at);
        let line = before.filter(|byte| *byte == b'\n').count() + 1;
        faults.push(Fault { line, key: key.to_owned(), problem: problem.into() });
    }

    /// Everything found, by line.
    pub(crate) fn faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort_by_key(|fault| fault.line);
        faults
    }
}

/// One value with its key and place.
#[derive(Clone, Debug)]
pub(crate) struct Node<'r> {
    reader: &'r Reader<'r>,
    pub(crate) key: String,
    pub(crate) at: usize,
    value: DeValue<'r>,
}

/// Text, or a reference to a parameter in its place.
#[derive(Clone, Debug)]
pub(crate) enum Given<T> {
    Fixed(T),
    Parameter(String),
}

impl<'r> Node<'r> {
    pub(crate) fn fault(&self, problem: impl Into<String>) {
        self.reader.fault(self.at, &self.key, problem);
    }

    fn wrong<T>(&self, expected: &str) -> Option<T> {
        self.fault(format!("must be {expected}, not {}", self.value.type_str()));
        None
    }

    /// A text that no parameter stands in.
    pub(crate) fn text(&self) -> Option<String> {
        let text = self.words()?;
        if text.contains(REFERENCE) {
            self.fault("no parameter can stand here");
            return None;
        }
        Some(text)
    }

    /// The name of the parameter that stands here as the whole value; a fault where it is only a part.
    pub(crate) fn reference(&self) -> Result<Option<String>, ()> {
        let Some(text) = self.value.as_str().filter(|text| text.contains(REFERENCE)) else { return Ok(None) };
        match text.strip_prefix(REFERENCE).and_then(|rest| rest.strip_suffix('}')) {
            Some(name) if is_word(name) => Ok(Some(name.to_owned())),
            _ => {
                self.fault("a parameter stands for a whole value: \"${name}\"");
                Err(())
            }
        }
    }

    /// A text, or a parameter in its place.
    pub(crate) fn given_text(&self) -> Option<Given<String>> {
        match self.reference().ok()? {
            Some(name) => Some(Given::Parameter(name)),
            None => self.words().map(Given::Fixed),
        }
    }

    /// A whole number, or a parameter in its place.
    pub(crate) fn given_whole(&self, range: RangeInclusive<u64>) -> Option<Given<u64>> {
        match self.reference().ok()? {
            Some(name) => Some(Given::Parameter(name)),
            None => self.whole(range).map(Given::Fixed),
        }
    }

    fn words(&self) -> Option<String> {
        let Some(text) = self.value.as_str() else { return self.wrong("a text") };
        let text = text.trim();
        if text.is_empty() {
            self.fault("is empty");
            return None;
        }
        if !text.chars().all(is_plain) {
            self.fault("has line breaks, control characters or marks that turn the direction of writing");
            return None;
        }
        Some(text.to_owned())
    }

    /// A lower-case word.
    pub(crate) fn word(&self) -> Option<String> {
        let text = self.text()?;
        if !is_word(&text) {
            self.fault(format!("{text:?} is not a word: a letter, then letters, digits, `_` and `-`, in lower case"));
            return None;
        }
        Some(text)
    }

    pub(crate) fn whole(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let expected = || match range.end() {
            &u64::MAX => format!("a whole number from {}", range.start()),
            end => format!("a whole number from {} to {end}", range.start()),
        };
        let Some(number) = self.value.as_integer() else { return self.wrong(&expected()) };
        match u64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if range.contains(&number) => Some(number),
            _ => {
                self.fault(format!("{} is not {}", number.as_str(), expected()));
                None
            }
        }
    }

    pub(crate) fn flag(&self) -> Option<bool> {
        self.value.as_bool().map_or_else(|| self.wrong("true or false"), Some)
    }

    /// A time with its offset from UTC, as TOML writes it or in quotes.
    pub(crate) fn timestamp(&self) -> Option<jiff::Timestamp> {
        const EXPECTED: &str = "a time with its offset: 2026-03-01T08:00:00Z";
        let text = match (self.value.as_datetime(), self.value.as_str()) {
            (Some(time), _) => time.to_string(),
            (None, Some(text)) => text.to_owned(),
            _ => return self.wrong(EXPECTED),
        };
        let time = text.parse().ok();
        if time.is_none() {
            self.fault(format!("{text:?} is not {EXPECTED}"));
        }
        time
    }

    /// A length of time in seconds: `"90s"`, `"15m"`, `"2h"`.
    pub(crate) fn seconds(&self, most: u64) -> Option<u64> {
        let text = self.text()?;
        let unit = |end: char| text.strip_suffix(end).and_then(|number| number.parse::<u64>().ok());
        let seconds = unit('s')
            .or_else(|| unit('m').and_then(|minutes| minutes.checked_mul(60)))
            .or_else(|| unit('h').and_then(|hours| hours.checked_mul(3600)));
        match seconds {
            Some(seconds) if seconds <= most => Some(seconds),
            Some(_) => {
                self.fault(format!("{text} is longer than {} h", most / 3600));
                None
            }
            None => {
                self.fault(format!("{text:?} is not a length of time: \"90s\", \"15m\", \"2h\""));
                None
            }
        }
    }

    /// The elements of a list.
    pub(crate) fn list(self) -> Option<Vec<Self>> {
        let DeValue::Array(list) = self.value else { return self.wrong("a list") };
        let (reader, key) = (self.reader, self.key);
        let node = |(place, value): (usize, Spanned<DeValue<'r>>)| Self {
            reader,
            key: format!("{key}[{}]", place + 1),
            at: value.span().start,
            value: value.into_inner(),
        };
        Some(list.into_iter().enumerate().map(node).collect())
    }

    /// The texts of a list that is not empty and names nothing twice.
    pub(crate) fn texts(self) -> Option<Vec<String>> {
        let (reader, key, at) = (self.reader, self.key.clone(), self.at);
        let (mut texts, mut known) = (Vec::new(), BTreeSet::new());
        for node in self.list()? {
            let Some(text) = node.text() else { continue };
            if !known.insert(text.clone()) {
                node.fault(format!("{text:?} is named twice"));
            }
            texts.push(text);
        }
        if texts.is_empty() {
            reader.fault(at, &key, "the list is empty");
            return None;
        }
        Some(texts)
    }

    pub(crate) fn table(self) -> Option<Fields<'r>> {
        match self.value {
            DeValue::Table(table) => Some(Fields::of(self.reader, self.key, self.at, table)),
            _ => self.wrong("a table"),
        }
    }
}

/// The keys of a table. Those that nobody took are faults.
#[derive(Debug)]
pub(crate) struct Fields<'r> {
    reader: &'r Reader<'r>,
    key: String,
    at: usize,
    left: BTreeMap<String, (Range<usize>, Node<'r>)>,
    known: Vec<&'static str>,
}

impl<'r> Fields<'r> {
    fn of(reader: &'r Reader<'r>, key: String, at: usize, table: DeTable<'r>) -> Self {
        let mut left = BTreeMap::new();
        for (name, value) in table {
            let (place, name) = (name.span(), name.into_inner().into_owned());
            let path = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            let node = Node { reader, key: path, at: place.start, value: value.into_inner() };
            left.insert(name, (place, node));
        }
        Self { reader, key, at, left, known: Vec::new() }
    }

    pub(crate) fn fault(&self, problem: impl Into<String>) {
        self.reader.fault(self.at, &self.key, problem);
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// A fault of a key that is not there.
    pub(crate) fn fault_at(&self, name: &str, problem: impl Into<String>) {
        let key = if self.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.key) };
        self.reader.fault(self.at, &key, problem);
    }

    /// The value of a key, where it is there.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Node<'r>> {
        self.known.push(name);
        self.left.remove(name).map(|(_, node)| node)
    }

    /// The value of a key that has to be there.
    pub(crate) fn need(&mut self, name: &'static str) -> Option<Node<'r>> {
        let node = self.take(name);
        if node.is_none() {
            self.fault_at(name, "is missing");
        }
        node
    }

    /// The tables of a key: none where it is not there.
    pub(crate) fn tables(&mut self, name: &'static str) -> Vec<Self> {
        let mut list = self.take(name).and_then(Node::list).unwrap_or_default();
        if let Some(node) = list.get(MOST_TABLES) {
            node.fault(format!("is one too many: there may be {MOST_TABLES}"));
            list.truncate(MOST_TABLES);
        }
        list.into_iter().filter_map(Node::table).collect()
    }

    /// Every key, for tables whose keys are names that the playbook chooses.
    pub(crate) fn named(self) -> impl Iterator<Item = (String, Node<'r>)> {
        self.left.into_iter().map(|(name, (_, node))| (name, node))
    }

    /// What nobody took is unknown.
    pub(crate) fn finish(self) {
        for (place, node) in self.left.into_values() {
            self.reader.fault(place.start, &node.key, format!("is no key here; there are {}", self.known.join(", ")));
        }
    }
}

/// Whether a text is a word as names, triggers and parameters are.
pub(crate) fn is_word(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

/// Whether a character is shown as what it is. Texts of a playbook reach screens, and a mark that turns
/// the direction of writing could make one name look like another.
pub(crate) fn is_plain(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
