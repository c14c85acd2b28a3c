//! Valid values of every kind, as real servers send them.

use uuid::Uuid;

use crate::value::sid::Sid;

/// A length in BER (X.690 8.1.3), and what it is the length of.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => bytes.push(length),
        _ => {
            bytes.push(0x84);
            bytes.extend(u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
    bytes.extend(content);
    bytes
}

fn octets(content: &[u8]) -> Vec<u8> {
    tlv(0x04, content)
}

/// A SearchResultEntry (RFC 4511 4.5.2).
pub(super) fn entry(dn: &str, attributes: &[(&[u8], &[&[u8]])]) -> Vec<u8> {
    let attributes: Vec<u8> = attributes
        .iter()
        .flat_map(|(name, values)| {
            let values: Vec<u8> = values.iter().flat_map(|value| octets(value)).collect();
            tlv(0x30, &[octets(name), tlv(0x31, &values)].concat())
        })
        .collect();
    tlv(0x64, &[octets(dn.as_bytes()), tlv(0x30, &attributes)].concat())
}

fn texts(values: &[&str]) -> Vec<Vec<u8>> {
    values.iter().map(|value| value.as_bytes().to_vec()).collect()
}

const SIDS: [&str; 6] = [
    "S-1-1-0",
    "S-1-5-10",
    "S-1-5-32-544",
    "S-1-5-21-1838121904-3485924239-3851536574-500",
    "S-1-5-21-4294967295-0-1-519",
    "S-1-281474976710655-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15",
];

pub(super) fn sid_texts() -> Vec<Vec<u8>> {
    texts(&SIDS)
}

pub(super) fn sids() -> Vec<Vec<u8>> {
    SIDS.iter().filter_map(|text| text.parse::<Sid>().ok()).map(|sid| sid.to_bytes()).collect()
}

pub(super) fn guids() -> Vec<Vec<u8>> {
    [1, 0x246b_c01f_e470_447e_8b04_64fa_0a4b_bb19].map(|n| Uuid::from_u128(n).to_bytes_le().to_vec()).to_vec()
}

pub(super) fn filetimes() -> Vec<Vec<u8>> {
    texts(&["134399734797901590", "116444736000000000", "1", "9223372036854775806", "0", "9223372036854775807", " 5 "])
}

pub(super) fn generalized_times() -> Vec<Vec<u8>> {
    texts(&["20261124055813.0Z", "20261124055813Z", "20240229235959.123456Z", "00010101000000.0Z"])
}

/// A PROPERTY_META_DATA_VECTOR of these attributes, versions and seconds.
fn vector(entries: &[(u32, u32, u64)]) -> Vec<u8> {
    let count = u32::try_from(entries.len()).unwrap_or_default();
    let mut bytes: Vec<u8> = [1, 0, count, 0].into_iter().flat_map(u32::to_le_bytes).collect();
    for (attribute, version, seconds) in entries {
        bytes.extend(attribute.to_le_bytes());
        bytes.extend(version.to_le_bytes());
        bytes.extend(seconds.to_le_bytes());
        bytes.extend([7; 32]);
    }
    bytes
}

pub(super) fn metadata() -> Vec<Vec<u8>> {
    let password = 0x0009_005A;
    vec![
        vector(&[(password, 3, 13_439_973_479)]),
        vector(&[(0x0009_0037, 9, 5), (password, u32::MAX, u64::MAX), (0x0009_0060, 8, 5)]),
    ]
}

pub(super) fn names() -> Vec<Vec<u8>> {
    texts(&[
        r"CN=Smith\, J\2B,OU=Sales,DC=Example,DC=test",
        "CN=M\u{fc}ller\\0ADEL:246bc01f-e470-447e-8b04-64fa0a4bbb19,CN=Deleted Objects,DC=example,DC=test",
        "uid=jane+cn=Jane, ou = People ,dc=example,dc=test",
        "CN=\u{39f}\u{394}\u{39f}\u{3a3},DC=\u{130}stanbul,DC=test",
        r#"CN="quoted, name",DC=x"#,
        r"CN=\C3\A4,DC=x",
        "DC=test",
    ])
}

pub(super) fn members() -> Vec<Vec<u8>> {
    texts(&[
        "<GUID=246bc01f-e470-447e-8b04-64fa0a4bbb19>;<SID=S-1-5-21-1-2-3-500>;CN=Administrator,CN=Users,DC=x",
        "<GUID=246bc01fe470447e8b0464fa0a4bbb19>;CN=Group,DC=x",
        "CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=example,DC=test",
        "<SID=S-1-5-11>;<X=y>;CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=x",
    ])
}

pub(super) fn ranges() -> Vec<Vec<u8>> {
    texts(&[
        "member;range=0-2\nCN=a,DC=x\nCN=b,DC=x\nCN=c,DC=x",
        "memberOf;range=1500-2999\nCN=g,DC=x",
        "Member;binary;Range=0-0\nCN=a",
        "member;range=0-*\nCN=a,DC=x",
        "member\nCN=a,DC=x\nCN=b,DC=x",
    ])
}

pub(super) fn descriptors() -> Vec<Vec<u8>> {
    let right = Some(Uuid::from_u128(0x0029_9570_246d_11d0_a768_00aa_006e_0529));
    let change = Some(Uuid::from_u128(0xab72_1a53_1e2f_11d0_9819_00aa_0040_529b));
    let who = |text: &str| text.parse().unwrap_or_else(|()| Sid::builtin(544));
    let everyone = who("S-1-1-0");
    let (admins, person) = (Sid::builtin(544), who("S-1-5-21-1-2-3-1104"));
    let full = 0x000F_01FF;
    vec![
        list(Some(&admins), &[ace(5, 0, 0x100, right, &person), ace(0, 0, full, None, &admins)]),
        list(Some(&person), &[ace(6, 0, 0x100, change, &everyone), ace(6, 0, 0x100, change, &Sid::from_parts(5, 10))]),
        list(
            None,
            &[ace(9, 2, 0x1000_0000, None, &person), ace(11, 8, 0x20, right, &person), ace(2, 0, full, None, &admins)],
        ),
        list(None, &[]),
        open(),
    ]
}

/// One access control entry (MS-DTYP 2.4.4).
fn ace(kind: u8, flags: u8, mask: u32, object: Option<Uuid>, who: &Sid) -> Vec<u8> {
    let mut body = mask.to_le_bytes().to_vec();
    if matches!(kind, 5 | 6 | 11 | 12) {
        body.extend(u32::from(object.is_some()).to_le_bytes());
        body.extend(object.iter().flat_map(|object| object.to_bytes_le()));
    }
    body.extend(who.to_bytes());
    let mut bytes = vec![kind, flags];
    bytes.extend(u16::try_from(4 + body.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend(body);
    bytes
}

/// A self-relative descriptor with an access list (MS-DTYP 2.4.6).
fn list(owner: Option<&Sid>, entries: &[Vec<u8>]) -> Vec<u8> {
    let owner = owner.map(Sid::to_bytes).unwrap_or_default();
    let word = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
    let mut bytes = vec![1, 0, 4, 0x80];
    bytes.extend(if owner.is_empty() { 0_u32 } else { 20 }.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(u32::try_from(20 + owner.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(owner);
    bytes.extend([4, 0]);
    bytes.extend(word(8 + entries.iter().map(Vec::len).sum::<usize>()));
    bytes.extend(word(entries.len()));
    bytes.extend([0, 0]);
    bytes.extend(entries.concat());
    bytes
}

/// A descriptor that says that there is no list: everybody may do everything.
fn open() -> Vec<u8> {
    let mut bytes = vec![1, 0, 4, 0x80];
    bytes.extend([0; 16]);
    bytes
}

pub(super) fn entries() -> Vec<Vec<u8>> {
    let descriptors = descriptors();
    let descriptor = descriptors.first().map(Vec::as_slice).unwrap_or_default();
    let metadata = metadata();
    let metadata = metadata.first().map(Vec::as_slice).unwrap_or_default();
    let sids = sids();
    let sid = sids.get(3).map(Vec::as_slice).unwrap_or_default();
    let account: &[(&[u8], &[&[u8]])] = &[
        (b"objectGUID", &[&[7; 16]]),
        (b"objectSid", &[sid]),
        (b"objectClass", &[b"top", b"person", b"user"]),
        (b"sAMAccountName", &[b"jdoe"]),
        (b"sAMAccountType", &[b"805306368"]),
        (b"userAccountControl", &[b"512"]),
        (b"msDS-User-Account-Control-Computed", &[b"16"]),
        (b"primaryGroupID", &[b"513"]),
        (b"servicePrincipalName", &[b"HTTP/a.example.test"]),
        (b"pwdLastSet", &[b"134399734797901590"]),
        (b"lockoutTime", &[b"0"]),
        (b"accountExpires", &[b"9223372036854775807"]),
        (b"whenCreated", &[b"20261124055813.0Z"]),
        (b"memberOf;range=0-1", &[b"CN=a,DC=x", b"CN=b\\, c,DC=x"]),
        (b"replPropertyMetaData", &[metadata]),
        (b"nTSecurityDescriptor", &[descriptor]),
    ];
    let plain: &[(&[u8], &[&[u8]])] = &[
        (b"entryUUID", &[b"246bc01f-e470-447e-8b04-64fa0a4bbb19"]),
        (b"uid", &[b"jane"]),
        (b"objectClass", &[b"inetOrgPerson", b"posixAccount"]),
        (b"createTimestamp", &[b"20261124055813Z"]),
        (b"pwdChangedTime", &[b"20261124055813.123456Z"]),
        (b"pwdAccountLockedTime", &[b"000001010000Z"]),
        (b"pwdReset", &[b"TRUE"]),
    ];
    let group: &[(&[u8], &[&[u8]])] = &[
        (b"objectGUID", &[&[8; 16]]),
        (b"objectSid", &[sid]),
        (b"sAMAccountName", &[b"Domain Admins"]),
        (b"groupType", &[b"-2147483646"]),
        (b"memberOf", &[b"CN=Administrators,CN=Builtin,DC=x"]),
        (b"sIDHistory", &[sid]),
    ];
    vec![
        entry("CN=J,DC=x", account),
        entry("uid=jane,dc=x", plain),
        entry("CN=Domain Admins,CN=Users,DC=x", group),
        entry("", &[]),
    ]
}

pub(super) fn diagnostics() -> Vec<Vec<u8>> {
    let answers: [(u8, &str); 8] = [
        (53, "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0\n\0"),
        (19, "0000052D: AtrErr: DSID-03191083, #1:\n\t0: 0000052D: DSID-03191083, problem 1005, data 0, Att 9005a\n\0"),
        (49, "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 775, v4563\0"),
        (10, "0000202B: RefErr: DSID-031007F3, data 0, 1 access points\n\tref 1: 'child.example.test'\n\0"),
        (1, "000004DC: LdapErr: DSID-0C09075A, comment: a successful bind must be completed\0"),
        (8, "BindSimple: Transport encryption required."),
        (80, "00000057: invalid"),
        (51, ""),
    ];
    answers.iter().map(|(code, text)| [&[*code], text.as_bytes()].concat()).collect()
}

pub(super) fn policy_controls() -> Vec<Vec<u8>> {
    vec![
        vec![0x30, 3, 0x81, 1, 6],
        vec![0x30, 8, 0xa0, 3, 0x80, 1, 9, 0x81, 1, 2],
        vec![0x30, 5, 0xa0, 3, 0x81, 1, 5],
        vec![0x30, 0],
    ]
}

pub(super) fn addresses() -> Vec<Vec<u8>> {
    texts(&[
        "ldaps://dc1.example.test",
        "ldaps://127.0.0.1:636",
        "LDAPS://[2001:db8::1]:3269/",
        "ldap://dc1.example.test:389",
    ])
}
