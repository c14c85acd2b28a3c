//! The conformance suite's view of the mock, whatever backend is tested on it.

use std::sync::Arc;

use identity_core::account::{AccountId, AccountKind};
use identity_core::directory::Backend;
use identity_core::reset::Secret;
use testkit::conformance::{Circumstance, Harness as _, SignIn};
use testkit::memory::MemoryDirectory;
use testkit::mock_graph::{MockGraphHarness, fixed};
use testkit::organisation::Organisation;

use crate::client::{Client, described};

/// A harness, with a backend that is never asked.
async fn harness() -> (MockGraphHarness, Client) {
    let mock = described().start().await.unwrap();
    let client = Client::new(&mock).await;
    let aside: Arc<dyn Backend> =
        MemoryDirectory::builder("aside").organisation(Organisation::new(1, 60)).build().unwrap();
    (MockGraphHarness::new(mock, aside), client)
}

#[tokio::test]
async fn touchable_accounts_sign_in_with_their_old_password_until_a_new_one_is_set() {
    let (harness, client) = harness().await;
    let touchable = harness.touchable().await.unwrap();
    assert!(touchable.len() >= 20, "{}", touchable.len());
    for account in &touchable {
        let old = harness.old_password(account).await.unwrap();
        assert_eq!(harness.sign_in(account, &old).await.unwrap(), SignIn::Accepted, "{account}");
        assert_eq!(harness.times_set(account).await, Some(0));
    }
    let account = &touchable[0];
    assert_eq!(client.set(account, "Zq7-bcdfghjkmnp").await.status, 204);
    let old = harness.old_password(account).await.unwrap();
    assert_eq!(harness.sign_in(account, &old).await.unwrap(), SignIn::Refused);
    let new = Secret::new("Zq7-bcdfghjkmnp".into());
    assert_eq!(harness.sign_in(account, &new).await.unwrap(), SignIn::Accepted);
    assert_eq!(harness.times_set(account).await, Some(1));
    assert_eq!(harness.greatest_in_flight().await, Some(1));
    assert_eq!(client.set(account, harness.weak_password().unwrap().expose()).await.status, 400);
    let absent = harness.absent_id().unwrap();
    assert_eq!(client.get(&format!("/users/{absent}")).await.status, 404);
}

#[tokio::test]
async fn the_truth_names_everybody_and_agents_only_where_they_are_expected() {
    let (harness, _client) = harness().await;
    let truth = harness.truth().await.unwrap();
    assert!(truth.exhaustive);
    assert_eq!(truth.accounts.len() as u64, harness.mock().len() - 1);
    let agent = harness.mock().user(fixed::AGENT).unwrap().principal_name;
    assert!(!truth.accounts.iter().any(|known| known.name == agent));
    let harness = harness.listing_agents_as(AccountKind::Unknown);
    let truth = harness.truth().await.unwrap();
    assert!(truth.accounts.iter().any(|known| known.name == agent && known.kind == AccountKind::Unknown));
}

#[tokio::test]
async fn circumstances_come_about() {
    let (harness, mut client) = harness().await;
    let touchable = harness.touchable().await.unwrap();
    let account: AccountId = touchable[0].clone();
    assert!(harness.arrange(&Circumstance::SlowDown(account.clone())).await);
    assert_eq!(client.set(&touchable[1], "Zq7-bcdfghjkmnp").await.status, 204, "only that account");
    assert_eq!(client.set(&account, "Zq7-bcdfghjkmnp").await.status, 503);
    assert!(harness.arrange(&Circumstance::CutAfterApply(account.clone())).await);
    let path = format!("/users/{account}");
    assert!(client.try_patch(&path, &crate::client::profile("Zq7-bcdfghjkmnp")).await.is_err());
    assert_eq!(harness.times_set(&account).await, Some(1));
    assert!(harness.arrange(&Circumstance::DropConnections).await);
    assert_eq!(client.get("/users?$top=1").await.status, 200);
    assert!(harness.arrange(&Circumstance::TruncateListing).await);
    let listing = client.get("/users").await;
    assert!(listing.status == 500 || listing.body.is_null(), "{}", listing.text);
    assert!(harness.arrange(&Circumstance::HideMemberships).await);
    assert_eq!(client.get("/users?$top=1").await.status, 401);
    client = Client::new(harness.mock()).await;
    assert_eq!(client.get("/users?$top=1").await.status, 200);
    assert!(!harness.arrange(&Circumstance::LockOut(account)).await, "Graph shows no lockout");
}
