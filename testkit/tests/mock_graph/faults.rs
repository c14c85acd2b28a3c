//! Every fault has its meaning over HTTP.

use std::time::Duration;

use identity_core::limits::clock;
use reqwest::Method;
use testkit::fault::{Fault, FaultScript, When};
use testkit::mock_graph::{MockGraph, fixed};

use crate::client::{Client, Inside, connect, described, form, profile, started, token};

const NEW: &str = "Zq7-bcdfghjkmnp";

async fn with(fault: Fault) -> (MockGraph, Client, uuid::Uuid) {
    let (mock, client) = started().await;
    let user = mock.user(fixed::ORDINARY).unwrap().id;
    mock.add_fault(When::write().on(user.to_string()).times(1), fault);
    (mock, client, user)
}

#[tokio::test]
async fn a_cut_connection_gives_no_answer_and_the_next_request_works() {
    for (fault, sets) in [(Fault::CutBeforeApply, 0), (Fault::CutAfterApply, 1)] {
        let (mock, client, user) = with(fault.clone()).await;
        let path = format!("/users/{user}");
        let error = client.try_patch(&path, &profile(NEW)).await.unwrap_err();
        assert!(error.is_request() && error.status().is_none(), "{fault:?}: {error:?}");
        assert_eq!(mock.sets(&user).len(), sets, "{fault:?}");
        assert_eq!(client.set(user, NEW).await.status, 204, "the connection comes back");
        assert_eq!(mock.counts().faults, 1);
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_in_the_middle_has_its_status_and_not_its_body() {
    let (mock, client) = started().await;
    mock.add_fault(When::read().times(1), Fault::CutMidAnswer);
    let response = client.request(Method::GET, "/users").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.text().await.is_err());
    assert_eq!(client.get("/users").await.status, 200);
}

#[tokio::test]
async fn what_is_never_answered_may_have_taken_effect() {
    for (fault, sets) in [(Fault::NeverAnswer, 1), (Fault::Swallow, 0)] {
        let (mock, client, user) = with(fault.clone()).await;
        let path = format!("/users/{user}");
        let waited = clock::within(Duration::from_millis(300), client.patch(&path, &profile(NEW))).await;
        assert!(waited.is_err(), "{fault:?}");
        assert_eq!(mock.sets(&user).len(), sets, "{fault:?}");
    }
}

#[tokio::test]
async fn refusals_for_load_say_when_to_come_back_or_do_not() {
    for (fault, status, code, wait) in [
        (Fault::Busy, 503, "ServiceUnavailable", None),
        (Fault::Unavailable, 503, "ServiceUnavailable", Some("2")),
        (Fault::NoticeOfDisconnection, 503, "ServiceUnavailable", None),
        (Fault::GarbledMessage, 503, "(no code)", None),
        (Fault::Conflict, 409, "Directory_ConcurrencyViolation", None),
        (Fault::Forbid, 403, "Authorization_RequestDenied", None),
        (Fault::RefusePassword, 400, "Request_BadRequest", None),
        (Fault::BadGateway, 502, "(no code)", None),
    ] {
        let (mock, client, user) = with(fault.clone()).await;
        let reply = client.set(user, NEW).await;
        assert_eq!(reply.refusal(), (status, code), "{fault:?}");
        assert_eq!(reply.header("retry-after"), wait, "{fault:?}");
        assert!(mock.untouched(&user), "{fault:?}");
        assert_eq!(client.set(user, NEW).await.status, 204, "{fault:?}");
    }
}

#[tokio::test]
async fn a_gateway_answers_with_a_page_for_people() {
    let (_mock, client, user) = with(Fault::BadGateway).await;
    let reply = client.set(user, NEW).await;
    assert_eq!(reply.header("content-type"), Some("text/html"));
    assert!(reply.text.starts_with("<html>"));
}

#[tokio::test]
async fn a_gateway_that_timed_out_does_not_say_that_the_write_took_effect() {
    let (mock, client, user) = with(Fault::GatewayTimeout).await;
    assert_eq!(client.set(user, NEW).await.status, 504);
    assert_eq!(mock.sets(&user).len(), 1);
    assert_eq!(mock.sign_in(&user, NEW), Ok(()));
}

#[tokio::test]
async fn retry_after_comes_as_seconds_and_as_a_date() {
    let (mock, client) = started().await;
    let user = mock.user(fixed::ORDINARY).unwrap().id;
    let script = FaultScript::new(1).rule(When::write().times(2), Fault::Throttle(Duration::from_secs(7)));
    mock.set_faults(script);
    let first = client.set(user, NEW).await;
    assert_eq!((first.status.as_u16(), first.header("retry-after")), (429, Some("7")));
    let second = client.set(user, NEW).await;
    let date = second.header("retry-after").unwrap();
    assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
}

#[tokio::test]
async fn a_listing_breaks_off_with_an_error_or_without_an_end() {
    let (mock, client) = started().await;
    mock.set_faults(FaultScript::new(1).rule(When::read().times(2), Fault::TruncatedPage));
    assert_eq!(client.get("/users").await.status, 500);
    let reply = client.get("/users").await;
    assert_eq!(reply.status, 200);
    assert!(reply.text.starts_with('{') && serde_json::from_str::<serde_json::Value>(&reply.text).is_err());
    assert_eq!(client.get("/users").await.rows().len(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_late_write_takes_effect_after_the_connection_broke() {
    let mock = described().build();
    let inside = Inside::new(&mock).await;
    let user = mock.user(fixed::ORDINARY).unwrap().id;
    mock.add_fault(When::write().times(1), Fault::LateApply(Duration::from_secs(40)));
    let broken = inside.send("PATCH", &format!("/users/{user}"), Some(&profile(NEW))).await.unwrap_err();
    assert_eq!(broken.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(mock.sets(&user).is_empty());
    clock::sleep(Duration::from_secs(41)).await;
    assert_eq!(mock.sets(&user).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_takes_its_time_and_an_overtaken_one_waits_for_another() {
    let mock = described().build();
    let inside = Inside::new(&mock).await;
    mock.add_fault(When::read().nth(1), Fault::Slow(Duration::from_secs(9)));
    let begun = clock::instant();
    assert_eq!(inside.send("GET", "/users?$top=1", None).await.unwrap().status, 200);
    assert_eq!(begun.elapsed(), Duration::from_secs(9));
    mock.set_faults(FaultScript::new(1).rule(When::read().nth(1), Fault::Overtaken));
    let (mut first, mut second) = (None, None);
    futures::join!(
        async {
            assert_eq!(inside.send("GET", "/users?$top=1", None).await.unwrap().status, 200);
            first = Some(clock::instant());
        },
        async {
            clock::sleep(Duration::from_millis(10)).await;
            assert_eq!(inside.send("GET", "/users?$top=2", None).await.unwrap().status, 200);
            second = Some(clock::instant());
        }
    );
    assert!(first >= second, "the second went first");
}

#[tokio::test]
async fn sign_ins_have_faults_too() {
    let (mock, client) = started().await;
    mock.set_faults(FaultScript::new(1).rule(When::sign_in().times(1), Fault::Unavailable));
    let refused = token(&client.http, &mock, &form(&mock)).await;
    assert_eq!((refused.status.as_u16(), &refused.body["error"]), (503, &"temporarily_unavailable".into()));
    assert_eq!(refused.header("retry-after"), Some("2"));
    assert_eq!(token(&client.http, &mock, &form(&mock)).await.status, 200);
    mock.set_faults(FaultScript::new(1).rule(When::sign_in().times(1), Fault::CutAfterApply));
    let url = format!("{}/{}/oauth2/v2.0/token", mock.login_url(), mock.tenant_id());
    assert!(client.http.post(url).form(&form(&mock)).send().await.is_err());
}

#[tokio::test]
async fn connections_can_be_cut_and_refused() {
    let (mock, client) = started().await;
    let waiting = client.get("/users?$top=1").await;
    assert_eq!(waiting.status, 200);
    mock.refuse_connections(true);
    mock.cut_connections();
    let refused = client.request(Method::GET, "/users?$top=1").send().await;
    assert!(refused.is_err());
    mock.refuse_connections(false);
    assert_eq!(client.get("/users?$top=1").await.status, 200);
}

#[tokio::test]
async fn a_mock_that_is_dropped_answers_no_more() {
    let (mock, client) = connect(described()).await;
    drop(mock);
    let mut answered = true;
    for _ in 0..100 {
        answered = client.request(Method::GET, "/users?$top=1").send().await.is_ok();
        if !answered {
            break;
        }
        clock::sleep(Duration::from_millis(20)).await;
    }
    assert!(!answered);
}
