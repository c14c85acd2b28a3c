//! Authentication methods, temporary access passes, risky users.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::mock_graph::{MethodKind, MockGraph, fixed};
use testkit::organisation::special;
use uuid::Uuid;

use crate::client::{Client, Reply, connect, described};

/// A user who has an authenticator and a phone.
fn enrolled(mock: &MockGraph) -> Uuid {
    let has = |id: &Uuid| mock.enrolled(id).starts_with(&[MethodKind::Authenticator]) && mock.enrolled(id).len() == 3;
    mock.users().map(|user| user.id).find(has).unwrap()
}

async fn delete(client: &Client, path: &str) -> Reply {
    Reply::of(client.request(Method::DELETE, path).send().await.unwrap()).await
}

async fn method(client: &Client, user: Uuid, kind: &str) -> String {
    let rows = client.get(&format!("/users/{user}/authentication/methods")).await;
    let fits = |row: &&Value| row["@odata.type"] == format!("#microsoft.graph.{kind}AuthenticationMethod");
    rows.rows().iter().find(fits).unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn methods_are_told_apart_by_type_and_the_default_goes_last() {
    let (mock, client) = connect(described().without_quotas()).await;
    let user = enrolled(&mock);
    let base = format!("/users/{user}/authentication");
    let phone = method(&client, user, "phone").await;
    let authenticator = method(&client, user, "microsoftAuthenticator").await;
    let refused = delete(&client, &format!("{base}/microsoftAuthenticatorMethods/{authenticator}")).await;
    assert_eq!(refused.refusal(), (400, "Request_BadRequest"));
    assert!(refused.message().starts_with("Cannot delete default method with other methods configured."));
    assert_eq!(delete(&client, &format!("{base}/fido2Methods/{phone}")).await.status, 404, "another family");
    assert_eq!(client.get(&format!("{base}/phoneMethods/{phone}")).await.body["phoneType"], "mobile");
    assert_eq!(delete(&client, &format!("{base}/phoneMethods/{phone}")).await.status, 204);
    assert_eq!(delete(&client, &format!("{base}/phoneMethods/{phone}")).await.status, 404);
    let last = format!("{base}/microsoftAuthenticatorMethods/{authenticator}");
    assert_eq!(delete(&client, &last).await.status, 204);
    assert_eq!(mock.enrolled(&user), [MethodKind::Password]);
    assert!(!mock.untouched(&user));
}

#[tokio::test]
async fn a_password_method_cannot_be_deleted_nor_reset_by_an_app() {
    let (mock, client) = connect(described().without_quotas()).await;
    let user = mock.user(fixed::ORDINARY).unwrap().id;
    let id = method(&client, user, "password").await;
    assert_eq!(id, "28c10230-6103-485e-b985-444c60001490");
    let base = format!("/users/{user}/authentication");
    assert_eq!(delete(&client, &format!("{base}/passwordMethods/{id}")).await.status, 405);
    assert_eq!(delete(&client, &format!("{base}/methods/{id}")).await.status, 405);
    let reset = client.post(&format!("{base}/methods/{id}/resetPassword"), &json!({ "newPassword": "x" })).await;
    assert_eq!(reset.refusal(), (403, "accessDenied"));
    assert_eq!(client.get(&format!("{base}/faceMethods")).await.status, 400);
}

#[tokio::test]
async fn methods_need_their_permission_and_for_administrators_a_role() {
    let (mock, client) = connect(described().without_permission("UserAuthenticationMethod.ReadWrite.All")).await;
    let path = format!("/users/{}/authentication/methods", mock.user(fixed::ORDINARY).unwrap().id);
    assert_eq!(client.get(&path).await.refusal(), (403, "accessDenied"));
    // The help desk may set passwords of the help desk, and not touch what it signs in with.
    let (mock, client) = connect(described().app_roles(["729827e3-9c14-49f7-bb1b-9608f156bbb8"])).await;
    let (admin, user) = (mock.user(fixed::HELPDESK_ADMIN).unwrap().id, mock.user(fixed::ORDINARY).unwrap().id);
    let passes = |id| format!("/users/{id}/authentication/temporaryAccessPassMethods");
    assert_eq!(client.post(&passes(admin), &json!({})).await.refusal(), (403, "Authorization_RequestDenied"));
    assert_eq!(client.post(&passes(user), &json!({})).await.status, 201);
    assert_eq!(client.set(admin, "Zq7-bcdfghjkmnp").await.status, 204);
}

#[tokio::test]
async fn a_pass_is_shown_once_and_replaces_the_one_before() {
    let (mock, client) = connect(described().without_quotas()).await;
    let user = mock.user(fixed::ORDINARY).unwrap().id;
    let path = format!("/users/{user}/authentication/temporaryAccessPassMethods");
    let body = json!({ "startDateTime": "2099-06-05T00:00:00.000Z", "lifetimeInMinutes": 60, "isUsableOnce": true });
    let first = client.post(&path, &body).await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert!(first.body["temporaryAccessPass"].as_str().unwrap().len() >= 8);
    assert_eq!((&first.body["isUsable"], &first.body["methodUsabilityReason"]), (&json!(false), &json!("NotYetValid")));
    let second = client.post(&path, &json!({ "lifetimeInMinutes": 10 })).await;
    assert_eq!(second.body["isUsable"], true);
    assert_ne!(first.body["temporaryAccessPass"], second.body["temporaryAccessPass"]);
    let listed = client.get(&path).await;
    assert_eq!(listed.rows().len(), 1);
    assert_eq!(listed.rows()[0]["id"], second.body["id"]);
    assert_eq!(listed.rows()[0]["temporaryAccessPass"], Value::Null);
    let id = second.body["id"].as_str().unwrap();
    assert_eq!(delete(&client, &format!("{path}/{id}")).await.status, 204);
    assert_eq!(client.get(&path).await.rows().len(), 0);
}

#[tokio::test]
async fn a_pass_obeys_policy_and_the_bounds_of_its_lifetime() {
    let (mock, client) = connect(described().without_quotas()).await;
    let path =
        |mock: &MockGraph| format!("/users/{}/authentication/temporaryAccessPassMethods", mock.user(15).unwrap().id);
    for (minutes, status) in [(9, 400), (10, 201), (43_200, 201), (43_201, 400)] {
        let reply = client.post(&path(&mock), &json!({ "lifetimeInMinutes": minutes })).await;
        assert_eq!(reply.status, status, "{minutes}");
    }
    assert_eq!(client.post(&path(&mock), &json!({ "lifetime": 60 })).await.status, 400);
    let (mock, client) = connect(described().without_temporary_access_pass()).await;
    assert_eq!(client.post(&path(&mock), &json!({})).await.status, 400);
}

#[tokio::test]
async fn a_confirmed_user_is_at_high_risk_until_dismissed() {
    let (mock, client) = connect(described().without_quotas().most_risky(60)).await;
    let user = mock.user(fixed::ORDINARY).unwrap().id;
    let confirm = "/identityProtection/riskyUsers/confirmCompromised";
    assert_eq!(client.post(confirm, &json!({ "userIds": [user] })).await.status, 204);
    let risk = mock.risk(&user).unwrap();
    assert_eq!((risk.level, risk.state), ("high", "confirmedCompromised"));
    let rows = client.get("/identityProtection/riskyUsers?$filter=riskState eq 'confirmedCompromised'").await;
    assert_eq!(rows.rows().len(), 1);
    assert_eq!(rows.rows()[0]["id"], user.to_string());
    let at_risk = client.get("/identityProtection/riskyUsers?$filter=riskState eq 'atRisk'").await;
    assert_eq!(at_risk.rows()[0]["id"], mock.user_of_account(special::CHIEF).unwrap().id.to_string());
    assert_eq!(client.post("/identityProtection/riskyUsers/dismiss", &json!({ "userIds": [user] })).await.status, 204);
    assert_eq!(mock.risk(&user).unwrap().state, "dismissed");
    let many: Vec<Uuid> = mock.users().map(|user| user.id).take(61).collect();
    assert_eq!(client.post(confirm, &json!({ "userIds": many })).await.status, 400);
    assert_eq!(client.post(confirm, &json!({ "userIds": many[..60] })).await.status, 204);
    assert_eq!(client.post(confirm, &json!({ "userIds": [] })).await.status, 400);
    assert_eq!(client.post(confirm, &json!({ "users": [user] })).await.status, 400);
    assert_eq!(client.post(confirm, &json!({ "userIds": [Uuid::nil()] })).await.status, 404);
}
