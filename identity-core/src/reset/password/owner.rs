//! Whose password it is: its names must not occur in it.

use std::collections::BTreeSet;

use crate::account::Account;

/// Below this, a part of a name is not looked for (MS-SAMR 3.1.1.7.2 and the complexity rule of
/// Windows count from three characters).
const LEAST_PART: usize = 3;

/// The names of an account's owner. A password contains none of them, in capital or small
/// letters: not the sign-in name, not its part before the `@`, and no part of sign-in name and
/// display name of three characters or more. Parts are separated as the complexity rule of
/// Windows separates them (comma, full stop, hyphen, underscore, space, number sign, tab), and at
/// `@`, as Okta does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    parts: BTreeSet<String>,
}

impl Owner {
    /// By sign-in name and, where there is one, display name.
    #[must_use]
    pub fn new(name: &str, display_name: Option<&str>) -> Self {
        let local = name.split('@').next().unwrap_or(name);
        let parts = [name, local]
            .into_iter()
            .chain(name.split(is_separator))
            .chain(display_name.into_iter().flat_map(|name| name.split(is_separator)))
            .map(str::to_lowercase)
            .filter(|part| part.chars().count() >= LEAST_PART)
            .collect();
        Self { parts }
    }

    /// Adds another sign-in name.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        self.parts.append(&mut Self::new(name, None).parts);
        self
    }

    pub(super) fn is_named_in(&self, password: &str) -> bool {
        // Without a copy of the password: it is ASCII, so bytes compare as letters do.
        let holds = |part: &String| {
            password.as_bytes().windows(part.len()).any(|place| place.eq_ignore_ascii_case(part.as_bytes()))
        };
        self.parts.iter().any(holds)
    }
}

impl From<&Account> for Owner {
    /// All names that the account has.
    fn from(account: &Account) -> Self {
        let owner = Self::new(&account.name, account.display_name.as_deref());
        match &account.anchors.principal_name {
            Some(name) => owner.with_name(name),
            None => owner,
        }
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, ',' | '.' | '-' | '_' | ' ' | '#' | '\t' | '@')
}
