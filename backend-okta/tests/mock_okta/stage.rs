//! A mock and the backend that is connected to it.

use std::sync::Arc;

use backend_okta::{OktaConfig, OktaDirectory};
use futures::TryStreamExt as _;
use identity_core::account::{Account, AccountId, DirectoryId};
use identity_core::directory::{AccountEnumerator as _, AccountQuery, Scope};
use identity_core::error::Result;
use testkit::mock_okta::{MockOkta, MockOktaBuilder};
use testkit::organisation::Organisation;

/// An org of so many accounts of the organisation, besides the fixed ones.
pub(crate) fn of(accounts: u64) -> MockOktaBuilder {
    MockOkta::builder(Organisation::new(4, accounts))
}

/// A configuration of the mock's org that signs in by its API token and keeps to no pace of its own.
pub(crate) fn config(mock: &MockOkta) -> OktaConfig {
    let id = DirectoryId::new("org").unwrap();
    OktaConfig::new(id, mock.url()).api_token(mock.api_token().into()).without_quotas()
}

pub(crate) async fn connect(described: MockOktaBuilder) -> (MockOkta, Arc<OktaDirectory>) {
    let mock = described.start().await.unwrap();
    let directory = OktaDirectory::connect(config(&mock)).await.unwrap();
    (mock, directory)
}

pub(crate) async fn list(directory: &OktaDirectory, scope: Scope) -> Result<Vec<Account>> {
    directory.accounts(&AccountQuery::of(scope)).try_collect().await
}

pub(crate) fn account_id(id: &str) -> AccountId {
    AccountId::new(id).unwrap()
}
