//! replPropertyMetaData: for each attribute of an object, how often it was written, when and where
//! (MS-ADTS 3.1.1.3.4.4; layout as PROPERTY_META_DATA_VECTOR of MS-DRSR 5.163).

use jiff::Timestamp;

use super::time::seconds_since_1601;
use super::{u32_le, u64_le};

/// The attribute number (ATTRTYP) of unicodePwd.
const UNICODE_PWD: u32 = 0x0009_005A;
const HEADER: usize = 16;
const ENTRY: usize = 48;

/// How often an attribute was written, and when last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Grows by one with each originating write.
    pub(crate) version: u32,
    /// By the clock of the controller that took the write.
    pub(crate) at: Option<Timestamp>,
}

/// The record of unicodePwd; `None` where there is none, or the bytes are not such a vector.
pub(crate) fn password_written(bytes: &[u8]) -> Option<Written> {
    let count = usize::try_from(u32_le(bytes, 8)?).ok()?;
    if u32_le(bytes, 0)? != 1 || bytes.len() != HEADER.checked_add(count.checked_mul(ENTRY)?)? {
        return None;
    }
    bytes.get(HEADER..)?.chunks_exact(ENTRY).find(|entry| u32_le(entry, 0) == Some(UNICODE_PWD)).and_then(|entry| {
        Some(Written { version: u32_le(entry, 4)?, at: u64_le(entry, 8).and_then(seconds_since_1601) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vector(entries: &[(u32, u32, u64)]) -> Vec<u8> {
        let mut bytes = vec![1, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(u32::try_from(entries.len()).expect("small").to_le_bytes());
        bytes.extend([0; 4]);
        for (attribute, version, seconds) in entries {
            bytes.extend(attribute.to_le_bytes());
            bytes.extend(version.to_le_bytes());
            bytes.extend(seconds.to_le_bytes());
            bytes.extend([7; 32]);
        }
        bytes
    }

    #[test]
    fn the_record_of_the_password_is_found_among_others() {
        let bytes = vector(&[(0x0009_0037, 9, 5), (UNICODE_PWD, 3, 13_439_973_479), (0x0009_0060, 8, 5)]);
        let written = password_written(&bytes).expect("found");
        assert_eq!(written.version, 3);
        assert_eq!(written.at.expect("time").to_string(), "2026-11-24T05:57:59Z");
        assert_eq!(password_written(&vector(&[(0x0009_0037, 9, 5)])), None);
        assert_eq!(password_written(&bytes[..bytes.len() - 1]), None, "a cut vector is not trusted");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_vector_or_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = password_written(&bytes);
        }

        #[test]
        fn a_vector_with_broken_bytes_does_no_harm(at in 0usize..112, byte: u8) {
            let mut bytes = vector(&[(UNICODE_PWD, 1, 1), (2, 2, 2)]);
            bytes[at] = byte;
            let _ = password_written(&bytes);
        }
    }
}
