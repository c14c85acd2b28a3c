//! A mock, a directory on it, and whole runs.

use std::sync::Arc;

use backend_ldap::{LdapConfig, LdapDirectory};
use identity_core::account::{AccountId, DirectoryId};
use identity_core::directory::Backend;
use identity_core::engine::{Run, RunEnd};
use identity_core::journal::{Journal, MemoryJournal};
use identity_core::plan::{Approvals, Plan, PlanSpec, Selection};
use identity_core::vault::{MemoryVault, Vault};
use testkit::mock_ad::{MockAd, MockAdBuilder};
use testkit::organisation::Organisation;

/// Nothing listens there.
pub(crate) const NOWHERE: &str = "ldaps://127.0.0.1:9";

pub(crate) fn builder() -> MockAdBuilder {
    MockAd::builder().organisation(Organisation::new(1, 120))
}

/// How to reach a mock, and the other controllers of its domain.
pub(crate) fn config(mock: &MockAd, others: &[&MockAd]) -> LdapConfig {
    let mut authorities = mock.ca_pem().to_owned();
    others.iter().for_each(|other| authorities.push_str(other.ca_pem()));
    let mut config = LdapConfig::new(DirectoryId::new("corp").expect("id"), mock.url())
        .bind(mock.bind_dn(), mock.bind_password().into())
        .ca_pem(authorities);
    for other in others {
        config = config.controller_url(other.host(), other.url());
    }
    config
}

pub(crate) async fn connect(config: LdapConfig) -> Arc<LdapDirectory> {
    LdapDirectory::connect(config).await.expect("connects")
}

/// The id of an account of the organisation.
pub(crate) fn id(mock: &MockAd, index: u64) -> AccountId {
    AccountId::new(mock.organisation().account(index).guid.to_string()).expect("id")
}

/// A plan, and what a run of it leaves behind.
pub(crate) struct Journey {
    pub(crate) plan: Plan,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) vault: Arc<MemoryVault>,
    _folder: tempfile::TempDir,
}

impl Journey {
    /// Plans the reset of these accounts.
    pub(crate) async fn plan(backend: &Arc<LdapDirectory>, accounts: &[AccountId], spec: PlanSpec) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listed = accounts.iter().map(AccountId::as_str);
        let plan = spec
            .select(Selection::listed(listed))
            .builder()
            .directory(Arc::clone(backend) as Arc<dyn Backend>)
            .write_to(folder.path().join("plan.jsonl"))
            .await
            .expect("a plan");
        Self { plan, journal: Arc::new(MemoryJournal::new()), vault: Arc::new(MemoryVault::default()), _folder: folder }
    }

    pub(crate) async fn run(&self, backend: &Arc<LdapDirectory>) -> RunEnd {
        let approvals = Approvals::approve_all(&self.plan, "test").expect("approvals");
        Run::new(self.plan.clone(), Arc::clone(&self.journal), Arc::clone(&self.vault) as Arc<dyn Vault>)
            .directory(Arc::clone(backend) as Arc<dyn Backend>)
            .approvals(approvals)
            .start()
            .await
            .expect("starts")
            .finish()
            .await
            .expect("ends")
    }
}
