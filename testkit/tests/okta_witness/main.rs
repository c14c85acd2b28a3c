//! The second witness on what Okta itself was recorded to answer (public test recordings of Okta's SDK
//! for Python and of its Terraform provider, with hosts replaced): what it has against it is listed by
//! name, and a planted mistake is found.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]
#![allow(clippy::print_stderr, reason = "a test that did not run says so")]

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};
use testkit::okta_witness::{Findings, Seen, Witness};

/// Where the recordings contradict the description that Okta publishes.
const CONTRADICTED: &[&str] = &[
    "GET /api/v1/api-tokens: answer 200/*/tokenWindow: null has the wrong type",
    "GET /api/v1/users/{id}: answer 200/credentials: 'emails' is not described",
    "GET /api/v1/users/{userId}/factors/{factorId}: answer 200/_links/resend: a list has the wrong type",
    "GET /api/v1/users/{userId}/factors: answer 200/*/factorType: \"signed_nonce\" is not of the enum",
    "GET /api/v1/users: answer 200/*/credentials: 'emails' is not described",
];
/// Refusals that were recorded and are not described for their operation.
const ABSENT: &[&str] = &["status 401 E0000015"];

#[derive(Clone, Debug, Deserialize)]
struct Recorded {
    method: String,
    path: String,
    query: Option<String>,
    body: Value,
    status: u16,
    answer: Value,
}

fn recorded() -> Vec<Recorded> {
    serde_json::from_str(include_str!("recorded.json")).unwrap()
}

fn findings(witness: &Witness, recorded: &[Recorded]) -> Findings {
    witness.findings(recorded.iter().map(|one| Seen {
        method: &one.method,
        path: &one.path,
        query: one.query.as_deref(),
        body: &one.body,
        status: Some(one.status),
        answer: &one.answer,
    }))
}

fn witness() -> Option<Witness> {
    Witness::load().map_err(|not_run| eprintln!("{not_run}")).ok()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_was_recorded_contradicts_the_published_description_in_these_places_only() {
    let published = Witness::as_published().map_err(|not_run| eprintln!("{not_run}"));
    let (Ok(published), Some(amended)) = (published, witness()) else { return };
    let recorded = recorded();
    assert_eq!(recorded.len(), 29);
    assert_eq!(findings(&published, &recorded).mistakes, set(CONTRADICTED));
    let found = findings(&amended, &recorded);
    assert_eq!(found.mistakes, BTreeSet::new(), "amended where {:?}", Witness::amendments().collect::<Vec<_>>());
    assert_eq!(found.absent, set(ABSENT));
    assert!(found.operations.len() > 20, "{:?}", found.operations);
}

#[test]
fn scopes_are_those_of_the_description() {
    let Some(witness) = witness() else { return };
    let scopes = |method: &str, path: &str| witness.scopes(method, path).map(<[String]>::to_vec);
    assert_eq!(scopes("GET", "/api/v1/users/00u1/roles"), Some(vec!["okta.roles.read".to_owned()]));
    assert_eq!(scopes("DELETE", "/api/v1/users/00u1/sessions"), Some(vec!["okta.users.manage".to_owned()]));
    assert_eq!(scopes("PATCH", "/api/v1/users/00u1"), None);
}

/// A mistake in an exchange that was right, and what the witness says of it.
type Planted = (&'static str, fn(&mut Recorded) -> bool, &'static str);

/// Changes the exchanges of one operation.
fn at(one: &mut Recorded, method: &str, end: &str, plant: impl FnOnce(&mut Recorded)) -> bool {
    let here = one.method == method && one.path.ends_with(end);
    if here {
        plant(one);
    }
    here
}

#[test]
fn a_planted_mistake_is_found() {
    let Some(witness) = witness() else { return };
    let recorded = recorded();
    let planted: &[Planted] = &[
        ("a path that does not exist", |one| at(one, "POST", "/suspend", |one| one.path += "_it"), "no such path"),
        (
            "a method that does not exist",
            |one| at(one, "POST", "/suspend", |one| one.method = "PUT".into()),
            "no such method",
        ),
        (
            "a parameter that does not exist",
            |one| at(one, "POST", "/reset_password", |one| one.query = Some("sendMail=false&sendEmail=false".into())),
            "no parameter 'sendMail'",
        ),
        (
            "a parameter of the wrong type",
            |one| at(one, "POST", "/reset_password", |one| one.query = Some("sendEmail=no".into())),
            "parameter 'sendEmail': \"no\" has the wrong type",
        ),
        (
            "a parameter twice",
            |one| at(one, "GET", "/v1/users", |one| one.query = Some("limit=1&limit=2".into())),
            "parameter 'limit' twice",
        ),
        (
            "a parameter that is missing",
            |one| at(one, "POST", "/reset_password", |one| one.query = None),
            "parameter 'sendEmail' is missing",
        ),
        (
            "a number that is none",
            |one| at(one, "GET", "/v1/users", |one| one.query = Some("limit=all".into())),
            "parameter 'limit': \"all\" has the wrong type",
        ),
        (
            "a value that is not of an enum, in the query",
            |one| at(one, "GET", "/policies", |one| one.query = Some("type=PASSWORDS".into())),
            "parameter 'type': \"PASSWORDS\" is not of the enum",
        ),
        (
            "a body where there is none",
            |one| at(one, "POST", "/suspend", |one| one.body = json!({ "reason": "leak" })),
            "it takes no body",
        ),
        (
            "a misspelt member of an answer",
            |one| {
                at(one, "GET", "/v1/users", |one| one.answer = renamed(&one.answer, "statusChanged", "status_changed"))
            },
            "answer 200/*: 'status_changed' is not described",
        ),
        (
            "a status that does not exist",
            |one| at(one, "GET", "/v1/users", |one| one.answer = with(&one.answer, "status", "EXPIRED")),
            "answer 200/*/status: \"EXPIRED\" is not of the enum",
        ),
        (
            "a moment that is none",
            |one| at(one, "GET", "/v1/users", |one| one.answer = with(&one.answer, "created", "yesterday")),
            "answer 200/*/created: \"yesterday\" is no date-time",
        ),
        (
            "a password in an answer",
            |one| at(one, "GET", "/v1/users", |one| one.answer = password_in(&one.answer)),
            "/credentials/password/value: is not sent by this side",
        ),
        (
            "a list where there is an object",
            |one| at(one, "GET", "/assignees/users", |one| one.answer = one.answer["value"].clone()),
            "answer 200: a list has the wrong type",
        ),
        (
            "a type of role that does not exist",
            |one| at(one, "GET", "/roles", |one| one.answer = with(&one.answer, "type", "GOD")),
            "/type: \"GOD\" is not of the enum",
        ),
        (
            "a member of another sort of role",
            |one| at(one, "GET", "/roles", |one| one.answer = with(&one.answer, "resource-set", "iam1")),
            "answer 200/*: 'resource-set' is not described",
        ),
        (
            "an answer that should be empty",
            |one| at(one, "DELETE", "/sessions", |one| one.answer = json!({})),
            "status 204 has no body",
        ),
        (
            "a status that is not described",
            |one| at(one, "DELETE", "/sessions", |one| one.status = 202),
            "status 202 is not described",
        ),
        (
            "an error code with another status",
            |one| at(one, "POST", "/unlock", |one| one.status = 409),
            "E0000032 has status 403 and not 409",
        ),
        (
            "an error code that does not exist",
            |one| at(one, "POST", "/unlock", |one| one.answer["errorCode"] = json!("E0009999")),
            "error code 'E0009999' does not exist",
        ),
        (
            "other words of an error",
            |one| at(one, "POST", "/unlock", |one| one.answer["errorSummary"] = json!("No.")),
            "and not 'No.'",
        ),
        (
            "a refusal with a member too many",
            |one| at(one, "POST", "/unlock", |one| one.answer["error"] = json!("denied")),
            "refusal: 'error' is not described",
        ),
    ];
    for (what, plant, expected) in planted {
        let mut recorded = recorded.clone();
        assert!(
            recorded.iter_mut().filter_map(|one| plant(one).then_some(())).count() > 0,
            "nothing to plant in: {what}"
        );
        let found = findings(&witness, &recorded).mistakes;
        assert!(found.iter().any(|mistake| mistake.contains(expected)), "{what}: {found:?}");
    }
}

/// A body that is wrong is found as well as an answer.
#[test]
fn a_planted_mistake_in_a_body_is_found() {
    let Some(witness) = witness() else { return };
    let answer = json!({ "principalId": "00T1", "principalType": "SSWS_TOKEN", "defaultPercentage": 75 });
    let path = "/api/v1/principal-rate-limits/prl1";
    let of = |body: Value| {
        let seen = Seen { method: "PUT", path, query: None, body: &body, status: Some(200), answer: &answer };
        witness.findings([seen]).mistakes
    };
    assert_eq!(of(answer.clone()), BTreeSet::new());
    for (body, expected) in [
        (Value::Null, "the body is missing"),
        (json!({ "principalId": "00T1" }), "request: \"principalType\" is missing"),
        (
            json!({ "principalId": "00T1", "principalType": "TOKEN" }),
            "request/principalType: \"TOKEN\" is not of the enum",
        ),
        (with_member(&answer, "id", json!("prl1")), "request/id: is not sent by this side"),
        (with_member(&answer, "percentage", json!(75)), "request: 'percentage' is not described"),
        (
            with_member(&answer, "defaultPercentage", json!("75")),
            "request/defaultPercentage: \"75\" has the wrong type",
        ),
    ] {
        let found = of(body);
        assert!(found.iter().any(|mistake| mistake.contains(expected)), "{expected}: {found:?}");
    }
}

fn with_member(value: &Value, name: &str, member: Value) -> Value {
    let mut value = value.clone();
    value[name] = member;
    value
}

/// Each row with a member that is set.
fn with(rows: &Value, name: &str, member: &str) -> Value {
    rows.as_array().unwrap().iter().map(|row| with_member(row, name, json!(member))).collect()
}

fn renamed(rows: &Value, from: &str, to: &str) -> Value {
    let rename = |row: &Value| {
        let mut row = row.clone();
        let member = row.as_object_mut().unwrap().remove(from).unwrap();
        with_member(&row.take(), to, member)
    };
    rows.as_array().unwrap().iter().map(rename).collect()
}

fn password_in(rows: &Value) -> Value {
    let reveal = |row: &Value| {
        let mut row = row.clone();
        row["credentials"]["password"]["value"] = json!("Zq7-bcdfghjkmnp");
        row
    };
    rows.as_array().unwrap().iter().map(reveal).collect()
}
