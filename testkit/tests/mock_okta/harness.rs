//! The conformance suite's view of the mock, whatever backend is tested on it.

use std::sync::Arc;

use identity_core::directory::Backend;
use identity_core::reset::{Secret, SecretKind};
use testkit::conformance::{Circumstance, Harness as _, SignIn};
use testkit::memory::MemoryDirectory;
use testkit::mock_okta::{MockOktaHarness, fixed};
use testkit::organisation::Organisation;

use crate::client::{Client, NEW, begun};

/// A harness, with a backend that is never asked.
fn harness() -> (MockOktaHarness, Client) {
    let (mock, client) = begun();
    let aside: Arc<dyn Backend> =
        MemoryDirectory::builder("aside").organisation(Organisation::new(1, 60)).build().unwrap();
    (MockOktaHarness::new(mock, aside), client)
}

#[tokio::test(start_paused = true)]
async fn touchable_accounts_sign_in_with_their_old_password_until_a_new_one_is_set() {
    let (harness, client) = harness();
    let touchable = harness.touchable().await.unwrap();
    assert!(touchable.len() >= 20, "{}", touchable.len());
    for account in &touchable {
        let old = harness.old_password(account).await.unwrap();
        assert_eq!(harness.sign_in(account, &old).await.unwrap(), SignIn::Accepted, "{account}");
        assert_eq!(harness.times_set(account).await, Some(0));
    }
    let account = &touchable[0];
    let user = harness.mock().user_named(account.as_str()).unwrap();
    assert_eq!(client.set(&user, NEW).await.status, 200);
    let old = harness.old_password(account).await.unwrap();
    assert_eq!(harness.sign_in(account, &old).await.unwrap(), SignIn::Refused);
    assert_eq!(harness.sign_in(account, &Secret::new(NEW.into())).await.unwrap(), SignIn::Accepted);
    assert_eq!(harness.times_set(account).await, Some(1));
    assert_eq!(harness.greatest_in_flight().await, Some(1));
    assert_eq!(client.set(&user, harness.weak_password().unwrap().expose()).await.status, 403);
    let absent = harness.absent_id().unwrap();
    assert_eq!(client.get(&format!("/api/v1/users/{absent}")).await.status, 404);
    let principal = harness.principal().unwrap();
    assert_eq!(principal.as_str(), harness.mock().user(fixed::RUNNER).unwrap().id);
    assert!(!touchable.contains(&principal));
    let link = client.operate(&user, "lifecycle/reset_password?sendEmail=false").await;
    let link = Secret::new(link.body["resetPasswordUrl"].as_str().unwrap().into());
    assert_eq!(harness.honours(account, SecretKind::RecoveryLink, &link).await, Some(true));
    assert_eq!(harness.honours(&touchable[1], SecretKind::RecoveryLink, &link).await, Some(false));
    assert_eq!(harness.honours(account, SecretKind::AccessPass, &link).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_truth_names_everybody_and_those_deactivated_where_they_are_expected() {
    let (harness, _client) = harness();
    let truth = harness.truth().await.unwrap();
    assert!(truth.exhaustive && !truth.scopes[0].members.is_empty());
    assert_eq!(truth.accounts.len() as u64, harness.mock().len());
    let gone = harness.mock().user(fixed::DEPROVISIONED).unwrap().login;
    assert!(truth.accounts.iter().any(|known| known.name == gone && !known.enabled));
    let harness = harness.without_deactivated();
    assert!(!harness.truth().await.unwrap().accounts.iter().any(|known| known.name == gone));
}

#[tokio::test(start_paused = true)]
async fn circumstances_come_about() {
    let (harness, client) = harness();
    let touchable = harness.touchable().await.unwrap();
    let user = |at: usize| harness.mock().user_named(touchable[at].as_str()).unwrap();
    assert!(harness.arrange(&Circumstance::SlowDown(touchable[0].clone())).await);
    assert_eq!(client.set(&user(1), NEW).await.status, 200, "only that account");
    assert_eq!(client.set(&user(0), NEW).await.status, 429);
    assert!(harness.arrange(&Circumstance::CutAfterApply(touchable[0].clone())).await);
    let path = format!("/api/v1/users/{}/lifecycle/expire_password", touchable[0]);
    assert!(client.try_send("POST", &path, &[], b"").await.is_err());
    assert_eq!(client.user(&user(0)).await.body["status"], "PASSWORD_EXPIRED");
    assert!(harness.arrange(&Circumstance::LockOut(touchable[1].clone())).await);
    assert_eq!(client.user(&user(1)).await.body["status"], "LOCKED_OUT");
    assert_eq!(client.operate(&user(1), "lifecycle/unlock").await.status, 200);
    assert!(harness.arrange(&Circumstance::TruncateListing).await);
    let listing = client.get("/api/v1/users").await;
    assert!(listing.status == 500 || listing.body.is_null(), "{}", listing.text);
    assert!(harness.arrange(&Circumstance::DropConnections).await);
    assert!(harness.arrange(&Circumstance::HideMemberships).await);
    assert_eq!(client.get("/api/v1/users?limit=1").await.status, 200);
}
