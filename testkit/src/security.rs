//! Security descriptors as bytes (MS-DTYP 2.4.6): made, and changed. For planting rights in a mock and
//! in a real directory.
//!
//! ```
//! use testkit::security::{AccessEntry, Descriptor, right};
//!
//! let mut descriptor = Descriptor::parse(&Descriptor::owned_by("S-1-5-32-544").to_bytes()).unwrap();
//! descriptor.entries.push(AccessEntry::allow("S-1-5-21-1-2-3-1104", right::CONTROL_ACCESS).on(right::RESET_PASSWORD));
//! assert!(descriptor.to_bytes().len() > 60);
//! ```

use uuid::Uuid;

/// Bits of access masks (MS-ADTS 5.1.3.2) and the identifiers of rights and properties.
pub mod right {
    #![allow(missing_docs, reason = "the names are those of the specification")]
    use uuid::Uuid;

    pub const SELF: u32 = 0x8;
    pub const WRITE_PROPERTY: u32 = 0x20;
    pub const CONTROL_ACCESS: u32 = 0x100;
    pub const WRITE_DAC: u32 = 0x4_0000;
    pub const WRITE_OWNER: u32 = 0x8_0000;
    pub const FULL_CONTROL: u32 = 0xF_01FF;
    pub const CHANGE_PASSWORD: Uuid = Uuid::from_u128(0xab721a53_1e2f_11d0_9819_00aa0040529b);
    pub const RESET_PASSWORD: Uuid = Uuid::from_u128(0x00299570_246d_11d0_a768_00aa006e0529);
    pub const GET_CHANGES: Uuid = Uuid::from_u128(0x1131f6aa_9c07_11d1_f79f_00c04fc2dcd2);
    pub const GET_CHANGES_ALL: Uuid = Uuid::from_u128(0x1131f6ad_9c07_11d1_f79f_00c04fc2dcd2);
    pub const MEMBER: Uuid = Uuid::from_u128(0xbf9679c0_0de6_11d0_a285_00aa003049e2);
    pub const KEY_CREDENTIAL_LINK: Uuid = Uuid::from_u128(0x5b47d60f_6090_40b2_9f37_2a4de88f3063);
    pub const GROUP_POLICY_LINK: Uuid = Uuid::from_u128(0xf30e3bbe_9ff0_11d1_b603_0000f80367c1);
}

/// SE_SELF_RELATIVE and SE_DACL_PRESENT.
const SELF_RELATIVE: u16 = 0x8000;
const LIST_PRESENT: u16 = 0x0004;
/// Parts that the flags of LDAP_SERVER_SD_FLAGS_OID name (MS-ADTS 3.1.1.3.4.1.11).
const OWNER: i32 = 1;
const GROUP: i32 = 2;
const LIST: i32 = 4;

/// A descriptor: its owner, and the entries of its list in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The owner's SID as bytes; empty where it was not sent.
    pub owner: Vec<u8>,
    /// The entries.
    pub entries: Vec<AccessEntry>,
}

/// An entry of an access list, as its bytes stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEntry(Vec<u8>);

impl Descriptor {
    /// With an owner and an empty list.
    #[must_use]
    pub fn owned_by(sid: &str) -> Self {
        Self { owner: sid_bytes(sid).unwrap_or_default(), entries: Vec::new() }
    }

    /// Reads one; `None` for bytes that are none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let at = |offset: usize| Some(u32::from_le_bytes(bytes.get(offset..offset + 4)?.try_into().ok()?) as usize);
        let owner = match at(4)? {
            0 => Vec::new(),
            from => bytes.get(from..from + 8 + 4 * usize::from(*bytes.get(from + 1)?))?.to_vec(),
        };
        let mut entries = Vec::new();
        if let list @ 1.. = at(16)? {
            let count = u16::from_le_bytes(bytes.get(list + 4..list + 6)?.try_into().ok()?);
            let mut from = list + 8;
            for _ in 0..count {
                let size = u16::from_le_bytes(bytes.get(from + 2..from + 4)?.try_into().ok()?);
                entries.push(AccessEntry(bytes.get(from..from + usize::from(size))?.to_vec()));
                from += usize::from(size.max(4));
            }
        }
        Some(Self { owner, entries })
    }

    /// Puts an entry where Windows would: denials before what is allowed.
    pub fn add(&mut self, entry: AccessEntry) {
        let place = if entry.denies() { 0 } else { self.entries.len() };
        self.entries.insert(place, entry);
    }

    /// As bytes, with its owner and its list.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.parts(OWNER | LIST)
    }

    /// As bytes, with the parts that the flags name; the primary group is the owner.
    #[must_use]
    pub fn parts(&self, flags: i32) -> Vec<u8> {
        let mut body = Vec::new();
        let mut place = |wanted: bool, part: &[u8]| {
            let offset = if wanted { 20 + body.len() as u32 } else { 0 };
            if wanted {
                body.extend_from_slice(part);
            }
            offset
        };
        let owner = place(flags & OWNER != 0 && !self.owner.is_empty(), &self.owner);
        let group = place(flags & GROUP != 0 && !self.owner.is_empty(), &self.owner);
        let list = place(flags & LIST != 0, &self.list());
        let control = SELF_RELATIVE | if flags & LIST != 0 { LIST_PRESENT } else { 0 };
        let mut bytes = vec![1, 0];
        bytes.extend(control.to_le_bytes());
        for offset in [owner, group, 0, list] {
            bytes.extend(offset.to_le_bytes());
        }
        bytes.extend(body);
        bytes
    }

    fn list(&self) -> Vec<u8> {
        let length = 8 + self.entries.iter().map(|entry| entry.0.len()).sum::<usize>();
        // Revision 4: entries that name an object type.
        let mut bytes = vec![4, 0];
        bytes.extend((length as u16).to_le_bytes());
        bytes.extend((self.entries.len() as u16).to_le_bytes());
        bytes.extend([0, 0]);
        self.entries.iter().for_each(|entry| bytes.extend(&entry.0));
        bytes
    }
}

impl AccessEntry {
    /// Allows these rights.
    #[must_use]
    pub fn allow(sid: &str, mask: u32) -> Self {
        Self::new(0, mask, None, sid)
    }

    /// Denies them.
    #[must_use]
    pub fn deny(sid: &str, mask: u32) -> Self {
        Self::new(1, mask, None, sid)
    }

    /// Limits it to one right or property.
    #[must_use]
    pub fn on(self, object: Uuid) -> Self {
        let Some((kind, mask)) = self.0.first().zip(self.0.get(4..8)) else { return self };
        let mut body = mask.to_vec();
        body.extend(1u32.to_le_bytes());
        body.extend(object.to_bytes_le());
        body.extend(self.0.get(8..).unwrap_or_default());
        Self::with_body(kind + 5, self.0.get(1).copied().unwrap_or_default(), &body)
    }

    /// For the objects below only, not for this one.
    #[must_use]
    pub fn for_children(mut self) -> Self {
        // CONTAINER_INHERIT_ACE and INHERIT_ONLY_ACE.
        if let Some(flags) = self.0.get_mut(1) {
            *flags |= 0x0A;
        }
        self
    }

    fn denies(&self) -> bool {
        matches!(self.0.first(), Some(1 | 6))
    }

    fn new(kind: u8, mask: u32, object: Option<Uuid>, sid: &str) -> Self {
        let mut body = mask.to_le_bytes().to_vec();
        body.extend(object.iter().flat_map(|object| object.to_bytes_le()));
        body.extend(sid_bytes(sid).unwrap_or_default());
        Self::with_body(kind, 0, &body)
    }

    fn with_body(kind: u8, flags: u8, body: &[u8]) -> Self {
        let mut bytes = vec![kind, flags];
        bytes.extend(((body.len() + 4) as u16).to_le_bytes());
        bytes.extend(body);
        Self(bytes)
    }
}

/// The bytes of `S-1-5-21-…` (MS-DTYP 2.4.2.2); `None` for a text that is no SID.
#[must_use]
pub fn sid_bytes(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.strip_prefix("S-1-")?.split('-').map(str::parse::<u64>);
    let authority = parts.next()?.ok()?;
    let rest: Vec<u32> = parts.map(|part| part.ok().and_then(|n| u32::try_from(n).ok())).collect::<Option<_>>()?;
    let mut bytes = vec![1, u8::try_from(rest.len()).ok().filter(|n| *n <= 15)?];
    bytes.extend(authority.to_be_bytes().iter().skip(2));
    bytes.extend(rest.iter().flat_map(|part| part.to_le_bytes()));
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut descriptor = Descriptor::owned_by("S-1-5-21-1-2-3-512");
        descriptor.add(AccessEntry::allow("S-1-5-32-544", right::FULL_CONTROL).for_children());
        descriptor.add(AccessEntry::allow("S-1-5-32-548", right::CONTROL_ACCESS).on(right::RESET_PASSWORD));
        descriptor.add(AccessEntry::deny("S-1-1-0", right::CONTROL_ACCESS).on(right::CHANGE_PASSWORD));
        assert!(descriptor.entries.first().is_some_and(AccessEntry::denies));
        assert_eq!(Descriptor::parse(&descriptor.to_bytes()), Some(descriptor.clone()));
        assert_eq!(Descriptor::parse(&descriptor.parts(7)), Some(descriptor));
        assert_eq!(Descriptor::parse(&[1, 0, 4]), None);
    }
}
