//! `GET /reports/authenticationMethods/userRegistrationDetails`: who could recover alone. Its rows
//! are as old as the report: what was deleted since still stands in them.

use http::Method;
use serde_json::json;
use uuid::Uuid;

use super::authentication;
use super::collection::{self, Collection, Row, property};
use super::objects;
use super::query::{Entity, Operator, Options};
use super::refusal::Refusal;
use super::routes::{BodyRule, Family, Route, Visit};
use super::service::Service;
use super::tenant::{Sort, Tenant};
use crate::fault::Operation;
use crate::mock_http::Answer;

const EQUAL: &[Operator] = &[Operator::Equal];

static DETAILS: Entity = Entity {
    set: "reports/authenticationMethods/userRegistrationDetails",
    properties: &[
        property("id", EQUAL),
        property("userPrincipalName", &[Operator::Equal, Operator::StartsWith]),
        property("userDisplayName", &[Operator::Equal, Operator::StartsWith]),
        property("userType", EQUAL),
        property("isAdmin", EQUAL),
        property("isSsprRegistered", EQUAL),
        property("isSsprEnabled", EQUAL),
        property("isSsprCapable", EQUAL),
        property("isMfaRegistered", EQUAL),
        property("isMfaCapable", EQUAL),
        property("isPasswordlessCapable", EQUAL),
        property("lastUpdatedDateTime", &[]),
        property("methodsRegistered", &[Operator::AnyEqual]),
        property("isSystemPreferredAuthenticationMethodEnabled", EQUAL),
        property("systemPreferredAuthenticationMethods", &[Operator::AnyEqual]),
        property("userPreferredMethodForSecondaryAuthentication", EQUAL),
    ],
};

/// Rows of a page; the real number is not documented.
const PAGE: usize = 500;

const READING: Route = Route {
    method: Method::GET,
    path: &["reports", "authenticationMethods", "userRegistrationDetails"],
    permissions: &["AuditLog.Read.All"],
    units: 1,
    units_selected: 1,
    family: Family::Reports,
    operation: Operation::Read,
    options: Options { filter: true, skip_token: true, ..Options::NONE },
    entity: Some(&DETAILS),
    body: BodyRule::None,
    user_at: None,
    answer: list,
};

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route {
        path: &["reports", "authenticationMethods", "userRegistrationDetails", "{}"],
        options: Options::NONE,
        user_at: Some(3),
        answer: one,
        ..READING
    },
];

fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    service.needs_report_licence()?;
    let tenant = service.tenant();
    let collection = Collection { page: PAGE, total: tenant.end(), ..Collection::of(&DETAILS, 0) };
    collection::answer(service, visit, collection, |number| row(&tenant, number))
}

fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    service.needs_report_licence()?;
    let tenant = service.tenant();
    let number = visit.first().parse::<Uuid>().ok().and_then(|id| tenant.by_id(&id));
    let row = number.and_then(|number| row(&tenant, number)).ok_or_else(|| Refusal::not_found(visit.first()))?;
    Ok(collection::one(service, visit, &DETAILS, row))
}

fn row(tenant: &Tenant, number: u64) -> Option<Row> {
    let user = tenant.view(number).filter(|_| !tenant.not_found_yet(number))?.user;
    if user.sort == Sort::Agent {
        return None;
    }
    let enrolment = authentication::drawn(&tenant.population, &user);
    let (registered, second) = (enrolment.can_recover(), enrolment.has_second_factor());
    let guest = matches!(user.sort, Sort::Guest(_) | Sort::InternalGuest);
    let preferred = enrolment.preferred();
    Some(objects::row(json!({
        "id": user.id,
        "userPrincipalName": user.principal_name,
        "userDisplayName": user.display_name,
        "userType": if guest { "guest" } else { "member" },
        "isAdmin": !tenant.privilege.standing(&user.id).roles.is_empty(),
        "isSsprRegistered": registered,
        "isSsprEnabled": enrolment.self_service,
        "isSsprCapable": registered && enrolment.self_service,
        "isMfaRegistered": second,
        "isMfaCapable": second,
        "isPasswordlessCapable": enrolment.is_passwordless(),
        "lastUpdatedDateTime": enrolment.last_updated.to_string(),
        "methodsRegistered": enrolment.registered(),
        "isSystemPreferredAuthenticationMethodEnabled": true,
        "systemPreferredAuthenticationMethods": if preferred == "push" { vec!["push"] } else { Vec::new() },
        "userPreferredMethodForSecondaryAuthentication": preferred,
    })))
}
