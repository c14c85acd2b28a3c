//! Security descriptors (MS-DTYP 2.4.6), as far as this library's users read them.

use uuid::Uuid;

use super::sid::sid_bytes;

const OWNER: i32 = 1;
const GROUP: i32 = 2;
const DACL: i32 = 4;
/// SE_DACL_PRESENT and SE_SELF_RELATIVE.
const DACL_PRESENT: u16 = 0x0004;
const SELF_RELATIVE: u16 = 0x8000;
const GENERIC_ALL: u32 = 0x000F_01FF;
const CONTROL_ACCESS: u32 = 0x100;
const ALLOW: u8 = 0x00;
const ALLOW_OBJECT: u8 = 0x05;
const DENY_OBJECT: u8 = 0x06;

/// Extended rights (MS-ADTS 5.1.3.2.1).
const CHANGE_PASSWORD: Uuid = Uuid::from_u128(0xab721a53_1e2f_11d0_9819_00aa0040529b);
const RESET_PASSWORD: Uuid = Uuid::from_u128(0x00299570_246d_11d0_a768_00aa006e0529);
const GET_CHANGES: Uuid = Uuid::from_u128(0x1131f6aa_9c07_11d1_f79f_00c04fc2dcd2);
const GET_CHANGES_ALL: Uuid = Uuid::from_u128(0x1131f6ad_9c07_11d1_f79f_00c04fc2dcd2);

const EVERYONE: &str = "S-1-1-0";
const PRINCIPAL_SELF: &str = "S-1-5-10";
const ADMINISTRATORS: &str = "S-1-5-32-544";
const ACCOUNT_OPERATORS: &str = "S-1-5-32-548";

/// An account's: Domain Admins own it; who may not change the password is denied it.
pub(super) fn of_account(domain: &str, cannot_change: bool, flags: i32) -> Vec<u8> {
    let mut entries = Vec::new();
    let own = if cannot_change { DENY_OBJECT } else { ALLOW_OBJECT };
    for sid in [EVERYONE, PRINCIPAL_SELF] {
        entries.push(entry(own, CONTROL_ACCESS, Some(CHANGE_PASSWORD), sid));
    }
    entries.push(entry(ALLOW, GENERIC_ALL, None, &format!("{domain}-512")));
    entries.push(entry(ALLOW_OBJECT, CONTROL_ACCESS, Some(RESET_PASSWORD), ACCOUNT_OPERATORS));
    descriptor(domain, &entries, flags)
}

/// The domain head's: the account of the synchronisation may replicate every secret.
pub(super) fn of_domain(domain: &str, sync: &str, flags: i32) -> Vec<u8> {
    let mut entries = vec![entry(ALLOW, GENERIC_ALL, None, ADMINISTRATORS)];
    for right in [GET_CHANGES, GET_CHANGES_ALL] {
        for sid in [sync, ADMINISTRATORS] {
            entries.push(entry(ALLOW_OBJECT, CONTROL_ACCESS, Some(right), sid));
        }
    }
    descriptor(domain, &entries, flags)
}

fn descriptor(domain: &str, entries: &[Vec<u8>], flags: i32) -> Vec<u8> {
    let admins = sid_bytes(&format!("{domain}-512")).unwrap_or_default();
    let control = SELF_RELATIVE | if flags & DACL != 0 { DACL_PRESENT } else { 0 };
    let mut body = Vec::new();
    let mut place = |wanted: bool, part: &[u8]| {
        let offset = if wanted { 20 + body.len() as u32 } else { 0 };
        if wanted {
            body.extend_from_slice(part);
        }
        offset
    };
    let owner = place(flags & OWNER != 0, &admins);
    let group = place(flags & GROUP != 0, &admins);
    let dacl = place(flags & DACL != 0, &acl(entries));
    let mut bytes = vec![1, 0];
    bytes.extend(control.to_le_bytes());
    for offset in [owner, group, 0, dacl] {
        bytes.extend(offset.to_le_bytes());
    }
    bytes.extend(body);
    bytes
}

fn acl(entries: &[Vec<u8>]) -> Vec<u8> {
    let length = 8 + entries.iter().map(Vec::len).sum::<usize>();
    // Revision 4: entries that name an object type.
    let mut bytes = vec![4, 0];
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend((entries.len() as u16).to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend(entries.iter().flatten());
    bytes
}

fn entry(kind: u8, mask: u32, object: Option<Uuid>, sid: &str) -> Vec<u8> {
    let mut body = mask.to_le_bytes().to_vec();
    if let Some(object) = object {
        body.extend(1u32.to_le_bytes());
        body.extend(object.to_bytes_le());
    }
    body.extend(sid_bytes(sid).unwrap_or_default());
    let mut bytes = vec![kind, 0];
    bytes.extend(((body.len() + 4) as u16).to_le_bytes());
    bytes.extend(body);
    bytes
}
