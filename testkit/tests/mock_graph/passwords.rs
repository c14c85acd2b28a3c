//! Setting passwords: who may, what is taken, on whom it works, and what reads show.

use std::time::Duration;

use identity_core::limits::clock;
use serde_json::{Value, json};
use testkit::mock_graph::{FederatedReset, FlagAlone, SignInRefusal, SyncedReset, fixed};
use testkit::organisation::special;

use crate::client::{Inside, connect, described, profile, started};

const NEW: &str = "Zq7-bcdfghjkmnp";

#[tokio::test]
async fn a_new_password_signs_in_and_the_old_one_does_not() {
    let (mock, client) = started().await;
    let user = mock.user(fixed::ORDINARY).unwrap();
    let old = mock.initial_password(&user.id).unwrap();
    assert_eq!(mock.sign_in(&user.id, &old), Ok(()));
    let path = format!("/users/{}?$select=lastPasswordChangeDateTime,passwordProfile", user.id);
    let before = client.get(&path).await.body;
    let reply = client.set(user.id, NEW).await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
    assert_eq!(mock.sign_in(&user.id, NEW), Ok(()));
    assert_eq!(mock.sign_in(&user.id, &old), Err(SignInRefusal::WrongPassword));
    let after = client.get(&path).await.body;
    let set = |body: &Value| body["lastPasswordChangeDateTime"].as_str().unwrap().to_owned();
    assert!(set(&after) > set(&before));
    assert_eq!(after["passwordProfile"], Value::Null);
    assert_eq!((mock.sets(&user.id).len(), mock.counts().passwords), (1, 1));
}

#[tokio::test]
async fn flags_are_as_sent_and_without_a_word_a_change_is_forced() {
    let (mock, client) = started().await;
    let user = mock.user(fixed::ORDINARY).unwrap();
    let path = format!("/users/{}", user.id);
    for (flags, expected) in [
        (json!({ "password": NEW }), (true, false)),
        (json!({ "password": NEW, "forceChangePasswordNextSignIn": false }), (false, false)),
        (json!({ "password": NEW, "forceChangePasswordNextSignIn": true }), (true, false)),
        (json!({ "password": NEW, "forceChangePasswordNextSignInWithMfa": true }), (true, true)),
    ] {
        assert_eq!(client.patch(&path, &json!({ "passwordProfile": flags })).await.status, 204);
        assert_eq!(mock.must_change(&user.id), Some(expected), "{flags}");
        let signed_in = mock.sign_in(&user.id, NEW);
        assert_eq!(signed_in, if expected.0 { Err(SignInRefusal::MustChange) } else { Ok(()) });
    }
    let shown = client.get(&format!("{path}?$select=passwordProfile")).await.body["passwordProfile"].clone();
    assert_eq!((&shown["forceChangePasswordNextSignInWithMfa"], &shown["password"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn a_flag_alone_leaves_the_password_and_can_do_nothing_at_all() {
    for (flag, expected) in [(FlagAlone::Sets, true), (FlagAlone::Nothing, false)] {
        let (mock, client) = connect(described().flag_alone(flag)).await;
        let user = mock.user(fixed::ORDINARY).unwrap();
        let body = json!({ "passwordProfile": { "forceChangePasswordNextSignIn": true } });
        assert_eq!(client.patch(&format!("/users/{}", user.id), &body).await.status, 204);
        assert_eq!(mock.must_change(&user.id), Some((expected, false)));
        assert!(mock.sets(&user.id).is_empty());
        let old = mock.sign_in(&user.id, &mock.initial_password(&user.id).unwrap());
        assert_ne!(
            old,
            Err(SignInRefusal::WrongPassword),
            "whoever knows the old password can be the one who changes it"
        );
    }
}

#[tokio::test]
async fn a_password_that_is_not_good_enough_is_refused_in_graphs_words() {
    let (mock, client) = connect(described().banned_words(["Contoso"])).await;
    let user = mock.user(fixed::ORDINARY).unwrap();
    for bad in ["Zq7-bcd", "abcdefghij", "Zq7-bcdé12", "xx-conTOSO-1", &format!("Zq7-{}", "x".repeat(253)), ""] {
        let reply = client.set(user.id, bad).await;
        assert_eq!(reply.refusal(), (400, "Request_BadRequest"), "{bad:?}");
        assert!(reply.message().starts_with("The specified password does not comply with password complexity"));
    }
    assert!(mock.untouched(&user.id));
    assert_eq!(client.set(user.id, &format!("Zq7-{}", "x".repeat(252))).await.status, 204);
}

#[tokio::test]
async fn the_permission_is_needed_and_writing_users_does_not_replace_it() {
    let described = described().without_permission("User-PasswordProfile.ReadWrite.All");
    let (mock, client) = connect(described.with_permission("User.ReadWrite.All")).await;
    let user = mock.user(fixed::ORDINARY).unwrap();
    assert_eq!(client.set(user.id, NEW).await.refusal(), (403, "Authorization_RequestDenied"));
    assert!(mock.untouched(&user.id));
}

#[tokio::test]
async fn the_app_needs_a_role_for_administrators_and_as_documented_for_everybody() {
    let (mock, client) = connect(described().app_roles([])).await;
    assert_eq!(client.set(mock.user(fixed::ORDINARY).unwrap().id, NEW).await.status, 403);
    let (mock, client) = connect(described().app_roles([]).permission_is_enough()).await;
    assert_eq!(client.set(mock.user(fixed::ORDINARY).unwrap().id, NEW).await.status, 204);
    assert_eq!(client.set(mock.user(fixed::USER_ADMIN).unwrap().id, NEW).await.status, 403);
    assert_eq!(client.set(mock.user(fixed::RESTRICTED).unwrap().id, NEW).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn a_cloud_password_of_a_synchronised_user_is_overwritten_later() {
    let wait = Duration::from_secs(120);
    let mock = described().synced_reset(SyncedReset::OverwrittenAfter(wait)).build();
    let inside = Inside::new(&mock).await;
    let user = mock.user_of_account(special::ORDINARY).unwrap();
    let on_prem = mock.organisation().initial_password(special::ORDINARY);
    let path = format!("/users/{}?$select=lastPasswordChangeDateTime", user.id);
    let before = inside.send("GET", &path, None).await.unwrap().body;
    assert_eq!(inside.set(user.id, NEW).await.status, 204);
    assert_eq!(mock.sign_in(&user.id, NEW), Ok(()));
    // A second one does not become what is put back.
    assert_eq!(inside.set(user.id, "Zq7-another-one").await.status, 204);
    clock::sleep(wait).await;
    assert_eq!(mock.sign_in(&user.id, NEW), Err(SignInRefusal::WrongPassword));
    assert_eq!(mock.sign_in(&user.id, &on_prem), Ok(()), "the attacker's password is back");
    assert_eq!(inside.send("GET", &path, None).await.unwrap().body, before);
    mock.password_from_on_prem(&user.id, "Zq7-from-on-prem").unwrap();
    assert_eq!(mock.sign_in(&user.id, "Zq7-from-on-prem"), Ok(()));
}

#[tokio::test]
async fn a_password_of_a_synchronised_user_can_be_refused() {
    let (mock, client) = connect(described().synced_reset(SyncedReset::Refused)).await;
    let user = mock.user_of_account(special::ORDINARY).unwrap();
    let reply = client.set(user.id, NEW).await;
    assert_eq!(reply.refusal(), (400, "Request_BadRequest"));
    assert!(reply.message().contains("on-premises mastered Directory Sync objects"));
    assert!(mock.untouched(&user.id));
    assert_eq!(client.revoke(user.id).await.status, 200, "sessions are of the cloud");
}

#[tokio::test]
async fn federated_users_guests_and_agents_have_no_password_here() {
    for (reset, status) in [(FederatedReset::BadRequest, 400), (FederatedReset::Forbidden, 403)] {
        let (mock, client) = connect(described().federated_reset(reset)).await;
        let guest = mock.user_of_account(special::EXTERNAL).unwrap();
        for user in [mock.user(fixed::FEDERATED).unwrap(), guest] {
            assert_eq!(client.set(user.id, NEW).await.status.as_u16(), status, "{}", user.principal_name);
            assert_eq!(mock.sign_in(&user.id, NEW), Err(SignInRefusal::NotHere));
        }
        let agent = mock.user(fixed::AGENT).unwrap();
        assert_eq!(client.set(agent.id, NEW).await.status, 400, "without its type");
        let mut body = profile(NEW);
        body["@odata.type"] = json!("#microsoft.graph.agentUser");
        assert_eq!(client.patch(&format!("/users/{}", agent.id), &body).await.status.as_u16(), status);
    }
}

#[tokio::test]
async fn inside_guests_and_local_accounts_are_set_like_members() {
    let (mock, client) = started().await;
    for number in [fixed::INTERNAL_GUEST, fixed::LOCAL_ACCOUNT, fixed::ROOM, fixed::BREAK_GLASS_1] {
        let user = mock.user(number).unwrap();
        assert_eq!(client.set(user.id, NEW).await.status, 204, "{}", user.principal_name);
        assert_ne!(mock.sign_in(&user.id, NEW), Err(SignInRefusal::WrongPassword));
    }
}

#[tokio::test(start_paused = true)]
async fn reads_show_the_time_before_until_the_lag_is_over() {
    let lag = Duration::from_secs(30);
    let mock = described().read_lag(lag).build();
    let inside = Inside::new(&mock).await;
    let user = mock.user(fixed::ORDINARY).unwrap();
    let path = format!("/users/{}?$select=lastPasswordChangeDateTime,signInSessionsValidFromDateTime", user.id);
    let read = async || {
        let body = inside.send("GET", &path, None).await.unwrap().body;
        ["lastPasswordChangeDateTime", "signInSessionsValidFromDateTime"]
            .map(|name| body[name].as_str().unwrap().to_owned())
    };
    let before = read().await;
    assert_eq!(inside.set(user.id, NEW).await.status, 204);
    let revoke = format!("/users/{}/revokeSignInSessions", user.id);
    assert_eq!(inside.send("POST", &revoke, None).await.unwrap().status, 200);
    assert_eq!(read().await, before);
    assert_eq!(mock.sign_in(&user.id, NEW), Ok(()), "it took effect at once");
    clock::sleep(lag).await;
    let [set, revoked] = read().await;
    assert!(set > before[0] && revoked > before[1]);
}
