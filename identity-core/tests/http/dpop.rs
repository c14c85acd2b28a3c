//! Proofs of possession (RFC 9449): what is signed, which nonces are heeded, whose clock counts.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Response as Answer;
use identity_core::error::{ErrorKind, Status};
use identity_core::http::{
    BaseUrl, ClientCredentials, Dpop, Request, ServerClock, SignedAssertions, SigningAlgorithm, SigningKey, TokenCache,
    TokenSource,
};
use identity_core::limits::{OperationClass, clock};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Header, Validation};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::keys::{decoded, pem};
use crate::support::{InProcess, Tokens, answer, client, with_header};

const BOUND: &str =
    r#"{"token_type":"DPoP","expires_in":3600,"access_token":"bound","scope":"users.read users.manage"}"#;
const TOKEN_URL: &str = "https://login.test/oauth2/v1/token";

fn dpop() -> (Arc<Dpop>, Arc<ServerClock>) {
    let clock = Arc::<ServerClock>::default();
    (Dpop::new(pem("rsa-pkcs8.pem", SigningAlgorithm::Rs256).unwrap(), Arc::clone(&clock)), clock)
}

fn source(service: &Arc<InProcess>) -> ClientCredentials {
    let (dpop, clock) = dpop();
    let key = pem("rsa-pkcs8.pem", SigningAlgorithm::Rs256).unwrap();
    let assertions = Arc::new(SignedAssertions::new(key).with_clock(Arc::clone(&clock)));
    ClientCredentials::by_assertion(service.clone(), BaseUrl::parse(TOKEN_URL).unwrap(), "app-1", assertions)
        .with_signer(dpop.for_tokens())
        .with_token_type(Dpop::TOKEN_TYPE)
        .with_clock(clock)
}

/// The proof of a request, checked by the key that it carries itself.
fn proof(service: &InProcess, index: usize) -> (Header, Value) {
    checked(&service.header(index, "dpop"))
}

fn checked(text: &str) -> (Header, Value) {
    let header = jsonwebtoken::decode_header(text).unwrap();
    let jwk: Jwk = header.jwk.clone().expect("a proof carries its public key");
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let claims = jsonwebtoken::decode::<Value>(text, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).unwrap();
    (header, claims.claims)
}

/// The claims of the client assertion of a request for a token.
fn assertion(service: &InProcess, index: usize) -> Value {
    let body = String::from_utf8(service.asked.lock().unwrap()[index].body().to_vec()).unwrap();
    let field = body.split('&').find_map(|pair| pair.strip_prefix("client_assertion=")).unwrap();
    decoded(field).1
}

fn refusal(error: &str) -> Answer<bytes::Bytes> {
    answer(400, &format!(r#"{{"error":"{error}","error_description":"no"}}"#))
}

fn dated(answer: Answer<bytes::Bytes>, ahead: i64) -> Answer<bytes::Bytes> {
    let then = clock::now() + jiff::SignedDuration::from_secs(ahead);
    with_header(answer, "date", &then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

#[tokio::test(start_paused = true)]
async fn a_token_is_asked_for_with_a_proof_and_again_with_the_nonce_that_is_wanted() {
    let wanted = with_header(refusal("use_dpop_nonce"), "dpop-nonce", "n1");
    let granted = with_header(answer(200, BOUND), "dpop-nonce", "n2");
    let service = InProcess::script([Ok(wanted), Ok(granted), Ok(answer(200, BOUND))]);
    let source = source(&service);
    let token = source.token().await.unwrap();
    assert_eq!(token.expose(), "bound");
    assert_eq!(token.scopes().unwrap(), ["users.read", "users.manage"]);
    source.token().await.unwrap();
    let proofs: Vec<_> = (0..3).map(|index| proof(&service, index)).collect();
    for (header, claims) in &proofs {
        assert_eq!((header.typ.as_deref(), claims["htm"].as_str()), (Some("dpop+jwt"), Some("POST")));
        assert_eq!((claims["htu"].as_str(), claims.get("ath")), (Some(TOKEN_URL), None));
        assert!(header.kid.is_none(), "the key is in the proof");
    }
    let nonces: Vec<_> = proofs.iter().map(|(_, claims)| claims["nonce"].as_str()).collect();
    assert_eq!(nonces, [None, Some("n1"), Some("n2")]);
    let ids: HashSet<_> = proofs.iter().map(|(_, claims)| claims["jti"].to_string()).collect();
    let assertions: HashSet<_> = (0..3).map(|index| assertion(&service, index)["jti"].to_string()).collect();
    assert_eq!((ids.len(), assertions.len()), (3, 3), "nothing is used twice");
}

#[tokio::test(start_paused = true)]
async fn a_request_proves_that_the_token_is_ours_and_the_address_has_no_query() {
    let service = InProcess::script([Ok(answer(200, "{}")), Ok(answer(200, "{}"))]);
    let tokens = Arc::new(TokenCache::new(Tokens::living(Duration::from_secs(3600))));
    let client = client("https://service.test", service.clone(), dpop().0.for_requests(tokens));
    let request = Request::get("/api/v1/users").query("limit", "200");
    for _ in 0..2 {
        client.read("list", OperationClass::Read, &request).await.unwrap();
    }
    assert_eq!(service.header(0, "authorization"), "DPoP token-1");
    let (first, second) = (proof(&service, 0).1, proof(&service, 1).1);
    assert_eq!(
        (first["htm"].as_str(), first["htu"].as_str()),
        (Some("GET"), Some("https://service.test/api/v1/users"))
    );
    assert_eq!(first["ath"].as_str(), Some(URL_SAFE_NO_PAD.encode(Sha256::digest("token-1")).as_str()));
    assert_ne!(first["jti"], second["jti"]);
    assert!(service.asked.lock().unwrap()[0].headers()["dpop"].is_sensitive());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_wants_a_nonce_gets_it_once_and_a_token_is_not_renewed_for_it() {
    let wanted = || {
        let challenge = r#"DPoP error="use_dpop_nonce", error_description="Resource server requires nonce""#;
        with_header(with_header(answer(401, ""), "www-authenticate", challenge), "dpop-nonce", "r1")
    };
    let service = InProcess::script([Ok(wanted()), Ok(answer(200, "{}")), Ok(wanted()), Ok(wanted())]);
    let source = Tokens::living(Duration::from_secs(3600));
    let given = Arc::clone(&source.given);
    let sign_in = dpop().0.for_requests(Arc::new(TokenCache::new(source)));
    let client = client("https://service.test", service.clone(), sign_in);
    client.attempt("read", OperationClass::Read, &Request::get("/x")).await.unwrap();
    assert_eq!((proof(&service, 0).1.get("nonce"), proof(&service, 1).1["nonce"].as_str()), (None, Some("r1")));
    let error = client.attempt("read", OperationClass::Read, &Request::get("/x")).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Unauthenticated, Status::Permanent));
    assert_eq!((service.count(), *given.lock().unwrap()), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn a_machine_whose_clock_is_off_signs_in_by_the_servers_clock() {
    for ahead in [-1_200, 1_200] {
        let service = InProcess::new({
            let count = std::sync::atomic::AtomicU32::new(0);
            move |_| {
                let index = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let answer = match index {
                    0 => refusal("invalid_client"),
                    1 => with_header(refusal("use_dpop_nonce"), "dpop-nonce", "n1"),
                    _ => answer(200, BOUND),
                };
                let answer = dated(answer, ahead);
                async move { Ok(answer) }
            }
        });
        let begun = clock::now().as_second();
        source(&service).token().await.unwrap();
        assert_eq!(service.count(), 3);
        let times = [proof(&service, 2).1["iat"].as_i64().unwrap(), assertion(&service, 2)["iat"].as_i64().unwrap()];
        assert!(times.iter().all(|time| (begun + ahead - 2..=begun + ahead).contains(time)), "{times:?} of {begun}");
        let first = assertion(&service, 0)["iat"].as_i64().unwrap();
        assert!((first - begun).abs() <= 1, "our own clock as long as nothing else is known");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_the_clock_does_not_explain_is_final() {
    let refused = || dated(answer(401, r#"{"error":"invalid_client","error_description":"no"}"#), 2);
    let service = InProcess::script([Ok(refused())]);
    let error = source(&service).token().await.unwrap_err();
    assert_eq!((error.kind(), service.count()), (ErrorKind::Unauthenticated, 1));
    // A server that wants one nonce after the other is given up.
    let wanted = || with_header(refusal("use_dpop_nonce"), "dpop-nonce", "n1");
    let service = InProcess::script([Ok(wanted()), Ok(wanted()), Ok(wanted())]);
    let error = source(&service).token().await.unwrap_err();
    assert_eq!((error.kind(), service.count()), (ErrorKind::Unauthenticated, 3));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_bound_to_the_key_is_not_taken() {
    let bearer = r#"{"token_type":"Bearer","expires_in":3600,"access_token":"loose"}"#;
    let service = InProcess::script([Ok(answer(200, bearer))]);
    let error = source(&service).token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(!format!("{error:?}").contains("loose"));
}

#[test]
fn a_new_key_signs_what_its_public_part_checks_and_is_another_one_each_time() {
    for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Ps256, SigningAlgorithm::Es256] {
        let (one, other) = (SigningKey::generate(algorithm).unwrap(), SigningKey::generate(algorithm).unwrap());
        assert_ne!(one.public_jwk(), other.public_jwk());
        let signed = one.sign_with_public_key("dpop+jwt", &serde_json::json!({ "a": 1 })).unwrap();
        let (header, claims) = checked(secrecy::ExposeSecret::expose_secret(&signed));
        assert_eq!(claims["a"], 1);
        let members = serde_json::to_value(header.jwk.unwrap()).unwrap();
        assert!(["d", "p", "q", "dp", "dq", "qi"].iter().all(|member| members.get(member).is_none()), "{members}");
    }
}
