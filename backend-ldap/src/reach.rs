//! What is found about the way into the domain: its controllers, their limits, and domains of the
//! forest that nobody covers.

use std::collections::BTreeSet;
use std::sync::Arc;

use identity_core::directory::{Finding, Severity};
use identity_core::error::Result;

use crate::discovery::ForestDomain;
use crate::domain::Domain;
use crate::value::dn;
use crate::wire::Search;

/// Parts of every forest that hold no accounts; references to them say nothing.
const WITHOUT_ACCOUNTS: [&str; 3] = ["cn=configuration,", "dc=domaindnszones,", "dc=forestdnszones,"];

/// Which controllers there are, what they allow, and which one takes the changes.
pub(crate) fn about_controllers(domain: &Domain, findings: &mut Vec<Finding>) {
    let members = domain.pool.members();
    for member in members {
        let Some(known) = member.known() else {
            let text = format!("{} cannot be reached: it is not there to take over", member.url());
            findings.push(Finding::new(Severity::Warning, text));
            continue;
        };
        if members.len() > 1 && known.root.read_only {
            let text =
                format!("{} is a read-only controller: it is read if need be, never written to", known.root.host);
            findings.push(Finding::new(Severity::Note, text));
        }
        if let Some(page) = known.limits.page.filter(|page| *page < domain.pool.config().page_size) {
            let text = format!("{} gives pages of {page} at most: page_size is taken down to that", known.root.host);
            findings.push(Finding::new(Severity::Note, text));
        }
    }
    if members.len() > 1
        && let Some(known) = domain.pool.writer()
    {
        findings.push(Finding::new(Severity::Note, format!("{} takes the changes of this run", known.root.host)));
    }
}

/// Domains of the forest that neither this directory nor another one of the program covers.
pub(crate) async fn about_forest(
    domain: &Arc<Domain>,
    forest: Result<Vec<ForestDomain>>,
    covered: &[String],
    findings: &mut Vec<Finding>,
) {
    let own = dn::domain(&domain.name);
    let is_covered =
        |dns: &str| dns.eq_ignore_ascii_case(&own) || covered.iter().any(|other| other.eq_ignore_ascii_case(dns));
    let mut missing: BTreeSet<String> = BTreeSet::new();
    match forest {
        Ok(domains) => missing.extend(domains.into_iter().map(|domain| domain.dns)),
        Err(error) => findings.push(Finding::new(
            Severity::Warning,
            format!("the domains of the forest cannot be listed ({}): find out which there are", error.detail()),
        )),
    }
    // A search that matches nothing brings the references to what lies below.
    let nothing =
        Search::subtree(&domain.name, r"(objectGUID=\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00)", &["1.1"]);
    if let Err(error) = domain.read(&nothing).await {
        tracing::debug!(%error, "the references of the domain could not be asked for");
    }
    missing.extend(domain.pool.shared().references().iter().filter_map(|url| referred(url)));
    missing.retain(|dns| !is_covered(dns));
    if !missing.is_empty() {
        let names = missing.into_iter().collect::<Vec<String>>().join(", ");
        findings.push(Finding::new(
            Severity::Warning,
            format!(
                "coverage: the forest has domains that no directory covers: {names}; their accounts are not reset, \
                 references to them are not followed: configure each as a directory of its own"
            ),
        ));
    }
}

/// The domain that a reference of the form `ldap://host/name` leads to, unless it holds no accounts.
fn referred(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let name = rest.split_once('/')?.1.split('?').next()?;
    let name = dn::key(name);
    let domain = dn::domain(&name);
    (!domain.is_empty() && !WITHOUT_ACCOUNTS.iter().any(|front| name.starts_with(front))).then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_references_to_domains_count() {
        assert_eq!(
            referred("ldap://child.example.test/DC=Child,DC=example,DC=test??base").as_deref(),
            Some("child.example.test")
        );
        for other in [
            "ldap://example.test/CN=Configuration,DC=example,DC=test",
            "ldap://DomainDnsZones.example.test/DC=DomainDnsZones,DC=example,DC=test",
            "ldap://host",
            "",
        ] {
            assert_eq!(referred(other), None, "{other}");
        }
    }
}
