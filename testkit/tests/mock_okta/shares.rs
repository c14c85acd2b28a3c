//! Principal rate limits: what a principal may use of every bucket.

use serde_json::{Value, json};
use testkit::mock_okta::{Bucket, MockOkta, Share, fixed};

use crate::client::{Client, Reply, begun, described, with};

const LISTED: &str = "/api/v1/principal-rate-limits?filter=principalType%20eq%20%22SSWS_TOKEN%22";

async fn put(client: &Client, id: &str, body: &Value) -> Reply {
    let headers = [("content-type", "application/json")];
    let path = format!("/api/v1/principal-rate-limits/{id}");
    client.try_send("PUT", &path, &headers, body.to_string().as_bytes()).await.unwrap()
}

async fn limit(mock: &MockOkta, client: &Client) -> u32 {
    client.user(&mock.user(fixed::ORDINARY).unwrap()).await.limits().0
}

#[tokio::test(start_paused = true)]
async fn the_share_is_read_and_raised() {
    let (mock, client) = begun();
    assert_eq!(limit(&mock, &client).await, Bucket::User.published() / 2);
    let listed = client.get(LISTED).await;
    let entry = listed.body[0].clone();
    assert_eq!((listed.rows().len(), &entry["principalId"]), (1, &json!(mock.api_token_id())));
    assert_eq!((&entry["defaultPercentage"], &entry["defaultConcurrencyPercentage"]), (&json!(50), &json!(75)));
    let of_apps = client.get(&LISTED.replace("SSWS_TOKEN", "OAUTH_CLIENT")).await;
    assert_eq!(of_apps.body[0]["principalId"], json!(mock.client_id()));
    let id = entry["id"].as_str().unwrap();
    let change = |percentage: Value| {
        json!({
            "principalId": entry["principalId"], "principalType": "SSWS_TOKEN", "defaultPercentage": percentage,
        })
    };
    let raised = put(&client, id, &change(json!(80))).await;
    assert_eq!((raised.status, &raised.body["defaultPercentage"]), (200, &json!(80)));
    assert_eq!(mock.share(&mock.api_token_id()), Share { percentage: 80, concurrency_percentage: 75 });
    assert_eq!(limit(&mock, &client).await, Bucket::User.published() / 5 * 4);
    for wrong in [json!(0), json!(101), json!("80"), Value::Null] {
        assert_eq!(put(&client, id, &change(wrong)).await.refusal(), (400, "E0000001"));
    }
    let of_another = json!({ "principalId": "00Tother", "principalType": "SSWS_TOKEN" });
    assert_eq!(put(&client, id, &of_another).await.refusal(), (400, "E0000001"));
    assert_eq!(put(&client, "prlnobody", &change(json!(80))).await.refusal(), (404, "E0000007"));
    assert_eq!(mock.share(&mock.api_token_id()).percentage, 80);
}

#[tokio::test(start_paused = true)]
async fn a_second_entry_is_refused_and_so_is_who_may_not() {
    let (mock, client) = with(described().share(40));
    let listed = client.get(LISTED).await;
    assert_eq!(listed.body[0]["defaultPercentage"], 40);
    let again = json!({ "principalId": mock.api_token_id(), "principalType": "SSWS_TOKEN" });
    let reply = client.post("/api/v1/principal-rate-limits", &again).await;
    assert_eq!(reply.refusal(), (400, "E0000001"));
    assert_eq!(reply.body["errorSummary"], "Api validation failed: principalRateLimitMediated");
    assert_eq!(client.get("/api/v1/principal-rate-limits").await.refusal(), (400, "E0000001"));
    mock.set_caller_roles(["HELP_DESK_ADMIN"]);
    assert_eq!(client.get(LISTED).await.refusal(), (403, "E0000006"));
    mock.set_caller_roles(["READ_ONLY_ADMIN"]);
    let id = listed.body[0]["id"].as_str().unwrap();
    assert_eq!(put(&client, id, &again).await.refusal(), (403, "E0000006"), "reading is not managing");
}
