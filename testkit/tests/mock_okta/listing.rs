//! Pages of users.

use std::collections::BTreeSet;

use testkit::mock_okta::{Status, fixed};

use crate::client::{begun, described, logins, with};

#[tokio::test(start_paused = true)]
async fn the_plain_listing_has_everybody_but_those_deactivated_in_pages_of_200_at_most() {
    let (mock, client) = begun();
    let first = client.get("/api/v1/users?limit=500").await;
    assert_eq!(first.rows().len(), 200, "read as 200");
    assert!(first.link("next").unwrap().contains("&limit=200"));
    let rows = client.all("/api/v1/users").await;
    let seen: BTreeSet<&str> = logins(&rows).into_iter().collect();
    assert_eq!(seen.len(), rows.len(), "nobody twice");
    let users: Vec<_> = mock.users().collect();
    let gone = users.iter().filter(|user| user.status() == Status::Deprovisioned).count();
    assert!(gone > 1 && users.len() > 200);
    assert_eq!(rows.len(), users.len() - gone);
    assert!(rows.iter().all(|row| row["status"] != "DEPROVISIONED"));
}

#[tokio::test(start_paused = true)]
async fn self_and_next_are_header_lines_of_their_own_and_a_cursor_has_to_come_back_as_it_was() {
    let (_mock, client) = begun();
    let first = client.get("/api/v1/users?limit=3").await;
    assert_eq!(first.lines("link").len(), 2);
    assert_eq!(first.link("self"), Some("https://okta.mock.test/api/v1/users?limit=3"));
    let next = first.link("next").unwrap().to_owned();
    let (before, after) = next.split_once("after=").unwrap();
    let cursor = after.split('&').next().unwrap();
    assert!(cursor.contains('+') && cursor.contains('%'), "{cursor}");
    let second = client.get(&next).await;
    assert_eq!(second.rows().len(), 3);
    assert_eq!(second.link("self"), Some(next.as_str()));
    for spoilt in [cursor.replace('+', "%2B"), cursor.replace("%3D", "="), cursor.replace('+', "%20")] {
        let reply = client.get(&format!("{before}after={spoilt}&limit=3")).await;
        assert_eq!(reply.refusal(), (400, "E0000001"), "{spoilt}");
    }
    let other = client.get(&format!("{next}&q=a")).await;
    assert_eq!(other.refusal(), (400, "E0000001"), "a cursor belongs to one listing");
    let shorter = client.get(&next.replace("limit=3", "limit=2")).await;
    assert_eq!(shorter.rows(), &second.rows()[..2], "and not to one size of page");
}

#[tokio::test(start_paused = true)]
async fn rows_have_one_link_and_a_single_read_has_every_operation() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    let rows = client.get(&format!("/api/v1/users?filter=id+eq+%22{}%22", user.id)).await;
    let [row] = rows.rows() else { panic!("{}", rows.text) };
    let links: Vec<&String> = row["_links"].as_object().unwrap().keys().collect();
    assert_eq!(links, ["self"]);
    let single = client.user(&user).await;
    for name in ["self", "suspend", "resetPassword", "expirePassword", "resetFactors", "changePassword"] {
        assert!(single.body["_links"][name]["href"].is_string(), "{name}");
    }
    assert_eq!(row["credentials"]["password"], serde_json::json!({}));
    assert_eq!(row["credentials"]["provider"]["type"], "OKTA");
    assert_eq!(user.id.len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_listing_goes_on_while_users_come_and_go() {
    let (mock, client) = begun();
    let first = client.get("/api/v1/users?limit=50").await;
    let next = first.link("next").unwrap().to_owned();
    let shown = first.rows()[10]["id"].as_str().unwrap();
    mock.delete(shown).unwrap();
    let gone = mock.user(200).unwrap();
    mock.delete(&gone.id).unwrap();
    let born = mock.create("born-meanwhile");
    let rest = client.all(&next).await;
    let seen: BTreeSet<&str> = rest.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert!(!seen.contains(gone.id.as_str()) && seen.contains(born.as_str()));
    assert!(first.rows().iter().all(|row| !seen.contains(row["id"].as_str().unwrap())), "nobody twice");
    assert_eq!(client.get(&format!("/api/v1/users/{shown}")).await.refusal(), (404, "E0000007"));
}

#[tokio::test(start_paused = true)]
async fn the_last_page_may_point_to_itself() {
    let (_mock, client) = with(described().self_referential_last_page());
    let (mut next, mut pages) = ("/api/v1/users".to_owned(), 0);
    let last = loop {
        let reply = client.get(&next).await;
        let following = reply.link("next").unwrap().to_owned();
        pages += 1;
        assert!(pages < 10, "no page points to itself");
        if following == next {
            break reply;
        }
        next = following;
    };
    assert!(last.rows().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_page_may_begin_with_the_last_row_of_the_one_before() {
    let (mock, client) = with(described().repeated_rows());
    let first = client.get("/api/v1/users?limit=10").await;
    let second = client.get(first.link("next").unwrap()).await;
    assert_eq!(first.rows().last(), second.rows().first());
    let rows = client.all("/api/v1/users?limit=100").await;
    let seen: BTreeSet<&str> = logins(&rows).into_iter().collect();
    assert!(seen.len() < rows.len());
    assert_eq!(seen.len(), mock.users().filter(|user| user.status() != Status::Deprovisioned).count());
}

#[tokio::test(start_paused = true)]
async fn a_page_may_be_shorter_than_asked_and_fields_choose_what_is_shown() {
    let (_mock, client) = with(described().largest_page(50));
    let reply = client.get("/api/v1/users?limit=200&fields=id,status,profile:(login,email)&expand=blocks").await;
    assert_eq!(reply.rows().len(), 50);
    let row = reply.rows()[0].as_object().unwrap();
    let names: BTreeSet<&str> = row.keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["id", "status", "profile"]));
    assert_eq!(row["profile"].as_object().unwrap().len(), 2);
    assert!(!reply.link("next").unwrap().contains("expand"), "not every parameter is echoed");
}
