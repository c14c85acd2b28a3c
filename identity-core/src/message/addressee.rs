//! Whom a message is for.

use serde::{Deserialize, Serialize};

use super::Readiness;
use crate::account::{AccountId, DirectoryId};
use crate::person::PersonId;

/// The longest text of a person that a template sees, in characters: a name of 10,000 letters is
/// an attack and no name.
const LONGEST: usize = 200;

/// A person who is to be told something, with every account of theirs in the plan.
///
/// It holds what a template may say, and where messages may go. There is no password in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Addressee {
    /// The person; for an account that is joined with no other, the one that it would be alone.
    pub person: PersonId,
    /// The name for people; empty where none is known.
    pub name: String,
    /// The preferred language, as the directory or the contacts file has it (`de-AT`).
    pub language: Option<String>,
    /// The word that templates are chosen by: the population, or what the contacts file says.
    pub audience: String,
    /// Whether the person can come back alone.
    pub readiness: Readiness,
    /// The accounts.
    pub accounts: Vec<AddressedAccount>,
    /// Where messages may go, the contacts file first.
    pub addresses: Vec<Address>,
}

/// An account, as a message may name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AddressedAccount {
    /// The directory.
    pub directory: DirectoryId,
    /// The account.
    pub id: AccountId,
    /// Its sign-in name.
    pub name: String,
}

/// Where a message may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Address {
    /// What it is: `mail`, `phone`, `place`, or the name of an attribute.
    pub kind: String,
    /// The address.
    pub value: String,
    /// The directory that says so; `None` for the contacts file.
    pub source: Option<DirectoryId>,
}

impl Addressee {
    /// A person of whom nothing but the id is known.
    pub(super) fn new(person: PersonId, audience: &str) -> Self {
        Self {
            person,
            name: String::new(),
            language: None,
            audience: audience.to_owned(),
            readiness: Readiness::Desk,
            accounts: Vec::new(),
            addresses: Vec::new(),
        }
    }

    /// Takes in what another account of the same person tells. What is known already stays; an
    /// audience that comes first among the populations counts (a person with one privileged account is
    /// written to as privileged), and whoever cannot recover one account alone needs the desk.
    pub(super) fn merge(&mut self, other: Self) {
        if self.name.is_empty() {
            self.name = other.name;
        }
        self.language = self.language.take().or(other.language);
        if rank(&other.audience) < rank(&self.audience) {
            self.audience = other.audience;
        }
        self.readiness = self.readiness.max(other.readiness);
        self.accounts.extend(other.accounts);
        self.accounts.sort_by(|a, b| (&a.directory, &a.id).cmp(&(&b.directory, &b.id)));
        self.accounts.dedup();
        self.addresses.extend(other.addresses);
        // What the contacts file says comes first; then by directory, so that the order of the rows changes nothing.
        self.addresses.sort_by(|a, b| (&a.source, &a.kind, &a.value).cmp(&(&b.source, &b.kind, &b.value)));
        self.addresses.dedup();
    }

    /// Adds an address, where it is one.
    pub(super) fn reach(&mut self, kind: &str, value: &str, source: Option<&DirectoryId>) {
        let value = plain(value);
        if !value.is_empty() {
            self.addresses.push(Address { kind: kind.to_owned(), value, source: source.cloned() });
        }
    }
}

/// The words of a contacts file come first; an audience of the privileged before others.
fn rank(audience: &str) -> u8 {
    match audience {
        "privileged" => 1,
        "service" => 2,
        "workforce" => 3,
        "other" => 4,
        "dormant" => 5,
        _ => 0,
    }
}

/// A text of a directory in one line: no line break, control character or mark that turns the
/// direction of writing, and not endless. So nothing that anybody wrote into their own name begins a
/// header, a second line of a list or a line of a protocol.
pub(super) fn plain(text: &str) -> String {
    let kept = text.chars().map(|c| if crate::playbook::is_plain(c) { c } else { ' ' });
    let kept: String = kept.take(LONGEST * 4).collect();
    let words: Vec<&str> = kept.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_and_not_endless() {
        assert_eq!(plain("Ada\r\nBcc: all@example.test\u{202e}\0x"), "Ada Bcc: all@example.test x");
        assert_eq!(plain(&"ä".repeat(5000)).chars().count(), LONGEST);
        assert_eq!(plain(" \t\n"), "");
    }
}
