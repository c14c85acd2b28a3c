//! Who holds what: roles, eligible and active, groups, units, service principals.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::mock_graph::{Holding, MockGraph, RoleAssignment, RouteRule, fixed};
use testkit::organisation::special;
use uuid::Uuid;

use crate::client::{Client, Reply, connect, described, started};

const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
const ROLES: &str = "/roleManagement/directory";

fn id_of(mock: &MockGraph, index: u64) -> Uuid {
    mock.user_of_account(index).unwrap().id
}

fn ids(rows: &[Value], name: &str) -> BTreeSet<String> {
    rows.iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn definitions_tell_templates_and_actions_and_not_which_are_privileged() {
    let (_mock, client) = started().await;
    let (rows, _) = client.all(&format!("{ROLES}/roleDefinitions?$top=20")).await;
    assert!(rows.len() > 40, "{}", rows.len());
    let global = rows.iter().find(|row| row["templateId"] == GLOBAL).unwrap();
    assert_eq!((&global["id"], &global["isBuiltIn"]), (&json!(GLOBAL), &json!(true)));
    assert!(global.get("isPrivileged").is_none());
    let custom: Vec<&Value> = rows.iter().filter(|row| row["isBuiltIn"] == false).collect();
    assert_eq!(custom.len(), 1);
    let action = &custom[0]["rolePermissions"][0]["allowedResourceActions"][0];
    assert_eq!(action, "microsoft.directory/users/password/update");
    let one = client.get(&format!("{ROLES}/roleDefinitions/{GLOBAL}?$select=displayName")).await;
    assert_eq!(one.body["displayName"], "Global Administrator");
    assert!(one.body.get("templateId").is_none());
    let refused = client.get(&format!("{ROLES}/roleDefinitions?$filter=isPrivileged eq true")).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn assignments_are_found_by_role_and_expanded_one_way_at_a_time() {
    let (mock, client) = started().await;
    let path = format!("{ROLES}/roleAssignments?$filter=roleDefinitionId eq '{GLOBAL}'");
    let rows = client.get(&format!("{path}&$expand=principal")).await;
    assert_eq!(rows.rows().len(), 3, "{}", rows.text);
    let admin = id_of(&mock, special::DOMAIN_ADMIN).to_string();
    let found = rows.rows().iter().find(|row| row["principalId"] == admin).unwrap();
    assert_eq!(found["principal"]["@odata.type"], "#microsoft.graph.user");
    assert_eq!(found["principal"]["id"], admin);
    assert_eq!(found["directoryScopeId"], "/");
    assert!(found["id"].as_str().unwrap().starts_with("lAPpYvVpN0KRkAEhdxReE"), "{}", found["id"]);
    let defined = client.get(&format!("{path}&$expand=roleDefinition")).await;
    assert_eq!(defined.rows()[0]["roleDefinition"]["displayName"], "Global Administrator");
    assert_eq!(client.get(&format!("{path}&$expand=principal,roleDefinition")).await.status, 400);
    let one = client.get(&format!("{ROLES}/roleAssignments/{}", found["id"].as_str().unwrap())).await;
    assert_eq!(one.body["principalId"], admin);
    // The app itself, a group, and a unit.
    let own = mock.service_principal();
    let own = client.get(&format!("{ROLES}/roleAssignments?$filter=principalId eq '{own}'&$expand=principal")).await;
    assert_eq!(own.rows()[0]["principal"]["@odata.type"], "#microsoft.graph.servicePrincipal");
    let (all, _) = client.all(&format!("{ROLES}/roleAssignments?$expand=principal&$top=3")).await;
    assert!(all.iter().any(|row| row["principal"]["@odata.type"] == "#microsoft.graph.group"));
    let scoped: Vec<&Value> = all.iter().filter(|row| row["directoryScopeId"] != "/").collect();
    assert_eq!(scoped.len(), 2);
    assert!(scoped[0]["directoryScopeId"].as_str().unwrap().starts_with("/administrativeUnits/"));
    let eligible = id_of(&mock, special::DISTRIBUTION).to_string();
    assert!(all.iter().all(|row| row["principalId"] != eligible), "what is only eligible is not held");
}

#[tokio::test]
async fn every_read_needs_its_permission() {
    for (permission, path, code) in [
        ("RoleManagement.Read.Directory", "/roleManagement/directory/roleDefinitions", "Authorization_RequestDenied"),
        ("RoleManagement.Read.Directory", "/roleManagement/directory/roleAssignments", "Authorization_RequestDenied"),
        ("RoleManagement.Read.Directory", "/roleManagement/directory/roleEligibilityScheduleInstances", "accessDenied"),
        ("RoleManagement.Read.Directory", "/roleManagement/directory/roleAssignmentScheduleInstances", "accessDenied"),
        ("RoleManagement.Read.Directory", "/directoryRoles", "Authorization_RequestDenied"),
        ("GroupMember.Read.All", "/groups", "Authorization_RequestDenied"),
        ("AdministrativeUnit.Read.All", "/directory/administrativeUnits", "Authorization_RequestDenied"),
        ("Application.Read.All", "/servicePrincipals", "Authorization_RequestDenied"),
        (
            "PrivilegedEligibilitySchedule.Read.AzureADGroup",
            "/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances?$filter=groupId eq 'x'",
            "accessDenied",
        ),
        (
            "PrivilegedAssignmentSchedule.Read.AzureADGroup",
            "/identityGovernance/privilegedAccess/group/assignmentScheduleInstances?$filter=groupId eq 'x'",
            "accessDenied",
        ),
        ("IdentityRiskyUser.ReadWrite.All", "/identityProtection/riskyUsers", "Authorization_RequestDenied"),
        ("AuditLog.Read.All", "/reports/authenticationMethods/userRegistrationDetails", "Authorization_RequestDenied"),
    ] {
        let (_mock, client) = connect(described().without_permission(permission)).await;
        assert_eq!(client.get(path).await.refusal(), (403, code), "{path}");
        let (_mock, client) = started().await;
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn schedules_tell_what_is_eligible_and_what_is_active_directly_or_by_a_group() {
    let (mock, client) = started().await;
    let (eligible, _) = client.all(&format!("{ROLES}/roleEligibilityScheduleInstances")).await;
    let row = |rows: &[Value], index: u64| {
        let id = id_of(&mock, index).to_string();
        rows.iter().find(|row| row["principalId"] == id).cloned().unwrap_or(Value::Null)
    };
    let direct = row(&eligible, special::DISTRIBUTION);
    assert_eq!((&direct["roleDefinitionId"], &direct["memberType"]), (&json!(GLOBAL), &json!("Direct")));
    assert!(direct["id"].as_str().unwrap().ends_with("-1-e"));
    assert_eq!(row(&eligible, special::SID_HISTORY)["memberType"], "Group");
    assert_eq!(row(&eligible, special::DOMAIN_ADMIN), Value::Null);
    let (active, _) = client.all(&format!("{ROLES}/roleAssignmentScheduleInstances")).await;
    let activated = row(&active, special::SCHEMA_ADMIN);
    assert_eq!(activated["assignmentType"], "Activated");
    assert!(activated["endDateTime"].is_string());
    assert_eq!(row(&active, special::DOMAIN_ADMIN)["assignmentType"], "Assigned");
    assert_eq!(row(&active, special::NESTED_ONCE)["memberType"], "Group");
}

#[tokio::test]
async fn without_p2_there_is_no_privileged_identity_management() {
    let (_mock, client) = connect(described().without_governance()).await;
    for path in [
        "/roleManagement/directory/roleEligibilityScheduleInstances",
        "/roleManagement/directory/roleAssignmentScheduleInstances",
        "/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances?$filter=groupId eq 'x'",
    ] {
        assert_eq!(client.get(path).await.refusal(), (400, "AadPremiumLicenseRequired"), "{path}");
    }
    let risky = client.get("/identityProtection/riskyUsers").await;
    assert_eq!(risky.refusal(), (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant"));
    assert_eq!(client.get(&format!("{ROLES}/roleAssignments")).await.status, 200);
}

#[tokio::test]
async fn directory_roles_are_the_activated_ones_by_id_or_template_and_do_not_page() {
    let (mock, client) = started().await;
    let roles = client.get("/directoryRoles").await;
    let global = roles.rows().iter().find(|row| row["roleTemplateId"] == GLOBAL).unwrap();
    assert_ne!(global["id"], GLOBAL, "a directory role has an id of its own");
    let guest_inviter = "95e79109-95c0-4d8e-aee3-d01accf2d47b";
    assert!(!ids(roles.rows(), "roleTemplateId").contains(guest_inviter), "nobody holds it");
    assert_eq!(client.get("/directoryRoles?$top=2").await.status, 400);
    let by_id = client.get(&format!("/directoryRoles/{}/members", global["id"].as_str().unwrap())).await;
    let by_template = client.get(&format!("/directoryRoles(roleTemplateId='{GLOBAL}')/members")).await;
    assert_eq!(by_id.body["value"], by_template.body["value"]);
    assert_eq!(by_id.rows().len(), 3);
    assert!(ids(by_id.rows(), "id").contains(&id_of(&mock, special::DOMAIN_ADMIN).to_string()));
    let user_admin = "/directoryRoles(roleTemplateId='fe930be7-5e62-47db-91af-98c3a49a38b1')/scopedMembers";
    let scoped = client.get(user_admin).await;
    assert_eq!(scoped.rows().len(), 2, "{}", scoped.text);
    assert_eq!(client.get(&format!("/directoryRoles(roleTemplateId='{guest_inviter}')")).await.status, 404);
}

async fn group_named(client: &Client, name: &str) -> String {
    let rows = client.get(&format!("/groups?$filter=displayName eq '{name}'&$select=id,displayName")).await;
    rows.rows()[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn groups_are_filtered_paged_and_nested() {
    let (mock, client) = started().await;
    let (assignable, _) = client.all("/groups?$filter=isAssignableToRole eq true&$select=id,displayName&$top=2").await;
    assert_eq!(assignable.len(), 4);
    assert!(assignable.iter().all(|row| row.as_object().unwrap().len() == 2), "{assignable:?}");
    assert_eq!(client.get("/groups?$filter=description eq 'x'").await.status, 400);
    let operators = group_named(&client, "Tier 0 operators").await;
    let direct = client.get(&format!("/groups/{operators}/members")).await;
    let kinds = ids(direct.rows(), "@odata.type");
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["#microsoft.graph.group", "#microsoft.graph.user"]);
    let deep = client.get(&format!("/groups/{operators}/transitiveMembers?$select=id,userPrincipalName")).await;
    let deep_ids = ids(deep.rows(), "id");
    assert!(deep_ids.contains(&id_of(&mock, special::NESTED_THREE_DEEP).to_string()));
    assert_eq!(deep_ids.len(), 3);
    let owners = client.get(&format!("/groups/{operators}/owners")).await;
    assert_eq!(ids(owners.rows(), "id"), BTreeSet::from([id_of(&mock, special::PRIMARY_GROUP).to_string()]));
    assert_eq!(client.get("/groups/nobody/members").await.status, 404);
}

#[tokio::test]
async fn a_cast_needs_the_header_and_the_count() {
    let (_mock, client) = started().await;
    let operators = group_named(&client, "Tier 0 operators").await;
    let cast = format!("/groups/{operators}/transitiveMembers/microsoft.graph.user");
    assert_eq!(client.get(&cast).await.status, 400);
    assert_eq!(client.get_eventual(&cast).await.status, 400);
    assert_eq!(client.get(&format!("{cast}?$count=true")).await.status, 400);
    let users = client.get_eventual(&format!("{cast}?$count=true&$select=id,displayName")).await;
    assert_eq!((users.rows().len(), &users.body["@odata.count"]), (2, &json!(2)), "{}", users.text);
    assert!(users.rows()[0].get("@odata.type").is_none());
}

#[tokio::test]
async fn a_large_group_takes_several_pages_and_no_member_twice() {
    let (_mock, client) = started().await;
    let staff = group_named(&client, "Staff").await;
    let (rows, _) = client.all(&format!("/groups/{staff}/members?$select=id")).await;
    assert_eq!(rows.len(), ids(&rows, "id").len());
    assert!(rows.len() > 200, "{}", rows.len());
    let first = client.get(&format!("/groups/{staff}/members")).await;
    assert_eq!(first.rows().len(), 100);
    let next = first.body["@odata.nextLink"].as_str().unwrap();
    let other = next.replace("/members", "/transitiveMembers");
    assert_eq!(client.get(&other).await.status, 400, "a token belongs to one collection");
}

#[tokio::test]
async fn what_the_app_may_not_read_has_only_type_and_id() {
    let (_mock, client) = connect(described().without_permission("User.Read.All")).await;
    let operators = group_named(&client, "Tier 0 operators").await;
    let rows = client.get(&format!("/groups/{operators}/members")).await;
    for row in rows.rows() {
        assert!(row["id"].is_string());
        assert_eq!(row["displayName"].is_null(), row["@odata.type"] == "#microsoft.graph.user", "{row}");
    }
}

#[tokio::test]
async fn privileged_identity_management_for_groups_asks_for_a_filter() {
    let (mock, client) = started().await;
    let base = "/identityGovernance/privilegedAccess/group";
    for family in ["eligibilityScheduleInstances", "assignmentScheduleInstances"] {
        assert_eq!(client.get(&format!("{base}/{family}")).await.status, 400);
        let by_access = format!("{base}/{family}?$filter=accessId eq 'owner'");
        assert_eq!(client.get(&by_access).await.status, 400);
    }
    let operators = group_named(&client, "Tier 0 operators").await;
    let rows = client.get(&format!("{base}/eligibilityScheduleInstances?$filter=groupId eq '{operators}'")).await;
    assert_eq!(ids(rows.rows(), "accessId").into_iter().collect::<Vec<_>>(), ["member", "owner"]);
    let owner = rows.rows().iter().find(|row| row["accessId"] == "owner").unwrap();
    assert_eq!(owner["principalId"], id_of(&mock, special::STALE_ADMIN_COUNT).to_string());
    let on_call = id_of(&mock, special::COMMA);
    let by_principal = format!("{base}/assignmentScheduleInstances?$filter=principalId eq '{on_call}'");
    assert_eq!(client.get(&by_principal).await.rows().len(), 1);
}

#[tokio::test]
async fn units_show_members_and_who_holds_roles_for_them() {
    let (mock, client) = started().await;
    let units = client.get("/directory/administrativeUnits?$select=id,isMemberManagementRestricted").await;
    let board = units.rows().iter().find(|row| row["isMemberManagementRestricted"] == true).unwrap();
    let board = board["id"].as_str().unwrap();
    let members = client.get(&format!("/directory/administrativeUnits/{board}/members?$select=id")).await;
    let restricted = mock.user(fixed::RESTRICTED).unwrap().id.to_string();
    assert!(ids(members.rows(), "id").contains(&restricted));
    let scoped = client.get(&format!("/directory/administrativeUnits/{board}/scopedRoleMembers")).await;
    let info = &scoped.rows()[0]["roleMemberInfo"];
    assert_eq!(info["id"], id_of(&mock, special::BACKUP_OPERATOR).to_string());
    assert!(info["displayName"].is_string());
}

#[tokio::test]
async fn service_principals_show_owners_and_grants_by_published_ids() {
    let (mock, client) = started().await;
    let own = client.get(&format!("/servicePrincipals(appId='{}')", mock.client_id())).await;
    assert_eq!(own.body["id"], mock.service_principal().to_string());
    let (grants, _) = client.all(&format!("/servicePrincipals/{}/appRoleAssignments", mock.service_principal())).await;
    assert!(ids(&grants, "appRoleId").contains("cc117bb9-00cf-4eb8-b580-ea2a878fe8f7"));
    let (all, _) = client.all("/servicePrincipals?$select=id,appId,displayName,appRoles").await;
    let graph = all.iter().find(|row| row["appId"] == "00000003-0000-0000-c000-000000000000").unwrap();
    let role =
        graph["appRoles"].as_array().unwrap().iter().find(|role| role["value"] == "RoleManagement.ReadWrite.Directory");
    let role = role.unwrap()["id"].clone();
    let provisioning = all.iter().find(|row| row["displayName"] == "Provisioning").unwrap()["id"].as_str().unwrap();
    let (grants, _) = client.all(&format!("/servicePrincipals/{provisioning}/appRoleAssignments")).await;
    assert!(grants.iter().any(|grant| grant["appRoleId"] == role && grant["resourceId"] == graph["id"]));
    let owners = client.get(&format!("/servicePrincipals/{provisioning}/owners?$select=id")).await;
    assert_eq!(ids(owners.rows(), "id"), BTreeSet::from([id_of(&mock, special::PRINT_OPERATOR).to_string()]));
}

#[tokio::test]
async fn the_truth_names_every_planted_route_and_no_other() {
    let mock = described().build();
    for (index, tier, rule, holds) in [
        (special::DOMAIN_ADMIN, 0, RouteRule::Assigned, "Global Administrator"),
        (special::ENTERPRISE_ADMIN, 0, RouteRule::Assigned, "Privileged Role Administrator"),
        (special::NESTED_ONCE, 0, RouteRule::GroupMember, "Privileged Authentication Administrator"),
        (special::NESTED_THREE_DEEP, 0, RouteRule::GroupMember, "Privileged Authentication Administrator"),
        (special::PRIMARY_GROUP, 0, RouteRule::GroupOwner, "Privileged Authentication Administrator"),
        (special::DISTRIBUTION, 0, RouteRule::Eligible, "Global Administrator"),
        (special::SID_HISTORY, 0, RouteRule::GroupMember, "Application Administrator"),
        (special::STALE_ADMIN_COUNT, 0, RouteRule::GroupOwnerEligible, "Privileged Authentication Administrator"),
        (special::DISABLED_ADMIN, 0, RouteRule::GroupMemberEligible, "Privileged Authentication Administrator"),
        (special::SCHEMA_ADMIN, 0, RouteRule::Activated, "Application Administrator"),
        (special::COMMA, 1, RouteRule::GroupMember, "User Administrator"),
        (special::ACCOUNT_OPERATOR, 1, RouteRule::Assigned, "User Administrator"),
        (special::BACKUP_OPERATOR, 1, RouteRule::Assigned, "User Administrator"),
        (special::SERVER_OPERATOR, 1, RouteRule::RestrictedUnit, "Board"),
        (special::DNS_ADMIN, 1, RouteRule::Assigned, "Branch password desk"),
        (special::PRINT_OPERATOR, 0, RouteRule::ApplicationOwner, "RoleManagement.ReadWrite.Directory"),
        (special::SERVICE_PRIVILEGED, 0, RouteRule::ApplicationOwner, "Privileged Role Administrator"),
    ] {
        let found = mock.privilege(&id_of(&mock, index));
        assert_eq!(found.tier.number(), tier, "{index}: {found:?}");
        assert!(found.routes.iter().any(|route| route.rule == rule && route.holds == holds), "{index}: {found:?}");
    }
    let nested = mock.privilege(&id_of(&mock, special::NESTED_THREE_DEEP));
    let longest = nested.routes.iter().map(|route| route.path.len()).max();
    assert_eq!(longest, Some(2), "the path goes through both groups");
    for harmless in [special::POLICY_CREATOR, special::CERT_PUBLISHER, special::CHIEF, special::ORDINARY] {
        let found = mock.privilege(&id_of(&mock, harmless));
        assert!(found.routes.is_empty(), "{harmless}: {found:?}");
    }
    let privileged = mock.users().filter(|user| mock.privilege(&user.id).tier.number() < 2).count();
    assert_eq!(privileged, 17 + 7, "the planted and the fixed");
}

#[tokio::test]
async fn what_is_changed_behind_the_runs_back_is_seen() {
    let (mock, client) = started().await;
    let user = mock.user(fixed::ORDINARY).unwrap().id;
    mock.change_role_graph(|graph| {
        graph.assignments.push(RoleAssignment {
            principal: user,
            role: GLOBAL.into(),
            unit: None,
            how: Holding::Assigned,
        });
    });
    let reply: Reply = client.get(&format!("{ROLES}/roleAssignments?$filter=principalId eq '{user}'")).await;
    assert_eq!(reply.rows().len(), 1);
    assert_eq!(mock.privilege(&user).tier.number(), 0);
}
