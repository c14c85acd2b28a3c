//! The attributes that are asked for, and what they say.

use identity_core::account::{Account, AccountId, AccountKind, DirectoryId, PasswordState};
use identity_core::limits::clock;
use ldap3::ldap_escape;
use uuid::Uuid;

use super::policy::{LOCKED_BY_ADMINISTRATOR, Policies, Policy};
use crate::value::{dn, time};
use crate::wire::entry::Entry;

/// What is asked for beside the attribute of the sign-in name; the second half is operational and has
/// to be asked for by name (RFC 4511 4.5.1.8).
const ATTRIBUTES: &[&str] = &[
    "objectClass",
    "cn",
    "displayName",
    "mail",
    "manager",
    "departmentNumber",
    "ou",
    "title",
    "employeeType",
    "employeeNumber",
    "o",
    "l",
    "entryUUID",
    "createTimestamp",
    "memberOf",
    "pwdChangedTime",
    "pwdAccountLockedTime",
    "pwdReset",
    "pwdPolicySubentry",
    "pwdEndTime",
    "pwdLastSuccess",
    "authTimestamp",
];

/// Attributes for choosing populations, by the directory's names.
const FOR_POPULATIONS: [&str; 8] =
    ["departmentNumber", "ou", "title", "employeeType", "employeeNumber", "o", "l", POLICY];
/// Where an account says which policy it is under.
pub(crate) const POLICY: &str = "pwdPolicySubentry";

/// The attributes that an account is read from.
pub(crate) fn attributes(name_attribute: &str) -> Vec<&str> {
    ATTRIBUTES.iter().copied().chain([name_attribute]).collect()
}

/// The account of an entry; the error is what it lacks.
pub(crate) fn account(
    directory: &DirectoryId,
    name_attribute: &str,
    policies: &Policies,
    entry: &Entry,
) -> Result<Account, String> {
    let id = id_of(entry).ok_or("entryUUID")?;
    let name = entry.text(&name_attribute.to_lowercase()).ok_or(name_attribute)?;
    let mut account = Account::new(directory.clone(), id, name, kind(entry));
    let owned = |attribute: &str| entry.text(attribute).map(str::to_owned);
    let policy = policies.of(entry.text("pwdpolicysubentry"));

    account.display_name = owned("displayname").or_else(|| owned("cn"));
    account.path = Some(entry.dn.clone());
    account.mail = owned("mail");
    account.owner = owned("manager");
    account.created = entry.bytes("createtimestamp").and_then(time::generalized);
    account.last_sign_in =
        ["pwdlastsuccess", "authtimestamp"].iter().find_map(|name| entry.bytes(name).and_then(time::generalized));
    account.groups = entry.texts("memberof").map(dn::first_name).collect();
    account.groups.sort();
    account.state.enabled = !is_disabled(entry, policy);
    account.state.locked = is_locked(entry, policy);
    account.state.expires = entry.bytes("pwdendtime").and_then(time::generalized);
    account.password = password(entry, policy);
    for attribute in FOR_POPULATIONS {
        if let Some(value) = owned(&attribute.to_lowercase()) {
            account.attributes.insert(attribute.to_owned(), value);
        }
    }
    Ok(account)
}

/// The id of an entry: its entryUUID in the usual text form.
pub(crate) fn id_of(entry: &Entry) -> Option<AccountId> {
    let uuid = Uuid::try_parse(entry.text("entryuuid")?).ok()?;
    AccountId::new(uuid.hyphenated().to_string()).ok()
}

/// The filter that finds these accounts; `None` where no id is an entryUUID. Other text never gets
/// into it.
pub(crate) fn id_filter<'a>(ids: impl IntoIterator<Item = &'a AccountId>) -> Option<String> {
    let parts: String = ids
        .into_iter()
        .filter_map(|id| Uuid::try_parse(id.as_str()).ok())
        .map(|uuid| format!("(entryUUID={})", uuid.hyphenated()))
        .collect();
    (!parts.is_empty()).then(|| format!("(|{parts})"))
}

/// A filter for entries whose attribute has one of these values.
pub(crate) fn any_of<'a>(attribute: &str, values: impl IntoIterator<Item = &'a str>) -> String {
    let parts: String = values.into_iter().map(|value| format!("({attribute}={})", ldap_escape(value))).collect();
    format!("(|{parts})")
}

/// Closed by an administrator, where the policy has an effect; what is not known counts as closed, as
/// it was meant.
pub(crate) fn is_disabled(entry: &Entry, policy: Option<&Policy>) -> bool {
    entry.text("pwdaccountlockedtime") == Some(LOCKED_BY_ADMINISTRATOR) && policy.is_none_or(|policy| policy.lockout)
}

fn is_locked(entry: &Entry, policy: Option<&Policy>) -> bool {
    match entry.text("pwdaccountlockedtime") {
        None | Some(LOCKED_BY_ADMINISTRATOR) => false,
        Some(at) => policy.is_none_or(|policy| policy.still_locks(time::generalized(at.as_bytes()), clock::now())),
    }
}

/// A person's account, unless its classes say that it is nothing but an account.
fn kind(entry: &Entry) -> AccountKind {
    let is = |name: &str| entry.texts("objectclass").any(|class| class.eq_ignore_ascii_case(name));
    if is("person") || is("organizationalPerson") || is("inetOrgPerson") || is("posixAccount") {
        AccountKind::Person
    } else if is("account") || is("simpleSecurityObject") || is("applicationProcess") {
        AccountKind::Service
    } else {
        AccountKind::Unknown
    }
}

fn password(entry: &Entry, policy: Option<&Policy>) -> PasswordState {
    let mut state = PasswordState::default();
    // In whole seconds. entryCSN is finer, but failed sign-ins move it too: no evidence of a set.
    state.last_set = entry.bytes("pwdchangedtime").and_then(time::generalized);
    // Where the policy does not demand the change, the flag is there and nothing comes of it.
    state.must_change = entry.text("pwdreset") == Some("TRUE") && policy.is_none_or(|policy| policy.must_change);
    state.cannot_change = policy.is_some_and(|policy| !policy.user_change);
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain::policy::tests::policies;
    use crate::wire::entry::tests::entry;
    use proptest::prelude::*;

    fn read(attributes: &[(&str, &str)]) -> Account {
        let mut all: Vec<(&str, Vec<&[u8]>)> =
            vec![("entryUUID", vec![b"C9FB7B64-7c1f-1041-883f-8d846ef634d5"]), ("uid", vec![b"jdoe"])];
        all.extend(attributes.iter().map(|(name, value)| (*name, vec![value.as_bytes()])));
        let all: Vec<(&str, &[&[u8]])> = all.iter().map(|(name, values)| (*name, values.as_slice())).collect();
        let directory = DirectoryId::new("unix").expect("id");
        account(&directory, "uid", &policies(Some("cn=must,dc=x")), &entry("uid=jdoe,dc=x", &all)).expect("an account")
    }

    #[test]
    fn closed_and_locked_out_are_two_states() {
        let closed = read(&[("pwdAccountLockedTime", "000001010000Z")]);
        assert!(!closed.state.enabled && !closed.state.locked);
        let locked = read(&[("pwdAccountLockedTime", "20261124065534Z")]);
        assert!(locked.state.enabled && locked.state.locked);
        let loose = ("pwdPolicySubentry", "cn=loose,dc=x");
        let void = read(&[("pwdAccountLockedTime", "000001010000Z"), loose]);
        assert!(void.state.enabled, "the policy does not look at the lock: the account signs in");
        assert_eq!(void.attributes[POLICY], "cn=loose,dc=x");
    }

    #[test]
    fn must_change_is_what_takes_effect() {
        assert!(read(&[("pwdReset", "TRUE")]).password.must_change);
        assert!(!read(&[("pwdReset", "TRUE"), ("pwdPolicySubentry", "cn=loose,dc=x")]).password.must_change);
        assert!(!read(&[("pwdReset", "FALSE")]).password.must_change);
        let state = read(&[("pwdChangedTime", "20261124065534Z")]).password;
        assert_eq!(state.last_set.expect("a time").to_string(), "2026-11-24T06:55:34Z");
        assert_eq!(state.version, None);
        assert!(read(&[("pwdPolicySubentry", "cn=strict,dc=x")]).password.cannot_change);
    }

    #[test]
    fn kinds_come_from_classes() {
        assert_eq!(read(&[("objectClass", "inetOrgPerson")]).kind, AccountKind::Person);
        assert_eq!(read(&[("objectClass", "posixAccount")]).kind, AccountKind::Person);
        assert_eq!(read(&[("objectClass", "account")]).kind, AccountKind::Service);
        assert_eq!(read(&[("objectClass", "device")]).kind, AccountKind::Unknown);
    }

    #[test]
    fn an_id_is_lower_case_and_nothing_else_gets_into_a_filter() {
        assert_eq!(read(&[]).id.as_str(), "c9fb7b64-7c1f-1041-883f-8d846ef634d5");
        let id = |text: &str| AccountId::new(text).expect("id");
        assert_eq!(id_filter(&[id("x)(uid=*")]), None);
        let good = id("c9fb7b64-7c1f-1041-883f-8d846ef634d5");
        assert_eq!(id_filter(&[id("*"), good]).as_deref(), Some("(|(entryUUID=c9fb7b64-7c1f-1041-883f-8d846ef634d5))"));
        assert_eq!(any_of("uid", ["a*", "b"]), r"(|(uid=a\2a)(uid=b))");
    }

    #[test]
    fn an_entry_without_identity_is_no_account() {
        let directory = DirectoryId::new("unix").expect("id");
        let lacks = |entry: &Entry| account(&directory, "uid", &policies(None), entry).expect_err("none");
        assert_eq!(lacks(&entry("cn=x", &[("uid", &[b"x"])])), "entryUUID");
        assert_eq!(lacks(&entry("cn=x", &[("entryUUID", &[b"c9fb7b64-7c1f-1041-883f-8d846ef634d5"])])), "uid");
    }

    proptest! {
        #[test]
        fn any_values_are_read(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), ATTRIBUTES.len())) {
            let all: Vec<(&str, Vec<&[u8]>)> =
                ATTRIBUTES.iter().copied().zip(values.iter().map(|value| vec![value.as_slice()])).collect();
            let all: Vec<(&str, &[&[u8]])> = all.iter().map(|(name, values)| (*name, values.as_slice())).collect();
            let _ = account(&DirectoryId::new("unix").expect("id"), "uid", &policies(None), &entry("cn=x", &all));
        }
    }
}
