//! Who holds which role, read as an independent client reads it, against the truth.

use std::collections::{BTreeMap, BTreeSet};

use identity_core::privilege::Tier;
use serde_json::Value;
use testkit::mock_okta::{AdminAssignment, AdminRole, Bucket, Principal, fixed};
use testkit::organisation::special;

use crate::client::{Client, begun, described, with};

/// Every row of a listing whose next page is named in the body only.
async fn all_in_body(client: &Client, path: &str, name: &str) -> Vec<Value> {
    let (mut rows, mut next, mut pages) = (Vec::new(), Some(path.to_owned()), 0);
    while let Some(path) = next {
        let reply = client.get(&path).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert!(reply.lines("link").is_empty(), "the next page is in the body only");
        rows.extend(reply.body[name].as_array().unwrap().iter().cloned());
        next = reply.body["_links"]["next"]["href"].as_str().map(str::to_owned);
        pages += 1;
        assert!(pages < 100);
    }
    rows
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn assignees_are_all_who_hold_a_role_by_whatever_route_in_pages_of_the_body() {
    let (mock, client) = begun();
    let rows = all_in_body(&client, "/api/v1/iam/assignees/users?limit=3", "value").await;
    let ids: Vec<&str> = rows.iter().map(|row| text(row, "id")).collect();
    let expected = mock.administrators();
    assert_eq!(ids, expected);
    assert!(expected.len() > 10, "{}", expected.len());
    let by_group = mock.user_of_account(special::NESTED_ONCE).unwrap();
    assert!(ids.contains(&by_group.id.as_str()));
    assert!(!ids.contains(&mock.user(fixed::ORDINARY).unwrap().id.as_str()));
    assert_eq!(rows[0]["orn"], format!("orn:okta:directory:{}:users:{}", mock.org_id(), ids[0]));
    let used = mock.buckets().into_iter().find(|one| one.bucket == Bucket::Iam).unwrap();
    assert_eq!(used.used, (expected.len() as u64).div_ceil(3));
    let wrong = client.get("/api/v1/iam/assignees/users?after=200u+x%3D%3D").await;
    assert_eq!(wrong.refusal(), (400, "E0000001"));
}

/// What a client makes of the roles of every assignee, by user: type or id of the role, and the group.
async fn reading(client: &Client) -> BTreeMap<String, BTreeSet<(String, Option<String>, Option<String>)>> {
    let mut found: BTreeMap<String, BTreeSet<_>> = BTreeMap::new();
    for row in all_in_body(client, "/api/v1/iam/assignees/users", "value").await {
        let id = text(&row, "id").to_owned();
        let roles = client.get(&format!("/api/v1/users/{id}/roles")).await;
        for role in roles.rows() {
            let assignee = role["_links"]["assignee"]["href"].as_str().unwrap();
            let group = match text(role, "assignmentType") {
                "GROUP" => Some(assignee.rsplit('/').next().unwrap().to_owned()),
                _ => {
                    assert!(assignee.ends_with(&id));
                    None
                }
            };
            let held = match text(role, "type") {
                "CUSTOM" => text(role, "role"),
                standard => standard,
            };
            let set = role["resource-set"].as_str().map(str::to_owned);
            found.entry(id.clone()).or_default().insert((held.to_owned(), group, set));
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn roles_of_users_come_to_the_truth() {
    let (mock, client) = with(described().without_quotas());
    let read = reading(&client).await;
    let permissions: BTreeMap<String, Vec<String>> =
        mock.admin_graph().custom_roles.into_iter().map(|role| (role.id, role.permissions)).collect();
    let harmless = |role: &str| {
        let only = |all: &Vec<String>| all.iter().all(|one| one.ends_with(".read"));
        permissions.get(role).is_some_and(only)
    };
    let mut controls = 0;
    for user in mock.users() {
        let truth = mock.privilege(&user.id).unwrap();
        let routes: BTreeSet<_> =
            truth.routes.iter().map(|one| (one.role.clone(), one.group.clone(), one.resource_set.clone())).collect();
        let mut expected = read.get(&user.id).cloned().unwrap_or_default();
        expected.retain(|(role, _, _)| !harmless(role));
        assert_eq!(expected, routes, "{}", user.login);
        controls += usize::from(truth.tier == Tier::Control);
    }
    assert!(controls >= 7, "{controls}");
    let tier = |account: u64| mock.privilege(&mock.user_of_account(account).unwrap().id).unwrap().tier;
    assert_eq!(tier(special::NESTED_ONCE), Tier::Control, "by a group");
    assert_eq!(tier(special::DNS_ADMIN), Tier::Management, "a custom role that resets passwords");
    assert_eq!(tier(special::PRINT_OPERATOR), Tier::User, "a custom role that only reads");
    assert_eq!(tier(special::SCHEMA_ADMIN), Tier::Control, "a custom role over sign-in policies");
}

#[tokio::test(start_paused = true)]
async fn bindings_and_groups_lead_to_the_same_holders() {
    let (mock, client) = begun();
    let mut bound = BTreeSet::new();
    for set in all_in_body(&client, "/api/v1/iam/resource-sets", "resource-sets").await {
        let own = format!("/api/v1/iam/resource-sets/{}", text(&set, "id"));
        for role in all_in_body(&client, &format!("{own}/bindings"), "roles").await {
            let members = format!("{own}/bindings/{}/members", text(&role, "id"));
            for member in all_in_body(&client, &members, "members").await {
                let href = member["_links"]["self"]["href"].as_str().unwrap().to_owned();
                bound.insert((text(&role, "id").to_owned(), text(&set, "id").to_owned(), href));
            }
        }
    }
    let expected: BTreeSet<_> = mock
        .admin_graph()
        .assignments
        .iter()
        .filter_map(|one| {
            let AdminRole::Custom { role, resource_set } = &one.role else { return None };
            let path = match &one.principal {
                Principal::User(number) => format!("/api/v1/users/{}", mock.user(*number).unwrap().id),
                Principal::Group(id) => format!("/api/v1/groups/{id}"),
                Principal::Client(id) => format!("/oauth2/v1/clients/{id}"),
            };
            Some((role.clone(), resource_set.clone(), format!("{}{path}", mock.url())))
        })
        .collect();
    assert_eq!(bound, expected);
    assert!(bound.len() >= 5);
    for group in client.all("/api/v1/groups?expand=stats").await {
        let roles = client.get(&format!("/api/v1/groups/{}/roles", text(&group, "id"))).await;
        assert!(roles.rows().iter().all(|role| role["assignmentType"] == "GROUP"));
        assert_eq!(group["_embedded"]["stats"]["hasAdminPrivlege"], !roles.rows().is_empty());
    }
    let client_id = &mock.admin_graph().clients[0].id;
    let roles = client.get(&format!("/oauth2/v1/clients/{client_id}/roles")).await;
    assert_eq!((&roles.body[0]["type"], &roles.body[0]["assignmentType"]), (&"USER_ADMIN".into(), &"CLIENT".into()));
    assert_eq!(client.get("/oauth2/v1/clients/0oanobody/roles").await.refusal(), (404, "E0000007"));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_given_behind_the_runs_back_is_seen_and_protects() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    mock.set_caller_roles(["USER_ADMIN"]);
    assert_eq!(client.operate(&user, "lifecycle/expire_password").await.status, 200);
    let group = mock.admin_graph().groups[2].id.clone();
    mock.change_admin_graph(|graph| graph.groups[2].members.push(user.number));
    assert_eq!(client.operate(&user, "lifecycle/expire_password").await.refusal(), (403, "E0000006"));
    mock.set_caller_roles(["SUPER_ADMIN"]);
    let roles = client.get(&format!("/api/v1/users/{}/roles", user.id)).await;
    assert_eq!(
        (&roles.body[0]["type"], &roles.body[0]["assignmentType"]),
        (&"HELP_DESK_ADMIN".into(), &"GROUP".into())
    );
    let assignee = roles.body[0]["_links"]["assignee"]["href"].as_str().unwrap();
    assert!(assignee.ends_with(&format!("/api/v1/groups/{group}")));
    mock.change_admin_graph(|graph| {
        graph.groups[2].members.retain(|number| *number != user.number);
        let role = AdminRole::Standard("APP_ADMIN".into());
        graph.assignments.push(AdminAssignment { principal: Principal::User(user.number), role });
    });
    let roles = client.get(&format!("/api/v1/users/{}/roles", user.id)).await;
    assert_eq!((roles.rows().len(), &roles.body[0]["id"]), (1, &"IFIFAX2BIRGUSTQ".into()));
}

#[tokio::test(start_paused = true)]
async fn who_may_not_read_roles_is_told_so() {
    let (mock, client) = begun();
    mock.set_caller_roles(["HELP_DESK_ADMIN"]);
    for path in ["/api/v1/iam/assignees/users", "/api/v1/iam/roles", "/api/v1/users/me/roles", "/oauth2/v1/clients"] {
        assert_eq!(client.get(path).await.refusal(), (403, "E0000006"), "{path}");
    }
    mock.set_caller_roles(["READ_ONLY_ADMIN"]);
    assert_eq!(client.get("/api/v1/iam/assignees/users").await.status, 200);
}
