//! What Graph would refuse for its form is refused.

use reqwest::Method;
use serde_json::json;
use testkit::mock_graph::{MARKER, fixed};

use crate::client::{Reply, connect, described, started};

#[tokio::test]
async fn a_body_must_be_json_of_known_members_and_right_types() {
    let (mock, client) = connect(described().with_permission("User.ReadWrite.All")).await;
    let user = mock.user(fixed::ORDINARY).unwrap();
    let path = format!("/users/{}", user.id);
    for body in [
        json!({}),
        json!([]),
        json!({ "nobody": 1 }),
        json!({ "AccountEnabled": false }),
        json!({ "accountEnabled": "false" }),
        json!({ "accountEnabled": null }),
        json!({ "city": 7 }),
        json!({ "otherMails": "x@example.test" }),
        json!({ "id": "x" }),
        json!({ "lastPasswordChangeDateTime": "2026-01-01T00:00:00Z" }),
        json!({ "onPremisesSyncEnabled": false }),
        json!({ "passwordProfile": null }),
        json!({ "passwordProfile": {} }),
        json!({ "passwordProfile": { "password": 7 } }),
        json!({ "passwordProfile": { "password": null } }),
        json!({ "passwordProfile": { "password": "Zq7-bcdfghjk", "forceChangePasswordNextSignIn": "no" } }),
        json!({ "passwordProfile": { "password": "Zq7-bcdfghjk", "forceChangePasswordNextLogin": true } }),
        json!({ "@odata.type": "#microsoft.graph.agentUser", "accountEnabled": false }),
    ] {
        assert_eq!(client.patch(&path, &body).await.status, 400, "{body}");
    }
    assert!(mock.untouched(&user.id));
    let text = client.request(Method::PATCH, &path).header("content-type", "text/plain").body("{\"city\":\"x\"}");
    assert_eq!(Reply::of(text.send().await.unwrap()).await.status, 400);
    let bare = client.request(Method::PATCH, &path).body("{\"city\":\"x\"}");
    assert_eq!(Reply::of(bare.send().await.unwrap()).await.status, 400);
    let broken = client.request(Method::PATCH, &path).header("content-type", "application/json").body("{\"city\":");
    assert_eq!(Reply::of(broken.send().await.unwrap()).await.status, 400);
    assert_eq!(client.patch(&format!("{path}?$select=id"), &json!({ "city": "x" })).await.status, 400);
}

#[tokio::test]
async fn other_methods_and_bodies_where_none_belongs_are_refused() {
    let (mock, client) = started().await;
    let user = mock.user(fixed::ORDINARY).unwrap();
    for (method, path) in [
        (Method::DELETE, "/users".to_owned()),
        (Method::PUT, format!("/users/{}", user.id)),
        (Method::GET, format!("/users/{}/revokeSignInSessions", user.id)),
        (Method::POST, "/organization".to_owned()),
    ] {
        let reply = Reply::of(client.request(method.clone(), &path).send().await.unwrap()).await;
        assert_eq!(reply.status, 405, "{method} {path}");
    }
    let body = client.request(Method::GET, "/users").json(&json!({}));
    assert_eq!(Reply::of(body.send().await.unwrap()).await.status, 400);
    assert_eq!(client.get("/users//manager").await.status, 400);
    assert_eq!(client.get(&format!("{}/beta/users", mock.graph_url())).await.status, 400);
    assert_eq!(client.get(&format!("/users/{}/invalidateAllRefreshTokens", user.id)).await.status, 400);
    let level = client.request(Method::GET, "/users").header("ConsistencyLevel", "strong");
    assert_eq!(Reply::of(level.send().await.unwrap()).await.status, 400);
}

#[tokio::test]
async fn a_body_has_a_largest_size() {
    let (mock, client) = connect(described().largest_body(200)).await;
    let path = format!("/users/{}", mock.user(fixed::ORDINARY).unwrap().id);
    let password = format!("Zq7-{}", "x".repeat(200));
    assert_eq!(client.patch(&path, &crate::client::profile(&password)).await.status, 413);
    assert_eq!(client.patch(&path, &crate::client::profile("Zq7-bcdfghjk")).await.status, 204);
}

#[tokio::test]
async fn the_record_holds_every_exchange_and_no_secret() {
    let (mock, client) = connect(described().recording()).await;
    let user = mock.user(fixed::ORDINARY).unwrap();
    let password = "Zq7-bcdfghjkmnp";
    client.set(user.id, password).await;
    let part = json!({
        "id": "1",
        "method": "PATCH",
        "url": format!("/users/{}", user.id),
        "headers": { "Content-Type": "application/json" },
        "body": { "passwordProfile": { "password": password } },
    });
    client.post("/$batch", &json!({ "requests": [part] })).await;
    client.get("/users?$top=5&$select=id").await;
    let exchanges = mock.exchanges();
    let told: Vec<_> = exchanges.iter().map(|exchange| (exchange.method.as_str(), exchange.status.unwrap())).collect();
    assert_eq!(told, [("POST", 200), ("PATCH", 204), ("POST", 200), ("GET", 200)]);
    assert!(exchanges[0].login && exchanges[0].body["client_secret"] == MARKER);
    assert_eq!(exchanges[0].answer["access_token"], MARKER);
    assert_eq!(exchanges[1].body["passwordProfile"]["password"], MARKER);
    assert_eq!(exchanges[2].body["requests"][0]["body"]["passwordProfile"]["password"], MARKER);
    assert_eq!(exchanges[3].query.as_deref(), Some("$top=5&$select=id"));
    assert_eq!(exchanges[3].answer["value"].as_array().unwrap().len(), 5);
    let everything = format!("{exchanges:?} {mock:?} {:?}", mock.in_process());
    for secret in [password, &client.token, &mock.client_secret().unwrap(), &mock.identity_header()] {
        assert!(!everything.contains(secret));
    }
}
