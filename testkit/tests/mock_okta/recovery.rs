//! How people get back in: groups, password policies with their rules, and what was enrolled.

use std::collections::BTreeSet;

use testkit::mock_okta::{Bucket, fixed};

use crate::client::{begun, described, with};

#[tokio::test(start_paused = true)]
async fn groups_are_listed_searched_and_walked() {
    let (mock, client) = begun();
    let graph = mock.admin_graph();
    let rows = client.all("/api/v1/groups?limit=2").await;
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, graph.groups.iter().map(|group| group.id.as_str()).collect::<Vec<_>>());
    let found =
        client.get("/api/v1/groups?search=profile.name%20sw%20%22tier%22%20and%20type%20eq%20%22OKTA_GROUP%22").await;
    assert_eq!(found.rows().len(), 0, "as they are written");
    let found =
        client.get("/api/v1/groups?search=profile.name%20sw%20%22Tier%22%20and%20type%20eq%20%22OKTA_GROUP%22").await;
    assert_eq!(found.body[0]["id"], graph.groups[1].id.as_str());
    let staff = &graph.groups[4];
    let members = client.all(&format!("/api/v1/groups/{}/users?limit=100", staff.id)).await;
    let ids: Vec<&str> = members.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let expected: Vec<String> = staff.members.iter().map(|number| mock.user(*number).unwrap().id).collect();
    assert_eq!(ids, expected);
    assert!(ids.len() > 200, "{}", ids.len());
    let used = mock.buckets().into_iter().find(|one| one.bucket == Bucket::Groups).unwrap();
    assert_eq!(used.used, 3 + 2 + 3, "pages and searches");
    let everyone = client.all(&format!("/api/v1/groups/{}/users", graph.groups[0].id)).await;
    assert_eq!(everyone.len() as u64, mock.len());
    let gone = mock.user(staff.members[7]).unwrap();
    mock.delete(&gone.id).unwrap();
    assert_eq!(client.all(&format!("/api/v1/groups/{}/users", staff.id)).await.len(), ids.len() - 1);
    let own = client.get(&format!("/api/v1/users/{}/groups", mock.user(fixed::WITH_QUESTION).unwrap().id)).await;
    let names: Vec<&str> = own.rows().iter().map(|row| row["profile"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Everyone", "Service desk", "Staff"]);
    assert_eq!(client.get("/api/v1/groups?search=colour%20eq%20%22x%22").await.refusal(), (400, "E0000031"));
}

#[tokio::test(start_paused = true)]
async fn policies_say_what_recovers_and_rules_say_whom() {
    let (mock, client) = begun();
    assert_eq!(client.get("/api/v1/policies").await.refusal(), (400, "E0000001"), "a type has to be named");
    assert_eq!(client.get("/api/v1/policies?type=MFA_ENROLL").await.rows().len(), 0);
    let listed = client.get("/api/v1/policies?type=PASSWORD").await;
    let policies = mock.password_policies();
    assert_eq!(listed.rows().len(), policies.len());
    for (at, (row, policy)) in listed.rows().iter().zip(&policies).enumerate() {
        assert_eq!(row["priority"], at + 1);
        let email = &row["settings"]["recovery"]["factors"]["okta_email"]["status"];
        let active = policy.recovery.iter().any(|one| one == "okta_email");
        assert_eq!(email, if active { "ACTIVE" } else { "INACTIVE" });
        let rules = client.get(row["_links"]["rules"]["href"].as_str().unwrap()).await;
        let access = &rules.body[0]["actions"]["selfServicePasswordReset"]["access"];
        assert_eq!(access, if policy.self_service { "ALLOW" } else { "DENY" });
        let rule = client.get(rules.body[0]["_links"]["self"]["href"].as_str().unwrap()).await;
        assert_eq!(rule.body, rules.body[0]);
    }
    assert_eq!(listed.body[4]["system"], true);
    let active = client.get("/api/v1/policies?type=PASSWORD&status=ACTIVE").await;
    assert_eq!(active.rows().len(), policies.len() - 1);
    mock.change_password_policies(|policies| policies[1].methods = None);
    let rules = client.get(&format!("/api/v1/policies/{}/rules", policies[1].id)).await;
    assert!(rules.body[0]["actions"]["selfServicePasswordReset"].get("requirement").is_none());
    assert_eq!(client.get("/api/v1/policies/00pnobody/rules").await.refusal(), (404, "E0000007"));
}

#[tokio::test(start_paused = true)]
async fn factors_are_there_until_they_are_reset() {
    let (mock, client) = with(described().without_quotas());
    let (mut kinds, mut statuses) = (BTreeSet::new(), BTreeSet::new());
    for user in mock.users() {
        let listed = client.get(&format!("/api/v1/users/{}/factors", user.id)).await;
        let ids: Vec<&str> = listed.rows().iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(ids, mock.factors(&user.id).iter().map(|factor| factor.id.as_str()).collect::<Vec<_>>());
        for row in listed.rows() {
            kinds.insert(row["factorType"].as_str().unwrap().to_owned());
            statuses.insert(row["status"].as_str().unwrap().to_owned());
        }
    }
    let all = ["email", "push", "question", "signed_nonce", "sms", "token:software:totp", "webauthn"];
    assert_eq!(kinds, all.iter().map(|kind| (*kind).to_owned()).collect());
    assert!(statuses.contains("ACTIVE") && statuses.len() > 1, "{statuses:?}");
    let many = |user: &testkit::mock_okta::OktaUser| mock.factors(&user.id).len() > 2 && user.roles.is_empty();
    let user = mock.users().find(|user| user.has_okta_password() && many(user)).unwrap();
    let one = format!("/api/v1/users/{}/factors/{}", user.id, mock.factors(&user.id)[0].id);
    assert_eq!(client.get(&one).await.status, 200);
    assert_eq!(client.operate(&user, "lifecycle/reset_factors").await.status, 200);
    assert_eq!(client.get(&one).await.refusal(), (404, "E0000007"));
    assert!(mock.factors(&user.id).is_empty());
    let gated = client.get(&format!("/api/v1/users/{}/authenticator-enrollments", user.id)).await;
    assert_eq!(gated.refusal(), (401, "E0000015"), "licensed apart");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_told_of_and_can_be_given_up() {
    let (mock, client) = begun();
    let listed = client.get("/api/v1/api-tokens").await;
    assert_eq!(listed.body[0]["id"], mock.api_token_id().as_str());
    assert_eq!(listed.body[0]["userId"], mock.user(fixed::RUNNER).unwrap().id.as_str());
    assert_eq!(client.get("/api/v1/org").await.body["id"], mock.org_id().as_str());
    assert_eq!(client.send("DELETE", "/api/v1/api-tokens/current").await.status, 204);
    assert_eq!(client.get("/api/v1/api-tokens").await.refusal(), (401, "E0000011"));
}
