//! Password policies and their rules: what recovery they allow, and to whom.

use http::Method;
use serde_json::{Value, json};

use super::iam::MADE;
use super::org::{Org, id};
use super::quota::Bucket;
use super::refusal::Refusal;
use super::routes::{BodyRule, Route, Visit};
use super::service::Service;
use crate::fault::Operation;
use crate::mock_http::Answer;

const READING: Route = Route {
    method: Method::GET,
    path: &["api", "v1", "policies"],
    scopes: &["okta.policies.read"],
    right: "okta.policies.read",
    bucket: Bucket::Rest,
    operation: Operation::Read,
    query: &["type", "status", "q", "expand", "sortBy", "limit", "resourceId", "after"],
    body: BodyRule::None,
    user_at: None,
    answer: list,
};

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route { path: &["api", "v1", "policies", "{}"], query: &["expand"], answer: one, ..READING },
    Route { path: &["api", "v1", "policies", "{}", "rules"], query: &["limit"], answer: rules, ..READING },
    Route { path: &["api", "v1", "policies", "{}", "rules", "{}"], query: &[], answer: one_rule, ..READING },
];

/// A password policy with its one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// `id`, `00p…`.
    pub id: String,
    /// `name`.
    pub name: String,
    /// It is the one that applies where no other does.
    pub system: bool,
    /// `conditions.people.groups.include`: groups, by id.
    pub groups: Vec<String>,
    /// `conditions.authProvider.provider`: OKTA, ACTIVE_DIRECTORY, LDAP or ANY.
    pub provider: String,
    /// Which of `okta_email`, `okta_sms`, `okta_call`, `recovery_question` are ACTIVE for recovery.
    pub recovery: Vec<String>,
    /// `selfServicePasswordReset.access` of its rule is ALLOW.
    pub self_service: bool,
    /// `requirement.primary.methods` of its rule; without, the rule has no requirement (as in orgs of the
    /// older engine).
    pub methods: Option<Vec<String>>,
    /// ACTIVE rather than INACTIVE.
    pub active: bool,
}

/// The policies that an org has without a word, by priority.
pub(super) fn planted(org: &Org) -> Vec<PasswordPolicy> {
    let seed = org.population.seed();
    let group = |number: u64| id::id(seed, "00g", number);
    let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let policy = |number: u64, name: &str, groups: Vec<String>, provider: &str, recovery: &[&str]| PasswordPolicy {
        id: id::id(seed, "00p", number),
        name: name.to_owned(),
        system: false,
        groups,
        provider: provider.to_owned(),
        recovery: text(recovery),
        self_service: true,
        methods: Some(text(&["email"])),
        active: true,
    };
    vec![
        PasswordPolicy { self_service: false, ..policy(1, "Operators", vec![group(1)], "OKTA", &[]) },
        PasswordPolicy {
            methods: Some(text(&["email", "sms"])),
            ..policy(2, "Staff", vec![group(4)], "OKTA", &["okta_email", "okta_sms"])
        },
        PasswordPolicy { active: false, ..policy(3, "Retired", vec![group(4)], "OKTA", &["recovery_question"]) },
        PasswordPolicy {
            self_service: false,
            ..policy(4, "Active Directory Policy", vec![group(0)], "ACTIVE_DIRECTORY", &["okta_email"])
        },
        PasswordPolicy { system: true, ..policy(0, "Default Policy", vec![group(0)], "OKTA", &["okta_email"]) },
    ]
}

fn status(active: bool) -> &'static str {
    if active { "ACTIVE" } else { "INACTIVE" }
}

fn row(service: &Service, policy: &PasswordPolicy, priority: usize) -> Value {
    let own = service.address(&format!("/api/v1/policies/{}", policy.id));
    let factor = |name: &str| status(policy.recovery.iter().any(|one| one == name));
    json!({
        "id": policy.id,
        "status": status(policy.active),
        "name": policy.name,
        "description": policy.name,
        "priority": priority,
        "system": policy.system,
        "conditions": {
            "people": { "groups": { "include": policy.groups } },
            "authProvider": { "provider": policy.provider },
        },
        "created": MADE,
        "lastUpdated": MADE,
        "settings": {
            "password": {
                "complexity": {
                    "minLength": 8, "minLowerCase": 1, "minUpperCase": 1, "minNumber": 1, "minSymbol": 0,
                    "excludeUsername": true, "dictionary": { "common": { "exclude": true } }, "excludeAttributes": [],
                },
                "age": { "maxAgeDays": 0, "expireWarnDays": 0, "minAgeMinutes": 0, "historyCount": 4 },
                "lockout": {
                    "maxAttempts": 10, "autoUnlockMinutes": 0, "userLockoutNotificationChannels": [],
                    "showLockoutFailures": false,
                },
            },
            "recovery": { "factors": {
                "recovery_question": {
                    "status": factor("recovery_question"), "properties": { "complexity": { "minLength": 4 } },
                },
                "okta_email": {
                    "status": factor("okta_email"), "properties": { "recoveryToken": { "tokenLifetimeMinutes": 60 } },
                },
                "okta_sms": { "status": factor("okta_sms") },
                "okta_call": { "status": factor("okta_call") },
            } },
            "delegation": { "options": { "skipUnlock": false } },
        },
        "_links": {
            "self": { "href": own, "hints": { "allow": ["GET", "PUT", "DELETE"] } },
            "rules": { "href": format!("{own}/rules"), "hints": { "allow": ["GET", "POST"] } },
        },
        "type": "PASSWORD",
    })
}

fn rule_id(policy: &PasswordPolicy) -> String {
    format!("0pr{}", policy.id.trim_start_matches("00p"))
}

fn rule_row(service: &Service, policy: &PasswordPolicy) -> Value {
    let own = service.address(&format!("/api/v1/policies/{}/rules/{}", policy.id, rule_id(policy)));
    let access = |allowed: bool| if allowed { "ALLOW" } else { "DENY" };
    let mut reset = serde_json::Map::new();
    reset.insert("access".into(), access(policy.self_service).into());
    if let Some(methods) = &policy.methods {
        let requirement = json!({
            "primary": { "methods": methods }, "stepUp": { "required": true }, "accessControl": "LEGACY",
        });
        reset.insert("requirement".into(), requirement);
    }
    json!({
        "id": rule_id(policy),
        "status": "ACTIVE",
        "name": "Default Rule",
        "priority": 1,
        "created": MADE,
        "lastUpdated": MADE,
        "system": policy.system,
        "conditions": { "people": { "users": { "exclude": [] } }, "network": { "connection": "ANYWHERE" } },
        "actions": {
            "passwordChange": { "access": "ALLOW" },
            "selfServicePasswordReset": reset,
            "selfServiceUnlock": { "access": access(false) },
        },
        "_links": { "self": { "href": own, "hints": { "allow": ["GET", "PUT", "DELETE"] } } },
        "type": "PASSWORD",
    })
}

fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let own = service.address(&format!("/api/v1/policies?{}", visit.call.query.as_deref().unwrap_or_default()));
    match visit.parameter("type") {
        None => return Err(Refusal::validation("type", "type: The field cannot be left blank")),
        Some("PASSWORD") => {}
        // The other sorts of policy are not in this org.
        Some(_) => return Ok(Answer::ok(json!([])).with("link", format!("<{own}>; rel=\"self\""))),
    }
    let org = service.org();
    let wanted = |policy: &PasswordPolicy| visit.parameter("status").is_none_or(|one| one == status(policy.active));
    let shown = org.policies.iter().enumerate().filter(|(_, policy)| wanted(policy));
    let rows = shown.map(|(at, policy)| row(service, policy, at + 1)).collect();
    Ok(Answer::ok(rows).with("link", format!("<{own}>; rel=\"self\"")))
}

/// The policy that a path names, and its priority.
fn named<'a>(org: &'a Org, visit: &Visit<'_>) -> Result<(usize, &'a PasswordPolicy), Refusal> {
    let found = org.policies.iter().enumerate().find(|(_, policy)| policy.id == visit.first());
    found.ok_or_else(|| Refusal::not_found(visit.first(), "Policy"))
}

fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let (at, policy) = named(&org, visit)?;
    Ok(Answer::ok(row(service, policy, at + 1)))
}

fn rules(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let (_, policy) = named(&org, visit)?;
    Ok(Answer::ok(json!([rule_row(service, policy)])))
}

fn one_rule(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let org = service.org();
    let (_, policy) = named(&org, visit)?;
    let name = visit.captures.get(1).map_or("", String::as_str);
    if name != rule_id(policy) {
        return Err(Refusal::not_found(name, "PolicyRule"));
    }
    Ok(Answer::ok(rule_row(service, policy)))
}
