//! The System Log.

use std::collections::BTreeSet;
use std::time::Duration;

use identity_core::limits::clock;
use serde_json::Value;
use testkit::mock_okta::{MockOkta, OktaUser};

use crate::client::{Client, Reply, begun};

const SINCE: &str = "since=2020-01-01T00:00:00Z";

fn ordinary(mock: &MockOkta, many: usize) -> Vec<OktaUser> {
    let fits = |user: &OktaUser| {
        user.has_okta_password() && user.status() == testkit::mock_okta::Status::Active && user.roles.is_empty()
    };
    let plain: Vec<OktaUser> = mock.users().filter(|user| user.number > 90 && fits(user)).take(many).collect();
    assert_eq!(plain.len(), many);
    plain
}

/// Resets users; gives the ids of the requests.
async fn resets(client: &Client, users: &[OktaUser]) -> Vec<String> {
    let mut requests = Vec::new();
    for user in users {
        let reply = client.operate(user, "lifecycle/reset_password?sendEmail=false&revokeSessions=true").await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        requests.push(reply.header("x-okta-request-id").unwrap().to_owned());
    }
    requests
}

fn texts(reply: &Reply, place: &str) -> Vec<String> {
    reply.rows().iter().map(|row| row.pointer(place).and_then(Value::as_str).unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn events_come_late_and_are_found_by_the_request() {
    let (mock, client) = begun();
    let users = ordinary(&mock, 20);
    let requests = resets(&client, &users).await;
    let path = format!(
        "/api/v1/logs?{SINCE}&until=2099-01-01T00:00:00Z&limit=1000&filter=eventType%20eq%20%22user.account.reset_password%22%20and%20outcome.result%20eq%20%22SUCCESS%22"
    );
    let early = client.get(&path).await;
    assert!(early.rows().len() < 20, "{} are there at once", early.rows().len());
    clock::sleep(Duration::from_secs(4)).await;
    let late = client.get(&path).await;
    let found: BTreeSet<String> = texts(&late, "/transaction/id").into_iter().collect();
    assert_eq!(found, requests.iter().cloned().collect());
    let targets: BTreeSet<String> = texts(&late, "/target/0/id").into_iter().collect();
    assert_eq!(targets, users.iter().map(|user| user.id.clone()).collect());
    assert!(late.link("next").is_none(), "bounded");
    let published = texts(&late, "/published");
    assert!(published.is_sorted());
    let of_one = client.get(&format!("/api/v1/logs?{SINCE}&filter=transaction.id%20eq%20%22{}%22", requests[3])).await;
    let types: BTreeSet<String> = texts(&of_one, "/eventType").into_iter().collect();
    assert_eq!(types, BTreeSet::from(["user.account.reset_password".to_owned(), "user.session.clear".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn who_polls_has_always_a_next_page_and_misses_nothing() {
    let (mock, client) = begun();
    let users = ordinary(&mock, 30);
    let mut next = format!("/api/v1/logs?{SINCE}&limit=7&filter=eventType%20eq%20%22user.account.reset_password%22");
    let (mut seen, mut published, mut empty) = (Vec::new(), Vec::new(), 0);
    let mut waiting = users.iter();
    for _ in 0..60 {
        if let Some(user) = waiting.next() {
            resets(&client, std::slice::from_ref(user)).await;
        }
        let page = client.get(&next).await;
        assert_eq!(page.status, 200, "{}", page.text);
        seen.extend(texts(&page, "/uuid"));
        published.extend(texts(&page, "/published"));
        empty += usize::from(page.rows().is_empty());
        next = page.link("next").expect("who polls has a next page").to_owned();
        clock::sleep(Duration::from_millis(500)).await;
    }
    assert!(empty > 0);
    assert_eq!(seen.len(), 30);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 30, "none twice");
    assert!(!published.is_sorted(), "out of order");
}

#[tokio::test(start_paused = true)]
async fn what_others_did_is_there_too() {
    let (mock, client) = begun();
    mock.set_log_delay(Duration::ZERO);
    let users = ordinary(&mock, 2);
    resets(&client, &users[..1]).await;
    mock.someone_else_did("user.account.unlock_by_admin", &users[1].id).unwrap();
    let all = client.get(&format!("/api/v1/logs?{SINCE}")).await;
    let actors: BTreeSet<String> = texts(&all, "/actor/id").into_iter().collect();
    assert_eq!(actors.len(), 2, "{actors:?}");
    let descending = client.get(&format!("/api/v1/logs?{SINCE}&sortOrder=DESCENDING&limit=1")).await;
    assert_eq!(descending.body[0]["eventType"], "user.account.unlock_by_admin");
    assert_eq!(descending.body[0]["target"][0]["id"], users[1].id.as_str());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_is_refused() {
    let (mock, client) = begun();
    for query in [
        "since=yesterday",
        "since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
        "limit=none",
        "sortOrder=UP",
        "after=200u+x%3D%3D",
        "filter=eventType%20is%20%22x%22",
        "filter=colour%20eq%20%22x%22",
        "order=x",
    ] {
        assert_eq!(client.get(&format!("/api/v1/logs?{query}")).await.status, 400, "{query}");
    }
    mock.set_caller_roles(["HELP_DESK_ADMIN"]);
    assert_eq!(client.get("/api/v1/logs").await.refusal(), (403, "E0000006"));
}
