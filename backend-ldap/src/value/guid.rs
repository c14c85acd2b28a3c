//! objectGUID: 16 bytes, the first three fields little-endian (MS-DTYP 2.3.4.2).

use std::fmt::Write;

use identity_core::account::AccountId;
use uuid::Uuid;

/// The GUID of 16 bytes as LDAP carries it.
pub(crate) fn parse(bytes: &[u8]) -> Option<Uuid> {
    Some(Uuid::from_bytes_le(bytes.try_into().ok()?))
}

/// The account id of a GUID: its lower-case hyphenated text.
pub(crate) fn account_id(guid: Uuid) -> Option<AccountId> {
    AccountId::new(guid.hyphenated().to_string()).ok()
}

/// The GUID that an account id names, where it is one in hyphenated text.
pub(crate) fn of_account(id: &AccountId) -> Option<Uuid> {
    let text = id.as_str();
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

/// The name that addresses an object by GUID whatever its distinguished name is by now
/// (MS-ADTS 3.1.1.3.1.2.4). The hyphenated form: the other one, 32 digits, is read as the raw
/// bytes by AD and as the text form by Samba.
pub(crate) fn dn(guid: Uuid) -> String {
    format!("<GUID={}>", guid.hyphenated())
}

/// Bytes as a filter value: each one escaped (RFC 4515 section 3).
pub(crate) fn escape(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 3), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "\\{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_three_fields_are_little_endian() {
        let bytes = [0x1f, 0xc0, 0x6b, 0x24, 0x70, 0xe4, 0x7e, 0x44, 0x8b, 0x04, 0x64, 0xfa, 0x0a, 0x4b, 0xbb, 0x19];
        let guid = parse(&bytes).expect("16 bytes");
        assert_eq!(account_id(guid).expect("id").as_str(), "246bc01f-e470-447e-8b04-64fa0a4bbb19");
        assert_eq!(dn(guid), "<GUID=246bc01f-e470-447e-8b04-64fa0a4bbb19>");
        assert_eq!(escape(&bytes[..3]), "\\1f\\c0\\6b");
    }

    proptest! {
        #[test]
        fn only_sixteen_bytes_are_a_guid_and_the_id_leads_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let guid = parse(&bytes);
            prop_assert_eq!(guid.is_some(), bytes.len() == 16);
            if let Some(guid) = guid {
                let id = account_id(guid).expect("fits");
                prop_assert_eq!(of_account(&id), Some(guid));
                prop_assert_eq!(guid.to_bytes_le().to_vec(), bytes);
            }
        }

        #[test]
        fn any_text_is_an_id_or_not(text in "\\PC{0,50}") {
            if let Ok(id) = AccountId::new(&text) {
                let _ = of_account(&id);
            }
        }
    }
}
