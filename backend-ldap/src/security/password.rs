//! Whether an account's owner may change the account's password.
//!
//! "User cannot change password" is not a flag that LDAP can read: it is two entries in the access
//! control list that deny the right Change-Password to Everyone and to SELF.

use uuid::Uuid;

use super::{AccessList, Descriptor};
use crate::value::sid::Sid;

/// User-Change-Password (MS-ADTS 5.1.3.2.1).
const CHANGE_PASSWORD: Uuid = Uuid::from_u128(0xab72_1a53_1e2f_11d0_9819_00aa_0040_529b);
/// ADS_RIGHT_DS_CONTROL_ACCESS: the bit that extended rights are given by (MS-ADTS 5.1.3.2).
const CONTROL_ACCESS: u32 = 0x100;

/// Whether the access control list of a descriptor denies the right to change the password to
/// Everyone or to the account itself. `None` if the bytes cannot be read as one.
pub(crate) fn cannot_change_password(bytes: &[u8]) -> Option<bool> {
    let AccessList::Entries(entries) = Descriptor::parse(bytes)?.list else { return Some(false) };
    let denied_first = |who: &Sid| {
        // The first entry that speaks of the right decides; later ones are not looked at.
        let speaks = entries.iter().find(|entry| {
            entry.trustee == *who
                && entry.mask & CONTROL_ACCESS != 0
                && entry.object.is_none_or(|object| object == CHANGE_PASSWORD)
        });
        speaks.is_some_and(|entry| !entry.allows)
    };
    Some(denied_first(&Sid::from_parts(1, 0)) || denied_first(&Sid::from_parts(5, 10)))
}

#[cfg(test)]
mod tests {
    use super::super::descriptor::tests::{descriptor, entry};
    use super::*;

    #[test]
    fn only_a_denial_of_this_right_that_comes_first_counts() {
        let everyone = Sid::from_parts(1, 0);
        let itself = Sid::from_parts(5, 10);
        let other = Sid::builtin(544);
        let allow = |who| entry(5, 0, CONTROL_ACCESS, Some(CHANGE_PASSWORD), who);
        let deny = |who| entry(6, 0, CONTROL_ACCESS, Some(CHANGE_PASSWORD), who);
        let verdict = |entries: &[Vec<u8>]| cannot_change_password(&descriptor(None, entries));
        assert_eq!(verdict(&[allow(&everyone), allow(&itself)]), Some(false));
        assert_eq!(verdict(&[deny(&everyone), deny(&itself)]), Some(true));
        assert_eq!(verdict(&[deny(&itself), allow(&itself)]), Some(true));
        assert_eq!(verdict(&[allow(&itself), deny(&itself)]), Some(false));
        assert_eq!(verdict(&[deny(&other)]), Some(false));
        assert_eq!(verdict(&[entry(6, 0, CONTROL_ACCESS, Some(Uuid::from_u128(1)), &itself)]), Some(false));
        assert_eq!(verdict(&[entry(6, 8, CONTROL_ACCESS, Some(CHANGE_PASSWORD), &itself)]), Some(false));
        assert_eq!(verdict(&[]), Some(false));
        assert_eq!(cannot_change_password(&[1, 2, 3]), None);
    }
}
