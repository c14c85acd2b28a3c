//! The published quotas, in virtual time.

use std::time::Duration;

use identity_core::limits::clock;
use testkit::mock_graph::{Metering, MockGraph, QuotaUse, fixed};

use crate::client::{Inside, connect, described};

fn use_of<'a>(uses: &'a [QuotaUse], name: &str) -> &'a QuotaUse {
    uses.iter().find(|used| used.name == name).unwrap()
}

const WRITES: &str = "writes of the app in the tenant";

async fn inside(mock: &MockGraph) -> (Inside, uuid::Uuid) {
    (Inside::new(mock).await, mock.user(fixed::ORDINARY).unwrap().id)
}

#[tokio::test(start_paused = true)]
async fn three_thousand_writes_in_a_hundred_and_fifty_seconds_and_no_more() {
    let mock = described().build();
    let (inside, user) = inside(&mock).await;
    for _ in 0..3_000 {
        assert_eq!(inside.set(user, "Zq7-bcdfghjkmnp").await.status, 204);
    }
    let refused = inside.set(user, "Zq7-bcdfghjkmnp").await;
    assert_eq!(refused.refusal(), (429, "TooManyRequests"));
    assert_eq!(refused.header("x-ms-throttle-information"), Some("WriteLimitExceeded"));
    let scope = format!("Tenant_Application/Write/{}/{}", mock.client_id(), mock.tenant_id());
    assert_eq!(refused.header("x-ms-throttle-scope"), Some(scope.as_str()));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(wait, 150);
    clock::sleep(Duration::from_secs(wait)).await;
    assert_eq!(inside.set(user, "Zq7-bcdfghjkmnp").await.status, 204);
    let uses = mock.quotas();
    let writes = use_of(&uses, WRITES);
    assert_eq!((writes.used, writes.refused, writes.most_in_window), (3_002, 1, 3_001));
    assert_eq!(mock.counts().throttled, 1);
    assert_eq!(mock.sets(&user).len(), 3_001);
}

#[tokio::test(start_paused = true)]
async fn twenty_writes_a_second_are_never_refused() {
    for metering in [Metering::RollingWindow, Metering::TokenBucket] {
        let mock = described().metering(metering).build();
        let (inside, user) = inside(&mock).await;
        for at in 0..4_000 {
            let reply = inside.set(user, "Zq7-bcdfghjkmnp").await;
            assert_eq!(reply.status, 204, "{metering:?} {at}");
            assert_eq!(reply.header("x-ms-throttle-limit-percentage").is_some(), at + 1 >= 2_400, "{metering:?} {at}");
            clock::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_warning_comes_from_eight_tenths_on() {
    let mock = described().scale_quotas(0.01).build();
    let (inside, user) = inside(&mock).await;
    for at in 1..=30 {
        let reply = inside.set(user, "Zq7-bcdfghjkmnp").await;
        let share = reply.header("x-ms-throttle-limit-percentage").map(str::to_owned);
        let expected = (at >= 24).then(|| format!("{:.2}", f64::from(at) / 30.0));
        assert_eq!(share, expected, "write {at}");
        assert_eq!(reply.header("x-ms-resource-unit"), Some("1"));
    }
}

#[tokio::test(start_paused = true)]
async fn refused_attempts_count() {
    let mock = described().scale_quotas(0.001).build();
    let (inside, user) = inside(&mock).await;
    for _ in 0..3 {
        assert_eq!(inside.set(user, "Zq7-bcdfghjkmnp").await.status, 204);
    }
    for _ in 0..300 {
        clock::sleep(Duration::from_secs(1)).await;
        assert_eq!(inside.set(user, "Zq7-bcdfghjkmnp").await.status, 429, "whoever hammers on never gets in");
    }
    // The tenant's own window, which the attempts used up too, is the longest.
    clock::sleep(Duration::from_secs(300)).await;
    assert_eq!(inside.set(user, "Zq7-bcdfghjkmnp").await.status, 204);
}

#[tokio::test(start_paused = true)]
async fn other_apps_use_the_tenants_quota_up() {
    let mock = described().build();
    let (inside, user) = inside(&mock).await;
    mock.others_write(18_000);
    let refused = inside.set(user, "Zq7-bcdfghjkmnp").await;
    assert_eq!(refused.status, 429);
    assert!(refused.header("x-ms-throttle-scope").unwrap().starts_with("Tenant/Write/"));
    assert_eq!(inside.send("GET", "/users?$top=1", None).await.unwrap().status, 200, "reads go on");
}

#[tokio::test(start_paused = true)]
async fn resource_units_are_charged_by_what_is_asked() {
    let mock = described().build();
    let (inside, user) = inside(&mock).await;
    for (path, units) in [
        ("/users".to_owned(), "2"),
        ("/users?$select=id".to_owned(), "1"),
        ("/users?$top=19".to_owned(), "1"),
        ("/users?$top=20".to_owned(), "2"),
        ("/users?$select=id&$top=5".to_owned(), "1"),
        (format!("/users/{user}"), "1"),
    ] {
        let reply = inside.send("GET", &path, None).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.header("x-ms-resource-unit")), (200, Some(units)), "{path}");
    }
    let mock = described().scale_quotas(0.01).build();
    let inside = Inside::new(&mock).await;
    for _ in 0..40 {
        assert_eq!(inside.send("GET", "/users?$top=50", None).await.unwrap().status, 200);
    }
    let refused = inside.send("GET", "/users?$top=50", None).await.unwrap();
    assert_eq!(refused.header("x-ms-throttle-information"), Some("ResourceUnitLimitExceeded"));
    assert_eq!(refused.header("retry-after"), Some("10"));
}

#[tokio::test(start_paused = true)]
async fn sign_ins_are_read_ten_times_a_minute() {
    let mock = described().build();
    let (inside, _) = inside(&mock).await;
    let path = "/users?$select=id,signInActivity&$top=100";
    for _ in 0..10 {
        assert_eq!(inside.send("GET", path, None).await.unwrap().status, 200);
    }
    let refused = inside.send("GET", path, None).await.unwrap();
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, Some("60")));
    assert_eq!(inside.send("GET", "/users?$select=id", None).await.unwrap().status, 200);
}

#[tokio::test]
async fn quotas_can_be_off_and_still_count() {
    let (mock, client) = connect(described().without_quotas().scale_quotas(0.001)).await;
    let user = mock.user(fixed::ORDINARY).unwrap().id;
    for _ in 0..10 {
        let reply = client.set(user, "Zq7-bcdfghjkmnp").await;
        assert_eq!(reply.status, 204);
        assert!(reply.header("x-ms-throttle-limit-percentage").is_none());
    }
    let uses = mock.quotas();
    assert_eq!((use_of(&uses, WRITES).used, use_of(&uses, WRITES).refused), (10, 0));
}

#[tokio::test]
async fn requests_in_flight_are_counted() {
    let (mock, client) = connect(described().latency(Duration::from_millis(150))).await;
    let each = (0..6).map(|_| client.get("/users?$top=1"));
    futures::future::join_all(each).await;
    let counts = mock.counts();
    assert_eq!((counts.requests, counts.in_flight), (6, 0));
    assert!(counts.most_in_flight >= 2, "{}", counts.most_in_flight);
}
