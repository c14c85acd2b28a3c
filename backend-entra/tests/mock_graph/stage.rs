//! A mock and the backend that is connected to it.

use std::sync::Arc;

use backend_entra::{EntraConfig, EntraDirectory};
use futures::TryStreamExt as _;
use identity_core::account::{Account, AccountId, DirectoryId};
use identity_core::directory::{AccountEnumerator as _, AccountQuery, Scope};
use identity_core::error::Result;
use testkit::mock_graph::{MockGraph, MockGraphBuilder};
use testkit::organisation::Organisation;

/// A tenant of so many accounts of the organisation, besides the fixed ones.
pub(crate) fn of(accounts: u64) -> MockGraphBuilder {
    MockGraph::builder(Organisation::new(4, accounts))
}

/// A configuration of the mock's tenant that says nothing of how to sign in.
pub(crate) fn reaching(mock: &MockGraph) -> EntraConfig {
    EntraConfig::new(DirectoryId::new("cloud").unwrap(), mock.tenant_id().to_string())
        .login_url(mock.login_url())
        .graph_url(mock.graph_url())
}

/// The same, with the app's secret.
pub(crate) fn config(mock: &MockGraph) -> EntraConfig {
    reaching(mock).client_secret(mock.client_id().to_string(), mock.client_secret().unwrap().into())
}

pub(crate) async fn connect(described: MockGraphBuilder) -> (MockGraph, Arc<EntraDirectory>) {
    let mock = described.start().await.unwrap();
    let directory = EntraDirectory::connect(config(&mock)).await.unwrap();
    (mock, directory)
}

pub(crate) async fn list(directory: &EntraDirectory, scope: Scope) -> Result<Vec<Account>> {
    directory.accounts(&AccountQuery::of(scope)).try_collect().await
}

pub(crate) fn account_id(id: uuid::Uuid) -> AccountId {
    AccountId::new(id.to_string()).unwrap()
}
