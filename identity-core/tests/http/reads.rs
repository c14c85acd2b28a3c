//! Reads are repeated, paced, and take hours of virtual time if they must.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use identity_core::error::{ErrorKind, Status};
use identity_core::http::{BaseUrl, Client, ClientSettings, Request, TokenCache, TransportFault};
use identity_core::limits::OperationClass::{Read, Write};
use identity_core::limits::{Governor, Limits, Quota, clock};

use crate::support::{InProcess, Plain, Tokens, answer, in_process, with_header};

#[tokio::test(start_paused = true)]
async fn a_read_is_repeated_until_it_is_answered() {
    let service = InProcess::script([
        Err(TransportFault::NotSent("no connection".to_owned())),
        Err(TransportFault::NoAnswer("cut".to_owned())),
        Ok(answer(502, "<html>")),
        Ok(answer(200, "7")),
    ]);
    let client = in_process(service.clone());
    let response = client.read("count", Read, &Request::get("/count")).await.unwrap();
    assert_eq!(response.json::<u32>("count").unwrap(), 7);
    assert_eq!(service.count(), 4);
    assert_eq!(client.governor().stats().in_flight, 0, "its permits are back");
}

#[tokio::test(start_paused = true)]
async fn a_read_that_cannot_succeed_is_not_repeated() {
    for (code, kind) in [
        (400, ErrorKind::InputInvalid),
        (403, ErrorKind::InsufficientPrivilege),
        (404, ErrorKind::InputInvalid),
        (501, ErrorKind::Unsupported),
    ] {
        let service = InProcess::script([Ok(answer(code, ""))]);
        let error = in_process(service.clone()).read("look up", Read, &Request::get("/x")).await.unwrap_err();
        assert_eq!((error.kind(), error.status(), error.attempts()), (kind, Status::Permanent, 1), "{code}");
        assert_eq!(service.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_is_given_up_in_the_end() {
    let service = InProcess::new(|_| async { Ok(answer(500, "")) });
    let error = in_process(service.clone()).read("look up", Read, &Request::get("/x")).await.unwrap_err();
    assert_eq!((error.kind(), error.status(), error.attempts()), (ErrorKind::Unavailable, Status::Persistent, 4));
    assert_eq!(service.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_write_is_never_repeated_by_read() {
    let service = InProcess::script([Ok(answer(503, ""))]);
    let error = in_process(service.clone()).read("post", Write, &Request::post("/x")).await.unwrap_err();
    assert_eq!((error.status(), service.count()), (Status::Temporary, 1));
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_waiting_passes_in_no_time() {
    let slow = || Ok(with_header(answer(429, ""), "retry-after", "1800"));
    let service = InProcess::script([slow(), slow(), Ok(answer(200, "{}"))]);
    let begun = clock::instant();
    in_process(service).read("list", Read, &Request::get("/users")).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(3600));
}

#[tokio::test(start_paused = true)]
async fn reads_keep_to_the_quota() {
    let quota = Quota::new("reads", NonZeroU32::new(60).unwrap(), Duration::from_secs(60), Read);
    let governor = Governor::new(&Limits::new(NonZeroU32::MIN, NonZeroU32::new(16).unwrap()).with_quota(quota));
    let service = InProcess::new(|_| async { Ok(answer(200, "{}")) });
    let settings = ClientSettings::new(BaseUrl::parse("https://service.test").unwrap());
    let sign_in = Arc::new(TokenCache::new(Tokens::living(Duration::from_secs(3600))));
    let client = Client::new(settings, service.clone(), Arc::new(Plain), sign_in, governor);
    let begun = clock::instant();
    for _ in 0..7_200 {
        client.read("look up", Read, &Request::get("/x")).await.unwrap();
    }
    let hours = begun.elapsed().as_secs_f64() / 3600.0;
    assert!((1.99..2.1).contains(&hours), "7200 reads at one a second took {hours} hours of virtual time");
    assert_eq!(service.count(), 7_200);
}
