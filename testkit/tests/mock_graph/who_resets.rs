//! Who may reset whom: every cell of Microsoft's matrix, restricted units, and roles for units.

use serde_json::json;
use testkit::mock_graph::{Holding, MockGraph, RoleAssignment, fixed};
use testkit::organisation::special;
use uuid::Uuid;

use crate::client::{Client, described};

const CALLERS: [&str; 6] = [
    "966707d0-3269-4727-9be2-8c3a10f19b9d",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8",
    "c4e39bd9-1100-46d3-8c65-fb160da0071f",
    "fe930be7-5e62-47db-91af-98c3a49a38b1",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
    "62e90394-69f5-4237-9190-012177145e10",
];
const GLOBAL: &str = CALLERS[5];
const USER_ADMINISTRATOR: &str = CALLERS[3];
/// What a target holds, and whether each caller may set its password (`y`) or not.
const MATRIX: &[(&str, &str)] = &[
    ("", "yyyyyy"),
    ("88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "yyyyyy"),
    ("95e79109-95c0-4d8e-aee3-d01accf2d47b", "yyyyyy"),
    ("966707d0-3269-4727-9be2-8c3a10f19b9d", "yyyyyy"),
    ("790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b", "-yyyyy"),
    ("4a5d8f65-41da-4de4-8968-e035b65339cf", "-yyyyy"),
    ("27460883-1df1-4691-b032-3b79643e5e63", "-yyyyy"),
    ("75934031-6c7e-415a-99d7-48dbd49e875e", "-yyyyy"),
    ("729827e3-9c14-49f7-bb1b-9608f156bbb8", "-y-yyy"),
    ("c4e39bd9-1100-46d3-8c65-fb160da0071f", "--y-yy"),
    ("fe930be7-5e62-47db-91af-98c3a49a38b1", "---yyy"),
    ("fdd7a751-b60b-444a-984c-02652fe8fa1c", "---yyy"),
    ("7be44c8a-adaf-4e2a-84d6-ab2649e08a13", "----yy"),
    ("e8611ab8-c189-46e8-94e1-60213ab1f814", "----yy"),
    ("62e90394-69f5-4237-9190-012177145e10", "----yy"),
    ("f2ef992c-3afb-46b9-b7cf-a126ee74c451", "----yy"),
];

/// Gives a user a role.
fn give(mock: &MockGraph, principal: Uuid, role: &str, unit: Option<Uuid>) {
    mock.change_role_graph(|graph| {
        graph.assignments.push(RoleAssignment { principal, role: role.into(), unit, how: Holding::Assigned });
    });
}

/// A new token, as after a change of the app's roles.
async fn client_with(mock: &MockGraph, roles: &[&str]) -> Client {
    mock.set_app_roles(roles.iter().copied());
    Client::new(mock).await
}

async fn allowed(client: &Client, user: Uuid) -> bool {
    match client.set(user, "Zq7-bcdfghjkmnp").await.refusal() {
        (204, _) => true,
        (403, "Authorization_RequestDenied") => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_cell_of_the_matrix_holds_for_passwords_and_sensitive_properties() {
    let mock = described().with_permission("User.ReadWrite.All").start().await.unwrap();
    let targets: Vec<(Uuid, &str, &str)> = MATRIX
        .iter()
        .enumerate()
        .map(|(at, (role, row))| {
            let user = mock.create(&format!("target-{at}"));
            if !role.is_empty() {
                give(&mock, user, role, None);
            }
            (user, *role, *row)
        })
        .collect();
    for (column, caller) in CALLERS.iter().enumerate() {
        let client = client_with(&mock, &[caller]).await;
        for (user, role, row) in &targets {
            let expected = row.as_bytes()[column] == b'y';
            assert_eq!(allowed(&client, *user).await, expected, "{caller} on {role}");
            // Sensitive properties: as passwords, but not for who may only set passwords.
            let sensitive = (expected && column >= 2) || role.is_empty();
            let disable = client.patch(&format!("/users/{user}"), &json!({ "accountEnabled": true })).await;
            assert_eq!(disable.status == 204, sensitive, "{caller} on {role}: {}", disable.text);
        }
    }
}

#[tokio::test]
async fn members_and_owners_of_role_assignable_groups_are_protected() {
    let mock = described().start().await.unwrap();
    for (roles, expected) in [(USER_ADMINISTRATOR, false), (GLOBAL, true)] {
        let client = client_with(&mock, &[roles]).await;
        for index in [special::NESTED_ONCE, special::NESTED_THREE_DEEP, special::PRIMARY_GROUP, special::SID_HISTORY] {
            let user = mock.user_of_account(index).unwrap().id;
            assert_eq!(allowed(&client, user).await, expected, "{index}");
        }
    }
    // Who could only activate a role is like anybody else until then.
    let client = client_with(&mock, &[USER_ADMINISTRATOR]).await;
    assert!(allowed(&client, mock.user_of_account(special::DISTRIBUTION).unwrap().id).await);
    assert!(!allowed(&client, mock.user_of_account(special::BACKUP_OPERATOR).unwrap().id).await);
}

#[tokio::test]
async fn a_restricted_unit_is_closed_to_roles_for_the_whole_tenant() {
    let mock = described().revoke_needs_role().start().await.unwrap();
    let target = mock.user(fixed::RESTRICTED).unwrap().id;
    let client = client_with(&mock, &[GLOBAL]).await;
    assert!(!allowed(&client, target).await);
    assert_eq!(client.revoke(target).await.status, 403);
    let board = mock.role_graph().units.iter().find(|unit| unit.restricted).unwrap().id;
    give(&mock, mock.service_principal(), USER_ADMINISTRATOR, Some(board));
    assert!(allowed(&client, target).await);
    assert_eq!(client.revoke(target).await.status, 200);
}

#[tokio::test]
async fn a_role_for_a_unit_reaches_its_members_without_roles_only() {
    let mock = described().start().await.unwrap();
    let client = client_with(&mock, &[]).await;
    let branch = mock.role_graph().units.iter().find(|unit| !unit.restricted).unwrap().id;
    let (inside, outside) = (mock.user(fixed::ORDINARY).unwrap().id, mock.user(fixed::NEVER_EXPIRES).unwrap().id);
    assert!(!allowed(&client, inside).await);
    give(&mock, mock.service_principal(), USER_ADMINISTRATOR, Some(branch));
    assert!(allowed(&client, inside).await);
    assert!(!allowed(&client, outside).await);
    give(&mock, inside, "88d8e3e3-8f55-4a1e-953a-9b9898b8876b", None);
    assert!(!allowed(&client, inside).await);
}

#[tokio::test]
async fn revoking_asks_for_a_role_only_where_that_is_chosen() {
    let mock = described().app_roles([]).start().await.unwrap();
    let client = Client::new(&mock).await;
    let admin = mock.user(fixed::USER_ADMIN).unwrap().id;
    assert_eq!(client.revoke(admin).await.status, 200);
    let mock = described().app_roles([]).revoke_needs_role().start().await.unwrap();
    let client = Client::new(&mock).await;
    let admin = mock.user(fixed::USER_ADMIN).unwrap().id;
    assert_eq!(client.revoke(admin).await.refusal(), (403, "Authorization_RequestDenied"));
    assert_eq!(client.revoke(mock.user(fixed::ORDINARY).unwrap().id).await.status, 200);
    // The matrix of passwords holds: the help desk may revoke for the help desk.
    let client = client_with(&mock, &[CALLERS[1]]).await;
    assert_eq!(client.revoke(mock.user(fixed::HELPDESK_ADMIN).unwrap().id).await.status, 200);
    assert_eq!(client.revoke(admin).await.status, 403);
}

#[tokio::test]
async fn a_token_keeps_the_roles_that_it_was_given_with() {
    let mock = described().app_roles([]).start().await.unwrap();
    let before = Client::new(&mock).await;
    let after = client_with(&mock, &[GLOBAL]).await;
    let user = mock.user(fixed::ORDINARY).unwrap().id;
    assert!(!allowed(&before, user).await);
    assert!(allowed(&after, user).await);
}
