//! The attributes that are asked for, and what they say.

use identity_core::account::{Account, AccountKind, DirectoryId, PasswordState};

use super::flags::{DISABLED, LOCKED, NEVER_EXPIRES, PASSWORD_NOT_REQUIRED, SMART_CARD_REQUIRED};
use super::kind::kind;
use super::procedure::procedure;
use super::surroundings::Surroundings;
use crate::root::id_of;
use crate::security;
use crate::value::{dn, replication, time};
use crate::wire::entry::Entry;

/// Users, machines with managed service accounts, and trusts: one indexed attribute.
pub(crate) const EVERY_ACCOUNT: &str =
    "(|(sAMAccountType=805306368)(sAMAccountType=805306369)(sAMAccountType=805306370))";

/// What is asked for: never everything, since some attributes are large or costly to compute.
pub(crate) const ATTRIBUTES: &[&str] = &[
    "objectGUID",
    "objectSid",
    "objectClass",
    "sAMAccountName",
    "sAMAccountType",
    "userPrincipalName",
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "msDS-SecondaryKrbTgtNumber",
    "primaryGroupID",
    "msExchRecipientTypeDetails",
    "servicePrincipalName",
    "pwdLastSet",
    "lockoutTime",
    "accountExpires",
    "lastLogonTimestamp",
    "whenCreated",
    "displayName",
    "mail",
    "manager",
    "managedBy",
    "memberOf",
    "department",
    "title",
    "employeeType",
    "employeeID",
    "employeeNumber",
    "company",
    "physicalDeliveryOfficeName",
    "replPropertyMetaData",
    "nTSecurityDescriptor",
];

/// Attributes for choosing populations, by the directory's names.
const FOR_POPULATIONS: [&str; 7] =
    ["department", "title", "employeeType", "employeeID", "employeeNumber", "company", "physicalDeliveryOfficeName"];

/// The account of an entry; `None` for an object without a GUID or a name, which is none.
pub(crate) fn account(directory: &DirectoryId, domain: &Surroundings, entry: &Entry) -> Option<Account> {
    let id = id_of(entry)?;
    let name = entry.text("samaccountname")?;
    let mut account = Account::new(directory.clone(), id.clone(), name, kind(entry, domain.replicators.as_ref()));
    let owned = |attribute: &str| entry.text(attribute).map(str::to_owned);
    let flags = entry.number("useraccountcontrol").unwrap_or_default();

    account.procedure = procedure(entry, account.kind).map(str::to_owned);
    if account.kind == AccountKind::DirectorySync && domain.replicators.is_none() {
        // Spared by its name alone, which anybody can choose.
        let doubt = "it could not be read whether it may replicate passwords, so that only its name speaks for it: \
                     find out who made it, and whether the server of Entra Connect uses it";
        account.procedure =
            Some(account.procedure.map_or_else(|| doubt.to_owned(), |own| format!("{doubt}; then {own}")));
    }
    account.display_name = owned("displayname");
    account.path = Some(entry.dn.clone());
    account.mail = owned("mail");
    account.owner = owned("manager").or_else(|| owned("managedby"));
    account.created = entry.bytes("whencreated").and_then(time::generalized);
    account.last_sign_in = entry.bytes("lastlogontimestamp").and_then(time::filetime);
    account.groups = entry.texts("memberof").map(dn::first_name).collect();
    account.groups.sort();
    account.state.enabled = flags & DISABLED == 0;
    // userAccountControl itself never shows a lock-out; the computed attribute knows when it ends.
    account.state.locked = match entry.number("msds-user-account-control-computed") {
        Some(computed) => computed & LOCKED != 0,
        None => entry.number("lockouttime").is_some_and(|time| time != 0),
    };
    account.state.expires = entry.bytes("accountexpires").and_then(time::filetime);
    account.password = password(entry, flags);
    account.password_policy = domain.policies.of(entry);
    account.anchors.security_id = entry.sid("objectsid").map(|sid| sid.to_string());
    account.anchors.immutable_id = Some(id.as_str().to_owned());
    account.anchors.principal_name = owned("userprincipalname");
    for attribute in FOR_POPULATIONS {
        if let Some(value) = owned(&attribute.to_lowercase()) {
            account.attributes.insert(attribute.to_owned(), value);
        }
    }
    Some(account)
}

fn password(entry: &Entry, flags: i64) -> PasswordState {
    let written = entry.bytes("replpropertymetadata").and_then(replication::password_written);
    let mut state = PasswordState::default();
    // pwdLastSet is 0 after "must change"; the replication metadata still knows when.
    state.last_set =
        entry.bytes("pwdlastset").and_then(time::filetime).or_else(|| written.and_then(|written| written.at));
    state.version = written.map(|written| u64::from(written.version));
    state.never_expires = flags & NEVER_EXPIRES != 0;
    state.smart_card_required = flags & SMART_CARD_REQUIRED != 0;
    state.not_required = flags & PASSWORD_NOT_REQUIRED != 0;
    // On accounts whose password never expires, 0 has no effect (MS-ADTS 3.1.1.4.5.33).
    state.must_change = entry.number("pwdlastset") == Some(0) && !state.never_expires && !state.smart_card_required;
    state.cannot_change =
        entry.bytes("ntsecuritydescriptor").and_then(security::cannot_change_password).unwrap_or(false);
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::entry::tests::entry;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn read(attributes: &[(&str, &str)]) -> Account {
        let mut all: Vec<(&str, Vec<&[u8]>)> = vec![("objectGUID", vec![&[7; 16]]), ("sAMAccountName", vec![b"jdoe"])];
        all.extend(attributes.iter().map(|(name, value)| (*name, vec![value.as_bytes()])));
        let all: Vec<(&str, &[&[u8]])> = all.iter().map(|(name, values)| (*name, values.as_slice())).collect();
        account(&DirectoryId::new("corp").expect("id"), &Surroundings::default(), &entry("CN=J,DC=x", &all))
            .expect("an account")
    }

    #[test]
    fn must_change_is_what_takes_effect() {
        assert!(read(&[("pwdLastSet", "0"), ("userAccountControl", "512")]).password.must_change);
        assert!(!read(&[("pwdLastSet", "0"), ("userAccountControl", "66048")]).password.must_change);
        assert!(!read(&[("pwdLastSet", "0"), ("userAccountControl", "262656")]).password.must_change);
        assert!(!read(&[("pwdLastSet", "134399734797901590")]).password.must_change);
        assert!(!read(&[]).password.must_change, "what cannot be read is not claimed");
    }

    #[test]
    fn whoever_is_left_to_hands_has_a_procedure_of_its_own() {
        let procedure = |attributes: &[(&str, &str)]| read(attributes).procedure.unwrap_or_default();
        let machine = ("sAMAccountType", "805306369");
        let user = ("sAMAccountType", "805306368");
        let gmsa = ("objectClass", "msDS-GroupManagedServiceAccount");
        for (word, attributes) in [
            ("netdom resetpwd", vec![machine, ("primaryGroupID", "516")]),
            ("Reset-ComputerMachinePassword", vec![machine]),
            ("Add-KdsRootKey", vec![machine, gmsa]),
            ("Reset-ADServiceAccountPassword", vec![machine, ("objectClass", "msDS-ManagedServiceAccount")]),
            ("KDS root key", vec![machine, ("objectClass", "msDS-DelegatedManagedServiceAccount")]),
            ("netdom trust", vec![("sAMAccountType", "805306370")]),
            ("read-only", vec![user, ("msDS-SecondaryKrbTgtNumber", "7")]),
            ("together", vec![user, ("servicePrincipalName", "a/b")]),
            ("Exchange", vec![user, ("msExchRecipientTypeDetails", "4")]),
        ] {
            assert!(procedure(&attributes).contains(word), "{word}: {attributes:?}");
        }
        let named = |name: &str, more: &[(&str, &str)]| {
            let mut all: Vec<(&str, Vec<&[u8]>)> =
                vec![("objectGUID", vec![&[7; 16]]), ("sAMAccountName", vec![name.as_bytes()])];
            all.extend(more.iter().map(|(name, value)| (*name, vec![value.as_bytes()])));
            let all: Vec<(&str, &[&[u8]])> = all.iter().map(|(name, values)| (*name, values.as_slice())).collect();
            let directory = DirectoryId::new("corp").expect("id");
            let nobody = Surroundings { replicators: Some(BTreeSet::new()), ..Surroundings::default() };
            account(&directory, &nobody, &entry("CN=J,DC=x", &all)).expect("an account").procedure.unwrap_or_default()
        };
        assert!(named("AZUREADSSOACC$", &[machine]).contains("Update-AzureADSSOForest twice"));
        assert!(named("AZUREADKERBEROS$", &[machine, ("primaryGroupID", "516")]).contains("RotateServerKey"));
        assert!(named("krbtgt_AzureAD", &[user, ("msDS-SecondaryKrbTgtNumber", "7")]).contains("RotateServerKey"));
        assert!(named("MSOL_0123456789ab", &[user]).contains("who made it"), "a name proves nothing");
        assert!(named("ADSyncMSA0a1b2$", &[machine, gmsa]).contains("synchronisation"));
        assert!(named("pGMSA_0a1b2c3d$", &[machine, gmsa]).contains("provisioning agent"));
        assert_eq!(named("jdoe", &[user]), "", "a person has none");
    }

    #[test]
    fn a_lock_out_that_ended_is_not_reported() {
        let old = ("lockoutTime", "134399734797901590");
        assert!(read(&[old]).state.locked);
        assert!(!read(&[old, ("msDS-User-Account-Control-Computed", "0")]).state.locked);
        assert!(read(&[("msDS-User-Account-Control-Computed", "16")]).state.locked);
        assert!(!read(&[("userAccountControl", "514")]).state.enabled);
    }

    #[test]
    fn an_object_without_identity_is_no_account() {
        let directory = DirectoryId::new("corp").expect("id");
        assert!(
            account(&directory, &Surroundings::default(), &entry("CN=x", &[("sAMAccountName", &[b"x"])])).is_none()
        );
        assert!(
            account(&directory, &Surroundings::default(), &entry("CN=x", &[("objectGUID", &[&[0; 16]])])).is_none()
        );
    }

    proptest! {
        #[test]
        fn any_values_are_read(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), ATTRIBUTES.len())) {
            let all: Vec<(&str, Vec<&[u8]>)> =
                ATTRIBUTES.iter().copied().zip(values.iter().map(|value| vec![value.as_slice()])).collect();
            let all: Vec<(&str, &[&[u8]])> = all.iter().map(|(name, values)| (*name, values.as_slice())).collect();
            let _ = account(&DirectoryId::new("corp").expect("id"), &Surroundings::default(), &entry("CN=x", &all));
        }
    }
}
