//! The security descriptors of a new domain, as far as this library's users read them.

use crate::security::{AccessEntry, Descriptor, right};

const EVERYONE: &str = "S-1-1-0";
const PRINCIPAL_SELF: &str = "S-1-5-10";
const ADMINISTRATORS: &str = "S-1-5-32-544";
const ACCOUNT_OPERATORS: &str = "S-1-5-32-548";

/// An account's: Domain Admins own it; who may not change the password is denied it.
pub(super) fn of_account(domain: &str, cannot_change: bool) -> Descriptor {
    let admins = format!("{domain}-512");
    let mut descriptor = Descriptor::owned_by(&admins);
    let own = if cannot_change { AccessEntry::deny } else { AccessEntry::allow };
    for sid in [EVERYONE, PRINCIPAL_SELF] {
        descriptor.entries.push(own(sid, right::CONTROL_ACCESS).on(right::CHANGE_PASSWORD));
    }
    descriptor.entries.push(AccessEntry::allow(&admins, right::FULL_CONTROL));
    descriptor.entries.push(AccessEntry::allow(ACCOUNT_OPERATORS, right::CONTROL_ACCESS).on(right::RESET_PASSWORD));
    descriptor
}

/// The domain head's: the account of the synchronisation may replicate every secret; each new account
/// inherits full control for Account Operators.
pub(super) fn of_domain(domain: &str, sync: &str) -> Descriptor {
    let mut descriptor = Descriptor::owned_by(ADMINISTRATORS);
    descriptor.entries.push(AccessEntry::allow(ADMINISTRATORS, right::FULL_CONTROL));
    for object in [right::GET_CHANGES, right::GET_CHANGES_ALL] {
        for sid in [sync, ADMINISTRATORS, "S-1-5-9"] {
            descriptor.entries.push(AccessEntry::allow(sid, right::CONTROL_ACCESS).on(object));
        }
    }
    // Enterprise Read-only Domain Controllers: one of the two, which is none.
    let read_only = AccessEntry::allow(&format!("{domain}-498"), right::CONTROL_ACCESS).on(right::GET_CHANGES);
    descriptor.entries.push(read_only);
    descriptor.entries.push(AccessEntry::allow(ACCOUNT_OPERATORS, right::FULL_CONTROL).for_children());
    descriptor
}
