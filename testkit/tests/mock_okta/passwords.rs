//! Passwords that are set.

use serde_json::json;
use testkit::mock_okta::{OktaSignInRefusal, WeakPassword, fixed};

use crate::client::{NEW, begun, credentials, described, with};

#[tokio::test(start_paused = true)]
async fn an_administrator_sets_a_password_by_post_or_put() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    let old = mock.initial_password(&user.id).unwrap();
    assert_eq!(mock.sign_in(&user.id, &old), Ok(()));
    let before = client.user(&user).await;
    let reply = client.set(&user, NEW).await;
    assert_eq!((reply.status, reply.body["status"].as_str()), (200, Some("ACTIVE")));
    assert_ne!(reply.body["passwordChanged"], before.body["passwordChanged"]);
    assert_eq!(reply.body["statusChanged"], before.body["statusChanged"]);
    assert!(!reply.text.contains(NEW));
    assert_eq!(mock.sign_in(&user.id, NEW), Ok(()));
    assert_eq!(mock.sign_in(&user.id, &old), Err(OktaSignInRefusal::WrongPassword));
    let put = client
        .try_send(
            "PUT",
            &format!("/api/v1/users/{}", user.id),
            &[("content-type", "application/json")],
            credentials("Zq7-nmkjhgfdcb").to_string().as_bytes(),
        )
        .await
        .unwrap();
    assert_eq!(put.body["profile"], before.body["profile"]);
    assert_eq!(mock.sign_in(&user.id, "Zq7-nmkjhgfdcb"), Ok(()));
    assert_eq!(mock.sets(&user.id).len(), 2);
    assert_eq!(mock.counts().passwords, 2);
}

#[tokio::test(start_paused = true)]
async fn the_policy_refuses_in_three_forms() {
    for (answer, expected) in [
        (WeakPassword::CredentialsNotUpdated, (403, "E0000014")),
        (WeakPassword::Policy, (403, "E0000080")),
        (WeakPassword::Validation, (400, "E0000001")),
    ] {
        let (mock, client) = with(described().weak_password(answer));
        let user = mock.user(fixed::ORDINARY).unwrap();
        for weak in ["a", "Short1x", "alllowercase1", "NODIGITSxxxx", "Welcome-2026-x", "x1-ORDINARY-x"] {
            assert_eq!(client.set(&user, weak).await.refusal(), expected, "{weak}");
        }
        assert!(mock.untouched(&user.id));
    }
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    let common = client.set(&user, "Welcome-2026-x").await;
    assert!(common.cause().contains("commonly used"), "{}", common.text);
}

#[tokio::test(start_paused = true)]
async fn only_a_strict_request_minds_what_was_before() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    let old = mock.initial_password(&user.id).unwrap();
    assert_eq!(client.set(&user, NEW).await.status, 200);
    assert_eq!(client.set(&user, NEW).await.status, 200, "the same again");
    let strict = format!("/api/v1/users/{}?strict=true", user.id);
    for used in [NEW, old.as_str()] {
        let reply = client.post(&strict, &credentials(used)).await;
        assert_eq!(reply.refusal(), (403, "E0000014"));
        assert!(reply.cause().contains("recently"));
    }
    assert_eq!(client.post(&strict, &credentials("Zq7-nmkjhgfdcb")).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_password_elsewhere_is_not_set_here() {
    let (mock, client) = begun();
    let from_ad = mock.users().find(|user| user.on_prem.is_some()).unwrap();
    for user in [from_ad, mock.user(fixed::FEDERATED).unwrap(), mock.user(fixed::SOCIAL).unwrap()] {
        assert_eq!(client.set(&user, NEW).await.refusal(), (403, "E0000014"), "{}", user.login);
        let profile = json!({ "profile": { "firstName": "Other" } });
        let reply = client.post(&format!("/api/v1/users/{}", user.id), &profile).await;
        assert_eq!(reply.refusal(), (403, "E0000023"), "{}", user.login);
        assert!(mock.untouched(&user.id));
    }
    let gone = mock.user(fixed::DEPROVISIONED).unwrap();
    assert_eq!(client.set(&gone, NEW).await.refusal(), (403, "E0000038"));
}

#[tokio::test(start_paused = true)]
async fn the_owner_changes_a_password_with_the_old_one() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    let path = format!("/api/v1/users/{}/credentials/change_password", user.id);
    let body = |old: &str| json!({ "oldPassword": { "value": old }, "newPassword": { "value": NEW } });
    let wrong = client.post(&path, &body("Zq7-wrong-one")).await;
    assert_eq!((wrong.refusal(), wrong.cause()), ((403, "E0000014"), "Old Password is not correct"));
    let old = mock.initial_password(&user.id).unwrap();
    assert_eq!(client.post(&path, &body(&old)).await.body["provider"]["type"], "OKTA");
    assert_eq!(mock.sign_in(&user.id, NEW), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_password_stays_good_until_another_is_chosen() {
    let (mock, client) = begun();
    let user = mock.user(fixed::WITH_QUESTION).unwrap();
    let reply = client.operate(&user, "credentials/forgot_password?sendEmail=false").await;
    let link = reply.body["resetPasswordUrl"].as_str().unwrap();
    assert!(link.contains("/signin/reset-password/") && mock.honours_link(&user.id, link));
    assert_eq!(mock.sign_in(&user.id, &mock.initial_password(&user.id).unwrap()), Ok(()));
    assert_eq!(client.user(&user).await.body["status"], "ACTIVE");
    let mailed = client.operate(&user, "credentials/forgot_password").await;
    assert_eq!((mailed.body, mock.counts().mails), (json!({}), 1));
    let without = mock.user(fixed::PASSWORDLESS).unwrap();
    let reply = client.operate(&without, "credentials/forgot_password").await;
    assert_eq!(reply.refusal(), (403, "E0000017"));
    assert!(reply.cause().starts_with("Forgot password is not supported"));
}
