//! Privileged identity management of roles: what is held, and what can be activated.

use serde_json::{Value, json};

use super::super::collection::{self, Collection, Row};
use super::super::objects::{self, App};
use super::super::privilege::{Holding, RoleAssignment};
use super::super::refusal::Refusal;
use super::super::routes::Visit;
use super::super::service::Service;
use super::super::tenant::Tenant;
use super::assignments::{expand, held_now, id, scope};
use super::{ACTIVE_SCHEDULE, ELIGIBLE_SCHEDULE};
use crate::mock_http::Answer;

/// The rows of a holding: that of the principal, and one for each member of a group that holds it.
fn spread(tenant: &Tenant, held: Vec<RoleAssignment>) -> Vec<(RoleAssignment, bool)> {
    let mut rows = Vec::new();
    for one in held {
        for member in tenant.privilege.transitive_members(&one.principal) {
            rows.push((RoleAssignment { principal: member, ..one.clone() }, true));
        }
        rows.push((one, false));
    }
    rows
}

pub(super) fn active(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    service.settings.needs_governance()?;
    let app = objects::app(service);
    let tenant = service.tenant();
    let rows = spread(&tenant, held_now(&tenant, &app));
    collection::answer(service, visit, Collection::of(&ACTIVE_SCHEDULE, rows.len()), |place| {
        let (one, by_group) = rows.get(usize::try_from(place).ok()?)?;
        let id = id(one);
        let (kind, until) = match one.how {
            Holding::Activated { until } => ("Activated", json!(until.to_string())),
            _ => ("Assigned", Value::Null),
        };
        let mut row = common(&tenant, &app, visit, one, *by_group);
        row.insert("id".into(), json!(id));
        row.insert("endDateTime".into(), until);
        row.insert("assignmentType".into(), kind.into());
        row.insert("roleAssignmentOriginId".into(), json!(id));
        row.insert("roleAssignmentScheduleId".into(), json!(id));
        Some(row)
    })
}

pub(super) fn eligible(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    service.settings.needs_governance()?;
    let app = objects::app(service);
    let tenant = service.tenant();
    let held = tenant.privilege.assignments.iter().filter(|one| !one.is_active()).cloned().collect();
    let rows = spread(&tenant, held);
    collection::answer(service, visit, Collection::of(&ELIGIBLE_SCHEDULE, rows.len()), |place| {
        let (one, by_group) = rows.get(usize::try_from(place).ok()?)?;
        let mut row = common(&tenant, &app, visit, one, *by_group);
        row.insert("id".into(), json!(format!("{}-e", id(one))));
        row.insert("roleEligibilityScheduleId".into(), json!(format!("{}-e", id(one))));
        Some(row)
    })
}

fn common(tenant: &Tenant, app: &App, visit: &Visit<'_>, one: &RoleAssignment, by_group: bool) -> Row {
    let mut row = objects::row(json!({
        "principalId": one.principal,
        "roleDefinitionId": one.role,
        "directoryScopeId": scope(one),
        "appScopeId": null,
        "startDateTime": null,
        "endDateTime": null,
        "memberType": if by_group { "Group" } else { "Direct" },
    }));
    expand(tenant, app, visit, one, &mut row);
    row
}
