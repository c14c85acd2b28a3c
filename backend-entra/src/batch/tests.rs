//! What comes of each request of a batch, however the answer looks.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use identity_core::http::TransportFault;
use identity_core::limits::Limits;
use serde_json::json;

use super::*;
use crate::canned::{Answer, Canned, Sent, reply, with_header};
use crate::canned_client;

const NAME: &str = "set password";

fn limits() -> Limits {
    Limits::new(NonZeroU32::new(20).unwrap(), NonZeroU32::new(8).unwrap())
}

fn writes(count: usize) -> Vec<Request> {
    let write = |at| {
        let patch = Request::patch("/users").segment(&format!("user-{at}")).of_account();
        patch.json(&json!({ "accountEnabled": false })).unwrap()
    };
    (1..=count).map(write).collect()
}

async fn sent_as(answers: Vec<Answer>, requests: &[Request]) -> (Vec<Result<Response>>, Arc<Canned>, Client) {
    let transport = Canned::new(answers);
    let client = canned_client::client(Arc::clone(&transport) as _, &limits());
    let results = send(&client, NAME, OperationClass::Write, requests).await;
    assert_eq!(results.len(), requests.len());
    assert_eq!(transport.left(), 0);
    (results, transport, client)
}

async fn results(answer: Answer, requests: &[Request]) -> Vec<Result<Response>> {
    sent_as(vec![answer], requests).await.0
}

fn body(sent: &Sent) -> Value {
    serde_json::from_slice(&sent.body).unwrap()
}

fn responses(parts: &Value) -> Answer {
    reply(200, &json!({ "responses": parts }).to_string())
}

fn meaning(result: &Result<Response>) -> (ErrorKind, Status) {
    let error = result.as_ref().unwrap_err();
    (error.kind(), error.status())
}

#[tokio::test(start_paused = true)]
async fn more_headers_than_a_map_holds_are_no_panic() {
    let headers: Map<String, Value> = (0..40_000).map(|at| (format!("x-{at}"), json!("v"))).collect();
    let answer = responses(&json!([{ "id": "1", "status": 204, "headers": headers }, { "id": "2", "status": 204 }]));
    let results = results(answer, &writes(2)).await;
    assert_eq!(results[0].as_ref().unwrap().status, StatusCode::NO_CONTENT);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_written_as_graph_wants_it() {
    let mut requests = writes(2);
    requests.push(Request::get("/users").segment("zoë").query("$select", "id"));
    let (_, transport, _) = sent_as(vec![responses(&json!([]))], &requests).await;
    let sent = transport.sent();
    assert_eq!((sent[0].method.as_str(), sent[0].target.as_str()), ("POST", "https://graph.microsoft.com/v1.0/$batch"));
    let headers = json!({ "content-type": "application/json" });
    let expected = json!({ "requests": [
        { "id": "1", "method": "PATCH", "url": "/users/user-1", "headers": headers, "body": { "accountEnabled": false } },
        { "id": "2", "method": "PATCH", "url": "/users/user-2", "headers": headers, "body": { "accountEnabled": false } },
        { "id": "3", "method": "GET", "url": body(&sent[0])["requests"][2]["url"] },
    ] });
    assert_eq!(body(&sent[0]), expected);
    let url = body(&sent[0])["requests"][2]["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("/users/zo%C3%AB?") && url.ends_with("select=id"), "{url}");
}

#[tokio::test(start_paused = true)]
async fn one_request_goes_as_it_is_and_none_goes_nowhere() {
    let (results, transport, _) = sent_as(vec![reply(204, "")], &writes(1)).await;
    assert_eq!(results[0].as_ref().unwrap().status, StatusCode::NO_CONTENT);
    assert!(transport.sent()[0].target.ends_with("/users/user-1"));
    assert!(sent_as(Vec::new(), &[]).await.1.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn more_than_twenty_are_several_batches() {
    let answers = (0..3).map(|_| responses(&json!([])));
    let (_, transport, _) = sent_as(answers.collect(), &writes(45)).await;
    let sizes: Vec<usize> =
        transport.sent().iter().map(|sent| body(sent)["requests"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [20, 20, 5]);
}

#[tokio::test(start_paused = true)]
async fn shuffled_and_mixed_answers_find_their_requests() {
    let error =
        |code: &str| json!({ "error": { "code": code, "message": "m", "innerError": { "request-id": "inner" } } });
    let answer = responses(&json!([
        { "id": "5", "status": 424, "body": error("FailedDependency") },
        { "id": "3", "status": 429, "headers": { "RETRY-AFTER": "7" }, "body": error("TooManyRequests") },
        { "id": "1", "status": 204, "headers": { "request-id": "r-1" } },
        { "id": "4", "status": 503, "headers": { "retry-After": "Tue, 24 Nov 2026 10:00:30 GMT" }, "body": null },
        { "id": "6", "status": 200, "headers": { "Content-Type": "application/json" }, "body": { "value": true } },
        { "id": "2", "status": 403, "headers": { "Request-Id": "r-2" }, "body": error("Authorization_RequestDenied") },
    ]));
    let answer = with_header(answer, "date", "Tue, 24 Nov 2026 10:00:00 GMT");
    let (results, _, client) = sent_as(vec![answer], &writes(6)).await;
    let first = results[0].as_ref().unwrap();
    assert_eq!((first.status.as_u16(), first.request_id.as_deref(), first.body.len()), (204, Some("r-1"), 0));
    assert_eq!(meaning(&results[1]), (ErrorKind::InsufficientPrivilege, Status::Permanent));
    assert_eq!(results[1].as_ref().unwrap_err().request_id(), Some("r-2"));
    assert_eq!(meaning(&results[2]), (ErrorKind::RateLimited, Status::Temporary));
    assert_eq!(results[2].as_ref().unwrap_err().retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(meaning(&results[3]), (ErrorKind::Unavailable, Status::Temporary));
    assert_eq!(results[3].as_ref().unwrap_err().retry_after(), Some(Duration::from_secs(30)), "by the server's clock");
    assert_eq!(meaning(&results[4]), (ErrorKind::Conflict, Status::Temporary));
    assert_eq!(&results[5].as_ref().unwrap().body[..], br#"{"value":true}"#);
    let stats = client.governor().stats();
    assert_eq!((stats.throttled, stats.busy), (1, 1));
    assert!(stats.closed_until.is_some(), "all lanes wait as long as the part was told");
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_two_hundred_can_be_twenty_refusals() {
    let refusal = json!({ "error": { "code": "Authorization_RequestDenied", "message": "Insufficient privileges." } });
    let parts: Vec<Value> =
        (1..=20).rev().map(|id| json!({ "id": id.to_string(), "status": 403, "body": refusal })).collect();
    for result in results(responses(&json!(parts)), &writes(20)).await {
        assert_eq!(meaning(&result), (ErrorKind::InsufficientPrivilege, Status::Permanent));
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_answer_leaves_out_or_garbles_is_unknown_for_a_write() {
    let mut requests = writes(6);
    requests.push(Request::get("/users").segment("read").of_account());
    let answer = responses(&json!([
        { "id": "1", "status": 204 },
        { "id": "2", "status": 204 },
        { "id": "2", "status": 403 },
        { "id": "3", "status": "204" },
        { "id": "4", "status": 99 },
        { "status": 204 },
        { "id": "99", "status": 204 },
        "nonsense",
    ]));
    let results = results(answer, &requests).await;
    assert!(results[0].is_ok());
    for (at, result) in results[1..6].iter().enumerate() {
        assert_eq!(meaning(result), (ErrorKind::Protocol, Status::Unknown), "{at}");
    }
    assert_eq!(meaning(&results[6]), (ErrorKind::Protocol, Status::Temporary), "a read is repeated");
}

#[tokio::test(start_paused = true)]
async fn what_befalls_the_batch_befalls_each_request() {
    use ErrorKind::{InputInvalid, Protocol, RateLimited, Timeout, Transport, Unavailable};
    use Status::{Permanent, Temporary, Unknown};
    let cut = || Err(TransportFault::NoAnswer("reset".into()));
    let unsent = || Err(TransportFault::NotSent("refused".into()));
    for (answer, kind, write, read) in [
        (unsent(), Transport, Temporary, Temporary),
        (cut(), Transport, Unknown, Temporary),
        (Err(TransportFault::TooLarge { limit: 1 }), Protocol, Unknown, Temporary),
        (reply(500, ""), Unavailable, Unknown, Temporary),
        (reply(502, "<html>"), Unavailable, Unknown, Temporary),
        (reply(503, ""), Unavailable, Unknown, Temporary),
        (reply(504, ""), Timeout, Unknown, Temporary),
        (reply(429, ""), RateLimited, Temporary, Temporary),
        (reply(400, ""), InputInvalid, Permanent, Permanent),
        (reply(200, r#"{"responses":[{"id":"1","status":20"#), Protocol, Unknown, Temporary),
        (reply(200, "[]"), Protocol, Unknown, Temporary),
    ] {
        let words = format!("{answer:?}");
        let mut requests = writes(2);
        requests.push(Request::get("/users").segment("read"));
        let results = results(answer, &requests).await;
        for (result, status) in results.iter().zip([write, write, read]) {
            assert_eq!(meaning(result), (kind, status), "{words}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_without_an_answer_in_time_is_unknown() {
    #[derive(Debug)]
    struct Never;
    #[async_trait::async_trait]
    impl identity_core::http::Transport for Never {
        async fn send(&self, _: http::Request<Bytes>) -> Answer {
            std::future::pending().await
        }
    }
    let client = canned_client::client(Arc::new(Never), &limits());
    for result in send(&client, NAME, OperationClass::Write, &writes(3)).await {
        assert_eq!(meaning(&result), (ErrorKind::Timeout, Status::Unknown));
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_within_a_batch_is_no_verdict() {
    let answer = responses(&json!([
        { "id": "1", "status": 401, "body": { "error": { "code": "InvalidAuthenticationToken", "message": "" } } },
        { "id": "2", "status": 204 },
    ]));
    let results = results(answer, &writes(2)).await;
    assert_eq!(meaning(&results[0]), (ErrorKind::Unauthenticated, Status::Temporary));
    assert!(results[1].is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_json_comes_as_base64() {
    let answer = responses(&json!([
        { "id": "1", "status": 200, "headers": { "content-type": "text/plain" }, "body": STANDARD.encode("893") },
        { "id": "2", "status": 200, "headers": { "content-type": "text/html" }, "body": "<p>not base64</p>" },
        { "id": "3", "status": 200, "headers": { "content-type": "application/json" }, "body": "ODkz" },
    ]));
    let results = results(answer, &writes(3)).await;
    let bodies: Vec<&[u8]> = results.iter().map(|result| &result.as_ref().unwrap().body[..]).collect();
    assert_eq!(bodies, [&b"893"[..], b"<p>not base64</p>", br#""ODkz""#]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_written_takes_no_other_with_it() {
    let mut requests = writes(2);
    requests.insert(1, Request::patch("/users").segment("a/b"));
    requests.push(Request::link("https://graph.microsoft.com/v1.0/users?$skiptoken=x"));
    let answer = responses(&json!([{ "id": "1", "status": 204 }, { "id": "3", "status": 204 }]));
    let results = results(answer, &requests).await;
    assert!(results[0].is_ok() && results[2].is_ok());
    for at in [1, 3] {
        assert_eq!(meaning(&results[at]), (ErrorKind::InputInvalid, Status::Permanent));
    }
}

#[tokio::test(start_paused = true)]
async fn a_password_that_the_service_repeats_is_in_no_error() {
    const PLANTED: &str = "planted-Passw0rd";
    let set = |id| {
        let body = json!({ "passwordProfile": { "password": PLANTED } });
        Request::patch("/users").segment(id).json(&body).unwrap()
    };
    let echo = json!({ "error": { "code": "Request_BadRequest", "message": format!("{PLANTED} is too common") } });
    let answer =
        responses(&json!([{ "id": "1", "status": 400, "body": echo }, { "id": "2", "status": 400, "body": echo }]));
    let requests = [set("a"), set("b")];
    let mut all = results(answer, &requests).await;
    all.extend(results(reply(400, &echo.to_string()), &requests).await);
    for result in &all {
        let error = result.as_ref().unwrap_err();
        let said = format!("{error} {error:?} {:?} {requests:?}", ServerFault::of(error));
        assert!(!said.contains(PLANTED) && said.contains("[as sent]"), "{said}");
    }
}
