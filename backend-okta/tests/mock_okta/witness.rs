//! A whole run before Okta's own description of its API: what the backend asks and the mock answers.
#![allow(clippy::print_stderr, reason = "a test that did not run says so")]

use std::collections::BTreeSet;

use backend_okta::OktaDirectory;
use identity_core::http::SigningAlgorithm;
use testkit::okta_witness::Witness;

use crate::journey;
use crate::stage::{KEY_ID, config, key, of, reaching};

/// What the run meets and the cut description has not: nothing is known of whether it is right.
const ABSENT: &[&str] = &["GET /oauth2/v1/clients", "POST /oauth2/v1/token"];

/// What a run asks for, by method and path of the description.
const ASKED: &[&str] = &[
    "GET /api/v1/users",
    "GET /api/v1/users/{id}",
    "POST /api/v1/users/{id}",
    "POST /api/v1/users/{id}/lifecycle/expire_password",
    "POST /api/v1/users/{id}/lifecycle/expire_password_with_temp_password",
    "POST /api/v1/users/{id}/lifecycle/reset_password",
    "POST /api/v1/users/{id}/lifecycle/reset_factors",
    "POST /api/v1/users/{id}/lifecycle/suspend",
    "POST /api/v1/users/{id}/lifecycle/unlock",
    "POST /api/v1/users/{userId}/credentials/forgot_password",
    "DELETE /api/v1/users/{userId}/sessions",
    "GET /api/v1/iam/assignees/users",
    "GET /api/v1/policies",
];

#[tokio::test]
async fn a_whole_run_fits_oktas_own_description() {
    let witness = match Witness::load() {
        Ok(witness) => witness,
        Err(not_run) => return eprintln!("{not_run}"),
    };
    let (pem, public) = key(SigningAlgorithm::Rs256);
    let mock = of(300).without_quotas().recording().dpop().key(public).start().await.unwrap();
    let by_token = OktaDirectory::connect(config(&mock)).await.unwrap();
    journey::whole(&mock, by_token.as_ref()).await;
    let app = reaching(&mock).service_app(mock.client_id(), pem).key_id(KEY_ID).without_quotas();
    let by_app = OktaDirectory::connect(app.scopes(testkit::mock_okta::SCOPES.iter().copied())).await.unwrap();
    identity_core::directory::Directory::preflight(by_app.as_ref()).await.unwrap();
    let exchanges = mock.exchanges();
    let found = witness.findings(&exchanges);
    assert!(found.mistakes.is_empty(), "{:#?}", found.mistakes);
    let absent: BTreeSet<String> = ABSENT.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(found.absent, absent, "of these nothing is known");
    let missing: Vec<_> = ASKED.iter().filter(|asked| !found.operations.contains(**asked)).collect();
    assert!(missing.is_empty(), "not met: {missing:?} of {:#?}", found.operations);
    println!("{} exchanges of {} operations fit the description", exchanges.len(), found.operations.len());
}
