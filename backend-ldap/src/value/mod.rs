//! The binary and text values of Active Directory's attributes.
//!
//! Every parser takes any bytes and answers `None` for those that are not a value of its kind: what a
//! server sends is input, never a reason to stop the process.

pub(crate) mod dn;
pub(crate) mod guid;
pub(crate) mod replication;
pub(crate) mod sid;
pub(crate) mod time;

/// The fixed-size little-endian integers at an offset; `None` past the end.
pub(crate) fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(chunk(bytes, at)?))
}

pub(crate) fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(chunk(bytes, at)?))
}

pub(crate) fn u64_le(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(chunk(bytes, at)?))
}

/// `N` bytes at an offset.
pub(crate) fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}
