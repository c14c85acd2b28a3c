//! The controls of a request.

use ldap3_proto::control::LdapControl;

use super::reply::Reply;

/// What the root DSE lists.
pub(super) const SUPPORTED: &[&str] = &[
    "1.2.840.113556.1.4.319",
    POLICY_HINTS,
    POLICY_HINTS_DEPRECATED,
    "1.2.840.113556.1.4.801",
    DOMAIN_SCOPE,
    "1.2.840.113556.1.4.1340",
    "1.2.840.113556.1.4.619",
    "1.2.840.113556.1.4.417",
    "1.2.840.113556.1.4.529",
];

const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";
const POLICY_HINTS: &str = "1.2.840.113556.1.4.2239";
const POLICY_HINTS_DEPRECATED: &str = "1.2.840.113556.1.4.2066";

/// Whether this is the control that has a set respect the history.
pub(super) fn is_policy_hints(oid: &str) -> bool {
    oid == POLICY_HINTS || oid == POLICY_HINTS_DEPRECATED
}

/// The controls that matter here.
#[derive(Clone, Debug, Default)]
pub(super) struct Controls {
    /// The size and cookie of a page.
    pub(super) page: Option<(i64, Vec<u8>)>,
    /// Parts of the security descriptor.
    pub(super) descriptor_flags: Option<i32>,
    /// Names with GUID and security identifier before them; 1 asks for their usual forms, 0 for
    /// hexadecimal digits.
    pub(super) extended_dn: Option<i32>,
    /// No references to other naming contexts.
    pub(super) domain_scope: bool,
    /// A set must respect the history too.
    pub(super) policy_hints: bool,
}

impl Controls {
    pub(super) fn read(controls: &[LdapControl], policy_hints: bool) -> Result<Self, Box<Reply>> {
        let mut read = Self::default();
        for control in controls {
            match control {
                LdapControl::SimplePagedResults { size, cookie } => read.page = Some((*size, cookie.clone())),
                LdapControl::SearchOptions { flags, .. } => read.domain_scope |= flags & 1 != 0,
                LdapControl::Unknown { oid, .. } if oid == DOMAIN_SCOPE => read.domain_scope = true,
                LdapControl::ExtendedDn { format, .. } => read.extended_dn = Some(*format),
                LdapControl::SdFlags { flags, .. } => read.descriptor_flags = Some(*flags),
                LdapControl::Unknown { oid, criticality: true, .. } if !policy_hints && is_policy_hints(oid) => {
                    return Err(Box::new(Reply::unknown_control()));
                }
                LdapControl::Unknown { oid, value, .. } if policy_hints && is_policy_hints(oid) => {
                    // SEQUENCE { INTEGER 1 }
                    read.policy_hints = value.as_deref().and_then(<[u8]>::last).is_some_and(|flag| flag & 1 != 0);
                }
                LdapControl::Unknown { oid, criticality: true, .. } if !SUPPORTED.contains(&oid.as_str()) => {
                    return Err(Box::new(Reply::unknown_control()));
                }
                LdapControl::AdDirsync { .. } | LdapControl::SyncRequest { .. } => {
                    return Err(Box::new(Reply::unknown_control()));
                }
                _ => {}
            }
        }
        Ok(read)
    }
}
