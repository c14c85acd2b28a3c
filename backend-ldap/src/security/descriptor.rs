//! Self-relative security descriptors (MS-DTYP 2.4.6), their access lists and entries.

use uuid::Uuid;

use crate::value::sid::Sid;
use crate::value::{chunk, guid, u16_le, u32_le};

/// SE_DACL_PRESENT (MS-DTYP 2.4.6).
const LIST_PRESENT: u16 = 0x0004;
/// INHERIT_ONLY_ACE: it is for children, not for this object (MS-DTYP 2.4.4.1).
const INHERIT_ONLY: u8 = 0x08;
const OBJECT_TYPE_PRESENT: u32 = 1;
const INHERITED_TYPE_PRESENT: u32 = 2;
const HEADER: usize = 20;

/// What generic rights mean on a directory object (MS-ADTS 5.1.3.2): all, and write.
const GENERIC_ALL: u32 = 0x1000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
/// Every specific and standard right of a directory object.
pub(super) const FULL_CONTROL: u32 = 0x000F_01FF;
/// Read the descriptor, write with validation, write properties.
const WRITE: u32 = 0x0002_0028;

/// A security descriptor, as far as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// May read and rewrite the access list, whatever that says (MS-DTYP 2.5.3.2).
    pub(crate) owner: Option<Sid>,
    pub(crate) list: AccessList,
}

/// The discretionary access list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AccessList {
    /// The server did not send it.
    Absent,
    /// There is none: everybody may do everything (MS-DTYP 2.5.3.2).
    Open,
    /// The entries that are for this object, in order.
    Entries(Vec<AccessEntry>),
}

/// An entry that allows or denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccessEntry {
    pub(crate) allows: bool,
    /// It applies only where a condition holds, which cannot be known here (MS-DTYP 2.4.4.17).
    pub(crate) conditional: bool,
    /// The rights, generic ones replaced by what they mean.
    pub(crate) mask: u32,
    /// The property, property set, extended right or class that it is limited to.
    pub(crate) object: Option<Uuid>,
    pub(crate) trustee: Sid,
}

impl Descriptor {
    /// Reads a descriptor; `None` if the bytes are not one, or break off.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let [revision, _, ..] = bytes else { return None };
        if *revision != 1 || bytes.len() < HEADER {
            return None;
        }
        let control = u16_le(bytes, 2)?;
        let at = |offset: u32| usize::try_from(offset).ok();
        let owner = match at(u32_le(bytes, 4)?)? {
            0 => None,
            offset => Some(Sid::parse_prefix(bytes.get(offset..)?)?),
        };
        let list = match at(u32_le(bytes, 16)?)? {
            0 if control & LIST_PRESENT != 0 => AccessList::Open,
            0 => AccessList::Absent,
            offset => AccessList::Entries(entries(bytes.get(offset..)?)?),
        };
        Some(Self { owner, list })
    }
}

/// The entries of an access list (MS-DTYP 2.4.5) that are for the object itself.
fn entries(list: &[u8]) -> Option<Vec<AccessEntry>> {
    let length = usize::from(u16_le(list, 2)?);
    let count = u16_le(list, 4)?;
    let list = list.get(..length)?;
    let mut found = Vec::new();
    let mut at = 8;
    for _ in 0..count {
        let size = usize::from(u16_le(list, at + 2)?);
        let entry = list.get(at..at.checked_add(size)?)?;
        if size < 8 {
            return None;
        }
        if let Some(entry) = Kind::of(*entry.first()?).map(|kind| access_entry(kind, entry)) {
            found.extend(entry?);
        }
        at += size;
    }
    Some(found)
}

/// The types of entries that allow or deny (MS-DTYP 2.4.4.1). Others audit, or label.
#[derive(Clone, Copy)]
struct Kind {
    allows: bool,
    conditional: bool,
    has_object: bool,
}

impl Kind {
    fn of(number: u8) -> Option<Self> {
        let kind = |allows, conditional, has_object| Some(Self { allows, conditional, has_object });
        match number {
            0x00 => kind(true, false, false),
            0x01 => kind(false, false, false),
            0x05 => kind(true, false, true),
            0x06 => kind(false, false, true),
            0x09 => kind(true, true, false),
            0x0A => kind(false, true, false),
            0x0B => kind(true, true, true),
            0x0C => kind(false, true, true),
            _ => None,
        }
    }
}

/// The entry; `Some(None)` for one that is for children only, `None` for one that breaks off.
#[expect(clippy::option_option, reason = "left out and unreadable are two things")]
fn access_entry(kind: Kind, entry: &[u8]) -> Option<Option<AccessEntry>> {
    let flags = *entry.get(1)?;
    let mask = meant(u32_le(entry, 4)?);
    let mut at = 8;
    let mut object = None;
    if kind.has_object {
        let present = u32_le(entry, at)?;
        at += 4;
        if present & OBJECT_TYPE_PRESENT != 0 {
            // All zeros is no limit.
            object = guid::parse(&chunk::<16>(entry, at)?).filter(|object| !object.is_nil());
            at += 16;
        }
        if present & INHERITED_TYPE_PRESENT != 0 {
            at += 16;
        }
    }
    let trustee = Sid::parse_prefix(entry.get(at..)?)?;
    if flags & INHERIT_ONLY != 0 {
        return Some(None);
    }
    Some(Some(AccessEntry { allows: kind.allows, conditional: kind.conditional, mask, object, trustee }))
}

fn meant(mask: u32) -> u32 {
    let mut meant = mask;
    if mask & GENERIC_ALL != 0 {
        meant |= FULL_CONTROL;
    }
    if mask & GENERIC_WRITE != 0 {
        meant |= WRITE;
    }
    meant
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One entry as bytes.
    pub(in super::super) fn entry(kind: u8, flags: u8, mask: u32, object: Option<Uuid>, who: &Sid) -> Vec<u8> {
        let mut body = mask.to_le_bytes().to_vec();
        if matches!(kind, 5 | 6 | 11 | 12) {
            body.extend(u32::from(object.is_some()).to_le_bytes());
            body.extend(object.iter().flat_map(|object| object.to_bytes_le()));
        }
        body.extend(who.to_bytes());
        let mut bytes = vec![kind, flags];
        bytes.extend(u16::try_from(4 + body.len()).expect("small").to_le_bytes());
        bytes.extend(body);
        bytes
    }

    /// A descriptor as bytes.
    pub(in super::super) fn descriptor(owner: Option<&Sid>, entries: &[Vec<u8>]) -> Vec<u8> {
        let owner = owner.map(Sid::to_bytes).unwrap_or_default();
        let mut bytes = vec![1, 0, 4, 0x80];
        bytes.extend(if owner.is_empty() { 0u32 } else { 20 }.to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend(u32::try_from(20 + owner.len()).expect("small").to_le_bytes());
        bytes.extend(owner);
        let size: usize = entries.iter().map(Vec::len).sum();
        bytes.extend([4, 0]);
        bytes.extend(u16::try_from(8 + size).expect("small").to_le_bytes());
        bytes.extend(u16::try_from(entries.len()).expect("small").to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(entries.concat());
        bytes
    }

    fn any_sid() -> impl Strategy<Value = Sid> {
        (1u32..0xffff_ffff, 1u32..5000)
            .prop_map(|(domain, rid)| format!("S-1-5-21-1-2-{domain}-{rid}").parse().expect("a SID"))
    }

    #[test]
    fn an_absent_list_an_open_one_and_an_empty_one_are_three_things() {
        let mut bytes = descriptor(None, &[]);
        assert_eq!(Descriptor::parse(&bytes).expect("whole").list, AccessList::Entries(Vec::new()));
        bytes[16..20].fill(0);
        assert_eq!(Descriptor::parse(&bytes).expect("whole").list, AccessList::Open);
        bytes[2] = 0;
        assert_eq!(Descriptor::parse(&bytes).expect("whole").list, AccessList::Absent);
    }

    #[test]
    fn entries_for_children_audits_and_generic_rights_are_understood() {
        let who = Sid::builtin(544);
        let bytes = descriptor(
            Some(&who),
            &[
                entry(0, INHERIT_ONLY, FULL_CONTROL, None, &who),
                entry(2, 0, FULL_CONTROL, None, &who),
                entry(0, 0, GENERIC_ALL, None, &who),
                entry(5, 0, 0x100, Some(Uuid::nil()), &who),
                entry(11, 0, GENERIC_WRITE, Some(Uuid::from_u128(7)), &who),
            ],
        );
        let descriptor = Descriptor::parse(&bytes).expect("whole");
        assert_eq!(descriptor.owner, Some(who));
        let AccessList::Entries(entries) = descriptor.list else { panic!("a list") };
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[0].mask & FULL_CONTROL, FULL_CONTROL);
        assert_eq!(entries[1].object, None, "zeros are no limit");
        assert!(entries[2].conditional && entries[2].mask & 0x20 != 0 && entries[2].object.is_some());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn any_bytes_are_a_descriptor_or_not(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Descriptor::parse(&bytes);
        }

        #[test]
        fn what_was_written_is_read_and_a_cut_one_is_refused(
            owner in prop::option::of(any_sid()),
            rows in prop::collection::vec(
                (prop::sample::select(vec![0u8, 1, 5, 6, 9, 10, 11, 12]), 0u32..0x10_0000, prop::option::of(1u128..), any_sid()),
                0..12,
            ),
            cut in 1usize..400,
        ) {
            let written: Vec<Vec<u8>> = rows
                .iter()
                .map(|(kind, mask, object, who)| entry(*kind, 0, *mask, object.map(Uuid::from_u128), who))
                .collect();
            let bytes = descriptor(owner.as_ref(), &written);
            let read = Descriptor::parse(&bytes).expect("whole");
            prop_assert_eq!(&read.owner, &owner);
            let AccessList::Entries(entries) = read.list else { return Err(TestCaseError::fail("a list")) };
            prop_assert_eq!(entries.len(), rows.len());
            for (read, (kind, mask, object, who)) in entries.iter().zip(&rows) {
                let typed = matches!(kind, 5 | 6 | 11 | 12);
                prop_assert_eq!(read.allows, matches!(kind, 0 | 5 | 9 | 11));
                prop_assert_eq!(read.conditional, *kind >= 9);
                prop_assert_eq!(read.mask, *mask);
                prop_assert_eq!(read.object, object.filter(|_| typed).map(Uuid::from_u128));
                prop_assert_eq!(&read.trustee, who);
            }
            prop_assert!(Descriptor::parse(&bytes[..bytes.len() - cut.min(bytes.len())]).is_none());
        }

        #[test]
        fn a_descriptor_with_broken_bytes_does_no_harm(
            breaks in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let who = Sid::builtin(544);
            let mut bytes = descriptor(
                Some(&who),
                &[entry(6, 0, 0x100, Some(Uuid::from_u128(1)), &who), entry(0, 2, FULL_CONTROL, None, &who)],
            );
            for (at, byte) in breaks {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = Descriptor::parse(&bytes);
        }
    }
}
