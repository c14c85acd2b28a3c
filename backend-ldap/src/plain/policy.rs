//! Password policies (draft-behera-ldap-password-policy-10 section 5.2), as far as they decide what an
//! action does: slapd takes pwdReset and pwdAccountLockedTime from everybody who may write them, and
//! acts on them only where the account's policy says so.

use std::collections::HashMap;
use std::sync::Arc;

use futures::TryStreamExt;
use identity_core::error::Result;
use jiff::{SignedDuration, Timestamp};

use super::name;
use super::tree::Tree;
use crate::wire::Search;
use crate::wire::entry::Entry;

/// The value of pwdAccountLockedTime that only an administrator writes (section 5.3.3).
pub(crate) const LOCKED_BY_ADMINISTRATOR: &str = "000001010000Z";
const ATTRIBUTES: &[&str] = &[
    "pwdMinLength",
    "pwdCheckQuality",
    "pwdMustChange",
    "pwdLockout",
    "pwdLockoutDuration",
    "pwdMinAge",
    "pwdSafeModify",
    "pwdAllowUserChange",
];

/// One policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) min_length: u16,
    /// Whether the quality of passwords is looked at.
    pub(crate) checks_quality: bool,
    /// Whether pwdReset has an effect.
    pub(crate) must_change: bool,
    /// Whether pwdAccountLockedTime has an effect.
    pub(crate) lockout: bool,
    /// How long a lock-out lasts; until an administrator ends it if there is no such time.
    pub(crate) lockout_lasts: Option<SignedDuration>,
    pub(crate) min_age: bool,
    /// Whether the old password is wanted with each change.
    pub(crate) safe_modify: bool,
    /// Whether the owner may change the password.
    pub(crate) user_change: bool,
}

/// The policies of a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies {
    by_key: HashMap<String, Policy>,
    default: Option<String>,
}

impl Policies {
    /// Reads every policy that this sign-in may see; `default` names the one of accounts that name none.
    pub(crate) async fn read(tree: &Arc<Tree>, default: Option<&str>) -> Result<Self> {
        let mut listing = tree.list(Search::subtree(&tree.base, "(objectClass=pwdPolicy)", ATTRIBUTES));
        let mut policies = Self { default: default.map(name::key), ..Self::default() };
        while let Some(entry) = listing.try_next().await? {
            policies.add(&entry);
        }
        // It may stand outside the base.
        if let Some(outside) = default.filter(|dn| !policies.by_key.contains_key(&name::key(dn)))
            && let Some(entry) = tree.object(outside, ATTRIBUTES).await?
        {
            policies.add(&entry);
        }
        Ok(policies)
    }

    fn add(&mut self, entry: &Entry) {
        self.by_key.insert(name::key(&entry.dn), Policy::of(entry));
    }

    /// The policy of an account that names this one; `None` if it is not known.
    pub(crate) fn of(&self, named: Option<&str>) -> Option<&Policy> {
        let key = named.map(name::key).or_else(|| self.default.clone())?;
        self.by_key.get(&key)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Policy> {
        self.by_key.values()
    }

    /// Whether the one of accounts that name none is known.
    pub(crate) fn knows_default(&self) -> bool {
        self.of(None).is_some()
    }
}

impl Policy {
    fn of(entry: &Entry) -> Self {
        let is = |attribute: &str| entry.text(attribute) == Some("TRUE");
        let number = |attribute: &str| entry.number(attribute).unwrap_or_default();
        Self {
            name: entry.dn.clone(),
            min_length: u16::try_from(number("pwdminlength")).unwrap_or_default(),
            checks_quality: number("pwdcheckquality") > 0,
            must_change: is("pwdmustchange"),
            lockout: is("pwdlockout"),
            lockout_lasts: Some(number("pwdlockoutduration")).filter(|s| *s > 0).map(SignedDuration::from_secs),
            min_age: number("pwdminage") > 0,
            safe_modify: is("pwdsafemodify"),
            user_change: entry.text("pwdallowuserchange") != Some("FALSE"),
        }
    }

    /// Whether a lock-out that began at `at` still holds.
    pub(crate) fn still_locks(&self, at: Option<Timestamp>, now: Timestamp) -> bool {
        match (at, self.lockout_lasts) {
            _ if !self.lockout => false,
            (Some(at), Some(lasts)) => now.duration_since(at) < lasts,
            _ => true,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::wire::entry::tests::entry;

    /// Policies for tests of what they decide: `must` demands a change and locks, `loose` does neither,
    /// `strict` wants the old password and lets nobody change the own one.
    pub(crate) fn policies(default: Option<&str>) -> Policies {
        let mut policies = Policies { default: default.map(name::key), ..Policies::default() };
        policies.add(&entry("cn=must,dc=x", &[("pwdMustChange", &[b"TRUE"]), ("pwdLockout", &[b"TRUE"])]));
        policies.add(&entry("cn=loose,dc=x", &[("pwdMinLength", &[b"9"])]));
        policies.add(&entry(
            "cn=strict,dc=x",
            &[("pwdSafeModify", &[b"TRUE"]), ("pwdMustChange", &[b"TRUE"]), ("pwdAllowUserChange", &[b"FALSE"])],
        ));
        policies
    }

    #[test]
    fn an_account_has_its_own_policy_or_the_default_or_none_that_is_known() {
        let with = policies(Some("cn=MUST, dc=x"));
        assert!(with.of(None).is_some_and(|policy| policy.must_change) && with.knows_default());
        assert!(with.of(Some("cn=loose,DC=x")).is_some_and(|policy| !policy.must_change && policy.min_length == 9));
        assert!(with.of(Some("cn=hidden,dc=x")).is_none(), "the default does not stand in for another one");
        assert!(policies(None).of(None).is_none());
    }

    #[test]
    fn a_lock_out_ends_when_its_policy_says() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        let mut policy = Policy { lockout: true, ..Policy::default() };
        assert!(policy.still_locks(Some(at(0)), at(1_000_000)));
        policy.lockout_lasts = Some(SignedDuration::from_secs(60));
        assert!(policy.still_locks(Some(at(0)), at(59)) && !policy.still_locks(Some(at(0)), at(60)));
        assert!(policy.still_locks(None, at(60)), "a time that cannot be read does not end");
        policy.lockout = false;
        assert!(!policy.still_locks(Some(at(0)), at(1)), "slapd does not look at the lock then");
    }
}
