//! The password policies of a domain: its own, and the fine-grained ones (password settings objects),
//! of which each account has one at most. Attributes: MS-ADTS 3.1.1.5.2 and the Active Directory schema.

use std::collections::BTreeMap;

use identity_core::directory::PasswordPolicy;
use identity_core::error::Result;

use crate::domain::Domain;
use crate::value::dn;
use crate::wire::entry::Entry;
use crate::wire::{Search, Within};

/// The policy that an account is under, by distinguished name; computed by the controller, absent where
/// that is the domain's (MS-ADTS 3.1.1.4.5.36).
pub(crate) const RESULTANT: &str = "msDS-ResultantPSO";

const ATTRIBUTES: &[&str] = &[
    "msDS-MinimumPasswordLength",
    "msDS-PasswordComplexityEnabled",
    "msDS-PasswordHistoryLength",
    "msDS-MinimumPasswordAge",
    "msDS-MaximumPasswordAge",
    "msDS-LockoutThreshold",
    "msDS-LockoutDuration",
];
/// LDAP takes passwords of up to 256 characters (MS-SAMR 2.2.1.1).
const LONGEST_PASSWORD: u16 = 256;
/// DOMAIN_PASSWORD_COMPLEX of pwdProperties (MS-SAMR 2.2.3.9).
const COMPLEX: i64 = 1;
const MINUTE: i64 = 600_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// The policies that this sign-in may read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies {
    /// The domain's own; `None` if it cannot be read.
    domain: Option<PasswordPolicy>,
    /// By the key of their name; `None` for one that is seen and cannot be read.
    fine_grained: BTreeMap<String, Option<FineGrained>>,
    /// Whether the container can be seen, so that an empty one is empty.
    is_visible: bool,
    /// Why they could not be searched for.
    pub(crate) fault: Option<String>,
}

/// One fine-grained policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FineGrained {
    name: String,
    min_length: i64,
    complexity: bool,
    history: i64,
    /// Spans in units of 100 ns, below zero as the directory keeps them; the lowest number is never.
    min_age: i64,
    max_age: i64,
    lockout_threshold: i64,
    lockout_duration: i64,
}

impl Policies {
    /// Reads the domain's policy and every fine-grained one.
    pub(crate) async fn read(domain: &Domain) -> Result<Self> {
        let head = domain.object(&domain.name, &["minPwdLength", "pwdProperties"]).await?;
        let container = format!("CN=Password Settings Container,CN=System,{}", domain.name);
        let search = Search {
            within: Within::Children,
            ..Search::subtree(container.clone(), "(objectClass=msDS-PasswordSettings)", ATTRIBUTES)
        };
        let (found, fault) = match domain.read(&search).await {
            Ok(found) => (found, None),
            Err(error) if error.is_temporary() => return Err(error),
            Err(error) => (Vec::new(), Some(error.detail().to_owned())),
        };
        let is_visible = match domain.object(&container, &["objectClass"]).await {
            Ok(container) => container.is_some_and(|container| container.bytes("objectclass").is_some()),
            Err(error) if error.is_temporary() => return Err(error),
            Err(_) => false,
        };
        Ok(Self {
            domain: head.as_ref().and_then(of_domain),
            fine_grained: found.iter().map(|entry| (dn::key(&entry.dn), FineGrained::of(entry))).collect(),
            is_visible,
            fault,
        })
    }

    /// Whether an account may be under a fine-grained one. The controller computes which from the groups of
    /// each account (a listing of 1,000 takes Samba 1.9 s with it and 0.4 s without), so that it is not asked
    /// where there is none.
    pub(crate) fn may_be(&self) -> bool {
        !self.fine_grained.is_empty() || !self.is_visible
    }

    /// Whether nobody can be told from nobody being seen.
    pub(crate) fn are_hidden(&self) -> bool {
        self.fine_grained.is_empty() && !self.is_visible
    }

    /// How many are seen and cannot be read.
    pub(crate) fn unreadable(&self) -> usize {
        self.fine_grained.values().filter(|policy| policy.is_none()).count()
    }

    /// Whether the domain's own policy could be read.
    pub(crate) fn knows_domain(&self) -> bool {
        self.domain.is_some()
    }

    /// What satisfies each policy that can be read, so that a password of it fits the policy of any account.
    pub(crate) fn strictest(&self) -> PasswordPolicy {
        let mut strictest = self.domain.unwrap_or_default();
        strictest.max_length = Some(LONGEST_PASSWORD);
        for policy in self.fine_grained.values().flatten() {
            strictest.min_length = strictest.min_length.max(u16::try_from(policy.min_length).unwrap_or_default());
            strictest.complexity |= policy.complexity;
        }
        strictest
    }

    /// The fine-grained policy of an account in words; `None` where it is under the domain's.
    pub(crate) fn of(&self, account: &Entry) -> Option<String> {
        let named = account.text(&RESULTANT.to_lowercase())?;
        Some(match self.fine_grained.get(&dn::key(named)) {
            Some(Some(policy)) => policy.words(),
            Some(None) | None => format!(
                "{}, which this sign-in cannot read: the generated password may not satisfy it, and is then refused",
                dn::first_name(named)
            ),
        })
    }
}

fn of_domain(head: &Entry) -> Option<PasswordPolicy> {
    let mut policy = PasswordPolicy::default();
    policy.min_length = u16::try_from(head.number("minpwdlength")?).unwrap_or_default();
    policy.complexity = head.number("pwdproperties")? & COMPLEX != 0;
    Some(policy)
}

impl FineGrained {
    fn of(entry: &Entry) -> Option<Self> {
        let number = |name: &str| entry.number(name).unwrap_or_default();
        Some(Self {
            name: dn::first_name(&entry.dn),
            min_length: entry.number("msds-minimumpasswordlength")?,
            complexity: entry.text("msds-passwordcomplexityenabled") == Some("TRUE"),
            history: number("msds-passwordhistorylength"),
            min_age: number("msds-minimumpasswordage"),
            max_age: number("msds-maximumpasswordage"),
            lockout_threshold: number("msds-lockoutthreshold"),
            lockout_duration: number("msds-lockoutduration"),
        })
    }

    fn words(&self) -> String {
        let mut words = format!("{}: at least {} characters", self.name, self.min_length);
        if self.complexity {
            words.push_str(", complex");
        }
        if self.history > 0 {
            words.push_str(&format!(", unlike the last {} (the owner's changes only)", self.history));
        }
        if let Some(days) = span(self.max_age, DAY).filter(|days| *days > 0) {
            words.push_str(&format!(", expires after {days} days"));
        }
        if let Some(minutes) = span(self.min_age, MINUTE).filter(|minutes| *minutes > 0) {
            // A reset is not held to it; after one the owner is, unless must-change is set.
            words.push_str(&format!(", changed by the owner after {minutes} minutes at the earliest"));
        }
        if self.lockout_threshold > 0 {
            let lasts = match span(self.lockout_duration, MINUTE) {
                Some(minutes) if minutes > 0 => format!("for {minutes} minutes"),
                _ => "until it is unlocked".to_owned(),
            };
            words.push_str(&format!(", locked {lasts} after {} failures", self.lockout_threshold));
        }
        words
    }
}

/// A span in whole units; `None` for never.
fn span(value: i64, unit: i64) -> Option<i64> {
    (value != i64::MIN).then(|| value.unsigned_abs() / unit.unsigned_abs()).and_then(|units| i64::try_from(units).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::entry::tests::entry;

    const STRICT: &str = "CN=Strict,CN=Password Settings Container,CN=System,DC=x";

    fn policies(more: &[(&str, &[&[u8]])]) -> Policies {
        let strict = entry(STRICT, more);
        Policies {
            domain: Some({
                let mut policy = PasswordPolicy::default();
                policy.min_length = 7;
                policy
            }),
            fine_grained: [(dn::key(&strict.dn), FineGrained::of(&strict))].into(),
            is_visible: true,
            fault: None,
        }
    }

    #[test]
    fn the_policy_of_an_account_is_told_and_the_strictest_satisfies_it() {
        let policies = policies(&[
            ("msDS-MinimumPasswordLength", &[b"30"]),
            ("msDS-PasswordComplexityEnabled", &[b"TRUE"]),
            ("msDS-PasswordHistoryLength", &[b"24"]),
            ("msDS-MinimumPasswordAge", &[b"-864000000000"]),
            ("msDS-MaximumPasswordAge", &[b"-36288000000000"]),
            ("msDS-LockoutThreshold", &[b"5"]),
            ("msDS-LockoutDuration", &[b"-9223372036854775808"]),
        ]);
        let under = |dn: &str| policies.of(&entry("CN=a,DC=x", &[(RESULTANT, &[dn.as_bytes()])]));
        assert_eq!(
            under("cn=strict,CN=Password Settings Container,CN=System,DC=x").as_deref(),
            Some(
                "Strict: at least 30 characters, complex, unlike the last 24 (the owner's changes only), expires after \
                 42 days, changed by the owner after 1440 minutes at the earliest, locked until it is unlocked after \
                 5 failures"
            )
        );
        assert!(under("CN=Hidden,DC=x").is_some_and(|words| words.starts_with("Hidden, which this sign-in cannot")));
        assert_eq!(policies.of(&entry("CN=a,DC=x", &[])), None, "the domain's");
        let strictest = policies.strictest();
        assert_eq!((strictest.min_length, strictest.complexity, strictest.max_length), (30, true, Some(256)));
    }

    #[test]
    fn one_that_cannot_be_read_is_counted_and_an_empty_container_is_empty_only_if_it_can_be_seen() {
        let hidden = policies(&[]);
        assert_eq!((hidden.unreadable(), hidden.strictest().min_length, hidden.may_be()), (1, 7, true));
        let mut none = Policies { is_visible: true, ..Policies::default() };
        assert!(!none.may_be() && !none.are_hidden());
        none.is_visible = false;
        assert!(none.may_be() && none.are_hidden(), "asked about, since there may be some");
    }
}
