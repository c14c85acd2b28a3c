//! Everything of this crate that reads bytes or text of a server or of a configuration, in one table:
//! for the tests here and for the long mutation loop of the workspace (`tests/decoders`). Not part of
//! the interface.

mod sample;
#[cfg(test)]
mod tests;

use std::fmt;

use identity_core::account::DirectoryId;
use ldap3::asn1::{StructureTag, parse_tag};

use crate::account;
use crate::config::LdapConfig;
use crate::groups::Groups;
use crate::member::Member;
use crate::plain;
use crate::security::{self, AccessList, Descriptor, granted, rights};
use crate::value::sid::Sid;
use crate::value::{dn, guid, replication, time};
use crate::wire::answer::AdError;
use crate::wire::entry::Entry;
use crate::wire::policy_error;

/// Something that reads what others wrote.
#[derive(Clone, Copy)]
pub struct Decoder {
    /// What it reads.
    pub name: &'static str,
    /// Values that it understands, each kind at least once.
    pub valid: fn() -> Vec<Vec<u8>>,
    /// Reads any bytes: whether they are a value. It panics where the decoder contradicts itself: what
    /// was read and is written again must be the same, and a part is not more than the whole.
    pub read: fn(&[u8]) -> bool,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("name", &self.name).finish_non_exhaustive()
    }
}

/// All of them.
pub const DECODERS: &[Decoder] = &[
    Decoder { name: "security descriptor", valid: sample::descriptors, read: descriptor },
    Decoder { name: "security identifier", valid: sample::sids, read: sid },
    Decoder { name: "security identifier as text", valid: sample::sid_texts, read: sid_text },
    Decoder { name: "objectGUID", valid: sample::guids, read: object_guid },
    Decoder { name: "FILETIME", valid: sample::filetimes, read: filetime },
    Decoder { name: "GeneralizedTime", valid: sample::generalized_times, read: generalized },
    Decoder { name: "replication metadata", valid: sample::metadata, read: metadata },
    Decoder { name: "distinguished name", valid: sample::names, read: name },
    Decoder { name: "member with extended name", valid: sample::members, read: member },
    Decoder { name: "ranged attribute", valid: sample::ranges, read: range },
    Decoder { name: "search entry", valid: sample::entries, read: entry },
    Decoder { name: "diagnostic message", valid: sample::diagnostics, read: diagnostic },
    Decoder { name: "password policy control", valid: sample::policy_controls, read: policy_control },
    Decoder { name: "controller address", valid: sample::addresses, read: address },
];

fn descriptor(bytes: &[u8]) -> bool {
    let owner_may_not_change = security::cannot_change_password(bytes);
    let Some(read) = Descriptor::parse(bytes) else {
        assert_eq!(owner_may_not_change, None, "one reader refuses what another takes");
        return false;
    };
    assert!(owner_may_not_change.is_some(), "one reader takes what another refuses");
    if let AccessList::Entries(entries) = &read.list {
        // Header, mask and the shortest SID.
        assert!(entries.len() * 16 <= bytes.len(), "{} entries of {} bytes", entries.len(), bytes.len());
    }
    let most = match &read.list {
        AccessList::Entries(entries) => entries.len() + 1,
        AccessList::Absent | AccessList::Open => 2,
    };
    for rights in [rights::OVER, rights::RESET, rights::CHANGES_ALL, rights::MEMBERS, rights::ANY] {
        assert!(granted(&read, rights, true).len() <= most, "more who hold a right than entries");
    }
    true
}

fn sid(bytes: &[u8]) -> bool {
    let read = Sid::parse(bytes);
    if let Some(sid) = &read {
        assert_eq!(sid.to_bytes(), bytes);
        assert_eq!(Sid::parse_prefix(&[bytes, &[0xFF]].concat()).as_ref(), Some(sid));
        // A SID without any sub-authority has no text form that is taken back.
        assert!(sid.rid().is_none() || sid.to_string().parse().as_ref() == Ok(sid));
        assert!(sid.domain().is_none_or(|domain| domain.with_rid(sid.rid().unwrap_or_default()) == *sid));
    }
    read.is_some()
}

fn sid_text(bytes: &[u8]) -> bool {
    let Ok(read) = String::from_utf8_lossy(bytes).parse::<Sid>() else { return false };
    assert_eq!(Sid::parse(&read.to_bytes()), Some(read.clone()));
    assert_eq!(read.to_string().parse(), Ok(read));
    true
}

fn object_guid(bytes: &[u8]) -> bool {
    let Some(read) = guid::parse(bytes) else { return false };
    assert_eq!(read.to_bytes_le(), bytes);
    assert_eq!(guid::account_id(read).as_ref().and_then(guid::of_account), Some(read));
    assert_eq!(guid::escape(bytes).len(), 3 * bytes.len());
    true
}

fn filetime(bytes: &[u8]) -> bool {
    let Some(read) = time::filetime(bytes) else { return false };
    let steps = read.as_nanosecond() / 100 + 116_444_736_000_000_000;
    assert_eq!(time::integer(bytes).map(i128::from), Some(steps), "{read}");
    true
}

fn generalized(bytes: &[u8]) -> bool {
    let Some(read) = time::generalized(bytes) else { return false };
    assert_eq!(bytes.get(..14), Some(read.strftime("%Y%m%d%H%M%S").to_string().as_bytes()));
    true
}

fn metadata(bytes: &[u8]) -> bool {
    let Some(read) = replication::password_written(bytes) else { return false };
    let version = read.version.to_le_bytes();
    assert!(bytes.windows(4).any(|four| four == version), "a version that nobody wrote");
    true
}

fn name(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let (mut rest, mut depth) = (text.as_ref(), 0);
    while !rest.is_empty() {
        let above = dn::parent(rest);
        assert!(above.len() < rest.len(), "a parent as long as its child");
        assert!(above.is_empty() || dn::is_below(rest, above), "not below its own parent: {rest:?}");
        assert!(dn::first_name(rest).len() <= 3 * rest.len(), "a name longer than it was written");
        (rest, depth) = (above, depth + 1);
    }
    assert!(dn::domain(&text).split('.').count() <= depth + text.matches('.').count() + 1);
    assert_eq!(plain::key(&text), plain::key(&format!(" {} ", text.trim())), "blanks around a name");
    text.contains('=')
}

fn member(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let read = Member::parse(&text);
    assert!(text.ends_with(&read.dn), "a name that was not sent");
    read.guid.is_some() || read.sid.is_some()
}

/// An attribute's name with its options, a line break, and its values, one a line.
fn range(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let described = lines.next().unwrap_or_default();
    let values: Vec<&[u8]> = lines.collect();
    let tag = sample::entry("CN=x", &[(described, &values)]);
    let Ok(read) = parsed(&tag).ok_or(()).and_then(|tag| Entry::decode(tag).map_err(drop)) else { return false };
    let lower = String::from_utf8_lossy(described).to_ascii_lowercase();
    let base = lower.split(';').next().unwrap_or_default().to_owned();
    assert_eq!(read.values(&base), values, "values lost or added");
    let Some(next) = read.next_range(&base) else { return false };
    assert!(lower.contains(";range="), "a part of what came whole");
    // The next part is joined, and ends the whole.
    let mut whole = read.clone();
    let last = format!("{base};range={next}-*");
    let part = sample::entry("CN=x", &[(last.as_bytes(), &[b"last"])]);
    let part = parsed(&part).and_then(|tag| Entry::decode(tag).ok());
    assert_eq!(whole.take_range(&base, &mut part.unwrap_or_default()), Ok(()), "the next part is refused");
    assert_eq!(whole.next_range(&base), None, "the last part is not the end");
    assert_eq!(whole.values(&base).len(), values.len() + 1);
    true
}

/// A SearchResultEntry, and everything that is read from one.
fn entry(bytes: &[u8]) -> bool {
    let Some(Ok(read)) = parsed(bytes).map(Entry::decode) else { return false };
    let Ok(directory) = DirectoryId::new("corp") else { return false };
    let mut groups = Groups::default();
    groups.add(&read);
    groups.nest_by_history();
    let own = account::account(&directory, &account::Surroundings::default(), &read);
    let other = plain::account(&directory, "uid", &plain::Policies::default(), &read);
    for account in own.iter().chain(other.as_ref().ok()) {
        assert!(!account.name.is_empty() && account.path.as_deref() == Some(read.dn.as_str()));
        assert!(account.groups.len() <= read.values("memberof").len());
    }
    own.is_some() || other.is_ok()
}

/// A result code and the text beside it.
fn diagnostic(bytes: &[u8]) -> bool {
    let (code, text) = bytes.split_first().unwrap_or((&0, &[]));
    let text = String::from_utf8_lossy(text);
    let answer = AdError::new(u32::from(*code), &text);
    let understood = answer.windows.is_some() || answer.sign_in.is_some();
    assert!(answer.text.chars().count() <= 400);
    let error = answer.with_referrals(&[text.into_owned()]).into_error("search");
    assert!(!error.to_string().contains(['\n', '\r', '\0']), "{error:?}");
    assert!(error.advice().is_some_and(|advice| !advice.contains(['\n', '\r', '\0'])), "{error:?}");
    understood
}

fn policy_control(bytes: &[u8]) -> bool {
    policy_error(bytes).is_some_and(|number| bytes.contains(&number))
}

fn address(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(directory) = DirectoryId::new("corp") else { return false };
    let config = LdapConfig::new(directory, text.as_ref()).bind("CN=a", "secret".to_owned().into());
    match config.target() {
        Ok(target) => {
            assert!(!target.starttls && !target.host.is_empty() && text.contains(&target.host));
            true
        }
        Err(error) => {
            assert!(!error.to_string().contains("secret"), "{error}");
            false
        }
    }
}

/// The structure that bytes are, whole.
fn parsed(bytes: &[u8]) -> Option<StructureTag> {
    parse_tag(bytes).ok().filter(|(rest, _)| rest.is_empty()).map(|(_, tag)| tag)
}
