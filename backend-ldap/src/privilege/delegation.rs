//! Kerberos delegation: who may act in another's name.
//!
//! - Unconstrained (TRUSTED_FOR_DELEGATION): the host keeps the ticket of whoever signs in to it, and a
//!   controller can be made to sign in. Tier 0. Controllers have it from the start.
//! - Constrained (msDS-AllowedToDelegateTo): to a service on a tier-0 host it is tier 0, whatever the
//!   service: the service's name in the ticket is not protected.
//! - With protocol transition (TRUSTED_TO_AUTH_FOR_DELEGATION) elsewhere: tier 1. It acts as anybody
//!   there, without a sign-in of theirs.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::TryStreamExt;
use identity_core::account::AccountId;
use identity_core::error::Result;
use identity_core::privilege::{Ground, Tier};

use super::grant::rule;
use super::survey::Survey;
use crate::account::EVERY_ACCOUNT;
use crate::domain::Domain;
use crate::root::id_of;
use crate::wire::Search;
use crate::wire::entry::Entry;

/// userAccountControl (MS-ADTS 2.2.16).
const TRUSTED_FOR_DELEGATION: i64 = 0x8_0000;
const TRUSTED_TO_AUTHENTICATE: i64 = 0x100_0000;
/// LDAP_MATCHING_RULE_BIT_OR (MS-ADTS 3.1.1.3.4.4.2).
const ANY_BIT: &str = "1.2.840.113556.1.4.804";

/// Who delegates, and the hosts that are tier 0.
pub(super) struct Delegations {
    delegators: Vec<Delegator>,
    hosts: BTreeSet<String>,
    unidentified: Vec<String>,
}

struct Delegator {
    account: AccountId,
    flags: i64,
    targets: Vec<String>,
}

impl Delegations {
    /// Reads every account that may delegate.
    pub(super) async fn read(domain: &Arc<Domain>) -> Result<Self> {
        let bits = TRUSTED_FOR_DELEGATION | TRUSTED_TO_AUTHENTICATE;
        let filter = format!("(&{EVERY_ACCOUNT}(|(userAccountControl:{ANY_BIT}:={bits})(msDS-AllowedToDelegateTo=*)))");
        let attributes = ["objectGUID", "userAccountControl", "msDS-AllowedToDelegateTo"];
        let mut listing = domain.list(Search::subtree(&domain.name, filter, &attributes));
        let mut read = Self { delegators: Vec::new(), hosts: BTreeSet::new(), unidentified: Vec::new() };
        while let Some(mut entry) = listing.try_next().await? {
            domain.complete(&mut entry, "msDS-AllowedToDelegateTo", false).await?;
            match id_of(&entry) {
                Some(account) => read.delegators.push(Delegator {
                    account,
                    flags: entry.number("useraccountcontrol").unwrap_or_default(),
                    targets: entry.texts("msds-allowedtodelegateto").map(str::to_owned).collect(),
                }),
                None => read.unidentified.push(entry.dn),
            }
        }
        Ok(read)
    }

    /// A host that is tier 0, by each of its names.
    pub(super) fn add_host(&mut self, entry: &Entry) {
        let account = entry.text("samaccountname").map(|name| name.trim_end_matches('$').to_lowercase());
        let names = entry.text("dnshostname").map(str::to_lowercase).into_iter().chain(account);
        let services = entry.texts("serviceprincipalname").filter_map(host_of);
        self.hosts.extend(names.chain(services));
    }

    /// Grounds that hang on the flags alone. Twice does no harm.
    pub(super) fn give_to_any(&mut self, survey: &mut Survey) {
        for dn in self.unidentified.drain(..) {
            survey.index.mark_incomplete(format!("the objectGUID of {dn} could not be read"));
        }
        for delegator in &self.delegators {
            if delegator.flags & TRUSTED_FOR_DELEGATION != 0 {
                let evidence = vec!["TRUSTED_FOR_DELEGATION".to_owned()];
                let (tier, holds) = (Tier::Control, "the tickets of whoever signs in to it".to_owned());
                let rule = rule::DELEGATION_TO_ANY.to_owned();
                survey.index.add(delegator.account.clone(), Ground { tier, rule, holds, evidence });
            }
            if delegator.flags & TRUSTED_TO_AUTHENTICATE != 0 {
                let evidence = vec!["TRUSTED_TO_AUTH_FOR_DELEGATION".to_owned()];
                delegator.give(survey, Tier::Management, "acting as anybody on the hosts it names", evidence);
            }
        }
    }

    /// Grounds by a target that is tier 0.
    pub(super) fn give_to_hosts(&self, survey: &mut Survey) {
        for delegator in &self.delegators {
            let target =
                delegator.targets.iter().find(|target| host_of(target).is_some_and(|host| self.is_tier0(&host)));
            if let Some(target) = target {
                let evidence = vec![format!("msDS-AllowedToDelegateTo {target}")];
                delegator.give(survey, Tier::Control, "acting as others on a tier-0 host", evidence);
            }
        }
    }

    fn is_tier0(&self, host: &str) -> bool {
        self.hosts.contains(host) || host.split_once('.').is_some_and(|(short, _)| self.hosts.contains(short))
    }
}

impl Delegator {
    fn give(&self, survey: &mut Survey, tier: Tier, holds: &str, evidence: Vec<String>) {
        let rule = rule::DELEGATION.to_owned();
        survey.index.add(self.account.clone(), Ground { tier, rule, holds: holds.to_owned(), evidence });
    }
}

/// The host in the name of a service: `dc1.example.test` of `cifs/DC1.example.test:445/EXAMPLE`.
fn host_of(service: &str) -> Option<String> {
    let host = service.split('/').nth(1)?.split(':').next()?;
    (!host.is_empty()).then(|| host.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::entry::tests::entry;

    #[test]
    fn a_service_is_on_the_host_that_its_name_says() {
        assert_eq!(host_of("cifs/DC1.example.test:445/EXAMPLE").as_deref(), Some("dc1.example.test"));
        assert_eq!(host_of("http/web").as_deref(), Some("web"));
        for bad in ["", "cifs", "cifs/", "cifs/:1"] {
            assert_eq!(host_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_host_is_known_by_each_of_its_names() {
        let mut delegations = Delegations { delegators: Vec::new(), hosts: BTreeSet::new(), unidentified: Vec::new() };
        delegations.add_host(&entry(
            "CN=DC1,DC=x",
            &[("sAMAccountName", &[b"DC1$"]), ("servicePrincipalName", &[b"HOST/alias.example.test", b"junk"])],
        ));
        for host in ["dc1", "dc1.example.test", "alias.example.test"] {
            assert!(delegations.is_tier0(host), "{host}");
        }
        assert!(!delegations.is_tier0("dc2.example.test") && !delegations.is_tier0("alias"));
    }
}
