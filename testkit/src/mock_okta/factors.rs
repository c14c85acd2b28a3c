//! What a user has enrolled: factors, and authenticators where the org has that feature.

use http::Method;
use serde_json::{Value, json};

use super::iam::MADE;
use super::org::{Org, id};
use super::quota::Bucket;
use super::refusal::Refusal;
use super::routes::{BodyRule, Route, Visit};
use super::service::Service;
use super::users;
use crate::fault::Operation;
use crate::mock_http::Answer;
use crate::organisation::draw;

const READING: Route = Route {
    method: Method::GET,
    path: &["api", "v1", "users", "{}", "factors"],
    scopes: &["okta.users.read"],
    right: super::access::READ,
    bucket: Bucket::Users,
    operation: Operation::Read,
    query: &[],
    body: BodyRule::None,
    user_at: Some(3),
    answer: list,
};

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route { path: &["api", "v1", "users", "{}", "factors", "{}"], answer: one, ..READING },
    Route {
        path: &["api", "v1", "users", "{}", "authenticator-enrollments"],
        query: &["discloseIdentifiers"],
        answer: enrolments,
        ..READING
    },
];

/// One factor of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Factor {
    /// `id`.
    pub id: String,
    /// `factorType`.
    pub kind: &'static str,
    /// `status`.
    pub status: &'static str,
    /// What it is reached by, where it is an address or a number.
    pub reached_by: Option<String>,
}

/// What a user has enrolled now: a function of the user, and nothing after its factors were reset.
pub(super) fn of(org: &Org, number: u64) -> Vec<Factor> {
    let Some(view) = org.view(number).filter(|_| !org.factors_were_reset(number)) else { return Vec::new() };
    if view.user.last_login.is_none() {
        return Vec::new();
    }
    let seed = org.population.seed();
    let has = |word: &str, percent: u64| draw::below(seed, number, word, 100) < percent;
    let mut all = Vec::new();
    let mut add = |prefix: &str, kind: &'static str, status: &'static str, reached_by: Option<String>| {
        all.push(Factor { id: id::id(seed, prefix, number), kind, status, reached_by });
    };
    if has("factor email", 80) {
        add("emf", "email", "ACTIVE", Some(view.user.email.clone()));
    }
    if let Some(phone) = view.user.mobile_phone.as_ref().filter(|_| has("factor sms", 60)) {
        let status = if has("factor sms pending", 10) { "PENDING_ACTIVATION" } else { "ACTIVE" };
        add("sms", "sms", status, Some(phone.replace(' ', "")));
    }
    if has("factor push", 50) {
        add("opf", "push", "ACTIVE", None);
        add("ost", "token:software:totp", "ACTIVE", None);
    }
    if has("factor fastpass", 10) {
        add("crp", "signed_nonce", "ACTIVE", None);
    }
    if has("factor webauthn", 15) {
        add("fwf", "webauthn", if has("factor webauthn off", 20) { "INACTIVE" } else { "ACTIVE" }, None);
    }
    if view.user.recovery_question {
        add("ufs", "question", "ACTIVE", None);
    }
    all
}

fn row(service: &Service, org: &Org, number: u64, factor: &Factor) -> Value {
    let user = format!("/api/v1/users/{}", org.id_of(number));
    let login = org.view(number).map(|view| view.user.login).unwrap_or_default();
    let reached = factor.reached_by.clone().unwrap_or_default();
    let (provider, profile) = match factor.kind {
        "email" => ("OKTA", json!({ "email": reached })),
        "sms" => ("OKTA", json!({ "phoneNumber": reached })),
        "question" => {
            ("OKTA", json!({ "question": "favorite_vacation_location", "questionText": "Where was the best holiday?" }))
        }
        "webauthn" => ("FIDO", json!({ "credentialId": factor.id, "authenticatorName": "Security key" })),
        "push" => (
            "OKTA",
            json!({
                "credentialId": login, "deviceType": "SmartPhone_IPhone", "name": "Telephone", "platform": "IOS", "version": "18.0",
            }),
        ),
        _ => ("OKTA", json!({ "credentialId": login })),
    };
    let vendor = if provider == "FIDO" { "FIDO" } else { "OKTA" };
    json!({
        "id": factor.id,
        "factorType": factor.kind,
        "provider": provider,
        "vendorName": vendor,
        "status": factor.status,
        "created": MADE,
        "lastUpdated": MADE,
        "profile": profile,
        "_links": {
            "self": {
                "href": service.address(&format!("{user}/factors/{}", factor.id)),
                "hints": { "allow": ["GET", "DELETE"] },
            },
            "user": { "href": service.address(&user), "hints": { "allow": ["GET"] } },
        },
    })
}

fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mut org = service.org();
    let number = users::find(&mut org, visit)?;
    Ok(Answer::ok(of(&org, number).iter().map(|factor| row(service, &org, number, factor)).collect()))
}

fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mut org = service.org();
    let number = users::find(&mut org, visit)?;
    let name = visit.captures.get(1).map_or("", String::as_str);
    let all = of(&org, number);
    let factor = all.iter().find(|factor| factor.id == name);
    let factor = factor.ok_or_else(|| Refusal::not_found(name, "UserFactor"))?;
    Ok(Answer::ok(row(service, &org, number, factor)))
}

/// `GET /api/v1/users/{id}/authenticator-enrollments`: licensed apart, and refused with 401, which says
/// nothing about the token.
fn enrolments(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let discloses = match visit.parameter("discloseIdentifiers") {
        None => false,
        Some("phone") => true,
        Some(_) => {
            return Err(Refusal::validation("discloseIdentifiers", "discloseIdentifiers: The value is not known."));
        }
    };
    let mut org = service.org();
    let number = users::find(&mut org, visit)?;
    if !service.settings().features {
        return Err(Refusal::no_such_feature());
    }
    let user = format!("/api/v1/users/{}", org.id_of(number));
    let has_password = org.view(number).is_some_and(|view| view.user.standing.has_password);
    let password = has_password.then(|| Factor {
        id: id::id(org.population.seed(), "lae", number),
        kind: "password",
        status: "ACTIVE",
        reached_by: None,
    });
    let rows = password.into_iter().chain(of(&org, number)).filter_map(|factor| {
        let (key, kind, name) = match factor.kind {
            "password" => ("okta_password", "password", "Password"),
            "email" => ("okta_email", "email", "Email"),
            "sms" => ("phone_number", "phone", "Phone"),
            "push" | "signed_nonce" => ("okta_verify", "app", "Okta Verify"),
            "webauthn" => ("webauthn", "security_key", "Security Key or Biometric"),
            "question" => ("security_question", "security_question", "Security Question"),
            _ => return None,
        };
        let mut row = json!({
            "id": factor.id,
            "key": key,
            "type": kind,
            "name": name,
            "status": factor.status,
            "created": MADE,
            "lastUpdated": MADE,
            "_links": { "self": {
                "href": service.address(&format!("{user}/authenticator-enrollments/{}", factor.id)),
                "hints": { "allow": ["GET", "DELETE"] },
            } },
        });
        let phone = factor.reached_by.filter(|_| discloses && kind == "phone");
        if let (Some(members), Some(number)) = (row.as_object_mut(), phone) {
            members.insert("profile".into(), json!({ "phoneNumber": number }));
        }
        Some(row)
    });
    Ok(Answer::ok(rows.collect()))
}
