//! The client credentials grant: what is sent, and what a refusal means.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::http::{
    AssertionFile, BaseUrl, ClientCredentials, GrantFault, Request, Response, SignIn, Signature, SignedAssertions,
    SigningAlgorithm, TokenCache, TokenSource, TransportFault,
};
use identity_core::limits::OperationClass::Read;
use identity_core::limits::clock;
use secrecy::SecretString;

use crate::keys::{decoded, pem};
use crate::support::{InProcess, answer, client, with_header};

const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"opaque"}"#;

fn by_secret(service: &Arc<InProcess>) -> ClientCredentials {
    let url = BaseUrl::parse("https://login.test/tenant/oauth2/v2.0/token").unwrap();
    ClientCredentials::by_secret(service.clone(), url, "app-1", SecretString::from("s3cret&=+\u{e4}"))
}

/// The fields of a form, unescaped.
fn fields(service: &InProcess, index: usize) -> Vec<(String, String)> {
    let asked = service.asked.lock().unwrap();
    let text = String::from_utf8(asked[index].body().to_vec()).unwrap();
    let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (unescaped(name), unescaped(value))).collect()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        (bytes, rest) = match first {
            b'%' => {
                let code = std::str::from_utf8(&after[..2]).unwrap();
                ([bytes, vec![u8::from_str_radix(code, 16).unwrap()]].concat(), &after[2..])
            }
            b'+' => ([bytes, vec![b' ']].concat(), after),
            byte => ([bytes, vec![*byte]].concat(), after),
        };
    }
    String::from_utf8(bytes).unwrap()
}

fn field(service: &InProcess, index: usize, name: &str) -> String {
    let found = fields(service, index).into_iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("there is no field {name}")).1
}

#[tokio::test(start_paused = true)]
async fn a_secret_goes_in_the_body() {
    let service = InProcess::script([Ok(answer(200, TOKEN))]);
    let source = by_secret(&service).with_scope("https://graph.test/.default").with_parameter("tenant_hint", "x y");
    let token = source.token().await.unwrap();
    assert_eq!((token.expose(), token.lifetime()), ("opaque", Duration::from_secs(3599)));
    let expected = [
        ("grant_type", "client_credentials"),
        ("scope", "https://graph.test/.default"),
        ("client_id", "app-1"),
        ("client_secret", "s3cret&=+\u{e4}"),
        ("tenant_hint", "x y"),
    ];
    assert_eq!(fields(&service, 0), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let asked = service.asked.lock().unwrap();
    assert_eq!(asked[0].method(), Method::POST);
    assert_eq!(asked[0].uri(), "https://login.test/tenant/oauth2/v2.0/token");
    assert!(!asked[0].headers().contains_key("authorization"));
}

#[tokio::test(start_paused = true)]
async fn an_assertion_is_signed_anew_for_each_token() {
    let service = InProcess::script([Ok(answer(200, TOKEN)), Ok(answer(200, TOKEN))]);
    let key = pem("rsa-pkcs8.pem", SigningAlgorithm::Ps256).unwrap().with_kid("k1");
    let url = BaseUrl::parse("https://login.test/oauth2/v1/token").unwrap();
    let source = ClientCredentials::by_assertion(service.clone(), url, "app-1", Arc::new(SignedAssertions::new(key)));
    let mut ids = Vec::new();
    for index in 0..2 {
        let now = clock::now().as_second();
        source.token().await.unwrap();
        assert_eq!(
            field(&service, index, "client_assertion_type"),
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        assert_eq!(field(&service, index, "client_id"), "app-1");
        let (header, claims) = decoded(&field(&service, index, "client_assertion"));
        assert_eq!((header.kid.as_deref(), header.typ.as_deref()), (Some("k1"), Some("JWT")));
        assert_eq!(claims["aud"], "https://login.test/oauth2/v1/token");
        assert_eq!((&claims["iss"], &claims["sub"]), (&"app-1".into(), &"app-1".into()));
        let (issued, ends) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
        assert!((0..=1).contains(&(issued - now)), "{issued} and {now}");
        assert_eq!((claims["nbf"].as_i64().unwrap(), ends), (issued, issued + 300));
        ids.push(claims["jti"].as_str().unwrap().to_owned());
    }
    assert_ne!(ids[0], ids[1], "an id is good once");
}

#[tokio::test(start_paused = true)]
async fn a_federated_assertion_is_read_anew_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let service = InProcess::script([Ok(answer(200, TOKEN)), Ok(answer(200, TOKEN))]);
    let url = BaseUrl::parse("https://login.test/token").unwrap();
    let assertions = Arc::new(AssertionFile::new(&file));
    let source = ClientCredentials::by_assertion(service.clone(), url, "app-1", assertions);
    for (index, text) in ["first", "second"].into_iter().enumerate() {
        std::fs::write(&file, format!("{text}\n")).unwrap();
        source.token().await.unwrap();
        assert_eq!(field(&service, index, "client_assertion"), text);
    }
    std::fs::write(&file, " \n").unwrap();
    let error = source.token().await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::ConfigInvalid, Status::Permanent));
    std::fs::write(&file, "x".repeat(70_000)).unwrap();
    assert_eq!(source.token().await.unwrap_err().kind(), ErrorKind::ConfigInvalid);
    drop(folder);
    assert_eq!(source.token().await.unwrap_err().kind(), ErrorKind::ConfigInvalid);
    assert_eq!(service.count(), 2, "without an assertion nothing is sent");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_keeps_the_servers_codes_and_advice_is_the_backends() {
    let body = concat!(
        r#"{"error":"invalid_client","error_description":"AADSTS7000215: wrong\r\nTrace ID: t","#,
        r#""error_codes":[7000215],"timestamp":"2025-04-04 21:10:04Z","trace_id":"t-1","correlation_id":"c-1","flags":{"a":[1]}}"#
    );
    let service = InProcess::script([Ok(answer(401, body))]);
    let cache = TokenCache::new(
        by_secret(&service)
            .with_members(&["error_codes", "trace_id", "flags"])
            .with_request_id_member("trace_id")
            .with_advice(|fault: &GrantFault| {
                fault.member("error_codes").contains(&"7000215".to_owned()).then(|| "check the secret".to_owned())
            }),
    );
    for _ in 0..3 {
        let error = cache.token().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::Unauthenticated, Status::Permanent));
        assert_eq!((error.advice(), error.request_id()), (Some("check the secret"), Some("t-1")));
        assert_eq!(error.detail(), "invalid_client: AADSTS7000215: wrong  Trace ID: t");
        let fault = GrantFault::of(&error).unwrap();
        assert_eq!(fault.member("error_codes"), ["7000215"]);
        assert!(["error", "flags", "correlation_id"].iter().all(|name| fault.member(name).is_empty()), "{fault:?}");
    }
    assert_eq!(service.count(), 1, "a bad secret is tried once");
}

#[tokio::test(start_paused = true)]
async fn each_refusal_is_what_it_is() {
    use ErrorKind::{Protocol, RateLimited, Unauthenticated, Unavailable};
    let coded = |code: &str| format!(r#"{{"error":"{code}"}}"#);
    for (status, body, kind, temporary) in [
        (400, coded("invalid_scope"), Unauthenticated, false),
        (400, coded("temporarily_unavailable"), Unavailable, true),
        (429, coded("invalid_grant"), RateLimited, true),
        (429, String::new(), RateLimited, true),
        (500, coded("server_error"), Unavailable, true),
        (503, "<html>".to_owned(), Unavailable, true),
        (401, "<html>".to_owned(), Unauthenticated, false),
        (404, "not here".to_owned(), Protocol, false),
        (302, String::new(), Protocol, false),
        (200, "{".to_owned(), Protocol, false),
        (200, r#"{"token_type":"Bearer","access_token":""}"#.to_owned(), Protocol, false),
        (200, r#"{"token_type":"DPoP","access_token":"x"}"#.to_owned(), Protocol, false),
    ] {
        let service = InProcess::script([Ok(answer(status, &body))]);
        let error = by_secret(&service).token().await.unwrap_err();
        assert_eq!((error.kind(), error.is_temporary()), (kind, temporary), "{status} {body}");
    }
    let service = InProcess::script([Err(TransportFault::NoAnswer("cut".to_owned()))]);
    assert!(by_secret(&service).token().await.unwrap_err().is_temporary());
}

#[tokio::test(start_paused = true)]
async fn the_sign_in_waits_as_long_as_it_is_asked_to() {
    let slow = |seconds| Ok(with_header(answer(429, "{}"), "retry-after", seconds));
    let service = InProcess::script([slow("12"), Ok(answer(200, TOKEN))]);
    let begun = clock::instant();
    TokenCache::new(by_secret(&service)).token().await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 12);

    // What is longer than a request has time for is told to those who wait.
    let service = InProcess::script([slow("120"), Ok(answer(200, TOKEN)), Ok(answer(200, "{}"))]);
    let cache = TokenCache::new(by_secret(&service));
    let begun = clock::instant();
    for _ in 0..5 {
        let error = cache.token().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::RateLimited, Status::Temporary));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(120)));
    }
    client("https://service.test", service.clone(), Arc::new(cache))
        .read("list", Read, &Request::get("/x"))
        .await
        .unwrap();
    assert_eq!((begun.elapsed().as_secs(), service.count()), (120, 3), "a read waits for it");
}

/// A proof with a nonce that only the server knows (as of RFC 9449).
#[derive(Debug, Default)]
struct Nonce(Mutex<Option<String>>);

#[async_trait]
impl SignIn for Nonce {
    async fn sign(&self, method: &Method, url: &Uri) -> Result<Signature> {
        let nonce = self.0.lock().unwrap().clone().unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert("dpop", HeaderValue::from_str(&format!("{method} {url} {nonce}")).unwrap());
        Ok(Signature::new(headers, 0))
    }

    async fn refused(&self, _signature: &Signature, response: &Response) -> Result<bool> {
        let is_wanted = response.status == StatusCode::BAD_REQUEST && response.body.as_ref() == NONCE_WANTED.as_bytes();
        let nonce = response.headers.get("dpop-nonce").filter(|_| is_wanted);
        *self.0.lock().unwrap() = nonce.map(|nonce| nonce.to_str().unwrap().to_owned());
        Ok(nonce.is_some())
    }
}

const NONCE_WANTED: &str = r#"{"error":"use_dpop_nonce"}"#;

#[tokio::test(start_paused = true)]
async fn a_token_request_can_be_signed_and_learns_a_nonce() {
    let wanted = || Ok(with_header(answer(400, NONCE_WANTED), "dpop-nonce", "n1"));
    let granted = answer(200, r#"{"token_type":"DPoP","expires_in":3600,"access_token":"bound"}"#);
    let service = InProcess::script([wanted(), Ok(granted), wanted(), wanted()]);
    let source = by_secret(&service).with_signer(Arc::new(Nonce::default()));
    assert_eq!(source.token().await.unwrap().expose(), "bound");
    assert_eq!(service.header(0, "dpop"), "POST https://login.test/tenant/oauth2/v2.0/token ");
    assert_eq!(service.header(1, "dpop"), "POST https://login.test/tenant/oauth2/v2.0/token n1");
    let error: Error = source.token().await.unwrap_err();
    assert_eq!((error.kind(), service.count()), (ErrorKind::Unauthenticated, 4), "once is enough");
}
