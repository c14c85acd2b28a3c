//! Buckets, shares, and too many at once.

use std::time::Duration;

use identity_core::limits::clock;
use testkit::mock_okta::{Bucket, MockOkta, Share, fixed};

use crate::client::{Client, Reply, begun, described, with};

fn used(mock: &MockOkta, wanted: Bucket) -> u64 {
    mock.buckets().iter().find(|bucket| bucket.bucket == wanted).unwrap().used
}

#[tokio::test(start_paused = true)]
async fn reads_writes_and_the_rest_of_users_are_three_buckets_of_which_half_is_ours() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    assert_eq!(client.get("/api/v1/users?limit=1").await.limits().0, 300);
    assert_eq!(client.user(&user).await.limits().0, 1_000);
    assert_eq!(client.set(&user, "Zq7-bcdfghjkmnp").await.limits().0, 300);
    let (_, remaining, _) = client.operate(&user, "lifecycle/expire_password").await.limits();
    assert_eq!(remaining, 298, "the same bucket as the listing");
    let path = format!("/api/v1/users/{}/sessions", user.id);
    assert_eq!(client.send("DELETE", &path).await.limits().1, 297);
    assert_eq!((used(&mock, Bucket::Users), used(&mock, Bucket::User), used(&mock, Bucket::UserWrite)), (3, 1, 1));
    assert_eq!(client.get("/api/v1/nowhere").await.limits().0, 600, "the rest of the API");
}

#[tokio::test(start_paused = true)]
async fn a_window_is_opened_by_its_first_request_and_refusals_count() {
    let (mock, client) = with(described().limit(Bucket::User, 6));
    let user = mock.user(fixed::ORDINARY).unwrap();
    let began = clock::now().as_second();
    let (limit, remaining, reset) = client.user(&user).await.limits();
    assert_eq!((limit, remaining), (3, 2));
    assert!((began + 60..=began + 61).contains(&reset));
    clock::sleep(Duration::from_secs(20)).await;
    let missing = client.get("/api/v1/users/00u0000000000absent0").await;
    assert_eq!((missing.status, missing.limits()), (404, (3, 1, reset)));
    assert_eq!(client.user(&user).await.limits(), (3, 0, reset));
    let refused = client.user(&user).await;
    assert_eq!((refused.refusal(), refused.limits()), ((429, "E0000047"), (3, 0, reset)));
    assert_eq!(refused.body["errorSummary"], "API call exceeded rate limit due to too many requests.");
    assert_eq!(refused.body["errorCauses"], serde_json::json!([]));
    assert_eq!(refused.header("retry-after"), None);
    assert!(refused.header("date").is_some());
    let wait = u64::try_from(reset - clock::now().as_second()).unwrap();
    clock::sleep(Duration::from_secs(wait)).await;
    let (_, remaining, next) = client.user(&user).await.limits();
    assert_eq!(remaining, 2, "the second of the reset belongs to the next window");
    assert!(next >= reset + 60);
    assert_eq!(mock.counts().throttled, 1);
}

#[tokio::test(start_paused = true)]
async fn a_larger_share_leaves_more_and_others_leave_less() {
    let (mock, client) = with(described().limit(Bucket::Users, 10).share(80).others(Bucket::Users, 5));
    let listing = || client.get("/api/v1/users?limit=1");
    assert_eq!((listing().await.limits().0, listing().await.limits().1), (8, 3), "five are others'");
    mock.others_use(Bucket::Users, 3);
    assert_eq!(listing().await.status, 429);
    let principal = mock.api_token_id();
    assert_eq!(mock.share(&principal).percentage, 80);
    mock.set_share(&principal, Share { percentage: 20, ..mock.share(&principal) });
    clock::sleep(Duration::from_secs(61)).await;
    assert_eq!(listing().await.limits().0, 2);
}

#[tokio::test(start_paused = true)]
async fn some_refusals_carry_their_numbers_twice() {
    let (mock, client) = with(described().limit(Bucket::User, 2).duplicate_rate_headers());
    let user = mock.user(fixed::ORDINARY).unwrap();
    assert_eq!(client.user(&user).await.lines("x-rate-limit-remaining"), ["0"]);
    let refused = client.user(&user).await;
    assert_eq!(refused.lines("x-rate-limit-remaining"), ["0", "1"]);
    assert_eq!(refused.lines("x-rate-limit-limit"), ["1", "2"]);
    assert_eq!(refused.lines("x-rate-limit-reset").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn too_many_at_once_are_refused_with_a_limit_of_zero() {
    let (mock, client) = with(described().concurrency(8, 50).latency(Duration::from_millis(200)));
    let user = mock.user(fixed::ORDINARY).unwrap();
    let one = |client: Client| {
        let user = user.clone();
        async move { client.user(&user).await }
    };
    let replies: Vec<Reply> = futures::future::join_all((0..6).map(|_| one(client.clone()))).await;
    let (refused, answered): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 429);
    assert_eq!((refused.len(), answered.len()), (2, 4), "half of eight");
    for reply in &refused {
        let (limit, remaining, reset) = reply.limits();
        assert_eq!((limit, remaining, reply.refusal().1), (0, 0, "E0000047"));
        assert!(reset > clock::now().as_second());
    }
    assert_eq!((used(&mock, Bucket::User), mock.counts().over_concurrency), (4, 2), "they use no bucket");
    assert_eq!(mock.counts().most_in_flight, 5, "who is refused does not stay");
}

#[tokio::test(start_paused = true)]
async fn without_quotas_the_headers_stay_and_nothing_is_refused() {
    let (mock, client) = with(described().limit(Bucket::User, 2).without_quotas());
    let user = mock.user(fixed::ORDINARY).unwrap();
    for _ in 0..5 {
        assert_eq!(client.user(&user).await.limits().0, 1);
    }
    assert_eq!((mock.counts().throttled, used(&mock, Bucket::User)), (0, 5));
}

#[tokio::test(start_paused = true)]
async fn without_a_principal_there_is_no_limit_to_show() {
    let (mock, client) = begun();
    let reply = client.bearing("stranger").get("/api/v1/users").await;
    assert_eq!(reply.refusal(), (401, "E0000011"));
    assert_eq!(reply.body["errorSummary"], "Invalid token provided");
    assert_eq!(reply.header("x-rate-limit-limit"), None);
    assert_eq!(mock.counts().unauthenticated, 1);
}
