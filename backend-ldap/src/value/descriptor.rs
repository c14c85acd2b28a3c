//! Security descriptors: whether an account's owner may change the account's password.
//!
//! "User cannot change password" is not a flag that LDAP can read: it is two entries in the access
//! control list that deny the right Change-Password to Everyone and to SELF.

use super::sid::Sid;
use super::{chunk, u16_le, u32_le};

/// User-Change-Password, `ab721a53-1e2f-11d0-9819-00aa0040529b` (MS-ADTS 5.1.3.2.1), as its bytes stand.
const CHANGE_PASSWORD: [u8; 16] =
    [0x53, 0x1a, 0x72, 0xab, 0x2f, 0x1e, 0xd0, 0x11, 0x98, 0x19, 0x00, 0xaa, 0x00, 0x40, 0x52, 0x9b];
/// ADS_RIGHT_DS_CONTROL_ACCESS: the bit that extended rights are given by (MS-ADTS 5.1.3.2).
const CONTROL_ACCESS: u32 = 0x100;
/// GENERIC_ALL holds every right.
const GENERIC_ALL: u32 = 0x1000_0000;
/// INHERIT_ONLY_ACE: it is for children, not for this object (MS-DTYP 2.4.4.1).
const INHERIT_ONLY: u8 = 0x08;
const OBJECT_TYPE_PRESENT: u32 = 1;
const INHERITED_TYPE_PRESENT: u32 = 2;

/// Whether the access control list of a self-relative security descriptor (MS-DTYP 2.4.6) denies
/// the right to change the password to Everyone or to the account itself. `None` if the bytes
/// cannot be read as one.
pub(crate) fn cannot_change_password(bytes: &[u8]) -> Option<bool> {
    let offset = usize::try_from(u32_le(bytes, 16)?).ok()?;
    if bytes.first() != Some(&1) {
        return None;
    }
    if offset == 0 {
        // No list at all: everybody may.
        return Some(false);
    }
    let list = bytes.get(offset..)?;
    let count = u16_le(list, 4)?;
    let everyone = Sid::from_parts(1, 0);
    let itself = Sid::from_parts(5, 10);
    let (mut for_everyone, mut for_itself) = (None, None);
    let mut at = 8;
    for _ in 0..count {
        let size = usize::from(u16_le(list, at + 2)?);
        let entry = list.get(at..at.checked_add(size)?)?;
        if size < 8 {
            return None;
        }
        // The first entry that speaks of the right decides; later ones are not looked at.
        if let Some((denied, who)) = verdict(entry) {
            if who == everyone {
                for_everyone.get_or_insert(denied);
            } else if who == itself {
                for_itself.get_or_insert(denied);
            }
        }
        at += size;
    }
    Some(for_everyone == Some(true) || for_itself == Some(true))
}

/// Whether an entry that speaks of changing the password denies it, and to whom.
fn verdict(entry: &[u8]) -> Option<(bool, Sid)> {
    let (&kind, &flags) = (entry.first()?, entry.get(1)?);
    let mask = u32_le(entry, 4)?;
    if flags & INHERIT_ONLY != 0 || mask & (CONTROL_ACCESS | GENERIC_ALL) == 0 {
        return None;
    }
    // ACCESS_ALLOWED 0, ACCESS_DENIED 1, and their forms with an object type 5, 6 (MS-DTYP 2.4.4).
    let (denied, has_type) = match kind {
        0 => (false, false),
        1 => (true, false),
        5 => (false, true),
        6 => (true, true),
        _ => return None,
    };
    if !has_type {
        return Some((denied, Sid::parse_prefix(entry.get(8..)?)?));
    }
    let present = u32_le(entry, 8)?;
    let mut at = 12;
    if present & OBJECT_TYPE_PRESENT != 0 {
        if chunk(entry, at)? != CHANGE_PASSWORD {
            return None;
        }
        at += 16;
    }
    if present & INHERITED_TYPE_PRESENT != 0 {
        at += 16;
    }
    Some((denied, Sid::parse_prefix(entry.get(at..)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn object_entry(kind: u8, flags: u8, right: [u8; 16], who: &Sid) -> Vec<u8> {
        let who = who.to_bytes();
        let size = u16::try_from(28 + who.len()).expect("small");
        let mut bytes = vec![kind, flags];
        bytes.extend(size.to_le_bytes());
        bytes.extend(CONTROL_ACCESS.to_le_bytes());
        bytes.extend(OBJECT_TYPE_PRESENT.to_le_bytes());
        bytes.extend(right);
        bytes.extend(who);
        bytes
    }

    fn descriptor(entries: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![1, 0, 4, 0x80];
        bytes.extend([0; 12]);
        bytes.extend(20u32.to_le_bytes());
        let size: usize = entries.iter().map(Vec::len).sum();
        bytes.extend([4, 0]);
        bytes.extend(u16::try_from(8 + size).expect("small").to_le_bytes());
        bytes.extend(u16::try_from(entries.len()).expect("small").to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(entries.concat());
        bytes
    }

    #[test]
    fn only_a_denial_of_this_right_that_comes_first_counts() {
        let everyone = Sid::from_parts(1, 0);
        let itself = Sid::from_parts(5, 10);
        let other = Sid::builtin(544);
        let allow = |who| object_entry(5, 0, CHANGE_PASSWORD, who);
        let deny = |who| object_entry(6, 0, CHANGE_PASSWORD, who);
        assert_eq!(cannot_change_password(&descriptor(&[allow(&everyone), allow(&itself)])), Some(false));
        assert_eq!(cannot_change_password(&descriptor(&[deny(&everyone), deny(&itself)])), Some(true));
        assert_eq!(cannot_change_password(&descriptor(&[deny(&itself), allow(&itself)])), Some(true));
        assert_eq!(cannot_change_password(&descriptor(&[allow(&itself), deny(&itself)])), Some(false));
        assert_eq!(cannot_change_password(&descriptor(&[deny(&other)])), Some(false));
        assert_eq!(cannot_change_password(&descriptor(&[object_entry(6, 0, [1; 16], &itself)])), Some(false));
        let for_children = object_entry(6, INHERIT_ONLY, CHANGE_PASSWORD, &itself);
        assert_eq!(cannot_change_password(&descriptor(&[for_children])), Some(false));
        assert_eq!(cannot_change_password(&descriptor(&[])), Some(false));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_descriptor_or_not(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = cannot_change_password(&bytes);
        }

        #[test]
        fn a_descriptor_with_a_broken_byte_does_no_harm(at in 0usize..108, byte: u8) {
            let who = Sid::from_parts(5, 10);
            let mut bytes = descriptor(&[object_entry(6, 0, CHANGE_PASSWORD, &who), object_entry(5, 0, CHANGE_PASSWORD, &who)]);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = cannot_change_password(&bytes);
        }
    }
}
