//! What an account is: by its class and identifier first, by its name last and strictly.
//!
//! Names are what anybody who can make an account chooses: a loose pattern would let an intruder
//! name an account so that it is left alone.

use std::collections::BTreeSet;

use identity_core::account::AccountKind;

use super::flags::{CONTROLLER, TRUST, TYPE_MACHINE, TYPE_TRUST, TYPE_USER, WORKSTATION};
use crate::value::dn;
use crate::value::sid::Sid;
use crate::wire::entry::Entry;

const RID_ADMINISTRATOR: u32 = 500;
const RID_GUEST: u32 = 501;
const RID_KRBTGT: u32 = 502;
const RID_DEFAULT_ACCOUNT: u32 = 503;

const MANAGED: [&str; 3] =
    ["msds-managedserviceaccount", "msds-groupmanagedserviceaccount", "msds-delegatedmanagedserviceaccount"];

/// The types of msExchRecipientTypeDetails that are no person's mailbox: shared 2^2, room 2^4,
/// equipment 2^5, arbitration 2^23, discovery 2^29, remote room 2^33, remote equipment 2^34, remote
/// shared 2^35, public folder 2^36, team 2^37, remote team 2^38, monitoring 2^39 (Exchange schema,
/// RecipientTypeDetails).
const MAILBOXES: [i64; 12] =
    [1 << 2, 1 << 4, 1 << 5, 1 << 23, 1 << 29, 1 << 33, 1 << 34, 1 << 35, 1 << 36, 1 << 37, 1 << 38, 1 << 39];

/// What the account of an entry is, in a domain where `replicators` may read every password; `None` where
/// it is not known who may.
pub(super) fn kind(entry: &Entry, replicators: Option<&BTreeSet<Sid>>) -> AccountKind {
    let sid = entry.sid("objectsid");
    let rid = sid.as_ref().filter(|sid| sid.domain().is_some()).and_then(|sid| sid.rid());
    let class = |names: &[&str]| has_class(entry, names);
    let flags = entry.number("useraccountcontrol").unwrap_or_default();
    let account_type = entry.number("samaccounttype");
    let name = entry.text("samaccountname").unwrap_or_default();

    if rid == Some(RID_KRBTGT) || entry.bytes("msds-secondarykrbtgtnumber").is_some() {
        AccountKind::KerberosTicketGranting
    } else if class(&MANAGED) {
        AccountKind::ManagedService
    } else if account_type == Some(TYPE_TRUST) || flags & TRUST != 0 {
        AccountKind::Trust
    } else if account_type == Some(TYPE_MACHINE) || flags & (WORKSTATION | CONTROLLER) != 0 || class(&["computer"]) {
        AccountKind::Computer
    } else if matches!(rid, Some(RID_GUEST | RID_DEFAULT_ACCOUNT)) {
        AccountKind::BuiltIn
    } else if rid == Some(RID_ADMINISTRATOR) {
        AccountKind::Person
    } else if is_named_as_sync(name) {
        // Anybody who may make accounts can give one this name. Only the right, which the setup gives, has it
        // left alone; an account of that name without the right is left to people, who look at it. Where
        // nobody knows who has the right, the reset of a real connector would do the greater harm.
        if replicators.is_none_or(|replicators| sid.is_some_and(|sid| replicators.contains(&sid))) {
            AccountKind::DirectorySync
        } else {
            AccountKind::Service
        }
    } else if is_mailbox(entry, name) {
        AccountKind::Mailbox
    } else if entry.bytes("serviceprincipalname").is_some() {
        AccountKind::Service
    } else if account_type == Some(TYPE_USER) || class(&["user", "inetorgperson"]) {
        AccountKind::Person
    } else {
        AccountKind::Unknown
    }
}

/// Whether the entry is of one of these classes, in lower case.
pub(super) fn has_class(entry: &Entry, names: &[&str]) -> bool {
    entry.texts("objectclass").any(|class| names.iter().any(|name| class.eq_ignore_ascii_case(name)))
}

/// Whether it is a computer or a managed service account.
pub(crate) fn is_machine(entry: &Entry) -> bool {
    entry.number("samaccounttype") == Some(TYPE_MACHINE) || has_class(entry, &["computer"])
}

/// The managed account that a directory synchronisation runs as: ADSyncMSA of Entra Connect, pGMSA_ and
/// provAgentgMSA of the cloud provisioning agent. The name alone would not do, but the class with it
/// takes a right that few have.
pub(crate) fn is_sync_service(entry: &Entry) -> bool {
    let name = entry.text("samaccountname").unwrap_or_default();
    has_class(entry, &MANAGED)
        && ["ADSyncMSA", "pGMSA_", "provAgentgMSA"].iter().any(|prefix| starts_with(name, prefix))
}

/// `MSOL_` or `AAD_` and twelve hexadecimal digits: the names that the setup of Entra Connect (and
/// of its predecessor) makes. A name proves nothing: see [`kind`].
pub(crate) fn is_named_as_sync(name: &str) -> bool {
    ["MSOL_", "AAD_"].iter().any(|prefix| hex_after(name, prefix, 12..=12))
}

fn is_mailbox(entry: &Entry, name: &str) -> bool {
    if entry.number("msexchrecipienttypedetails").is_some_and(|details| MAILBOXES.contains(&details)) {
        return true;
    }
    // The names that Exchange makes: HealthMailbox and 7 or 32 digits, SM_ and 17; the full name of
    // a system mailbox, `SystemMailbox{guid}`, is that of the object.
    let full = dn::first_name(&entry.dn);
    hex_after(name, "HealthMailbox", 7..=32)
        || hex_after(name, "SM_", 17..=17)
        || ["SystemMailbox{", "DiscoverySearchMailbox {", "DiscoverySearchMailbox{", "FederatedEmail."]
            .iter()
            .any(|prefix| starts_with(&full, prefix))
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

fn hex_after(name: &str, prefix: &str, digits: std::ops::RangeInclusive<usize>) -> bool {
    starts_with(name, prefix)
        && name
            .get(prefix.len()..)
            .is_some_and(|rest| digits.contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::entry::tests::entry;

    fn of(rid: u32, attributes: &[(&str, &str)]) -> AccountKind {
        let domain: Sid = "S-1-5-21-1-2-3".parse().expect("a SID");
        let sid = domain.with_rid(rid).to_bytes();
        let mut all: Vec<(&str, Vec<&[u8]>)> = vec![("objectSid", vec![&sid])];
        all.extend(attributes.iter().map(|(name, value)| (*name, vec![value.as_bytes()])));
        let all: Vec<(&str, &[&[u8]])> = all.iter().map(|(name, values)| (*name, values.as_slice())).collect();
        kind(&entry("CN=x,DC=example,DC=test", &all), Some(&[domain.with_rid(CONNECTOR)].into()))
    }

    #[test]
    fn where_nobody_knows_who_may_replicate_a_connector_by_name_is_spared() {
        let named = |name: &str| {
            kind(&entry("CN=x", &[("sAMAccountType", &[b"805306368"]), ("sAMAccountName", &[name.as_bytes()])]), None)
        };
        assert_eq!(named("MSOL_0123456789ab"), AccountKind::DirectorySync);
        assert_eq!(named("MSOL_intruder"), AccountKind::Person);
    }

    /// Holds the right to replicate passwords.
    const CONNECTOR: u32 = 1199;
    const USER: (&str, &str) = ("sAMAccountType", "805306368");
    const MACHINE: (&str, &str) = ("sAMAccountType", "805306369");

    #[test]
    fn kinds_are_told_by_class_and_identifier_not_by_name() {
        use AccountKind::*;
        let table = [
            (Person, of(1104, &[USER, ("sAMAccountName", "jdoe")])),
            (Person, of(500, &[USER, ("sAMAccountName", "renamed"), ("servicePrincipalName", "a/b")])),
            (BuiltIn, of(501, &[USER, ("sAMAccountName", "Gast")])),
            (BuiltIn, of(503, &[USER])),
            (KerberosTicketGranting, of(502, &[USER, ("sAMAccountName", "krbtgt")])),
            (KerberosTicketGranting, of(1105, &[USER, ("msDS-SecondaryKrbTgtNumber", "123")])),
            (Person, of(1106, &[USER, ("sAMAccountName", "krbtgt2")])),
            (Computer, of(1107, &[MACHINE, ("sAMAccountName", "PC$")])),
            (Computer, of(1108, &[USER, ("userAccountControl", "532480")])),
            (ManagedService, of(1109, &[MACHINE, ("objectClass", "msDS-GroupManagedServiceAccount")])),
            (ManagedService, of(1110, &[MACHINE, ("objectClass", "msDS-ManagedServiceAccount")])),
            (ManagedService, of(1111, &[MACHINE, ("objectClass", "msDS-DelegatedManagedServiceAccount")])),
            (Trust, of(1112, &[("sAMAccountType", "805306370")])),
            (Service, of(1113, &[USER, ("servicePrincipalName", "MSSQLSvc/db")])),
            (DirectorySync, of(CONNECTOR, &[USER, ("sAMAccountName", "MSOL_0123456789ab")])),
            (Person, of(CONNECTOR, &[USER, ("sAMAccountName", "svc-other")])),
            (Service, of(1114, &[USER, ("sAMAccountName", "MSOL_0123456789ab")])),
            (Service, of(1127, &[USER, ("sAMAccountName", "AAD_0123456789ab")])),
            (Person, of(1115, &[USER, ("sAMAccountName", "MSOL_intruder")])),
            (Mailbox, of(1116, &[USER, ("sAMAccountName", "HealthMailbox0a1b2c3")])),
            (Person, of(1117, &[USER, ("sAMAccountName", "HealthMailboxAdmin")])),
            (Mailbox, of(1118, &[USER, ("sAMAccountName", "SM_0123456789abcdef0")])),
            (Mailbox, of(1119, &[USER, ("msExchRecipientTypeDetails", "4")])),
            (Person, of(1120, &[USER, ("msExchRecipientTypeDetails", "1")])),
            (Unknown, of(1121, &[])),
            (
                KerberosTicketGranting,
                of(1122, &[USER, ("sAMAccountName", "krbtgt_AzureAD"), ("msDS-SecondaryKrbTgtNumber", "9")]),
            ),
            (Person, of(1123, &[USER, ("sAMAccountName", "krbtgt_AzureAD")])),
            (Computer, of(1124, &[MACHINE, ("sAMAccountName", "AZUREADSSOACC$")])),
            (
                ManagedService,
                of(
                    1125,
                    &[
                        MACHINE,
                        ("objectClass", "msDS-GroupManagedServiceAccount"),
                        ("sAMAccountName", "pGMSA_0a1b2c3d$"),
                    ],
                ),
            ),
            (Person, of(1126, &[USER, ("sAMAccountName", "ADSyncMSA0a1b2$")])),
        ];
        for (expected, found) in table {
            assert_eq!(found, expected);
        }
    }
}
