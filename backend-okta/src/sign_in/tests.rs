use std::collections::HashMap;
use std::sync::Arc;

use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::Request;

use crate::canned::{Answer, Canned, app_key, config, reply, with_header};
use crate::limits::USERS;
use crate::{OktaConfig, OktaDirectory};

/// As recorded by okta-sdk-python (test_dpop_api_request), with a token of the test.
const NONCE_WANTED: &str =
    r#"{"error":"use_dpop_nonce","error_description":"Authorization server requires nonce in DPoP proof."}"#;
const SCOPE_REFUSED: &str = r#"{"error":"invalid_scope","error_description":"One or more scopes are not configured for the authorization server resource."}"#;

fn app() -> OktaConfig {
    config().service_app("0oaApp1", app_key().into()).key_id("key-1").scopes(["okta.users.read", "okta.users.manage"])
}

fn token(kind: &str, scope: &str) -> Answer {
    reply(200, &format!(r#"{{"token_type":"{kind}","expires_in":3600,"access_token":"t0k3n","scope":"{scope}"}}"#))
}

fn refused(error: &str, description: &str) -> Answer {
    reply(401, &format!(r#"{{"error":"{error}","error_description":"{description}"}}"#))
}

async fn connect(config: OktaConfig, answers: Vec<Answer>) -> (Result<Arc<OktaDirectory>>, Arc<Canned>) {
    let canned = Canned::new(answers);
    (OktaDirectory::connect(config.transport(canned.clone())).await, canned)
}

async fn refusal(config: OktaConfig, answers: Vec<Answer>) -> Error {
    let (connected, canned) = connect(config, answers).await;
    assert_eq!(canned.left(), 0, "each answer was asked for");
    connected.unwrap_err()
}

/// The fields of a form.
fn fields(canned: &Canned, index: usize) -> HashMap<String, String> {
    let body = String::from_utf8(canned.sent()[index].body.to_vec()).unwrap();
    let pairs = body.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.replace("%3A", ":").replace('+', " "))).collect()
}

/// Header and claims of a JSON Web Token, unchecked.
fn parts(jwt: &str) -> [serde_json::Value; 2] {
    use base64::Engine;
    let mut parts = jwt.split('.').map(|part| {
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice(&bytes).unwrap_or_default()
    });
    [parts.next().unwrap(), parts.next().unwrap()]
}

#[tokio::test(start_paused = true)]
async fn an_app_signs_in_by_an_assertion_and_a_proof_with_the_nonce_that_is_wanted() {
    let wanted = with_header(reply(400, NONCE_WANTED), "dpop-nonce", "n1");
    let granted = token("DPoP", "okta.users.read okta.users.manage");
    let (directory, canned) = connect(app(), vec![wanted, granted, reply(200, "[]")]).await;
    let org = &directory.unwrap().org;
    org.okta.one::<Vec<String>>("list", USERS, &Request::get("/api/v1/users").query("limit", "1")).await.unwrap();
    let sent = canned.sent();
    assert_eq!(sent[1].target, "https://acme.okta.test/oauth2/v1/token");
    let (first, second) = (fields(&canned, 0), fields(&canned, 1));
    assert_eq!(
        (first["grant_type"].as_str(), first["scope"].as_str()),
        ("client_credentials", "okta.users.read okta.users.manage")
    );
    assert_eq!(first["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let [header, claims] = parts(&second["client_assertion"]);
    assert_eq!((header["alg"].as_str(), header["kid"].as_str()), (Some("RS256"), Some("key-1")));
    assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some("0oaApp1"), Some("0oaApp1")));
    assert_eq!(claims["aud"], "https://acme.okta.test/oauth2/v1/token");
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert!((1..=600).contains(&life), "{life} seconds, of an hour at most");
    assert_ne!(claims["jti"], parts(&first["client_assertion"])[1]["jti"], "an assertion is used once");
    let proof = |index: usize| parts(sent[index].headers["dpop"].to_str().unwrap());
    assert_eq!((proof(0)[1].get("nonce"), proof(1)[1]["nonce"].as_str()), (None, Some("n1")));
    assert_eq!(sent[2].headers["authorization"], "DPoP t0k3n");
    assert_eq!(
        (proof(2)[1]["htu"].as_str(), proof(2)[1]["htm"].as_str()),
        (Some("https://acme.okta.test/api/v1/users"), Some("GET"))
    );
    assert_ne!(proof(2)[0]["jwk"], serde_json::Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_app_without_proofs_sends_none() {
    let (directory, canned) = connect(app().dpop(false), vec![token("Bearer", "okta.users.read")]).await;
    assert!(canned.sent()[0].headers.get("dpop").is_none());
    let scopes = directory.unwrap().org.signed_in.scopes().await.unwrap().unwrap();
    assert_eq!(scopes.missed().collect::<Vec<_>>(), ["okta.users.manage"], "what the answer leaves out is not granted");
}

#[tokio::test(start_paused = true)]
async fn each_refusal_says_what_to_do_and_is_tried_once() {
    let plain = || app().dpop(false);
    for (answer, config, word) in [
        (refused("invalid_client", "The client_assertion signature is invalid."), plain(), "register its public key"),
        (refused("invalid_client", "The client_assertion JWT kid is invalid."), plain(), "`kid`"),
        (refused("invalid_client", "The client_assertion token is expired."), plain(), "clock"),
        (
            refused("invalid_client", "The client_assertion token has an expiration too far into the future."),
            plain(),
            "clock",
        ),
        (
            refused(
                "invalid_client",
                "The audience claim for client_assertion must be the endpoint invoked for the request.",
            ),
            plain(),
            "address",
        ),
        (
            refused(
                "invalid_client",
                "Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.",
            ),
            plain(),
            "public key / private key",
        ),
        (refused("invalid_client", "something new"), plain(), "tried once"),
        // As recorded by okta-sdk-python (test_private_key_auth_without_dpop).
        (
            reply(400, r#"{"error":"invalid_dpop_proof","error_description":"The DPoP proof JWT header is missing."}"#),
            plain(),
            "turn dpop on",
        ),
        (
            reply(
                400,
                r#"{"error":"invalid_dpop_proof","error_description":"The DPoP proof JWT is issued in the future."}"#,
            ),
            app(),
            "clock",
        ),
    ] {
        let error = refusal(config, vec![answer]).await;
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        assert!(error.advice().unwrap_or_default().contains(word), "{error} does not advise {word:?}");
        assert_eq!(error.directory().map(|id| id.as_str()), Some("okta"));
    }
    let error = refusal(app(), vec![token("Bearer", "okta.users.read")]).await;
    assert_eq!(error.kind(), ErrorKind::Protocol, "a token that is not bound to the key is not taken");
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_is_refused_is_found_and_named_and_the_others_are_used() {
    let config = || app().dpop(false).scopes(["okta.users.read", "okta.roles.read", "okta.logs.read"]);
    let granted = |scope: &str| token("Bearer", scope);
    let answers = vec![
        reply(400, SCOPE_REFUSED),
        granted("okta.users.read"),
        reply(400, SCOPE_REFUSED),
        granted("okta.logs.read"),
        granted("okta.users.read okta.logs.read"),
        reply(200, "[]"),
        reply(200, "[]"),
    ];
    let (directory, canned) = connect(config(), answers).await;
    let directory = directory.unwrap();
    let asked: Vec<_> = (0..5).map(|index| fields(&canned, index)["scope"].clone()).collect();
    assert_eq!(asked[1..], ["okta.users.read", "okta.roles.read", "okta.logs.read", "okta.users.read okta.logs.read"]);
    let findings = crate::findings::preflight(&directory.org).await.unwrap().findings;
    let named: Vec<_> = findings.iter().filter(|finding| finding.text.contains("okta.roles.read")).collect();
    assert_eq!(named.len(), 1, "{findings:?}");
    assert!(named[0].text.contains("administrator"), "{named:?}");

    // Without reading accounts there is nothing to do.
    let answers = vec![
        reply(400, SCOPE_REFUSED),
        reply(400, SCOPE_REFUSED),
        granted("okta.roles.read"),
        granted("okta.logs.read"),
    ];
    let error = refusal(config(), answers).await;
    assert!(error.detail().contains("not granted okta.users.read"), "{error}");
    assert!(error.advice().unwrap().contains("API Scopes"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_api_token_is_final_and_an_unlicensed_feature_is_not_about_the_token() {
    let invalid = r#"{"errorCode":"E0000011","errorSummary":"Invalid token provided","errorLink":"E0000011","errorId":"oae1","errorCauses":[]}"#;
    let (connected, canned) = connect(config(), vec![reply(401, invalid), reply(401, invalid)]).await;
    let error = connected.unwrap_err();
    assert_eq!((error.kind(), canned.left()), (ErrorKind::Unauthenticated, 1));
    assert!(error.advice().unwrap().contains("30 days"), "{error}");
    assert_eq!(canned.sent()[0].headers["authorization"], "SSWS planted-token");
    assert!(!format!("{error:?}").contains("planted-token"));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_once_when_it_is_refused_and_never_for_a_licence() {
    let invalid = r#"{"errorCode":"E0000011","errorSummary":"Invalid token provided"}"#;
    let feature = r#"{"errorCode":"E0000015","errorSummary":"You do not have permission to access the feature you are requesting"}"#;
    let granted = || token("Bearer", "okta.users.read");
    let answers = vec![granted(), reply(401, feature), reply(401, invalid), granted(), reply(401, invalid)];
    let (directory, canned) = connect(app().dpop(false), answers).await;
    let okta = &directory.unwrap().org.okta;
    let request = Request::get("/api/v1/users");
    let error = okta.answer("list", USERS, &request).await.unwrap_err();
    assert_eq!((error.kind(), canned.left()), (ErrorKind::Unsupported, 3));
    let error = okta.answer("list", USERS, &request).await.unwrap_err();
    assert_eq!((error.kind(), canned.left()), (ErrorKind::Unauthenticated, 0));
}
