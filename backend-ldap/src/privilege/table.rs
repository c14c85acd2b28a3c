//! The groups and accounts whose holders can take over the domain, by identifier; names only where
//! there is no fixed identifier. A table, with its sources.
//!
//! Identifiers: Microsoft Learn, "Security identifiers" (understand-security-identifiers). `A` marks a
//! group under AdminSDHolder: Microsoft Learn, "Appendix C: Protected Accounts and Groups in Active
//! Directory". `Z` marks one that the TierZeroTable of SpecterOps (2025-12) calls tier 0. Either one
//! makes it the control plane here.
//!
//! Known by name, because no identifier is reserved for them, are only: DnsAdmins and DHCP
//! Administrators, which the DNS and DHCP roles make, and the groups that the setup of Exchange makes.
//! Where such a group was renamed, its rights still show (Exchange's on the head of the domain); those of
//! DnsAdmins are on the controllers' service and do not.

use identity_core::privilege::Tier;
use identity_core::privilege::Tier::{Control, Management};

use crate::value::sid::Sid;

/// By what a protected group is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// By its identifier within each domain.
    Domain(u32),
    /// By its identifier within the first domain of the forest.
    ForestRoot(u32),
    /// By its identifier among the groups that every controller has.
    BuiltIn(u32),
    /// By its sAMAccountName: its identifier differs from domain to domain.
    Name(&'static str),
}

/// A group whose members are privileged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProtectedGroup {
    pub(crate) known: Known,
    /// Its English name, for reports where the domain's own name cannot be read.
    pub(crate) name: &'static str,
    pub(crate) tier: Tier,
    /// Whether every domain has it: one that cannot be read then leaves the verdict open.
    pub(crate) always: bool,
    /// Whether it lets its members change nothing in the directory: it opens a service of the controllers
    /// or of other machines, from where it takes a further step. That everybody is in such a group is told
    /// once; that everybody is in another one leaves nobody unprivileged.
    pub(crate) on_services: bool,
}

const fn group(known: Known, name: &'static str, tier: Tier) -> ProtectedGroup {
    ProtectedGroup { known, name, tier, always: false, on_services: false }
}

const fn service(known: Known, name: &'static str, tier: Tier) -> ProtectedGroup {
    ProtectedGroup { known, name, tier, always: false, on_services: true }
}

const fn standing(known: Known, name: &'static str, tier: Tier) -> ProtectedGroup {
    ProtectedGroup { known, name, tier, always: true, on_services: false }
}

/// The table. Protected Users (525) and the two RODC password groups (571, 572) are no privilege.
pub(crate) const GROUPS: &[ProtectedGroup] = &[
    standing(Known::BuiltIn(544), "Administrators", Control), // A Z
    standing(Known::Domain(512), "Domain Admins", Control),   // A Z
    standing(Known::ForestRoot(519), "Enterprise Admins", Control), // A Z
    standing(Known::ForestRoot(518), "Schema Admins", Control), // A Z
    standing(Known::Domain(516), "Domain Controllers", Control), // A Z
    group(Known::Domain(521), "Read-only Domain Controllers", Control), // A
    group(Known::Domain(517), "Cert Publishers", Control),    // Z
    group(Known::Domain(526), "Key Admins", Control),         // A Z
    group(Known::ForestRoot(527), "Enterprise Key Admins", Control), // A Z
    standing(Known::BuiltIn(548), "Account Operators", Control), // A Z
    standing(Known::BuiltIn(549), "Server Operators", Control), // A Z
    standing(Known::BuiltIn(550), "Print Operators", Control), // A Z
    standing(Known::BuiltIn(551), "Backup Operators", Control), // A Z
    group(Known::BuiltIn(552), "Replicator", Control),        // A
    group(Known::BuiltIn(557), "Incoming Forest Trust Builders", Control), // Z
    service(Known::BuiltIn(559), "Performance Log Users", Control), // Z
    service(Known::BuiltIn(562), "Distributed COM Users", Control), // Z
    service(Known::BuiltIn(569), "Cryptographic Operators", Control), // Z
    group(Known::Name("DnsAdmins"), "DnsAdmins", Control),    // Z
    group(Known::Name("Exchange Trusted Subsystem"), "Exchange Trusted Subsystem", Control), // Z
    group(Known::Name("Exchange Windows Permissions"), "Exchange Windows Permissions", Control), // Z
    group(Known::Domain(520), "Group Policy Creator Owners", Management),
    group(Known::ForestRoot(498), "Enterprise Read-only Domain Controllers", Management),
    service(Known::BuiltIn(578), "Hyper-V Administrators", Management),
    service(Known::BuiltIn(580), "Remote Management Users", Management),
    service(Known::BuiltIn(582), "Storage Replica Administrators", Management),
    service(Known::Name("DHCP Administrators"), "DHCP Administrators", Management),
    group(Known::Name("Organization Management"), "Organization Management", Management),
    group(Known::Name("Exchange Enterprise Servers"), "Exchange Enterprise Servers", Management),
    group(Known::Name("Exchange Admins"), "Exchange Admins", Management),
];

/// Accounts that are privileged by themselves, by identifier within the domain.
pub(crate) const ACCOUNTS: [(u32, &str); 2] = [(500, "Administrator"), (502, "krbtgt")];

impl ProtectedGroup {
    /// Its SID in a domain; `None` where it has no fixed one, or is not in this domain.
    pub(crate) fn sid(&self, domain: &Sid, is_forest_root: bool) -> Option<Sid> {
        match self.known {
            Known::Domain(rid) => Some(domain.with_rid(rid)),
            Known::ForestRoot(rid) => is_forest_root.then(|| domain.with_rid(rid)),
            Known::BuiltIn(rid) => Some(Sid::builtin(rid)),
            Known::Name(_) => None,
        }
    }
}

/// Whether an identifier below a domain is one of a protected group or account, in any domain.
pub(crate) fn is_protected_rid(rid: u32) -> bool {
    ACCOUNTS.iter().any(|(account, _)| *account == rid)
        || GROUPS.iter().any(|group| matches!(group.known, Known::Domain(own) | Known::ForestRoot(own) if own == rid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_each_group_once_and_root_groups_only_in_the_root() {
        let domain: Sid = "S-1-5-21-1-2-3".parse().expect("SID");
        let mut sids: Vec<Sid> = GROUPS.iter().filter_map(|group| group.sid(&domain, true)).collect();
        let all = sids.len();
        sids.sort();
        sids.dedup();
        assert_eq!(sids.len(), all);
        let schema = GROUPS.iter().find(|group| group.known == Known::ForestRoot(518)).expect("in the table");
        assert_eq!(schema.sid(&domain, false), None);
        assert!(is_protected_rid(512) && is_protected_rid(519) && is_protected_rid(500));
        assert!(!is_protected_rid(513) && !is_protected_rid(544) && !is_protected_rid(525));
    }
}
