//! Risky users: who is compromised by what somebody confirmed. Premium P2 only.

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::collection::{self, Collection, Row, property};
use super::objects;
use super::query::{Entity, Operator, Options};
use super::refusal::Refusal;
use super::routes::{BodyRule, Family, Route, Visit};
use super::service::Service;
use super::tenant::Tenant;
use crate::fault::Operation;
use crate::mock_http::Answer;

const READ: &[&str] = &["IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All"];
const WRITE: &[&str] = &["IdentityRiskyUser.ReadWrite.All"];
const EQUAL: &[Operator] = &[Operator::Equal];

static RISKY_USER: Entity = Entity {
    set: "identityProtection/riskyUsers",
    properties: &[
        property("id", EQUAL),
        property("isDeleted", EQUAL),
        property("isProcessing", EQUAL),
        property("riskDetail", EQUAL),
        property("riskLastUpdatedDateTime", &[]),
        property("riskLevel", EQUAL),
        property("riskState", EQUAL),
        property("userDisplayName", EQUAL),
        property("userPrincipalName", EQUAL),
    ],
};

/// What is known of a user's risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Risk {
    /// `riskLevel`.
    pub level: &'static str,
    /// `riskState`.
    pub state: &'static str,
    /// `riskDetail`.
    pub detail: &'static str,
    /// `riskLastUpdatedDateTime`.
    pub updated: Timestamp,
}

const READING: Route = Route {
    method: Method::GET,
    path: &["identityProtection", "riskyUsers"],
    permissions: READ,
    units: 1,
    units_selected: 1,
    family: Family::IdentityProtection,
    operation: Operation::Read,
    options: Options { manager: false, order_by: false, count: false, most: 500, ..Options::LISTING },
    entity: Some(&RISKY_USER),
    body: BodyRule::None,
    user_at: None,
    answer: list,
};
const CONFIRMING: Route = Route {
    method: Method::POST,
    path: &["identityProtection", "riskyUsers", "confirmCompromised"],
    permissions: WRITE,
    operation: Operation::Write,
    options: Options::NONE,
    body: BodyRule::Object,
    answer: confirm_compromised,
    ..READING
};

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route {
        path: &["identityProtection", "riskyUsers", "{}"],
        options: Options { select: true, ..Options::NONE },
        user_at: Some(2),
        answer: one,
        ..READING
    },
    CONFIRMING,
    Route { path: &["identityProtection", "riskyUsers", "dismiss"], answer: dismiss, ..CONFIRMING },
];

fn row(tenant: &Tenant, number: u64, risk: &Risk) -> Option<Row> {
    let user = tenant.view(number)?.user;
    Some(objects::row(json!({
        "id": user.id,
        "isDeleted": false,
        "isProcessing": false,
        "riskDetail": risk.detail,
        "riskLastUpdatedDateTime": risk.updated.to_string(),
        "riskLevel": risk.level,
        "riskState": risk.state,
        "userDisplayName": user.display_name,
        "userPrincipalName": user.principal_name,
    })))
}

fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    service.settings.needs_protection()?;
    let tenant = service.tenant();
    let rows: Vec<(&u64, &Risk)> = tenant.risks.iter().collect();
    collection::answer(service, visit, Collection::of(&RISKY_USER, rows.len()), |place| {
        let (number, risk) = rows.get(usize::try_from(place).ok()?)?;
        row(&tenant, **number, risk)
    })
}

fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    service.settings.needs_protection()?;
    let tenant = service.tenant();
    let number = visit.first().parse::<Uuid>().ok().and_then(|id| tenant.by_id(&id));
    let found = number.and_then(|number| row(&tenant, number, tenant.risks.get(&number)?));
    let found = found.ok_or_else(|| Refusal::not_found(visit.first()))?;
    Ok(collection::one(service, visit, &RISKY_USER, found))
}

fn confirm_compromised(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let now = service.tenant().now();
    let detail = "adminConfirmedUserCompromised";
    mark(service, visit, Risk { level: "high", state: "confirmedCompromised", detail, updated: now })
}

fn dismiss(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let now = service.tenant().now();
    mark(
        service,
        visit,
        Risk { level: "none", state: "dismissed", detail: "adminDismissedAllRiskForUser", updated: now },
    )
}

/// Marks everybody or, where one is unknown, nobody.
fn mark(service: &Service, visit: &Visit<'_>, risk: Risk) -> Result<Answer, Refusal> {
    service.settings.needs_protection()?;
    if let Some(other) = visit.body.keys().find(|name| *name != "userIds") {
        return Err(Refusal::bad_request(format!(
            "The parameter '{other}' is not a valid parameter for the operation."
        )));
    }
    let wrong = || Refusal::bad_request("Invalid value specified for parameter 'userIds'.");
    let ids = visit.body.get("userIds").and_then(Value::as_array).filter(|ids| !ids.is_empty()).ok_or_else(wrong)?;
    if service.settings.most_risky.is_some_and(|most| ids.len() > most) {
        return Err(Refusal::bad_request("Too many user ids were provided."));
    }
    let mut tenant = service.tenant();
    let mut numbers = Vec::new();
    for id in ids {
        let text = id.as_str().ok_or_else(wrong)?;
        let parsed: Uuid = text.parse().map_err(|_| wrong())?;
        let found = tenant.by_id(&parsed).filter(|number| !tenant.not_found_yet(*number));
        numbers.push(found.ok_or_else(|| Refusal::not_found(text))?);
    }
    for number in numbers {
        tenant.risks.insert(number, risk);
    }
    Ok(Answer::no_content())
}
