//! Nothing prints a secret: all that can be printed is, with secrets planted in it.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use identity_core::http::{
    AccessToken, BaseUrl, ClientCredentials, Request, Response, Signature, SignedAssertions, SigningAlgorithm,
    TokenCache, TransportFault,
};
use identity_core::limits::OperationClass::{Read, Write};
use secrecy::SecretString;

use crate::keys::pem;
use crate::support::{InProcess, answer, client, status};

const PLANTED: &str = "hunter2-planted";

fn planted_request() -> Request {
    Request::patch("/users/1")
        .query("$filter", PLANTED)
        .header(HeaderName::from_static("x-secret"), HeaderValue::from_static(PLANTED))
        .json(&serde_json::json!({ "password": PLANTED }))
        .unwrap()
}

#[track_caller]
fn check(printed: &str) {
    assert!(!printed.contains("hunter2"), "{printed}");
}

fn credentials(service: &Arc<InProcess>) -> ClientCredentials {
    let url = BaseUrl::parse("https://login.test/token").unwrap();
    ClientCredentials::by_secret(service.clone(), url, "app-1", SecretString::from(PLANTED))
}

#[test]
fn what_holds_a_secret_does_not_print_it() {
    let secret = || SecretString::from(PLANTED);
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_static(PLANTED));
    let service = InProcess::script([]);
    let link = Request::link(format!("https://service.test/users?$skiptoken={PLANTED}"));
    check(&format!("{:?} {:?}", planted_request(), link));
    check(&format!("{:?}", Request::post("/x").form(&[("client_secret", PLANTED)])));
    check(&format!("{:?}", Response::new(status(200), headers.clone(), PLANTED)));
    check(&format!("{:?} {:?}", Signature::new(headers, 1), AccessToken::new(secret(), Duration::ZERO)));
    check(&format!("{:?}", TokenCache::new(credentials(&service))));
    check(&format!(
        "{:?}",
        client("https://service.test", service.clone(), Arc::new(TokenCache::new(credentials(&service))))
    ));
    let key = pem("ec-sec1.pem", SigningAlgorithm::Es256).unwrap();
    let printed = format!("{key:?} {:?}", SignedAssertions::new(key.clone()));
    assert!(!printed.contains("Z1P1") && !printed.contains("[103, 83"), "{printed}");
    assert!(printed.contains("Es256"));
}

#[tokio::test(start_paused = true)]
async fn errors_do_not_print_what_was_sent_or_answered() {
    let token = format!(r#"{{"token_type":"Bearer","expires_in":3599,"access_token":"{PLANTED}"}}"#);
    for answered in [
        Ok(answer(400, &format!("{{\"unknown\":\"{PLANTED}\"}}"))),
        Ok(answer(500, PLANTED)),
        // It repeats what it was sent.
        Ok(answer(400, &format!(r#"{{"code":"Weak","message":"`{PLANTED}` is too weak"}}"#))),
        Ok(answer(302, PLANTED)),
        Err(TransportFault::NoAnswer("cut".to_owned())),
    ] {
        let service = InProcess::script([Ok(answer(200, &token)), answered]);
        let sign_in = Arc::new(TokenCache::new(credentials(&service)));
        let client = client("https://service.test", service.clone(), sign_in);
        let error = client.attempt("set password", Write, &planted_request()).await.unwrap_err();
        check(&format!("{error} {error:?}"));
        assert_eq!(service.count(), 2);
    }
    let echo = format!(r#"{{"error":"invalid_client","error_description":"{PLANTED} is wrong"}}"#);
    let error = TokenCache::new(credentials(&InProcess::script([Ok(answer(401, &echo))]))).token().await.unwrap_err();
    assert_eq!(error.detail(), "invalid_client: [as sent] is wrong");
    check(&format!("{error:?}"));
    for member in ["mine", "other"] {
        let body = format!(r#"{{"error":"invalid_client","{member}":["{PLANTED}"],"access_token":"{PLANTED}"}}"#);
        let source = credentials(&InProcess::script([Ok(answer(401, &body))])).with_members(&["mine"]);
        check(&format!("{:?}", TokenCache::new(source).token().await.unwrap_err()));
    }
    // A token that comes with a status or in a shape that cannot be used is not printed either.
    for (code, body) in [(200, token.replace('}', "")), (201, token.clone()), (400, token.clone())] {
        let service = InProcess::script([Ok(answer(code, &body))]);
        let client = client("https://service.test", service.clone(), Arc::new(TokenCache::new(credentials(&service))));
        let error = client.read("look up", Read, &Request::get("/x")).await.unwrap_err();
        check(&format!("{error} {error:?}"));
    }
}

#[test]
fn addresses_from_a_configuration_hold_no_password() {
    for address in ["https://user:hunter2@service.test/", "https://hunter2@service.test/", "https://s.test/?k=hunter2"]
    {
        let error = BaseUrl::parse(address).unwrap_err();
        check(&format!("{error} {error:?}"));
    }
}
