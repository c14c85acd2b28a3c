use super::*;
use crate::canned::{Answer, DENIED, ORG, directory, reply, with_header};
use crate::limits::{IAM, USER, USER_WRITE, USERS};
use http::{HeaderValue, header};
use identity_core::error::Status;
use identity_core::http::TransportFault;
use std::time::Duration;
use tokio::time::Instant;

fn page(rows: &str, own: &str, next: Option<&str>) -> Answer {
    let answer = with_header(reply(200, rows), "link", &format!("<{ORG}{own}>; rel=\"self\""));
    match next {
        Some(next) => with_header(answer, "link", &format!("<{ORG}{next}>; rel=\"next\"")),
        None => answer,
    }
}

async fn listed(answers: Vec<Answer>) -> (Result<Vec<u32>>, Vec<String>) {
    let (directory, canned) = directory(answers).await;
    let rows = directory.org.okta.list::<u32>("list", USERS, Request::get("/api/v1/users").query("limit", "2"));
    let rows = rows.try_collect().await;
    assert_eq!(canned.left(), 0, "each answer was asked for");
    (rows, canned.sent().into_iter().map(|sent| sent.target).collect())
}

#[tokio::test(start_paused = true)]
async fn links_are_followed_as_they_stand_and_short_and_empty_pages_are_not_the_end() {
    let cursor = "/api/v1/users?after=a%2Bb+c&limit=2";
    let (rows, sent) = listed(vec![
        page("[1]", "/api/v1/users?limit=2", Some(cursor)),
        page("[]", cursor, Some("/api/v1/users?after=d&limit=2")),
        page("[2,3]", "/api/v1/users?after=d&limit=2", None),
    ])
    .await;
    assert_eq!(rows.unwrap(), [1, 2, 3]);
    assert_eq!(sent[1], format!("{ORG}{cursor}"));
}

#[tokio::test(start_paused = true)]
async fn an_empty_last_page_may_name_itself_as_the_next_one() {
    let (last, first) = ("/api/v1/users?after=z&limit=2", "/api/v1/users?limit=2");
    let (rows, _) = listed(vec![page("[1,2]", first, Some(last)), page("[]", last, Some(last))]).await;
    assert_eq!(rows.unwrap(), [1, 2]);
    // Also when it is the first one.
    let (rows, _) = listed(vec![page("[]", first, Some(first))]).await;
    assert_eq!(rows.unwrap(), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn pages_without_rows_do_not_go_on_for_ever() {
    let empty = |from: u32, count: u32| {
        (from..from + count).map(|n| page("[]", &format!("/p{n}"), Some(&format!("/p{}", n + 1))))
    };
    let (rows, _) = listed(empty(0, EMPTY_PAGES).collect()).await;
    assert_eq!(rows.unwrap_err().kind(), ErrorKind::Protocol);
    // Rows in between begin the count anew.
    let row = || page("[1]", "/x", Some("/p200"));
    let most = EMPTY_PAGES - 1;
    let last = page("[2]", "/y", None);
    let (rows, _) = listed(empty(0, most).chain([row()]).chain(empty(200, most)).chain([last]).collect()).await;
    assert_eq!(rows.unwrap(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn what_makes_a_listing_incomplete_is_an_error() {
    let (a, b) = ("/api/v1/users?after=a", "/api/v1/users?after=b");
    let elsewhere = "<https://other.okta.test/api/v1/users?after=a>; rel=\"next\"";
    for (answers, kind) in [
        (vec![page("[1]", "/x", Some(a)), page("[2]", a, Some(b)), page("[3]", b, Some(a))], ErrorKind::Protocol),
        (vec![with_header(reply(200, "[1]"), "link", elsewhere)], ErrorKind::Protocol),
        (vec![page("[1]", "/x", Some(a)), reply(403, DENIED)], ErrorKind::InsufficientPrivilege),
    ] {
        let (rows, sent) = listed(answers).await;
        let error = rows.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, Status::Permanent), "{error}");
        assert_eq!(error.directory().unwrap().as_str(), "okta");
        assert!(sent.iter().all(|target| target.starts_with(ORG)), "no token goes elsewhere");
    }
}

#[tokio::test(start_paused = true)]
async fn every_page_carries_the_headers_of_the_first() {
    let (directory, canned) = directory([page("[1]", "/x", Some("/y")), page("[2]", "/y", None)]).await;
    let lean = HeaderValue::from_static("application/json; okta-response=\"omitCredentialsLinks\"");
    let request = Request::get("/api/v1/users").header(header::CONTENT_TYPE, lean.clone());
    let rows = directory.org.okta.list::<u32>("list", USERS, request).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(rows, [1, 2]);
    assert!(canned.sent().iter().all(|sent| sent.headers["content-type"] == lean));
}

#[tokio::test(start_paused = true)]
async fn a_listing_in_a_body_is_followed_by_the_link_in_the_body() {
    let first = format!(
        r#"{{"value":[1,2],"_links":{{"self":{{"href":"x"}},"next":{{"href":"{ORG}/api/v1/iam/assignees/users?after=a"}}}}}}"#
    );
    let (directory, canned) = directory([reply(200, &first), reply(200, r#"{"value":[3]}"#)]).await;
    let okta = &directory.org.okta;
    let rows = okta.list_in::<u32>("list", IAM, Request::get("/api/v1/iam/assignees/users"), "value");
    assert_eq!(rows.try_collect::<Vec<_>>().await.unwrap(), [1, 2, 3]);
    assert_eq!(canned.sent()[1].target, format!("{ORG}/api/v1/iam/assignees/users?after=a"));
}

#[tokio::test(start_paused = true)]
async fn a_body_without_its_rows_is_not_an_empty_page() {
    for body in ["{}", r#"{"roles":[]}"#, r#"{"value":7}"#, r#"{"value":[],"_links":7}"#, "[]", "nonsense"] {
        let (directory, _) = directory([reply(200, body)]).await;
        let rows = directory.org.okta.list_in::<u32>("list", IAM, Request::get("/api/v1/iam/roles"), "value");
        assert_eq!(rows.try_collect::<Vec<_>>().await.unwrap_err().kind(), ErrorKind::Protocol, "{body}");
    }
    let (directory, _) = directory([reply(200, r#"{"value":[1]}"#)]).await;
    let rows = directory.org.okta.list::<u32>("list", USERS, Request::get("/api/v1/users"));
    assert_eq!(rows.try_collect::<Vec<_>>().await.unwrap_err().kind(), ErrorKind::Protocol);
}

/// The headers of a window that is used up, as recorded by okta-sdk-python
/// (test_list_agent_pools_with_multiple_pool_types): 48 seconds are left of it.
fn used_up(answer: Answer) -> Answer {
    let headers = [
        ("date", "Thu, 11 Sep 2025 16:21:50 GMT"),
        ("x-rate-limit-limit", "600"),
        ("x-rate-limit-remaining", "0"),
        ("x-rate-limit-reset", "1757607758"),
    ];
    headers.into_iter().fold(answer, |answer, (name, value)| with_header(answer, name, value))
}

const TOO_MANY: &str = r#"{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests.","errorLink":"E0000047","errorId":"oae1","errorCauses":[]}"#;

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_used_up_is_waited_for_by_oktas_clock_and_the_others_go_on() {
    for status in [200, 429] {
        let body = if status == 200 { "[]" } else { TOO_MANY };
        let answers = [used_up(reply(status, body)), reply(200, "[]"), reply(200, "[]")];
        let (directory, canned) = directory(answers).await;
        let okta = directory.org.okta.clone();
        let users = Request::get("/api/v1/users");
        let begun = Instant::now();
        if status == 200 {
            okta.answer("list", USERS, &users).await.unwrap();
        }
        let waiting = tokio::spawn({
            let (okta, users) = (okta.clone(), users.clone());
            async move { okta.answer("list", USERS, &users).await.map(|_| Instant::now()) }
        });
        identity_core::limits::clock::sleep(Duration::from_secs(5)).await;
        let other = okta.answer("look up", USER, &Request::get("/api/v1/users/00u1")).await;
        assert!(other.is_ok() && begun.elapsed() < Duration::from_secs(10), "{status}: another bucket is not held up");
        let ended = waiting.await.unwrap().unwrap() - begun;
        assert!((48..=52).contains(&ended.as_secs()), "{status}: {ended:?}");
        assert_eq!(canned.left(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_at_once_are_not_taken_for_a_bucket_of_nothing() {
    let at_once =
        with_header(with_header(reply(429, TOO_MANY), "x-rate-limit-limit", "0"), "x-rate-limit-remaining", "0");
    let at_once = with_header(at_once, "x-rate-limit-reset", "1609459200");
    let (directory, _) = directory([at_once, reply(200, "[]")]).await;
    let begun = Instant::now();
    directory.org.okta.answer("list", USERS, &Request::get("/api/v1/users")).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    let users = directory.org.governor().quotas().into_iter().find(|quota| quota.name == "users").unwrap();
    assert_eq!(users.limit, None);
}

#[tokio::test(start_paused = true)]
async fn a_write_without_a_clear_answer_is_unknown_and_sent_once() {
    let agent = |code: &str| format!(r#"{{"errorCode":"{code}","errorSummary":"x"}}"#);
    for (answer, expected) in [
        (Err(TransportFault::NoAnswer("cut".into())), Status::Unknown),
        (Err(TransportFault::NotSent("no connection".into())), Status::Temporary),
        (reply(500, &agent("E0000009")), Status::Unknown),
        (reply(502, &agent("E0000240")), Status::Unknown),
        (reply(504, &agent("E0000241")), Status::Unknown),
        (reply(502, "<html>"), Status::Unknown),
        (reply(503, &agent("E0000010")), Status::Temporary),
        (reply(409, &agent("E0000112")), Status::Temporary),
        (reply(429, TOO_MANY), Status::Temporary),
    ] {
        let (directory, canned) = directory([answer, reply(200, "{}")]).await;
        let request = Request::post("/api/v1/users").segment("00u1").of_account();
        let error = directory.org.okta.answer("set password", USER_WRITE, &request).await.unwrap_err();
        assert_eq!((error.status(), canned.left()), (expected, 1), "{error}");
    }
}
