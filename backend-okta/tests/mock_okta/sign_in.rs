//! Signing in, checked by a token endpoint that has the rules of Okta's and none of our code.

use backend_okta::{OktaConfig, OktaDirectory};
use identity_core::directory::{Directory as _, Scope, Severity};
use identity_core::error::ErrorKind;
use identity_core::http::SigningAlgorithm;
use secrecy::SecretString;
use testkit::mock_okta::{MockOkta, MockOktaBuilder};

use crate::stage::{KEY_ID, config, key, list, of, reaching};

async fn started(described: MockOktaBuilder, algorithm: SigningAlgorithm) -> (MockOkta, OktaConfig) {
    let (pem, public) = key(algorithm);
    let mock = described.key(public).start().await.unwrap();
    let config = app(&mock, pem);
    (mock, config)
}

fn app(mock: &MockOkta, pem: SecretString) -> OktaConfig {
    reaching(mock).service_app(mock.client_id(), pem).key_id(KEY_ID).without_quotas()
}

#[tokio::test]
async fn an_app_with_proofs_signs_in_once_and_every_request_is_taken() {
    for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Es256] {
        let (mock, config) = started(of(900).dpop(), algorithm).await;
        let scopes = ["okta.users.read", "okta.users.manage"];
        let directory = OktaDirectory::connect(config.scopes(scopes)).await.unwrap();
        let accounts = list(&directory, Scope::Everyone).await.unwrap();
        assert!(accounts.len() > 600, "{}", accounts.len());
        let counts = mock.counts();
        // One for the nonce, one for the token.
        assert_eq!((counts.token_requests, counts.tokens, counts.unauthenticated), (2, 1, 0), "{algorithm:?}");
        assert!(counts.pages > 2, "each page had a proof of its own");
    }
}

#[tokio::test]
async fn an_app_that_needs_no_proofs_takes_either() {
    for dpop in [true, false] {
        let (mock, config) = started(of(5), SigningAlgorithm::Rs256).await;
        let config = config.scopes(["okta.users.read"]).dpop(dpop);
        let directory = OktaDirectory::connect(config).await.unwrap();
        assert!(!list(&directory, Scope::Everyone).await.unwrap().is_empty());
        assert_eq!((mock.counts().tokens, mock.counts().unauthenticated), (1, 0), "dpop {dpop}");
    }
}

#[tokio::test]
async fn a_refusal_is_final_and_says_what_to_do() {
    // Proofs are needed and turned off here.
    let (mock, config) = started(of(5).dpop(), SigningAlgorithm::Rs256).await;
    let error = OktaDirectory::connect(config.scopes(["okta.users.read"]).dpop(false)).await.unwrap_err();
    assert_eq!((error.kind(), mock.counts().token_requests), (ErrorKind::Unauthenticated, 1));
    assert!(error.advice().unwrap().contains("turn dpop on"), "{error}");
    // A key that is not the app's, and an id that none of its keys has.
    let (mock, right) = started(of(5), SigningAlgorithm::Rs256).await;
    let wrong = app(&mock, key(SigningAlgorithm::Rs256).0).scopes(["okta.users.read"]).dpop(false);
    let error = OktaDirectory::connect(wrong).await.unwrap_err();
    assert!(error.advice().unwrap().contains("register its public key"), "{error}");
    let error = OktaDirectory::connect(right.key_id("other").dpop(false)).await.unwrap_err();
    assert!(error.advice().unwrap().contains("`kid`"), "{error}");
    assert_eq!(mock.counts().token_requests, 2, "each was tried once");
    // An API token that is none.
    let error = OktaDirectory::connect(self::config(&mock).api_token("00planted".into())).await.unwrap_err();
    assert_eq!((error.kind(), mock.counts().requests), (ErrorKind::Unauthenticated, 1));
}

#[tokio::test]
async fn a_scope_that_the_app_lacks_is_named_and_the_run_has_the_others() {
    let (_mock, config) = started(of(5).without_scope("okta.roles.read"), SigningAlgorithm::Rs256).await;
    let wanted = ["okta.users.read", "okta.users.manage", "okta.roles.read"];
    let directory = OktaDirectory::connect(config.scopes(wanted)).await.unwrap();
    assert!(!list(&directory, Scope::Everyone).await.unwrap().is_empty());
    let findings = directory.preflight().await.unwrap().findings;
    let named = |finding: &&identity_core::directory::Finding| finding.text.contains("not granted okta.roles.read");
    assert_eq!(findings.iter().find(named).map(|finding| finding.severity), Some(Severity::Warning), "{findings:?}");
    assert!(!findings.iter().any(|finding| finding.text.contains("not granted okta.users")));
}

#[tokio::test]
async fn the_owner_of_the_api_token_is_found() {
    let mock = of(5).start().await.unwrap();
    let directory = OktaDirectory::connect(config(&mock)).await.unwrap();
    let preflight = directory.preflight().await.unwrap();
    let owner = preflight.principal.expect("an API token is of an account");
    let accounts = list(&directory, Scope::Everyone).await.unwrap();
    assert!(accounts.iter().any(|account| account.id == owner), "the owner is an account of the org");
    assert!(preflight.server_time.is_some() && !preflight.findings.is_empty());
}
