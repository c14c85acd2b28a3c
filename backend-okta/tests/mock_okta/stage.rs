//! A mock and the backend that is connected to it.

use std::sync::Arc;

use backend_okta::{OktaConfig, OktaDirectory};
use futures::TryStreamExt as _;
use identity_core::account::{Account, AccountId, DirectoryId, PasswordAuthority};
use identity_core::directory::{AccountEnumerator as _, AccountQuery, Scope};
use identity_core::error::Result;
use identity_core::http::{SigningAlgorithm, SigningKey};
use secrecy::SecretString;
use serde_json::Value;
use testkit::mock_okta::{MockOkta, MockOktaBuilder, OktaUser, Status};
use testkit::organisation::Organisation;

/// The id of the app's key.
pub(crate) const KEY_ID: &str = "key-1";

/// An org of so many accounts of the organisation, besides the fixed ones.
pub(crate) fn of(accounts: u64) -> MockOktaBuilder {
    MockOkta::builder(Organisation::new(4, accounts))
}

/// A configuration of the mock's org that says nothing of how to sign in.
pub(crate) fn reaching(mock: &MockOkta) -> OktaConfig {
    OktaConfig::new(DirectoryId::new("org").unwrap(), mock.url())
}

/// The same, by the API token and with no pace of its own.
pub(crate) fn config(mock: &MockOkta) -> OktaConfig {
    reaching(mock).api_token(mock.api_token().into()).without_quotas()
}

pub(crate) async fn connect(described: MockOktaBuilder) -> (MockOkta, Arc<OktaDirectory>) {
    let mock = described.start().await.unwrap();
    let directory = OktaDirectory::connect(config(&mock)).await.unwrap();
    (mock, directory)
}

/// A private key of an app, and the public one as it is registered.
pub(crate) fn key(algorithm: SigningAlgorithm) -> (SecretString, Value) {
    let kind = match algorithm {
        SigningAlgorithm::Es256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        _ => &rcgen::PKCS_RSA_SHA256,
    };
    let pem = SecretString::from(rcgen::KeyPair::generate_for(kind).unwrap().serialize_pem());
    let mut public = SigningKey::from_pem(&pem, algorithm).unwrap().public_jwk();
    public["kid"] = KEY_ID.into();
    (pem, public)
}

pub(crate) async fn list(directory: &OktaDirectory, scope: Scope) -> Result<Vec<Account>> {
    directory.accounts(&AccountQuery::of(scope)).try_collect().await
}

pub(crate) fn account_id(id: &str) -> AccountId {
    AccountId::new(id).unwrap()
}

/// So many ordinary users: active, their password in Okta, without a role.
pub(crate) fn ordinary(mock: &MockOkta, most: usize) -> Vec<OktaUser> {
    let plain = mock.users().filter(|user| {
        let ours = user.status() == Status::Active && user.truth().authority == PasswordAuthority::Here;
        ours && user.roles.is_empty() && !user.service && !user.activating
    });
    plain.filter(|user| !mock.is_administrator(&user.id)).take(most).collect()
}
