//! Reading one user, revoking sessions, enabling and disabling.

use std::time::Duration;

use identity_core::limits::clock;
use serde_json::json;
use testkit::mock_graph::{RevokeAnswer, SyncedReset, fixed};
use testkit::organisation::special;

use crate::client::{Inside, connect, described, started};

#[tokio::test]
async fn a_user_is_found_by_id_and_by_name() {
    let (mock, client) = started().await;
    for number in [fixed::ORDINARY, fixed::APOSTROPHE, fixed::PENDING_GUEST] {
        let user = mock.user(number).unwrap();
        let name = user.principal_name.replace('#', "%23").to_uppercase();
        for path in [format!("/users/{}", user.id), format!("/users/{name}")] {
            let reply = client.get(&path).await;
            assert_eq!(reply.body["id"], user.id.to_string(), "{path}: {}", reply.text);
            assert!(reply.body["@odata.context"].as_str().unwrap().ends_with("#users/$entity"));
        }
    }
    let absent = "00000000-dead-4bad-8bad-000000000000";
    let reply = client.get(&format!("/users/{absent}")).await;
    assert_eq!(reply.refusal(), (404, "Request_ResourceNotFound"));
    assert!(reply.message().contains(absent));
    assert!(reply.body["error"]["innerError"]["request-id"].is_string());
    assert!(!reply.body["error"]["innerError"]["date"].as_str().unwrap().ends_with('Z'), "no zone");
    assert_eq!(client.get("/users/nobody@example.test").await.status, 404);
}

#[tokio::test]
async fn objects_are_read_by_their_ids_and_the_absent_are_left_out() {
    let (mock, client) = started().await;
    let ids = [mock.user(fixed::ORDINARY).unwrap().id.to_string(), "00000000-dead-4bad-8bad-000000000000".into()];
    let reply = client.post("/directoryObjects/getByIds", &json!({ "ids": ids, "types": ["user"] })).await;
    assert_eq!(reply.rows().len(), 1);
    assert_eq!(reply.rows()[0]["@odata.type"], "#microsoft.graph.user");
    assert_eq!(reply.header("x-ms-resource-unit"), Some("5"));
    let reply = client.post("/directoryObjects/getByIds?$select=id,accountEnabled", &json!({ "ids": ids })).await;
    assert_eq!(
        (reply.rows()[0]["accountEnabled"].clone(), reply.header("x-ms-resource-unit")),
        (json!(true), Some("2"))
    );
    let many = vec![ids[0].clone(); 1001];
    for body in [json!({ "ids": many }), json!({ "ids": [] }), json!({ "ids": ["x"] }), json!({ "id": ids })] {
        assert_eq!(client.post("/directoryObjects/getByIds", &body).await.status, 400);
    }
}

#[tokio::test]
async fn revoking_moves_the_day_that_sessions_are_valid_from() {
    let (mock, client) = started().await;
    let user = mock.user(fixed::ORDINARY).unwrap();
    let path = format!("/users/{}?$select=signInSessionsValidFromDateTime", user.id);
    let before = client.get(&path).await.body["signInSessionsValidFromDateTime"].clone();
    let reply = client.revoke(user.id).await;
    assert_eq!((reply.status.as_u16(), &reply.body["value"]), (200, &json!(true)));
    assert!(reply.body["@odata.context"].as_str().unwrap().ends_with("#Edm.Boolean"));
    let after = client.get(&path).await.body["signInSessionsValidFromDateTime"].clone();
    assert!(after.as_str() > before.as_str(), "{before} {after}");
    assert_eq!(mock.revoked(&user.id).len(), 1);
    assert_eq!(client.post(&format!("/users/{}/revokeSignInSessions", user.id), &json!({})).await.status, 200);
    let refused = client.post(&format!("/users/{}/revokeSignInSessions", user.id), &json!({ "now": true })).await;
    assert_eq!(refused.status, 400);
    assert_eq!(mock.revoked(&user.id).len(), 2);
}

#[tokio::test]
async fn revoking_a_guest_is_answered_and_does_nothing() {
    let (mock, client) = connect(described().revoke_answer(RevokeAnswer::NoContent)).await;
    let guest = mock.user_of_account(special::EXTERNAL).unwrap();
    let reply = client.revoke(guest.id).await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
    assert!(mock.revoked(&guest.id).is_empty());
    let (mock, client) = connect(described().without_permission("User.RevokeSessions.All")).await;
    assert_eq!(client.revoke(mock.user(fixed::ORDINARY).unwrap().id).await.status, 403);
}

#[tokio::test]
async fn revoking_the_sessions_of_an_administrator_can_need_a_role() {
    for (described, status) in [(described(), 200), (described().revoke_needs_role(), 403)] {
        let (mock, client) = connect(described.app_roles([])).await;
        assert_eq!(client.revoke(mock.user(fixed::USER_ADMIN).unwrap().id).await.status.as_u16(), status);
        assert_eq!(client.revoke(mock.user(fixed::ORDINARY).unwrap().id).await.status, 200);
    }
}

#[tokio::test]
async fn an_account_is_disabled_with_the_permission_for_it() {
    let (mock, client) = started().await;
    let user = mock.user(fixed::ORDINARY).unwrap();
    let path = format!("/users/{}", user.id);
    assert_eq!(client.patch(&path, &json!({ "accountEnabled": false })).await.status, 204);
    assert_eq!(mock.enabled(&user.id), Some(false));
    let read = client.get(&format!("{path}?$select=accountEnabled")).await;
    assert_eq!(read.body["accountEnabled"], false);
    assert!(mock.sign_in(&user.id, &mock.initial_password(&user.id).unwrap()).is_err());
    for missing in ["User.EnableDisableAccount.All", "User.Read.All"] {
        let (mock, client) = connect(described().without_permission(missing)).await;
        let path = format!("/users/{}", mock.user(fixed::ORDINARY).unwrap().id);
        assert_eq!(client.patch(&path, &json!({ "accountEnabled": false })).await.status, 403, "{missing}");
    }
}

#[tokio::test]
async fn sensitive_properties_together_are_refused_as_a_whole() {
    let (mock, client) = started().await;
    let user = mock.user(fixed::ORDINARY).unwrap();
    let body = json!({ "accountEnabled": false, "passwordProfile": { "password": "Zq7-bcdfghjk" } });
    let reply = client.patch(&format!("/users/{}", user.id), &body).await;
    assert_eq!(reply.refusal(), (403, "Authorization_RequestDenied"));
    assert!(mock.untouched(&user.id) && mock.enabled(&user.id) == Some(true) && mock.sets(&user.id).is_empty());
}

#[tokio::test]
async fn other_properties_need_the_right_to_write_users() {
    let (mock, client) = connect(described().with_permission("User.ReadWrite.All")).await;
    let user = mock.user(fixed::ORDINARY).unwrap();
    let path = format!("/users/{}", user.id);
    assert_eq!(client.patch(&path, &json!({ "city": "Bonn", "department": "Legal" })).await.status, 204);
    let read = client.get(&format!("{path}?$select=city,department")).await;
    assert_eq!((&read.body["city"], &read.body["department"]), (&json!("Bonn"), &json!("Legal")));
    let renamed = format!("renamed@{}", user.domain());
    assert_eq!(client.patch(&path, &json!({ "userPrincipalName": renamed })).await.status, 204);
    assert_eq!(client.get(&format!("/users/{renamed}")).await.body["id"], user.id.to_string());
    assert_eq!(client.get(&format!("/users/{}", user.principal_name)).await.status, 404);
    let synced = format!("/users/{}", mock.user_of_account(special::ORDINARY).unwrap().id);
    let refused = client.patch(&synced, &json!({ "department": "Legal" })).await;
    assert!(refused.message().starts_with("Unable to update the specified properties for on-premises mastered"));
    let (mock, client) = started().await;
    let path = format!("/users/{}", mock.user(fixed::ORDINARY).unwrap().id);
    assert_eq!(client.patch(&path, &json!({ "city": "Bonn" })).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn a_synchronised_account_is_enabled_again_by_the_synchronisation() {
    let wait = Duration::from_secs(60);
    let mock = described().synced_reset(SyncedReset::OverwrittenAfter(wait)).build();
    let inside = Inside::new(&mock).await;
    let user = mock.user_of_account(special::ORDINARY).unwrap();
    let path = format!("/users/{}", user.id);
    let reply = inside.send("PATCH", &path, Some(&json!({ "accountEnabled": false }))).await.unwrap();
    assert_eq!(reply.status, 204);
    assert_eq!(mock.enabled(&user.id), Some(false));
    clock::sleep(wait).await;
    assert_eq!(mock.enabled(&user.id), Some(true));
}
