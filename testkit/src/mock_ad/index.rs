//! What rows are found by: names of every kind, and the attributes that searches ask for most.

use std::hash::{DefaultHasher, Hash, Hasher};

use uuid::Uuid;

use super::sid;
use crate::organisation::SyntheticAccount;

/// What an index is kept of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Bucket {
    SamAccountType(u32),
    PrimaryGroup(u32),
    AdminCount,
    SidHistory,
}

/// What a name is a name of.
#[derive(Clone, Copy, Hash)]
pub(super) enum Key {
    Dn,
    Guid,
    PrincipalName,
    SamAccountName,
    Sid,
}

/// 64 bits of a name: a table of a million full names would take a hundred megabytes.
pub(super) fn key(kind: Key, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind, text).hash(&mut hasher);
    hasher.finish()
}

pub(super) fn buckets(account: &SyntheticAccount) -> impl Iterator<Item = Bucket> + use<> {
    let always = [Bucket::SamAccountType(account.sam_account_type()), Bucket::PrimaryGroup(account.primary_group)];
    let admin = account.admin_count.then_some(Bucket::AdminCount);
    let history = (!account.sid_history.is_empty()).then_some(Bucket::SidHistory);
    always.into_iter().chain(admin).chain(history)
}

/// A GUID in its usual form, or as the hexadecimal digits of its bytes in the directory's order.
pub(super) fn read_guid(text: &str) -> Option<Uuid> {
    if text.contains('-') {
        return Uuid::try_parse(text).ok();
    }
    Some(Uuid::from_bytes_le(sid::from_hex(text)?.try_into().ok()?))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
