//! Which domains are federated: the domain of a principal name tells who checks the password.

use std::collections::HashMap;

use futures::TryStreamExt;
use identity_core::error::{ErrorKind, Result};
use identity_core::http::Request;
use identity_core::limits::OperationClass;

use crate::graph::Graph;
use crate::wire::tenant::{Domain, Organization};

const OPERATION: &str = "list domains";

/// The domains of a tenant, as far as they could be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Domains {
    /// By name in lower case: whether it is federated.
    federated: HashMap<String, bool>,
}

/// Who checks the passwords of a domain's accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// Entra.
    Here,
    /// An identity provider that the domain is federated with.
    Elsewhere,
    /// The domain was not among those that could be read.
    Unknown,
}

impl Domains {
    /// Reads the domains; where the permission for that is missing, those that the organisation
    /// names. Empty when neither could be read.
    pub(crate) async fn read(graph: &Graph, organization: Option<&Organization>) -> Result<Self> {
        let request = Request::get("/domains").query("$select", "id,authenticationType");
        let listed = graph.list::<Domain>(OPERATION, OperationClass::Read, request).try_collect::<Vec<_>>().await;
        match listed {
            Ok(domains) => Ok(Self::of(domains.into_iter().map(|domain| (domain.id, domain.authentication_type)))),
            Err(error) if error.kind() == ErrorKind::InsufficientPrivilege => Ok(Self::named_by(organization)),
            Err(error) => Err(error),
        }
    }

    /// The domains that the organisation names.
    pub(crate) fn named_by(organization: Option<&Organization>) -> Self {
        let named = organization.map(|organization| organization.verified_domains.clone());
        Self::of(named.unwrap_or_default().into_iter().map(|domain| (domain.name, domain.sort)))
    }

    /// Domains by name, with `Managed` or `Federated`; another word says nothing.
    fn of(domains: impl Iterator<Item = (String, Option<String>)>) -> Self {
        let told = domains.filter_map(|(name, sort)| {
            let federated = match sort.as_deref() {
                Some(sort) if sort.eq_ignore_ascii_case("federated") => true,
                Some(sort) if sort.eq_ignore_ascii_case("managed") => false,
                _ => return None,
            };
            Some((name.to_lowercase(), federated))
        });
        Self { federated: told.collect() }
    }

    /// Whether nothing is known of any domain.
    pub(crate) fn is_unknown(&self) -> bool {
        self.federated.is_empty()
    }

    /// The names of the federated ones, in order.
    pub(crate) fn federated(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.federated.iter().filter(|(_, federated)| **federated).map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Who checks the password of an account with this principal name.
    pub(crate) fn checked(&self, principal_name: &str) -> Checked {
        let domain = principal_name.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase();
        match self.federated.get(&domain) {
            Some(true) => Checked::Elsewhere,
            Some(false) => Checked::Here,
            None => Checked::Unknown,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// `managed.test` and `federated.test`.
    pub(crate) fn two() -> Domains {
        let row = |name: &str, sort: &str| (name.to_owned(), Some(sort.to_owned()));
        Domains::of([row("managed.test", "Managed"), row("Federated.test", "Federated")].into_iter())
    }

    #[test]
    fn the_domain_of_the_principal_name_decides_in_any_case_of_letters() {
        let domains = two();
        assert_eq!(domains.checked("a@MANAGED.test"), Checked::Here);
        assert_eq!(domains.checked("a@b@federated.TEST"), Checked::Elsewhere);
        assert_eq!(domains.checked("a@other.test"), Checked::Unknown);
        assert_eq!(domains.checked("a"), Checked::Unknown);
        assert_eq!(domains.federated(), ["federated.test"]);
    }

    #[test]
    fn a_word_that_is_not_known_says_nothing() {
        let odd = [("x.test".to_owned(), Some("Pending".to_owned())), ("y.test".to_owned(), None)];
        assert!(Domains::of(odd.into_iter()).is_unknown());
    }
}
