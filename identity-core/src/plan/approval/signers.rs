//! The file of allowed signers, as ssh-keygen(1) has it under ALLOWED SIGNERS.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use ssh_key::PublicKey;
use ssh_key::public::KeyData;

use super::pattern::list_matches;
use super::{ApprovalFault, SIGNATURE_NAMESPACE, SignedBy, sshsig};
use crate::error::{Error, ErrorKind, Result};

/// The longest file that is read.
const MOST_BYTES: u64 = 1 << 20;

/// Whose signatures count, from a file in the format of OpenSSH:
///
/// ```text
/// ann@example.test namespaces="identity-reset@plan" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5…
/// bob@example.test valid-before="20270101Z" sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1l…
/// ```
///
/// Stricter than `ssh-keygen` where that would guess: a line that is not understood is an error, and
/// not passed over; a time without `Z` (the zone of whichever machine reads it) is refused, and so
/// are lines with `cert-authority`, since certificates are not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedSigners {
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    principals: String,
    terms: Terms,
    key: KeyData,
}

/// What a line says before its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Terms {
    namespaces: Option<String>,
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

impl AllowedSigners {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] with the line when it cannot be read or understood.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text));
        read.map_err(|error| {
            invalid(format!("{}: {error}", path.display()))
                .with_advice("name a file in the format of ssh-keygen(1), ALLOWED SIGNERS")
                .with_source(error)
        })?;
        Self::parse(&text).map_err(|error| {
            let detail = format!("{}: {}", path.display(), error.detail());
            error.with_detail(detail)
        })
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] with the line when it cannot be understood, or names nobody.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() as u64 > MOST_BYTES {
            return Err(invalid("it is longer than 1 MiB").with_advice("name the file of allowed signers"));
        }
        let text = text.trim_start_matches('\u{feff}');
        let mut lines = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let read = Line::read(line);
            lines.push(read.map_err(|(why, advice)| invalid(format!("line {}: {why}", at + 1)).with_advice(advice))?);
        }
        if lines.is_empty() {
            return Err(invalid("it names nobody").with_advice("add a line: PRINCIPAL ssh-ed25519 AAAA…"));
        }
        Ok(Self { lines })
    }

    /// Whose signature of `message` this is, if it is one of `approver` that counts at this time.
    pub(super) fn verify(
        &self,
        approver: &str,
        message: &str,
        armor: &str,
        now: Timestamp,
    ) -> Result<SignedBy, ApprovalFault> {
        let key = sshsig::signer(armor, message.as_bytes())?;
        let print = sshsig::fingerprint(&key);
        // Of several lines with the key, the one that comes nearest says why.
        let mut fault = ApprovalFault::UnknownSigner { key: print.clone() };
        let mut near = 0;
        for line in self.lines.iter().filter(|line| line.key == key) {
            match line.admits(approver, &print, now) {
                Ok(()) => return Ok(SignedBy::new(approver, print, line.terms.valid_before)),
                Err((step, why)) if step > near => (near, fault) = (step, why),
                Err(_) => {}
            }
        }
        Err(fault)
    }
}

/// What is wrong with a line, and what to do.
type Wrong = (String, &'static str);

impl Line {
    fn read(line: &str) -> Result<Self, Wrong> {
        let usual = "a line is PRINCIPALS [OPTIONS] KEYTYPE KEY, as ssh-keygen(1) has it under ALLOWED SIGNERS";
        let (principals, rest) = word(line).ok_or_else(|| ("a quotation is not closed".to_owned(), usual))?;
        if principals.is_empty() {
            return Err(("it names no principal".to_owned(), usual));
        }
        // Behind the principals stands the key, or options and then the key.
        let (terms, key) = match key(rest) {
            Ok(key) => (Terms::default(), key),
            Err(_) => {
                let (options, rest) = word(rest).ok_or_else(|| ("a quotation is not closed".to_owned(), usual))?;
                // An option that is wrong is told before a key that is.
                let terms = Terms::read(options)?;
                (terms, key(rest).map_err(|why| (format!("the key cannot be read: {why}"), usual))?)
            }
        };
        if let KeyData::Dsa(_) | KeyData::Other(_) = key {
            let kind = key.algorithm();
            return Err((format!("keys of the kind {kind} are not verified"), "list a key of another kind"));
        }
        Ok(Self { principals: principals.replace('"', ""), terms, key })
    }

    /// Whether it admits this approver now; how far it came, and why not.
    fn admits(&self, approver: &str, print: &str, now: Timestamp) -> Result<(), (u8, ApprovalFault)> {
        let key = print.to_owned();
        if !list_matches(&self.principals, approver) {
            return Err((1, ApprovalFault::OtherPersonsKey { approver: approver.to_owned(), key }));
        }
        if self.terms.namespaces.as_ref().is_some_and(|list| !list_matches(list, SIGNATURE_NAMESPACE)) {
            return Err((2, ApprovalFault::NamespaceNotAdmitted { key, namespace: SIGNATURE_NAMESPACE }));
        }
        let too_early = self.terms.valid_after.is_some_and(|after| now < after);
        let too_late = self.terms.valid_before.is_some_and(|before| now >= before);
        if too_early || too_late {
            let term = match (self.terms.valid_after, self.terms.valid_before) {
                (Some(after), _) if too_early => format!("from {after}"),
                (_, Some(before)) => format!("until {before}"),
                _ => String::new(),
            };
            return Err((3, ApprovalFault::KeyNotValidNow { principal: approver.to_owned(), key, term }));
        }
        Ok(())
    }
}

impl Terms {
    fn read(options: &str) -> Result<Self, Wrong> {
        let mut terms = Self::default();
        for option in split_outside_quotes(options, ',') {
            let (name, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
            let value =
                value.map(|value| value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value));
            match (name.to_ascii_lowercase().as_str(), value) {
                ("cert-authority", _) => {
                    return Err((
                        "cert-authority: certificates are not verified".to_owned(),
                        "list the key of each person instead of the authority's",
                    ));
                }
                ("namespaces", Some(value)) => once(&mut terms.namespaces, value.to_owned(), name)?,
                ("valid-after", Some(value)) => once(&mut terms.valid_after, time(value)?, name)?,
                ("valid-before", Some(value)) => once(&mut terms.valid_before, time(value)?, name)?,
                _ => {
                    return Err((
                        format!("the option {name:?} is not known, or has no value"),
                        "namespaces=\"…\", valid-after=\"…\" and valid-before=\"…\" are",
                    ));
                }
            }
        }
        if let (Some(after), Some(before)) = (terms.valid_after, terms.valid_before)
            && before <= after
        {
            return Err(("valid-before is not after valid-after".to_owned(), "mend the term of the key"));
        }
        Ok(terms)
    }
}

fn once<T>(place: &mut Option<T>, value: T, name: &str) -> Result<(), Wrong> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err((format!("{name} is said twice"), "say it once")),
    }
}

fn key(text: &str) -> Result<KeyData, String> {
    // A comment may hold anything; type and key are what counts.
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some(kind), Some(key)) => {
            let read = PublicKey::from_openssh(&format!("{kind} {key}")).map_err(|error| error.to_string())?;
            Ok(read.key_data().clone())
        }
        _ => Err("there is none".to_owned()),
    }
}

/// The text up to the first blank outside quotes, and what follows it; nothing when a quotation is not
/// closed.
fn word(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => {
                let (word, rest) = text.split_at_checked(at)?;
                return Some((word, rest.trim_start()));
            }
            _ => {}
        }
    }
    (!quoted).then_some((text, ""))
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(move |c| {
        if c == '"' {
            quoted = !quoted;
        }
        c == separator && !quoted
    })
    .collect()
}

/// `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, and `Z`.
fn time(text: &str) -> Result<Timestamp, Wrong> {
    let wrong = || (format!("{text:?} is not a time"), "write it as 20260601Z or 202606010800Z");
    let digits = text.strip_suffix('Z').or_else(|| text.strip_suffix("UTC"));
    let Some(digits) = digits else {
        return Err((format!("the time {text:?} does not say its zone"), "write it in UTC with a Z: 202606010800Z"));
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || ![8, 12, 14].contains(&digits.len()) {
        return Err(wrong());
    }
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or("00");
    let (year, month, day) = (part(0, 4), part(4, 6), part(6, 8));
    let (hour, minute, second) = (part(8, 10), part(10, 12), part(12, 14));
    format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().map_err(|_| wrong())
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InputInvalid, "read the allowed signers").with_detail(detail)
}
