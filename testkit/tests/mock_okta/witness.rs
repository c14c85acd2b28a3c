//! What the mock is asked and answers, before Okta's own description and its list of error codes.
#![allow(clippy::print_stderr, reason = "a test that did not run says so")]

use std::collections::BTreeSet;

use identity_core::limits::clock;
use serde_json::json;
use testkit::fault::{Fault, When};
use testkit::mock_okta::{Agents, Exchange, MockOkta, WeakPassword, fixed};
use testkit::okta_witness::Witness;

use crate::client::{Client, NEW, credentials, described, with};

/// Refusals and endpoints that the tour meets and the description does not have.
const ABSENT: &[&str] = &[
    "GET /oauth2/v1/clients",
    "status 400 E0000033",
    "status 401 E0000011",
    "status 401 E0000015",
    "status 409 E0000112",
    "status 412 E0000231",
    "status 500 E0000009",
    "status 502 E0000240",
    "status 502 without an envelope",
    "status 503 E0000010",
    "status 504 E0000241",
];

fn witness() -> Option<Witness> {
    Witness::load().map_err(|not_run| eprintln!("{not_run}")).ok()
}

/// One of everything that the mock can be asked.
async fn tour(mock: &MockOkta, client: &Client) {
    let user = mock.user(fixed::ORDINARY).unwrap();
    let graph = mock.admin_graph();
    let (group, role, set) = (&graph.groups[1].id, &graph.custom_roles[0].id, &graph.resource_sets[1].id);
    let policy = &mock.password_policies()[0].id;
    let admin = mock.administrators().remove(0);
    let read = [
        "/api/v1/users?limit=50".to_owned(),
        "/api/v1/users?search=status%20eq%20%22RECOVERY%22&sortBy=id&sortOrder=asc".into(),
        "/api/v1/users?filter=lastUpdated%20gt%20%222020-01-01T00:00:00.000Z%22&limit=200".into(),
        "/api/v1/users/me".into(),
        format!("/api/v1/users/{}", user.id),
        format!("/api/v1/users/{}/groups", user.id),
        format!("/api/v1/users/{admin}/roles"),
        "/api/v1/iam/assignees/users?limit=5".into(),
        "/api/v1/iam/roles".into(),
        format!("/api/v1/iam/roles/{role}"),
        format!("/api/v1/iam/roles/{role}/permissions"),
        "/api/v1/iam/resource-sets".into(),
        format!("/api/v1/iam/resource-sets/{set}"),
        format!("/api/v1/iam/resource-sets/{set}/resources"),
        format!("/api/v1/iam/resource-sets/{set}/bindings"),
        format!("/api/v1/iam/resource-sets/{set}/bindings/{role}/members"),
        "/api/v1/groups?limit=2&expand=stats".into(),
        "/api/v1/groups?search=type%20eq%20%22BUILT_IN%22".into(),
        format!("/api/v1/groups/{group}"),
        format!("/api/v1/groups/{group}/users?limit=200"),
        format!("/api/v1/groups/{group}/roles"),
        "/oauth2/v1/clients?limit=2".into(),
        format!("/oauth2/v1/clients/{}/roles", graph.clients[0].id),
        "/api/v1/policies?type=PASSWORD".into(),
        format!("/api/v1/policies/{policy}"),
        format!("/api/v1/policies/{policy}/rules"),
        "/api/v1/principal-rate-limits?filter=principalType%20eq%20%22SSWS_TOKEN%22".into(),
        "/api/v1/api-tokens".into(),
        format!("/api/v1/api-tokens/{}", mock.api_token_id()),
        "/api/v1/org".into(),
    ];
    for path in &read {
        let reply = client.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
    }
    let entries = client.get("/api/v1/principal-rate-limits?filter=principalType%20eq%20%22OAUTH_CLIENT%22").await;
    let entry = format!("/api/v1/principal-rate-limits/{}", entries.body[0]["id"].as_str().unwrap());
    assert_eq!(client.get(&entry).await.status, 200);
    let rules = client.get(&format!("/api/v1/policies/{policy}/rules")).await;
    let rule = rules.body[0]["_links"]["self"]["href"].as_str().unwrap();
    assert_eq!(client.get(rule).await.status, 200);
    for id in mock.administrators() {
        assert_eq!(client.get(&format!("/api/v1/users/{id}/roles")).await.status, 200);
    }
    // Every kind of factor that anybody has.
    let enrolled: Vec<_> = mock.users().filter(|user| mock.factors(&user.id).len() > 2).take(40).collect();
    assert!(enrolled.len() > 20);
    for user in enrolled {
        let listed = client.get(&format!("/api/v1/users/{}/factors", user.id)).await;
        let own = listed.body[0]["_links"]["self"]["href"].as_str().unwrap().to_owned();
        assert_eq!(client.get(&own).await.status, 200);
    }
    writes(mock, client).await;
    // Events come late.
    clock::sleep(std::time::Duration::from_secs(4)).await;
    let logs = client.get("/api/v1/logs?since=2020-01-01T00:00:00Z&limit=1000").await;
    assert_eq!(logs.status, 200);
    assert!(!logs.rows().is_empty());
}

async fn writes(mock: &MockOkta, client: &Client) {
    let user = mock.user(fixed::ORDINARY).unwrap();
    assert_eq!(client.set(&user, NEW).await.status, 200);
    for operation in [
        "lifecycle/expire_password",
        "lifecycle/expire_password_with_temp_password?revokeSessions=true",
        "lifecycle/reset_password?sendEmail=false&revokeSessions=true",
        "lifecycle/reset_password?sendEmail=true",
        "lifecycle/reset_factors",
    ] {
        let reply = client.operate(&user, operation).await;
        assert_eq!(reply.status, 200, "{operation}: {}", reply.text);
    }
    let sessions = format!("/api/v1/users/{}/sessions?oauthTokens=true", user.id);
    assert_eq!(client.send("DELETE", &sessions).await.status, 204);
    assert_eq!(client.send("DELETE", &format!("/api/v1/users/{}/grants", user.id)).await.status, 204);
    let active = mock.users().find(|user| user.has_okta_password() && user.recovery_question && user.number > 30);
    let active = active.unwrap_or_else(|| mock.user(fixed::WITH_QUESTION).unwrap());
    client.operate(&active, "credentials/forgot_password?sendEmail=false").await;
    client.operate(&active, "lifecycle/suspend").await;
    client.operate(&active, "lifecycle/unsuspend").await;
    client.operate(&active, "lifecycle/deactivate?sendEmail=false").await;
    client.operate(&mock.user(fixed::STAGED).unwrap(), "lifecycle/activate?sendEmail=false").await;
    client.operate(&mock.user(fixed::PROVISIONED).unwrap(), "lifecycle/reactivate?sendEmail=false").await;
    client.operate(&mock.user(fixed::LOCKED_OUT).unwrap(), "lifecycle/unlock").await;
    let own = client.get("/api/v1/principal-rate-limits?filter=principalType%20eq%20%22SSWS_TOKEN%22").await;
    let entry = own.body[0].clone();
    let change = json!({
        "principalId": entry["principalId"], "principalType": "SSWS_TOKEN", "defaultPercentage": 80,
        "defaultConcurrencyPercentage": 75,
    });
    let path = format!("/api/v1/principal-rate-limits/{}", entry["id"].as_str().unwrap());
    let body = change.to_string();
    let headers = [("content-type", "application/json")];
    let changed = client.try_send("PUT", &path, &headers, body.as_bytes()).await.unwrap();
    assert_eq!((changed.status, &changed.body["defaultPercentage"]), (200, &json!(80)), "{}", changed.text);
}

/// Every refusal that the mock has, but for form.
async fn refusals(mock: &MockOkta, client: &Client) {
    let user = mock.user(fixed::APOSTROPHE).unwrap();
    for (number, operation) in [
        (fixed::ORDINARY, "lifecycle/unlock"),
        (fixed::DEPROVISIONED, "lifecycle/expire_password"),
        (fixed::ACTIVATING, "lifecycle/expire_password"),
        (fixed::FEDERATED, "credentials/forgot_password?sendEmail=false"),
        (fixed::ORDINARY, "lifecycle/activate?sendEmail=false"),
    ] {
        let reply = client.operate(&mock.user(number).unwrap(), operation).await;
        assert!(reply.status >= 400, "{operation} of {number}: {}", reply.text);
    }
    for agents in [Agents::Offline, Agents::Late, Agents::Powerless] {
        mock.set_agents(agents);
        client.operate(&mock.user(fixed::LDAP).unwrap(), "lifecycle/reset_password?sendEmail=false").await;
    }
    mock.set_agents(Agents::Connected);
    assert_eq!(client.set(&user, "short").await.status, 403);
    let etag = [("content-type", "application/json"), ("if-match", "W/\"other\"")];
    let body = credentials(NEW).to_string();
    let path = format!("/api/v1/users/{}", user.id);
    assert_eq!(client.try_send("POST", &path, &etag, body.as_bytes()).await.unwrap().status, 412);
    assert_eq!(client.get(&format!("{path}/blocks")).await.status, 401);
    assert_eq!(client.get(&format!("{path}/authenticator-enrollments")).await.status, 401);
    assert_eq!(client.get("/api/v1/users/nobody").await.status, 404);
    assert_eq!(client.get("/api/v1/groups/nobody").await.status, 404);
    assert_eq!(client.get("/api/v1/users?filter=status%20eq%20%22A%22&search=status%20pr").await.status, 400);
    assert_eq!(client.send("PATCH", "/api/v1/users").await.status, 405);
    assert_eq!(client.get("/api/v1/nowhere").await.status, 404);
    let stranger = Client { authorization: "SSWS nobody".into(), ..client.clone() };
    assert_eq!(stranger.get("/api/v1/users/me").await.status, 401);
    for fault in
        [Fault::Unavailable, Fault::Busy, Fault::Throttle(std::time::Duration::from_secs(9)), Fault::BadGateway]
    {
        mock.add_fault(When::read().times(1), fault);
        assert!(client.get("/api/v1/users/me").await.status >= 400);
    }
    mock.add_fault(When::read().times(1), Fault::TruncatedPage);
    client.get("/api/v1/users?limit=2").await;
    mock.set_caller_roles(["HELP_DESK_ADMIN"]);
    assert_eq!(client.get("/api/v1/iam/roles").await.refusal(), (403, "E0000006"));
    mock.set_caller_roles(["SUPER_ADMIN"]);
}

async fn recorded(weak: WeakPassword) -> Vec<Exchange> {
    let (mock, client) = with(described().recording().without_quotas().weak_password(weak));
    tour(&mock, &client).await;
    refusals(&mock, &client).await;
    let exchanges = mock.exchanges();
    assert!(exchanges.len() > 120, "{}", exchanges.len());
    exchanges
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_and_answered_fits_oktas_description() {
    let Some(witness) = witness() else { return };
    let exchanges = recorded(WeakPassword::Policy).await;
    let found = witness.findings(&exchanges);
    assert!(found.mistakes.is_empty(), "{:#?}", found.mistakes);
    let absent: BTreeSet<String> = ABSENT.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(found.absent, absent, "of these nothing is known");
    assert!(found.operations.len() >= 47, "{}: {:#?}", found.operations.len(), found.operations);
}

#[tokio::test(start_paused = true)]
async fn other_words_for_a_weak_password_are_oktas_too() {
    let Some(witness) = witness() else { return };
    let (mock, client) = with(described().recording().weak_password(WeakPassword::CredentialsNotUpdated));
    assert_eq!(client.set(&mock.user(fixed::ORDINARY).unwrap(), "short").await.refusal(), (403, "E0000014"));
    let found = witness.findings(&mock.exchanges());
    assert_eq!(found.mistakes, BTreeSet::new());
}

#[tokio::test(start_paused = true)]
async fn the_features_of_an_org_fit_the_description() {
    let Some(witness) = witness() else { return };
    let (mock, client) = with(described().recording().without_quotas().with_features());
    for user in mock.users().filter(|user| mock.factors(&user.id).len() > 2).take(40) {
        let path = format!("/api/v1/users/{}/authenticator-enrollments?discloseIdentifiers=phone", user.id);
        let reply = client.get(&path).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert!(reply.rows().iter().any(|row| row["key"] == "okta_password" || !user.standing.has_password));
    }
    let found = witness.findings(&mock.exchanges());
    assert_eq!(found.mistakes, BTreeSet::new());
}

/// The mock asks for the scopes that the description names.
#[tokio::test(start_paused = true)]
async fn without_the_scope_that_is_described_nothing_is_answered() {
    let Some(witness) = witness() else { return };
    let exchanges = recorded(WeakPassword::Policy).await;
    let (mock, _) = with(described());
    let mut seen = BTreeSet::new();
    for exchange in exchanges.iter().filter(|one| one.status.is_some_and(|status| status < 300)) {
        let Some(scopes) = witness.scopes(&exchange.method, &exchange.path) else { continue };
        let asked = mock.scopes_of(&exchange.method, &exchange.path);
        assert_eq!(
            asked.iter().collect::<BTreeSet<_>>(),
            scopes.iter().collect(),
            "{} {}",
            exchange.method,
            exchange.path
        );
        seen.insert((exchange.method.clone(), scopes.to_vec()));
    }
    assert!(seen.len() > 8, "{seen:?}");
}
