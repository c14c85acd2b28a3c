//! What is asked of a controller: searches, and the steps of a Modify.

use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};

use ldap3::Mod;
use zeroize::Zeroizing;

/// How deep a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    Object,
    Children,
    Subtree,
}

/// What to search for.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    pub(crate) base: String,
    pub(crate) within: Within,
    pub(crate) filter: String,
    pub(crate) attributes: Vec<String>,
    /// Ask for the access control list: without this control a reader who may not read the whole
    /// descriptor gets nothing (MS-ADTS 3.1.1.3.4.1.11).
    pub(crate) descriptor: bool,
    /// Ask for names in the form `<GUID=…>;<SID=…>;dn` (MS-ADTS 3.1.1.3.4.1.5).
    pub(crate) extended_names: bool,
}

/// One step of a Modify. Steps of one Modify are done in order, all or none.
pub(crate) enum Change {
    Replace(&'static str, Vec<u8>),
    Delete(&'static str, Vec<u8>),
    Add(&'static str, Vec<u8>),
    /// Whether or not there is one (RFC 4511 4.6: a replacement by nothing).
    Clear(&'static str),
}

impl Search {
    /// Everything below `base` that matches `filter`.
    pub(crate) fn subtree(base: impl Into<String>, filter: impl Into<String>, attributes: &[&str]) -> Self {
        Self {
            base: base.into(),
            within: Within::Subtree,
            filter: filter.into(),
            attributes: attributes.iter().map(|name| (*name).to_owned()).collect(),
            descriptor: false,
            extended_names: false,
        }
    }

    /// The one object `dn`.
    pub(crate) fn object(dn: impl Into<String>, attributes: &[&str]) -> Self {
        Self { within: Within::Object, ..Self::subtree(dn, "(objectClass=*)", attributes) }
    }
}

/// A value on its way into a Modify, wiped afterwards. (The client library's own copy, in the
/// message that it encodes, is not.)
#[derive(PartialEq, Eq)]
pub(super) struct Wiped(Zeroizing<Vec<u8>>);

impl Hash for Wiped {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_slice().hash(state);
    }
}

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Change {
    pub(super) fn into_step(self) -> Mod<Wiped> {
        let wiped = |bytes: Vec<u8>| Wiped(Zeroizing::new(bytes));
        let name = |name: &str| wiped(name.as_bytes().to_vec());
        match self {
            Self::Replace(attribute, value) => Mod::Replace(name(attribute), HashSet::from([wiped(value)])),
            Self::Delete(attribute, value) => Mod::Delete(name(attribute), HashSet::from([wiped(value)])),
            Self::Add(attribute, value) => Mod::Add(name(attribute), HashSet::from([wiped(value)])),
            Self::Clear(attribute) => Mod::Replace(name(attribute), HashSet::new()),
        }
    }
}

impl From<Within> for ldap3::Scope {
    fn from(within: Within) -> Self {
        match within {
            Within::Object => Self::Base,
            Within::Children => Self::OneLevel,
            Within::Subtree => Self::Subtree,
        }
    }
}

impl fmt::Debug for Change {
    /// The attribute, never the value: it may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (step, attribute) = match self {
            Self::Replace(attribute, _) => ("Replace", attribute),
            Self::Delete(attribute, _) => ("Delete", attribute),
            Self::Add(attribute, _) => ("Add", attribute),
            Self::Clear(attribute) => ("Clear", attribute),
        };
        write!(f, "{step}({attribute})")
    }
}
