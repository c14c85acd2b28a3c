//! Listing users: what is shown, page after page, filtered and counted.

use std::collections::BTreeSet;

use testkit::mock_graph::{OverTop, Sort, fixed};

use crate::client::{connect, described, started};

const DEFAULTS: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

#[tokio::test]
async fn without_select_only_the_default_properties_are_shown() {
    let (_mock, client) = started().await;
    let reply = client.get("/users").await;
    assert_eq!(reply.rows().len(), 100, "the page without a size");
    for row in reply.rows().iter().filter(|row| row.get("@odata.type").is_none()) {
        let names: Vec<&String> = row.as_object().unwrap().keys().collect();
        let shown: BTreeSet<&str> = names.iter().map(|name| name.as_str()).collect();
        assert_eq!(shown, DEFAULTS.into_iter().collect());
    }
    assert!(reply.body["@odata.context"].as_str().unwrap().ends_with("/v1.0/$metadata#users"));
    assert_eq!(reply.header("x-ms-resource-unit"), Some("2"));
    for name in ["request-id", "client-request-id", "date", "x-ms-ags-diagnostic"] {
        assert!(reply.header(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn select_shows_what_it_names_and_costs_less() {
    let (_mock, client) = started().await;
    let reply = client.get("/users?$select=id,accountEnabled&$top=50").await;
    assert_eq!(reply.header("x-ms-resource-unit"), Some("1"));
    assert_eq!(reply.rows().len(), 50);
    let first = reply.rows()[0].as_object().unwrap();
    assert_eq!(first.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(["id", "accountEnabled"]));
    assert!(reply.body["@odata.context"].as_str().unwrap().ends_with("#users(id,accountEnabled)"));
    let next = reply.body["@odata.nextLink"].as_str().unwrap();
    assert!(next.contains("$select=id,accountEnabled&$top=50&$skiptoken="), "{next}");
}

#[tokio::test]
async fn following_the_links_gives_everybody_once_and_some_pages_are_empty() {
    let (mock, client) = connect(described().empty_page_every(3)).await;
    let (rows, empty) = client.all("/users?$select=id,userPrincipalName&$top=10").await;
    let listed: Vec<String> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    let there: BTreeSet<String> = mock.users().map(|user| user.id.to_string()).collect();
    assert_eq!(listed.len(), there.len(), "nobody twice");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), there);
    assert!(empty >= 3, "{empty} pages were empty");
    assert_eq!(mock.len(), there.len() as u64);
}

#[tokio::test]
async fn a_link_belongs_to_its_query() {
    let (_mock, client) = started().await;
    let reply = client.get("/users?$top=10").await;
    let token = reply.body["@odata.nextLink"].as_str().unwrap().split("$skiptoken=").nth(1).unwrap().to_owned();
    assert_eq!(client.get(&format!("/users?$top=10&$skiptoken={token}")).await.status, 200);
    for path in [
        format!("/users?$top=11&$skiptoken={token}"),
        format!("/users?$top=10&$select=id&$skiptoken={token}"),
        format!("/users?$top=10&$skiptoken={}", &token[..token.len() - 2]),
        format!("/users/delta?$skiptoken={token}"),
    ] {
        let status = client.get(&path).await.status;
        assert!(status == 400 || status == 410, "{path}: {status}");
    }
}

#[tokio::test]
async fn what_a_listing_does_not_know_is_refused() {
    let (_mock, client) = started().await;
    for path in [
        "/users?$skip=10",
        "/users?$top=0",
        "/users?$top=1000",
        "/users?$top=ten",
        "/users?$top=10&$top=20",
        "/users?$select=nobody",
        "/users?$select=id,ID",
        "/users?$expand=registeredDevices",
        "/users?$expand=manager($levels=max)",
        "/users?$expand=manager($select=nobody)",
        "/users?$search=\"displayName:x\"",
        "/users?select=id",
        "/users?page=2",
        "/users?$filter=lastPasswordChangeDateTime ge 2026-01-01T00:00:00Z",
        "/users?$filter=contains(displayName,'a')",
        "/users?$filter=displayName eq",
        "/users?$orderby=createdDateTime",
        "/users?$select=id&$skiptoken=x",
    ] {
        assert_eq!(client.get(path).await.status, 400, "{path}");
    }
    for name in ["aboutMe", "birthday", "mailboxSettings", "skills"] {
        assert_eq!(client.get(&format!("/users?$select=id,{name}")).await.status, 501, "{name}");
    }
    assert_eq!(client.get("/nobody").await.status, 400);
    assert_eq!(client.get("/../beta/users").await.status, 400);
}

#[tokio::test]
async fn a_page_above_the_most_can_be_clamped_instead() {
    let (mock, client) = connect(described().over_top(OverTop::Clamped).empty_page_every(0)).await;
    let reply = client.get("/users?$top=5000").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.rows().len() as u64, mock.len().min(999));
}

#[tokio::test]
async fn filters_without_further_ado() {
    let (mock, client) = started().await;
    let ids = |rows: &[serde_json::Value]| -> BTreeSet<String> {
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let expected = |fits: &dyn Fn(&testkit::mock_graph::CloudUser) -> bool| -> BTreeSet<String> {
        mock.users().filter(|user| fits(user)).map(|user| user.id.to_string()).collect()
    };
    let (rows, _) = client.all("/users?$filter=accountEnabled eq false").await;
    let disabled = expected(&|user| !user.enabled);
    assert_eq!(ids(&rows), disabled);
    assert!(!disabled.is_empty());
    let (rows, _) = client.all("/users?$filter=userType eq 'Guest'").await;
    assert_eq!(ids(&rows), expected(&|user| matches!(user.sort, Sort::Guest(_) | Sort::InternalGuest)));
    let (rows, _) = client.all("/users?$filter=onPremisesSyncEnabled eq true and accountEnabled eq true").await;
    assert_eq!(ids(&rows), expected(&|user| user.on_prem.is_some() && user.enabled));
    let (rows, _) = client.all("/users?$filter=startswith(userPrincipalName,'emergency')").await;
    assert_eq!(rows.len(), 2);
    let apostrophe = mock.user(fixed::APOSTROPHE).unwrap();
    let name = apostrophe.principal_name.replace('\'', "''");
    let (rows, _) = client.all(&format!("/users?$filter=userPrincipalName eq '{name}'")).await;
    assert_eq!(ids(&rows), BTreeSet::from([apostrophe.id.to_string()]));
    let both = format!("/users?$filter=id in ('{}','{}')", apostrophe.id, mock.user(fixed::ROOM).unwrap().id);
    assert_eq!(client.all(&both).await.0.len(), 2);
}

#[tokio::test]
async fn advanced_queries_need_the_header_and_the_count_on_every_page() {
    let (mock, client) = started().await;
    for path in [
        "/users?$count=true",
        "/users?$filter=accountEnabled ne true",
        "/users?$filter=accountEnabled ne true&$count=true",
        "/users?$filter=endswith(mail,'.test')&$count=true",
        "/users?$filter=not(accountEnabled eq true)&$count=true",
        "/users?$filter=accountEnabled eq true&$orderby=displayName",
        "/users/$count",
    ] {
        assert_eq!(client.get(path).await.refusal(), (400, "Request_UnsupportedQuery"), "{path}");
    }
    assert_eq!(client.get_eventual("/users?$filter=accountEnabled ne true").await.status, 400, "without $count");
    let first = client.get_eventual("/users?$count=true&$top=10&$orderby=displayName").await;
    assert_eq!(first.body["@odata.count"], mock.len());
    let next = first.body["@odata.nextLink"].as_str().unwrap();
    assert_eq!(client.get(next).await.status, 400, "the header is to be sent again");
    let second = client.get_eventual(next).await;
    assert_eq!(second.status, 200);
    assert!(second.body.get("@odata.count").is_none(), "only the first page is counted");
    let names: Vec<String> =
        first.rows().iter().map(|row| row["displayName"].as_str().unwrap().to_lowercase()).collect();
    assert!(names.is_sorted(), "{names:?}");
    let count = client.get_eventual("/users/$count").await;
    assert_eq!(count.text, mock.len().to_string());
    assert_eq!(count.header("content-type"), Some("text/plain"));
    let disabled = mock.users().filter(|user| !user.enabled).count().to_string();
    assert_eq!(client.get_eventual("/users/$count?$filter=accountEnabled eq false").await.text, disabled);
    assert_eq!(client.get_eventual("/users?$filter=accountEnabled ne true&$count=true").await.status, 200);
}

#[tokio::test]
async fn the_other_code_of_an_unsupported_query_can_be_had() {
    let (_mock, client) = connect(described().other_codes()).await;
    assert_eq!(client.get("/users?$count=true").await.refusal(), (400, "Request_BadRequest"));
}

#[tokio::test]
async fn sign_ins_need_a_permission_a_licence_and_smaller_pages() {
    let path = "/users?$select=id,signInActivity&$top=500";
    let (mock, client) = connect(described().without_quotas()).await;
    let reply = client.get(path).await;
    assert_eq!(reply.status, 200);
    let never = mock.users().filter(|user| user.last_sign_in.is_none()).count();
    let shown = client.all(path).await.0;
    assert!(never > 0);
    let absent = shown.iter().filter(|row| row.get("signInActivity").is_none()).count();
    assert_eq!(absent, never, "who never signed in has no such property");
    assert_eq!(client.get("/users?$select=id,signInActivity&$top=501").await.status, 400);
    let ordinary = mock.user(fixed::ORDINARY).unwrap();
    let by = |name: &str| format!("/users/{name}?$select=id,signInActivity");
    assert_eq!(client.get(&by(&ordinary.id.to_string())).await.status, 200);
    assert_eq!(client.get(&by(&ordinary.principal_name)).await.status, 400, "only by object id");
    let (_mock, client) = connect(described().without_permission("AuditLog.Read.All")).await;
    assert_eq!(client.get(path).await.refusal(), (403, "Authorization_RequestDenied"));
    let (_mock, client) = connect(described().without_premium()).await;
    let licence = (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant");
    assert_eq!(client.get(path).await.refusal(), licence);
}

#[tokio::test]
async fn user_objects_of_agents_say_that_they_are_none_of_persons() {
    let (mock, client) = started().await;
    let agent = mock.user(fixed::AGENT).unwrap();
    let (rows, _) = client.all("/users?$select=id").await;
    let typed: Vec<_> = rows.iter().filter(|row| row.get("@odata.type").is_some()).collect();
    assert_eq!(typed.len(), 1);
    assert_eq!(typed[0]["@odata.type"], "#microsoft.graph.agentUser");
    assert_eq!(typed[0]["id"], agent.id.to_string());
}

#[tokio::test]
async fn a_listing_needs_the_permission_to_read() {
    let (_mock, client) = connect(described().without_permission("User.Read.All")).await;
    assert_eq!(client.get("/users").await.refusal(), (403, "Authorization_RequestDenied"));
}

#[tokio::test]
async fn the_manager_is_shown_when_it_is_asked_for() {
    let (mock, client) = started().await;
    let path = "/users?$select=id&$expand=manager($select=id,userPrincipalName,mail)&$top=999";
    let reply = client.get(path).await;
    assert_eq!(reply.header("x-ms-resource-unit"), Some("2"), "one more");
    let mut shown = 0;
    for row in client.all(path).await.0 {
        let user = mock.user_by_id(&row["id"].as_str().unwrap().parse().unwrap()).unwrap();
        let manager = user.manager.and_then(|number| mock.user(number));
        assert_eq!(row.get("manager").is_some(), manager.is_some(), "{}", user.principal_name);
        if let Some(manager) = manager {
            assert_eq!(row["manager"]["userPrincipalName"], manager.principal_name);
            assert_eq!(row["manager"]["@odata.type"], "#microsoft.graph.user");
            assert!(row["manager"].get("displayName").is_none());
            shown += 1;
        }
    }
    assert!(shown > 100, "{shown}");
    assert_eq!(client.get_eventual(&format!("{path}&$count=true")).await.status, 400, "not with advanced queries");
}
