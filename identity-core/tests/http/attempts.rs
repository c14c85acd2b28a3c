//! One attempt: what is sent, what its answer means, what the governor hears of it.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use identity_core::error::{ErrorKind, Status};
use identity_core::http::{
    BaseUrl, Client, ClientSettings, Dialect, Effect, Request, Response, ServerFault, TokenCache, TransportFault,
    Verdict,
};
use identity_core::limits::OperationClass::{Read, Write};
use identity_core::limits::clock;

use crate::support::{InProcess, Plain, Tokens, answer, governor, in_process, status, with_header};

#[tokio::test(start_paused = true)]
async fn a_request_is_sent_as_it_was_built_and_signed() {
    let service = InProcess::script([Ok(answer(204, ""))]);
    let request = Request::patch("/users")
        .segment("a b+c@example.test")
        .then("/password")
        .query("$filter", "name eq 'x&y'")
        .header(HeaderName::from_static("x-extra"), HeaderValue::from_static("1"))
        .json(&serde_json::json!({ "password": "p\u{e4}ss" }))
        .unwrap();
    in_process(service.clone()).attempt("set password", Write, &request).await.unwrap();
    let asked = &service.asked.lock().unwrap()[0];
    assert_eq!(asked.method(), Method::PATCH);
    assert_eq!(
        asked.uri().to_string(),
        "https://service.test/v1/users/a%20b%2Bc%40example.test/password?$filter=name%20eq%20%27x%26y%27"
    );
    assert_eq!(asked.body().as_ref(), "{\"password\":\"p\u{e4}ss\"}".as_bytes());
    for (name, value) in [
        ("authorization", "Bearer token-1"),
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("x-extra", "1"),
    ] {
        assert_eq!(asked.headers()[name], value);
    }
    assert!(asked.headers()["authorization"].is_sensitive());
    assert_eq!(
        request.path_and_query().unwrap().unwrap(),
        asked.uri().to_string().split_off("https://service.test/v1".len())
    );
}

#[tokio::test(start_paused = true)]
async fn a_form_is_escaped() {
    let service = InProcess::script([Ok(answer(200, "{}"))]);
    let request = Request::post("/x").form(&[("a", "1 + 1"), ("b", "\u{e4}&=")]);
    in_process(service.clone()).attempt("post", Write, &request).await.unwrap();
    assert_eq!(service.asked.lock().unwrap()[0].body().as_ref(), b"a=1%20%2B%201&b=%C3%A4%26%3D");
    assert_eq!(service.header(0, "content-type"), "application/x-www-form-urlencoded");
}

#[tokio::test(start_paused = true)]
async fn an_id_from_outside_cannot_lead_elsewhere() {
    let service = InProcess::script([]);
    let client = in_process(service.clone());
    for id in ["", ".", "..", "../groups/1", "a/b", "a\\b", "%2e%2e/x"] {
        let error = client.attempt("delete", Write, &Request::delete("/users").segment(id)).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::InputInvalid, Status::Permanent), "{id:?}");
    }
    assert_eq!(service.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_an_id_of_its_own_and_errors_carry_the_servers() {
    let refused = || Ok(answer(403, r#"{"code":"Denied","message":"no\nway"}"#));
    let service = InProcess::script([refused(), refused(), Err(TransportFault::NoAnswer("cut".to_owned()))]);
    let client = in_process(service.clone());
    let request = Request::post("/x");
    let error = client.attempt("revoke", Write, &request).await.unwrap_err();
    assert_eq!(error.to_string(), "corp: revoke: insufficient privilege: answered 403, Denied: no way");
    assert_eq!(error.request_id(), Some("server-403"));
    let fault: &ServerFault = std::error::Error::source(&error).unwrap().downcast_ref().unwrap();
    assert_eq!(fault.code, "Denied");
    client.attempt("revoke", Write, &request).await.unwrap_err();
    assert_ne!(service.header(0, "x-client-request"), service.header(1, "x-client-request"));
    let error = client.attempt("revoke", Write, &request).await.unwrap_err();
    assert_eq!(error.request_id(), Some(service.header(2, "x-client-request").as_str()), "then ours");
}

/// A service that has words of its own for a sign-in that it refuses.
#[derive(Debug)]
struct Fussy;

impl Dialect for Fussy {
    fn request_id(&self, _headers: &HeaderMap) -> Option<String> {
        None
    }

    fn fault(&self, response: &Response) -> ServerFault {
        Plain.fault(response)
    }

    fn refine(&self, _response: &Response, fault: &ServerFault, verdict: Verdict) -> Verdict {
        match fault.code.as_str() {
            "NoLicence" => Verdict::new(ErrorKind::Unsupported, verdict.status).with_advice("buy it"),
            _ => verdict,
        }
    }

    fn refuses_sign_in(&self, _response: &Response, fault: &ServerFault) -> bool {
        fault.code == "use_nonce"
    }
}

#[tokio::test(start_paused = true)]
async fn the_dialect_says_what_a_code_means_and_whether_it_is_about_the_sign_in() {
    let service = InProcess::script([
        Ok(answer(401, r#"{"code":"NoLicence"}"#)),
        Ok(answer(400, r#"{"code":"use_nonce"}"#)),
        Ok(answer(204, "")),
    ]);
    let sign_in = Arc::new(TokenCache::new(Tokens::living(Duration::from_secs(3600))));
    let settings = ClientSettings::new(BaseUrl::parse("https://service.test").unwrap());
    let client = Client::new(settings, service.clone(), Arc::new(Fussy), sign_in, governor());
    let write = Request::post("/x");
    let error = client.attempt("block", Write, &write).await.unwrap_err();
    assert_eq!((error.kind(), error.advice()), (ErrorKind::Unsupported, Some("buy it")));
    assert_eq!(service.count(), 1, "this 401 is not about the sign-in");
    client.attempt("block", Write, &write).await.unwrap();
    assert_eq!((service.count(), service.header(2, "authorization")), (3, "Bearer token-2".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_replay_without_an_answer_is_unknown() {
    let cut = Err(TransportFault::NoAnswer("cut".to_owned()));
    let service = InProcess::script([Ok(answer(401, "")), cut]);
    let error = in_process(service.clone()).attempt("set password", Write, &Request::post("/x")).await.unwrap_err();
    assert_eq!((error.status(), service.count()), (Status::Unknown, 2));
}

#[tokio::test(start_paused = true)]
async fn no_answer_in_time_is_unknown_for_a_write_only() {
    let service = InProcess::new(|_| std::future::pending());
    let client = in_process(service.clone());
    let begun = clock::instant();
    let error = client.attempt("set password", Write, &Request::post("/x")).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Timeout, Status::Unknown));
    assert_eq!(begun.elapsed().as_secs(), 30, "of virtual time");
    let error = client.attempt("look up", Read, &Request::get("/x")).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Timeout, Status::Temporary));
    let lookup = Request::post("/lookup").with_effect(Effect::Read);
    let error = client.attempt("look up", Read, &lookup).await.unwrap_err();
    assert_eq!(error.status(), Status::Temporary);
    assert_eq!(client.governor().stats().busy, 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_is_not_unknown() {
    let service = InProcess::script([Err(TransportFault::NotSent("no connection".to_owned()))]);
    let error = in_process(service).attempt("set password", Write, &Request::post("/x")).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Transport, Status::Temporary));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_leaves_a_write_unknown() {
    let service = InProcess::script([Ok(answer(200, r#"{"tempPassword": hunter2"#))]);
    let client = in_process(service);
    let response = client.attempt("reset", Write, &Request::post("/x")).await.unwrap();
    let error = response.written::<serde_json::Value>("reset").unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Protocol, Status::Unknown));
    assert_eq!(error.request_id(), Some("server-200"));
    let error = response.json::<u32>("read").unwrap_err();
    assert_eq!(error.status(), Status::Permanent);
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn the_governor_hears_of_every_answer() {
    let busy = with_header(answer(503, ""), "retry-after", "7");
    let service =
        InProcess::script([Ok(answer(204, "")), Ok(with_header(answer(429, ""), "retry-after", "40")), Ok(busy)]);
    let client = in_process(service);
    let write = Request::post("/x");
    client.attempt("write", Write, &write).await.unwrap();
    let error = client.attempt("write", Write, &write).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(40)));
    let stats = client.governor().stats();
    assert_eq!((stats.requests, stats.throttled, stats.busy), (2, 1, 0));
    let closed = stats.closed_until.unwrap().duration_since(clock::now());
    assert_eq!(closed.as_secs(), 40);
    let error = client.attempt("write", Write, &write).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Unavailable, Status::Temporary));
    assert_eq!(client.governor().stats().busy, 1);
}

#[tokio::test(start_paused = true)]
async fn an_entry_of_a_batch_is_judged_as_a_response_of_its_own() {
    let client = in_process(InProcess::script([]));
    let entry = |code, header: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static(header));
        headers.insert("x-request", HeaderValue::from_static("inner"));
        Response::new(status(code), headers, r#"{"code":"Slow"}"#)
    };
    let write = Request::patch("/users/1").of_account();
    let error = client.judge("set password", Write, &write, entry(429, "9")).unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(Duration::from_secs(9))));
    assert_eq!(error.request_id(), Some("inner"));
    let error = client.judge("set password", Write, &write, entry(404, "x")).unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::AccountNotFound, None));
    let response = client.judge("set password", Write, &write, entry(204, "0")).unwrap();
    assert_eq!(response.request_id.as_deref(), Some("inner"));
    let stats = client.governor().stats();
    assert_eq!((stats.requests, stats.throttled), (3, 1));
}
