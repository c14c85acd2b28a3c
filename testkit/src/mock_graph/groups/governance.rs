//! Privileged identity management for groups: who is, or can become, a member or an owner. A filter
//! by group or by principal is mandatory.

use http::Method;
use serde_json::{Value, json};

use super::super::collection::{self, Collection, property};
use super::super::objects;
use super::super::privilege::GroupSchedule;
use super::super::query::{Entity, Options};
use super::super::refusal::Refusal;
use super::super::routes::{BodyRule, Family, Route, Visit};
use super::super::service::Service;
use super::{EQUAL, NOTHING};
use crate::fault::Operation;
use crate::mock_http::Answer;

static ASSIGNMENT: Entity = Entity {
    set: "identityGovernance/privilegedAccess/group/assignmentScheduleInstances",
    properties: &[
        property("id", NOTHING),
        property("startDateTime", NOTHING),
        property("endDateTime", NOTHING),
        property("accessId", EQUAL),
        property("principalId", EQUAL),
        property("groupId", EQUAL),
        property("memberType", EQUAL),
        property("assignmentType", EQUAL),
        property("assignmentScheduleId", EQUAL),
    ],
};

static ELIGIBILITY: Entity = Entity {
    set: "identityGovernance/privilegedAccess/group/eligibilityScheduleInstances",
    properties: &[
        property("id", NOTHING),
        property("startDateTime", NOTHING),
        property("endDateTime", NOTHING),
        property("accessId", EQUAL),
        property("principalId", EQUAL),
        property("groupId", EQUAL),
        property("memberType", EQUAL),
        property("eligibilityScheduleId", EQUAL),
    ],
};

pub(super) const ASSIGNMENTS: Route = Route {
    method: Method::GET,
    path: &["identityGovernance", "privilegedAccess", "group", "assignmentScheduleInstances"],
    permissions: &[
        "PrivilegedAssignmentSchedule.Read.AzureADGroup",
        "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
        "PrivilegedAccess.Read.AzureADGroup",
        "PrivilegedAccess.ReadWrite.AzureADGroup",
    ],
    units: 1,
    units_selected: 1,
    family: Family::Directory,
    operation: Operation::Read,
    options: Options { manager: false, order_by: false, count: false, ..Options::LISTING },
    entity: Some(&ASSIGNMENT),
    body: BodyRule::None,
    user_at: None,
    answer: assignments,
};

pub(super) const ELIGIBILITIES: Route = Route {
    path: &["identityGovernance", "privilegedAccess", "group", "eligibilityScheduleInstances"],
    permissions: &[
        "PrivilegedEligibilitySchedule.Read.AzureADGroup",
        "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",
        "PrivilegedAccess.Read.AzureADGroup",
        "PrivilegedAccess.ReadWrite.AzureADGroup",
    ],
    entity: Some(&ELIGIBILITY),
    answer: eligibilities,
    ..ASSIGNMENTS
};

fn assignments(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    answer(service, visit, false)
}

fn eligibilities(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    answer(service, visit, true)
}

fn answer(service: &Service, visit: &Visit<'_>, eligible: bool) -> Result<Answer, Refusal> {
    service.settings.needs_governance()?;
    let narrow = |filter: &super::super::filter::Filter| filter.names("groupId") || filter.names("principalId");
    if !visit.query.filter.as_ref().is_some_and(narrow) {
        return Err(Refusal::bad_request("The $filter on groupId or principalId is missing."));
    }
    let tenant = service.tenant();
    let rows: Vec<&GroupSchedule> = tenant.privilege.schedules.iter().filter(|one| one.eligible == eligible).collect();
    let entity = if eligible { &ELIGIBILITY } else { &ASSIGNMENT };
    // Microsoft's examples write a capital letter where the metadata has none.
    let member_type = if service.settings.other_codes { "Direct" } else { "direct" };
    let began = tenant.population.organisation.as_of().to_string();
    collection::answer(service, visit, Collection::of(entity, rows.len()), |place| {
        let one = rows.get(usize::try_from(place).ok()?)?;
        let access = if one.owner { "owner" } else { "member" };
        let id = format!("{}_{access}_{}", one.group, one.principal);
        let mut row = objects::row(json!({
            "id": id,
            "startDateTime": began,
            "endDateTime": null,
            "accessId": access,
            "principalId": one.principal,
            "groupId": one.group,
            "memberType": member_type,
        }));
        let schedule = if eligible { "eligibilityScheduleId" } else { "assignmentScheduleId" };
        row.insert(schedule.into(), Value::from(id));
        if !eligible {
            row.insert("assignmentType".into(), "assigned".into());
        }
        Some(row)
    })
}
