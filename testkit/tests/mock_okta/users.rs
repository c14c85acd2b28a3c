//! One user.

use testkit::mock_okta::fixed;

use crate::client::{begun, described, with};

#[tokio::test(start_paused = true)]
async fn a_user_is_found_by_id_and_login_and_me_is_the_owner_of_the_token() {
    let (mock, client) = begun();
    let user = mock.user(fixed::APOSTROPHE).unwrap();
    let by_id = client.user(&user).await;
    let by_login = client.get(&format!("/api/v1/users/{}", user.login.replace('\'', "%27"))).await;
    assert_eq!(by_id.body, by_login.body);
    assert_eq!(by_id.body["profile"]["login"], user.login.as_str());
    let me = client.get("/api/v1/users/me").await;
    assert_eq!(me.body["id"], mock.user(fixed::RUNNER).unwrap().id.as_str());
    let nobody = client.get("/api/v1/users/00u0000000000absent0").await;
    assert_eq!(nobody.refusal(), (404, "E0000007"));
    assert_eq!(nobody.body["errorSummary"], "Not found: Resource not found: 00u0000000000absent0 (User)");
    assert_eq!(nobody.body["errorLink"], "E0000007");
    assert!(nobody.body["errorId"].as_str().unwrap().starts_with("oae"));
    let slash = mock.user(fixed::SLASH).unwrap();
    assert_eq!(client.get(&format!("/api/v1/users/{}", slash.login)).await.status, 404, "by id only");
    assert_eq!(client.user(&slash).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn every_answer_has_an_id_of_32_digits_and_the_servers_time() {
    let (mock, client) = begun();
    mock.set_clock_skew(jiff::SignedDuration::from_mins(7));
    let before = identity_core::limits::clock::now();
    for path in ["/api/v1/users/me", "/api/v1/users/nobody", "/api/v1/nowhere", "/nowhere"] {
        let reply = client.get(path).await;
        let id = reply.header("x-okta-request-id").unwrap();
        assert!(id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit()), "{path}: {id}");
        let date = jiff::fmt::rfc2822::parse(reply.header("date").unwrap()).unwrap().timestamp();
        assert!(date.duration_since(before).as_secs() >= 419, "{path}");
        assert!(reply.header("x-rate-limit-reset").is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_single_read_has_a_weak_validator_that_changes_with_the_user() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    let etag = client.user(&user).await.header("etag").unwrap().to_owned();
    assert!(etag.starts_with("W/\""));
    assert_eq!(client.user(&user).await.header("etag"), Some(etag.as_str()));
    let path = format!("/api/v1/users/{}", user.id);
    let body = crate::client::credentials(crate::client::NEW).to_string();
    let headers = [("content-type", "application/json"), ("if-match", "W/\"other\"")];
    let reply = client.try_send("POST", &path, &headers, body.as_bytes()).await.unwrap();
    assert_eq!(reply.refusal(), (412, "E0000231"));
    assert!(mock.untouched(&user.id));
    let headers = [("content-type", "application/json"), ("if-match", etag.as_str())];
    let reply = client.try_send("POST", &path, &headers, body.as_bytes()).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_ne!(client.user(&user).await.header("etag"), Some(etag.as_str()));
}

#[tokio::test(start_paused = true)]
async fn okta_response_leaves_things_out() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ACTIVATING).unwrap();
    let path = format!("/api/v1/users/{}", user.id);
    let whole = client.get(&path).await;
    assert_eq!(whole.body["transitioningToStatus"], "ACTIVE");
    let value = "application/json; okta-response=\"omitCredentialsLinks,omitTransitioningToStatus\"";
    let fewer = client.try_send("GET", &path, &[("content-type", value)], b"").await.unwrap();
    assert!(fewer.body.get("transitioningToStatus").is_none());
    assert!(fewer.body["_links"].get("resetPassword").is_none() && fewer.body["_links"].get("suspend").is_some());
    assert_eq!(fewer.body["credentials"]["provider"]["type"], "OKTA");
    let value = "application/json; okta-response=omitCredentials";
    let none = client.try_send("GET", &path, &[("content-type", value)], b"").await.unwrap();
    assert!(none.body.get("credentials").is_none(), "the provider is gone with it");
}

#[tokio::test(start_paused = true)]
async fn what_is_licensed_apart_is_401_and_the_token_is_good() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    let path = format!("/api/v1/users/{}/blocks", user.id);
    assert_eq!(client.get(&path).await.refusal(), (401, "E0000015"));
    assert_eq!(client.user(&user).await.status, 200);
    let revocation = serde_json::json!({ "sub_id": { "format": "opaque", "id": user.id } });
    assert_eq!(client.post("/oauth2/v1/global-token-revocation", &revocation).await.refusal(), (401, "E0000015"));
    let (mock, client) = with(described().with_features());
    assert_eq!(client.get(&path).await.body, serde_json::json!([]));
    assert_eq!(client.post("/oauth2/v1/global-token-revocation", &revocation).await.status, 204);
    let left = mock.sessions(&user.id).unwrap();
    assert_eq!((left.okta, left.app_tokens), (0, 0));
}
