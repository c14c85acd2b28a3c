//! What the mock is asked and answers, before Microsoft's own description of Graph.
#![allow(clippy::print_stderr, reason = "a test that did not run says so")]

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::graph_witness::Witness;
use testkit::mock_graph::{Exchange, MockGraph, fixed};
use testkit::organisation::special;

use crate::client::{Client, Reply, described};

/// What the tour meets and the cut description has not.
const ABSENT: &[&str] = &["agentUser", "appRole", "servicePrincipal/appRoleAssignments", "verifiedDomain"];

fn witness() -> Option<Witness> {
    Witness::load().map_err(|not_run| eprintln!("{not_run}")).ok()
}

/// One of everything that the mock can be asked.
async fn tour(mock: &MockGraph, client: &Client) {
    let user = mock.user(fixed::ORDINARY).unwrap().id;
    let synced = mock.user_of_account(special::CHIEF).unwrap().id;
    let graph = mock.role_graph();
    let (group, unit) = (graph.groups[0].id, graph.units[1].id);
    let select = "id,userPrincipalName,displayName,accountEnabled,userType,creationType,externalUserState,\
                  onPremisesSyncEnabled,onPremisesDomainName,onPremisesSamAccountName,onPremisesSecurityIdentifier,\
                  onPremisesImmutableId,onPremisesDistinguishedName,onPremisesLastSyncDateTime,\
                  lastPasswordChangeDateTime,signInSessionsValidFromDateTime,passwordPolicies,passwordProfile,\
                  assignedLicenses,identities,mail,otherMails,proxyAddresses,mobilePhone,preferredLanguage,\
                  isManagementRestricted,createdDateTime,signInActivity";
    let read = [
        "/organization".to_owned(),
        "/domains".into(),
        "/users".into(),
        format!("/users?$select={select}&$top=50"),
        format!("/users/{user}?$expand=manager($select=id,displayName)"),
        format!("/users/{synced}?$select={select}"),
        "/users/delta?$select=id,displayName".into(),
        "/roleManagement/directory/roleDefinitions".into(),
        "/roleManagement/directory/roleAssignments?$expand=principal".into(),
        "/roleManagement/directory/roleAssignments?$expand=roleDefinition".into(),
        "/roleManagement/directory/roleAssignments?$expand=directoryScope".into(),
        "/roleManagement/directory/roleAssignmentScheduleInstances".into(),
        "/roleManagement/directory/roleEligibilityScheduleInstances".into(),
        "/directoryRoles".into(),
        "/directoryRoles(roleTemplateId='62e90394-69f5-4237-9190-012177145e10')/members".into(),
        "/directoryRoles(roleTemplateId='fe930be7-5e62-47db-91af-98c3a49a38b1')/scopedMembers".into(),
        "/groups?$filter=isAssignableToRole eq true&$select=id,displayName,isAssignableToRole".into(),
        format!("/groups/{group}"),
        format!("/groups/{group}/members"),
        format!("/groups/{group}/transitiveMembers"),
        format!("/groups/{group}/owners"),
        format!("/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances?$filter=groupId eq '{group}'"),
        format!(
            "/identityGovernance/privilegedAccess/group/assignmentScheduleInstances?$filter=groupId eq '{}'",
            graph.groups[3].id
        ),
        "/directory/administrativeUnits".into(),
        format!("/directory/administrativeUnits/{unit}/members"),
        format!("/directory/administrativeUnits/{unit}/scopedRoleMembers"),
        "/servicePrincipals".into(),
        format!("/servicePrincipals/{}/owners", graph.service_principals[0].id),
        format!("/servicePrincipals/{}/appRoleAssignments", mock.service_principal()),
        "/identityProtection/riskyUsers".into(),
        format!("/identityProtection/riskyUsers/{user}"),
        "/reports/authenticationMethods/userRegistrationDetails".into(),
        format!("/reports/authenticationMethods/userRegistrationDetails/{user}"),
        format!("/users/{user}/authentication/methods"),
        format!("/users/{user}/authentication/phoneMethods"),
    ];
    for path in &read {
        let reply = client.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
    }
    // Every kind of method that anybody has.
    for user in mock.users().filter(|user| mock.enrolled(&user.id).len() > 2).take(60) {
        client.get(&format!("/users/{}/authentication/methods", user.id)).await;
    }
    client.get_eventual("/users/$count").await;
    client.get_eventual(&format!("/groups/{group}/transitiveMembers/microsoft.graph.user?$count=true")).await;
    client.set(user, "Zq7-bcdfghjkmnp").await;
    client.patch(&format!("/users/{user}"), &json!({ "accountEnabled": false })).await;
    client.revoke(user).await;
    let passes = format!("/users/{user}/authentication/temporaryAccessPassMethods");
    let made = client.post(&passes, &json!({ "lifetimeInMinutes": 60, "isUsableOnce": true })).await;
    assert_eq!(made.status, 201);
    client.get(&passes).await;
    let pass = format!("{passes}/{}", made.body["id"].as_str().unwrap());
    Reply::of(client.request(Method::DELETE, &pass).send().await.unwrap()).await;
    for action in ["confirmCompromised", "dismiss"] {
        client.post(&format!("/identityProtection/riskyUsers/{action}"), &json!({ "userIds": [user] })).await;
    }
    client.post("/directoryObjects/getByIds", &json!({ "ids": [user], "types": ["user"] })).await;
    let batch = json!({ "requests": [
        { "id": "1", "method": "PATCH", "url": format!("/users/{user}"), "headers": { "Content-Type": "application/json" },
          "body": { "passwordProfile": { "password": "Zq7-qrstvwxyz", "forceChangePasswordNextSignIn": true } } },
        { "id": "2", "method": "POST", "url": format!("/users/{user}/revokeSignInSessions"), "dependsOn": ["1"],
          "headers": { "Content-Type": "application/json" }, "body": {} },
        { "id": "3", "method": "GET", "url": format!("/users/{user}?$select=id,lastPasswordChangeDateTime") },
    ] });
    assert_eq!(client.post("/$batch", &batch).await.status, 200);
}

async fn recorded() -> Vec<Exchange> {
    let mock = described().recording().without_quotas().start().await.unwrap();
    let client = Client::new(&mock).await;
    tour(&mock, &client).await;
    let exchanges = mock.exchanges();
    assert!(exchanges.len() > 50, "{}", exchanges.len());
    exchanges
}

#[tokio::test]
async fn what_is_asked_and_answered_fits_microsofts_metadata() {
    let Some(witness) = witness() else { return };
    let found = witness.findings(&recorded().await);
    assert!(found.mistakes.is_empty(), "{}", found.mistakes.join("\n"));
    let absent: BTreeSet<String> = ABSENT.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(found.absent, absent, "of these nothing is known");
}

/// A mistake in an exchange that was right, and what the witness says of it.
type Planted = (&'static str, fn(&mut Exchange) -> bool, &'static str);

#[tokio::test]
async fn a_planted_mistake_is_found() {
    let Some(witness) = witness() else { return };
    let exchanges = recorded().await;
    let planted: &[Planted] = &[
        ("a misspelt property of an answer", misspell_answer, "user has no property 'displayname'"),
        ("a misspelt property of a body", misspell_body, "passwordProfile has no property 'forceChangePassword'"),
        ("a misspelt property of $select", misspell_select, "$select: user has no property 'accountEnable'"),
        ("a wrong enum value", wrong_enum, "'riskLevel' is no riskLevel: \"severe\""),
        ("a wrong type", wrong_type, "'accountEnabled' is no Edm.Boolean: \"false\""),
        ("a moment that is none", wrong_moment, "'createdDateTime' is no Edm.DateTimeOffset"),
        ("an action that does not exist", wrong_action, "'revokeSessions' on user"),
        ("an action on a collection that does not exist", wrong_bound_action, "'confirm' on a collection of riskyUser"),
        ("a parameter that does not exist", wrong_parameter, "the operation has no parameter 'users'"),
        ("a set that does not exist", wrong_set, "nothing is called 'user'"),
        ("a type that does not belong there", wrong_odata_type, "'group' is no authenticationMethod"),
        ("a mistake within a batch", wrong_part, "user has no property 'accountEnable'"),
    ];
    for (what, plant, expected) in planted {
        let mut exchanges = exchanges.clone();
        assert!(exchanges.iter_mut().any(plant), "nothing to plant in: {what}");
        let found = witness.findings(&exchanges).mistakes;
        assert!(found.iter().any(|mistake| mistake.contains(expected)), "{what}: {found:?}");
    }
}

fn misspell_answer(exchange: &mut Exchange) -> bool {
    if exchange.path != "/v1.0/users" {
        return false;
    }
    let row = exchange.answer["value"][0].as_object_mut().unwrap();
    let value = row.remove("displayName").unwrap();
    row.insert("displayname".into(), value);
    true
}

fn misspell_body(exchange: &mut Exchange) -> bool {
    match exchange.body.get_mut("passwordProfile").and_then(Value::as_object_mut) {
        Some(profile) => profile.insert("forceChangePassword".into(), true.into()).is_none(),
        None => false,
    }
}

fn misspell_select(exchange: &mut Exchange) -> bool {
    let right = exchange.query.as_ref().is_some_and(|query| query.contains("accountEnabled"));
    exchange.query = exchange.query.take().map(|query| query.replace("accountEnabled", "accountEnable"));
    right
}

fn wrong_enum(exchange: &mut Exchange) -> bool {
    let listing = exchange.path == "/v1.0/identityProtection/riskyUsers" && exchange.method == "GET";
    if listing {
        exchange.answer["value"][0]["riskLevel"] = "severe".into();
    }
    listing
}

fn wrong_type(exchange: &mut Exchange) -> bool {
    let disabling = exchange.body.get("accountEnabled").is_some();
    if disabling {
        exchange.body["accountEnabled"] = "false".into();
    }
    disabling
}

fn wrong_moment(exchange: &mut Exchange) -> bool {
    let methods = exchange.path.ends_with("/authentication/methods");
    if methods {
        exchange.answer["value"][0]["createdDateTime"] = "2020-03-19T12-01-03.45Z".into();
    }
    methods
}

fn wrong_action(exchange: &mut Exchange) -> bool {
    let revoking = exchange.path.ends_with("/revokeSignInSessions");
    exchange.path = exchange.path.replace("revokeSignInSessions", "revokeSessions");
    revoking
}

fn wrong_bound_action(exchange: &mut Exchange) -> bool {
    let confirming = exchange.path.ends_with("/confirmCompromised");
    exchange.path = exchange.path.replace("confirmCompromised", "confirm");
    confirming
}

fn wrong_parameter(exchange: &mut Exchange) -> bool {
    let dismissing = exchange.path.ends_with("/dismiss");
    if dismissing {
        exchange.body = json!({ "users": [] });
    }
    dismissing
}

fn wrong_set(exchange: &mut Exchange) -> bool {
    let users = exchange.path == "/v1.0/users";
    if users {
        exchange.path = "/v1.0/user".into();
    }
    users
}

fn wrong_odata_type(exchange: &mut Exchange) -> bool {
    let methods = exchange.path.ends_with("/authentication/methods");
    if methods {
        exchange.answer["value"][0]["@odata.type"] = "#microsoft.graph.group".into();
    }
    methods
}

fn wrong_part(exchange: &mut Exchange) -> bool {
    let batch = exchange.path == "/v1.0/$batch";
    if batch {
        exchange.body["requests"][0]["body"] = json!({ "accountEnable": false });
    }
    batch
}
