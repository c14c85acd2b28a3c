//! `search`, `filter` and `q`.

use std::time::Duration;

use identity_core::limits::clock;
use testkit::mock_okta::{Status, fixed};

use crate::client::{Reply, begun, logins};

fn ids(reply: &Reply) -> Vec<&str> {
    reply.rows().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_search_is_a_second_late_and_a_single_read_is_not() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    let search = format!("/api/v1/users?search=status+eq+%22RECOVERY%22+and+profile.login+eq+%22{}%22", user.login);
    assert_eq!(client.operate(&user, "lifecycle/reset_password?sendEmail=false").await.status, 200);
    assert_eq!(client.user(&user).await.body["status"], "RECOVERY");
    assert_eq!(ids(&client.get(&search).await).len(), 0, "the index does not know yet");
    let filter = client.get("/api/v1/users?filter=status+eq+%22RECOVERY%22").await;
    assert!(ids(&filter).contains(&user.id.as_str()), "a filter knows");
    clock::sleep(Duration::from_millis(1_001)).await;
    assert_eq!(ids(&client.get(&search).await), [user.id.as_str()]);
}

#[tokio::test(start_paused = true)]
async fn searches_and_filters_find_those_deactivated_and_what_changed_since() {
    let (mock, client) = begun();
    let gone = mock.users().filter(|user| user.status() == Status::Deprovisioned).count();
    let search = client.all("/api/v1/users?search=status%20eq%20%22DEPROVISIONED%22&limit=5").await;
    let filter = client.all("/api/v1/users?filter=status%20eq%20%22DEPROVISIONED%22").await;
    assert_eq!((search.len(), filter.len()), (gone, gone));
    let everybody = client.all("/api/v1/users?search=id%20pr").await;
    assert_eq!(everybody.len() as u64, mock.len());
    clock::sleep(Duration::from_secs(5)).await;
    let since = clock::now().strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    let user = mock.user(fixed::ORDINARY).unwrap();
    client.operate(&user, "lifecycle/reset_password?sendEmail=false").await;
    clock::sleep(Duration::from_secs(2)).await;
    let reset =
        client.get(&format!("/api/v1/users?search=status+eq+%22RECOVERY%22+and+statusChanged+ge+%22{since}%22")).await;
    assert_eq!(ids(&reset), [user.id.as_str()]);
    let updated = client.get(&format!("/api/v1/users?filter=lastUpdated+ge+%22{since}%22")).await;
    assert_eq!(ids(&updated), [user.id.as_str()]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_for_is_refused() {
    let (_mock, client) = begun();
    for (query, expected) in [
        ("search=status+eq+%22ACTIVE%22&filter=status+eq+%22ACTIVE%22", (400, "E0000033")),
        ("search=passwordChanged+gt+%222026-01-01T00:00:00.000Z%22", (400, "E0000031")),
        ("search=lastLogin+gt+%222026-01-01T00:00:00.000Z%22", (400, "E0000031")),
        ("search=credentials.provider.type+eq+%22OKTA%22", (400, "E0000031")),
        ("search=status+ne+%22ACTIVE%22", (400, "E0000031")),
        ("search=status+eq+%22ACTIVE", (400, "E0000031")),
        ("filter=profile.login+sw+%22a%22", (400, "E0000094")),
        ("filter=profile.department+eq+%22Finance%22", (400, "E0000031")),
        ("sortBy=profile.login", (400, "E0000031")),
        ("search=id+pr&sortBy=profile.login&sortOrder=up", (400, "E0000001")),
        ("limit=0", (400, "E0000001")),
        ("limit=many", (400, "E0000001")),
    ] {
        assert_eq!(client.get(&format!("/api/v1/users?{query}")).await.refusal(), expected, "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_sorts_where_that_is_asked() {
    let (_mock, client) = begun();
    let rows =
        client.all("/api/v1/users?search=status+eq+%22ACTIVE%22&sortBy=profile.login&sortOrder=desc&limit=40").await;
    let names: Vec<String> = logins(&rows).iter().map(|login| login.to_lowercase()).collect();
    assert!(names.len() > 100 && names.is_sorted_by(|one, other| one >= other));
}

#[tokio::test(start_paused = true)]
async fn a_people_picker_gets_ten_rows_and_no_next_page() {
    let (mock, client) = begun();
    let reply = client.get("/api/v1/users?q=a").await;
    assert_eq!(reply.rows().len(), 10);
    assert_eq!(reply.link("next"), None);
    let user = mock.user(fixed::APOSTROPHE).unwrap();
    assert_eq!(logins(client.get("/api/v1/users?q=C'CON").await.rows()), [user.login.as_str()]);
    assert!(client.get("/api/v1/users?q=gone@").await.rows().is_empty(), "not those deactivated");
}
