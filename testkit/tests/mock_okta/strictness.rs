//! What is not asked as it must be.

use serde_json::json;
use testkit::mock_okta::fixed;

use crate::client::{begun, credentials};

#[tokio::test(start_paused = true)]
async fn unknown_parameters_bodies_and_paths_are_refused() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    let own = format!("/api/v1/users/{}", user.id);
    for (path, expected) in [
        ("/api/v1/users?limits=5".to_owned(), (400, "E0000001")),
        ("/api/v1/users?limit=5&limit=6".to_owned(), (400, "E0000001")),
        (format!("{own}?sendEmail=true"), (400, "E0000001")),
        ("/api/v1/user".to_owned(), (404, "E0000008")),
        ("/api/v2/users".to_owned(), (404, "E0000008")),
        (format!("{own}/lifecycle/suspend"), (405, "E0000022")),
    ] {
        assert_eq!(client.get(&path).await.refusal(), expected, "{path}");
    }
    for operation in ["expire_password?revokeSessions=true", "reset_password?sendEmail=yes", "suspend?force=true"] {
        let reply = client.operate(&user, &format!("lifecycle/{operation}")).await;
        assert_eq!(reply.refusal(), (400, "E0000001"), "{operation}");
    }
    let body = client.post(&format!("{own}/lifecycle/expire_password"), &json!({ "tempPassword": true })).await;
    assert_eq!(body.refusal(), (400, "E0000001"), "a body that nothing is known of");
    for body in [
        json!({ "credentials": { "password": "text" } }),
        json!({ "credentials": { "password": { "hash": {} } } }),
        json!({ "credential": {} }),
    ] {
        assert_eq!(client.post(&own, &body).await.refusal(), (400, "E0000001"), "{body}");
    }
    assert_eq!(client.send("POST", &own).await.refusal(), (400, "E0000003"), "no body");
    let text = credentials("Zq7-bcdfghjkmnp").to_string();
    let reply = client.try_send("POST", &own, &[("content-type", "text/plain")], text.as_bytes()).await.unwrap();
    assert_eq!(reply.refusal(), (400, "E0000021"));
    let reply = client.try_send("POST", &own, &[("content-type", "application/json")], b"{").await.unwrap();
    assert_eq!(reply.refusal(), (400, "E0000003"));
    assert!(mock.untouched(&user.id));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_method_has_no_rate_limit() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    let reply = client.send("PATCH", &format!("/api/v1/users/{}", user.id)).await;
    assert_eq!(reply.refusal(), (405, "E0000022"));
    assert_eq!(reply.header("x-rate-limit-limit"), None);
}
