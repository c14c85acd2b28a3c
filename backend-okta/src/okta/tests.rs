use super::*;
use crate::canned::{Answer, DENIED, ORG, directory, reply, with_header};
use crate::limits::{IAM, USERS};
use http::{HeaderValue, header};
use identity_core::error::Status;

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
