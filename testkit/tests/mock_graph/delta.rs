//! Following changes.

use std::time::Duration;

use identity_core::limits::clock;
use serde_json::{Value, json};
use testkit::mock_graph::fixed;

use crate::client::{Client, connect, described, started};

/// Every row of a round, and the link to the next.
async fn round(client: &Client, path: &str) -> (Vec<Value>, String) {
    let (mut rows, mut path) = (Vec::new(), path.to_owned());
    loop {
        let reply = client.get(&path).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        rows.extend(reply.rows().iter().cloned());
        match (reply.body["@odata.nextLink"].as_str(), reply.body["@odata.deltaLink"].as_str()) {
            (Some(next), None) => path = next.to_owned(),
            (None, Some(delta)) => return (rows, delta.to_owned()),
            both => panic!("one link a page: {both:?}"),
        }
    }
}

#[tokio::test]
async fn a_round_gives_everybody_and_the_next_only_who_changed() {
    let (mock, client) = started().await;
    let (rows, link) = round(&client, "/users/delta?$select=displayName,accountEnabled").await;
    assert_eq!(rows.len() as u64, mock.len());
    let (rows, link) = round(&client, &link).await;
    assert!(rows.is_empty());
    let born = mock.create("born");
    let (ordinary, gone) = (mock.user(fixed::ORDINARY).unwrap().id, mock.user(fixed::NEVER_EXPIRES).unwrap().id);
    client.patch(&format!("/users/{ordinary}"), &json!({ "accountEnabled": false })).await;
    mock.delete(&gone).unwrap();
    let (rows, link) = round(&client, &link).await;
    let row = |id: &uuid::Uuid| rows.iter().find(|row| row["id"] == id.to_string()).unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(row(&born)["displayName"], "born");
    assert_eq!(row(&ordinary)["accountEnabled"], false);
    assert_eq!(row(&gone)["@removed"]["reason"], "changed");
    assert!(round(&client, &link).await.0.is_empty());
}

#[tokio::test]
async fn the_other_word_for_who_was_deleted_can_be_had() {
    let (mock, client) = connect(described().other_codes()).await;
    let (_, link) = round(&client, "/users/delta?$deltatoken=latest").await;
    mock.delete(&mock.user(fixed::ORDINARY).unwrap().id).unwrap();
    assert_eq!(round(&client, &link).await.0[0]["@removed"]["reason"], "deleted");
}

#[tokio::test]
async fn who_is_made_during_a_round_is_in_the_next() {
    let (mock, client) = started().await;
    let first = client.get("/users/delta?$select=id").await;
    let born = mock.create("between");
    let (_, link) = round(&client, first.body["@odata.nextLink"].as_str().unwrap()).await;
    let (rows, _) = round(&client, &link).await;
    assert_eq!(rows[0]["id"], born.to_string());
}

#[tokio::test]
async fn a_change_during_a_round_of_changes_loses_nobody() {
    let (mock, client) = connect(described().without_quotas()).await;
    let (_, link) = round(&client, "/users/delta?$select=id").await;
    let users: Vec<_> = mock.users().map(|user| user.id).collect();
    for user in &users {
        mock.change(user, |user| user.department = Some("Moved".into())).unwrap();
    }
    let first = client.get(&link).await;
    let again = mock.user(fixed::ORDINARY).unwrap().id;
    mock.change(&again, |user| user.department = None).unwrap();
    let (rest, link) = round(&client, first.body["@odata.nextLink"].as_str().unwrap()).await;
    assert_eq!(first.rows().len() + rest.len(), users.len());
    assert_eq!(round(&client, &link).await.0[0]["id"], again.to_string());
}

#[tokio::test]
async fn the_latest_link_begins_now() {
    let (mock, client) = started().await;
    let (rows, link) = round(&client, "/users/delta?$deltatoken=latest").await;
    assert!(rows.is_empty());
    let born = mock.create("later");
    let (rows, _) = round(&client, &link).await;
    assert_eq!(rows[0]["id"], born.to_string());
}

#[tokio::test]
async fn a_link_that_is_gone_asks_for_a_new_beginning() {
    let (mock, client) = started().await;
    let (_, link) = round(&client, "/users/delta?$select=id").await;
    let id = mock.user(fixed::ORDINARY).unwrap().id;
    assert_eq!(client.get(&format!("{link}&$filter=id eq '{id}'")).await.status, 410, "a link is used as it is");
    mock.forget_delta_links();
    assert_eq!(client.get(&link).await.refusal(), (410, "syncStateNotFound"));
    assert_eq!(client.get("/users/delta?$deltatoken=x").await.status, 410);
}

#[tokio::test]
async fn a_delta_query_is_filtered_by_ids_only() {
    let (mock, client) = started().await;
    let id = mock.user(fixed::ORDINARY).unwrap().id;
    let (rows, link) = round(&client, &format!("/users/delta?$filter=id eq '{id}'")).await;
    assert_eq!(rows.len(), 1);
    mock.create("somebody-else");
    let (rows, link) = round(&client, &link).await;
    assert!(rows.is_empty(), "the link keeps to the filter");
    client.revoke(id).await;
    assert_eq!(round(&client, &link).await.0.len(), 1);
    assert_eq!(client.get("/users/delta?$filter=accountEnabled eq true").await.status, 400);
    let many: Vec<String> = (0..51).map(|_| format!("id eq '{id}'")).collect();
    assert_eq!(client.get(&format!("/users/delta?$filter={}", many.join(" or "))).await.status, 400);
    assert_eq!(client.get("/users/delta?$top=5").await.status, 400);
}

#[tokio::test]
async fn a_new_user_cannot_be_found_at_once() {
    let (mock, client) = connect(described().creation_lag(Duration::from_millis(400))).await;
    let born = mock.create("slow");
    let path = format!("/users/{born}");
    assert_eq!(client.get(&path).await.refusal(), (404, "Request_ResourceNotFound"));
    assert_eq!(client.set(born, "Zq7-bcdfghjk").await.status, 404);
    let mut status = 404;
    while status == 404 {
        clock::sleep(Duration::from_millis(50)).await;
        status = client.get(&path).await.status.as_u16();
    }
    assert_eq!(status, 200);
    assert_eq!(client.set(born, "Zq7-bcdfghjk").await.status, 204);
}
