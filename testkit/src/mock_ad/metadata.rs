//! Replication metadata: which attribute was written how often, and when.

use jiff::Timestamp;

use super::store::AccountState;
use crate::organisation::SyntheticAccount;

/// attributeID of `unicodePwd` and `pwdLastSet` (MS-ADA3), as ATTRTYP.
const UNICODE_PWD: u32 = 0x9005A;
const PWD_LAST_SET: u32 = 0x90060;
const LOCKOUT_TIME: u32 = 0x9_0296;
const TICKS: i64 = 10_000_000;
const SECONDS_TO_1970: i64 = 11_644_473_600;

/// `replPropertyMetaData` (MS-DRSR 5.162): a vector of version 1, its entries 48 bytes each.
pub(super) fn binary(account: &SyntheticAccount, state: &AccountState) -> Vec<u8> {
    let entries = [
        (UNICODE_PWD, state.version, state.version_at),
        (PWD_LAST_SET, state.set_version, state.version_at),
        (LOCKOUT_TIME, 1, state.version_at),
    ];
    let mut bytes = Vec::with_capacity(16 + entries.len() * 48);
    for word in [1, 0, entries.len() as u32, 0] {
        bytes.extend(u32::to_le_bytes(word));
    }
    for (attribute, version, at) in entries {
        bytes.extend(attribute.to_le_bytes());
        bytes.extend(version.to_le_bytes());
        bytes.extend((at / TICKS).to_le_bytes());
        bytes.extend(account.guid.to_bytes_le());
        bytes.extend(state.usn_changed.to_le_bytes());
        bytes.extend(state.usn_changed.to_le_bytes());
    }
    bytes
}

/// `msDS-ReplAttributeMetaData`: the same as XML, a value per attribute.
pub(super) fn xml(account: &SyntheticAccount, state: &AccountState) -> [String; 2] {
    [("unicodePwd", state.version), ("pwdLastSet", state.set_version)].map(|(name, version)| {
        format!(
            "<DS_REPL_ATTR_META_DATA>\n\t<pszAttributeName>{name}</pszAttributeName>\n\t<dwVersion>{version}</dwVersion>\n\
             \t<ftimeLastOriginatingChange>{}</ftimeLastOriginatingChange>\n\
             \t<uuidLastOriginatingDsaInvocationID>{}</uuidLastOriginatingDsaInvocationID>\n\
             \t<usnOriginatingChange>{usn}</usnOriginatingChange>\n\t<usnLocalChange>{usn}</usnLocalChange>\n\
             \t<pszLastOriginatingDsaDN></pszLastOriginatingDsaDN>\n</DS_REPL_ATTR_META_DATA>\n\0",
            moment(state.version_at).strftime("%Y-%m-%dT%H:%M:%SZ"),
            account.guid,
            usn = state.usn_changed,
        )
    })
}

/// The moment of a file time.
pub(super) fn moment(file_time: i64) -> Timestamp {
    Timestamp::from_second(file_time / TICKS - SECONDS_TO_1970).unwrap_or(Timestamp::UNIX_EPOCH)
}
