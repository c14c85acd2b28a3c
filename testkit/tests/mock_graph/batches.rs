//! Several requests in one.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::fault::{Fault, FaultScript, When};
use testkit::mock_graph::{MockGraph, fixed};

use crate::client::{Client, Reply, connect, described, profile, started};

fn set(id: &str, user: impl std::fmt::Display, password: &str) -> Value {
    json!({
        "id": id,
        "method": "PATCH",
        "url": format!("/users/{user}"),
        "headers": { "Content-Type": "application/json" },
        "body": profile(password),
    })
}

fn revoke(id: &str, user: impl std::fmt::Display, after: &str) -> Value {
    json!({
        "id": id,
        "method": "POST",
        "url": format!("users/{user}/revokeSignInSessions"),
        "dependsOn": [after],
        "headers": { "Content-Type": "application/json" },
        "body": {},
    })
}

fn read(id: &str, url: &str) -> Value {
    json!({ "id": id, "method": "GET", "url": url })
}

async fn batch(client: &Client, requests: &[Value]) -> BTreeMap<String, Value> {
    let reply = client.post("/$batch", &json!({ "requests": requests })).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    by_id(&reply)
}

fn by_id(reply: &Reply) -> BTreeMap<String, Value> {
    let answers = reply.body["responses"].as_array().unwrap().iter();
    answers.map(|answer| (answer["id"].as_str().unwrap().to_owned(), answer.clone())).collect()
}

fn header<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    let headers = answer["headers"].as_object().unwrap();
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str().unwrap())
}

fn members(mock: &MockGraph, count: usize) -> Vec<uuid::Uuid> {
    let plain = |user: &testkit::mock_graph::CloudUser| {
        user.account.is_some() && user.on_prem.is_none() && user.signs_in_here() && user.enabled
    };
    mock.users().filter(plain).take(count).map(|user| user.id).collect()
}

#[tokio::test]
async fn reset_and_revoke_pairs_work_and_answers_come_in_another_order() {
    let (mock, client) = started().await;
    let users = members(&mock, 10);
    let requests: Vec<Value> = users
        .iter()
        .enumerate()
        .flat_map(|(at, user)| {
            let (first, second) = (format!("p{at}"), format!("r{at}"));
            [set(&first, user, "Zq7-bcdfghjkmnp"), revoke(&second, user, &first)]
        })
        .collect();
    let reply = client.post("/$batch", &json!({ "requests": requests })).await;
    let asked: Vec<&str> = requests.iter().map(|request| request["id"].as_str().unwrap()).collect();
    let answered: Vec<&str> =
        reply.body["responses"].as_array().unwrap().iter().map(|answer| answer["id"].as_str().unwrap()).collect();
    assert_ne!(asked, answered, "any order");
    assert_eq!(asked.into_iter().collect::<BTreeSet<_>>(), answered.into_iter().collect());
    for (id, answer) in by_id(&reply) {
        assert_eq!(answer["status"], if id.starts_with('p') { 204 } else { 200 });
        assert_eq!(answer.get("body").is_none(), id.starts_with('p'), "204 has no body");
    }
    for user in users {
        assert_eq!((mock.sets(&user).len(), mock.revoked(&user).len()), (1, 1));
        assert_eq!(mock.sign_in(&user, "Zq7-bcdfghjkmnp"), Ok(()));
    }
    assert_eq!((mock.counts().batches, mock.counts().parts), (1, 20));
}

#[tokio::test]
async fn a_part_whose_dependency_failed_is_424() {
    let (mock, client) = started().await;
    let users = members(&mock, 2);
    let answers = batch(
        &client,
        &[
            revoke("r", users[0], "p"),
            set("p", users[0], "bad"),
            set("q", users[1], "Zq7-bcdfghjkmnp"),
            revoke("s", users[1], "q"),
            revoke("t", users[0], "r"),
        ],
    )
    .await;
    let status = |id: &str| answers[id]["status"].as_u64().unwrap();
    assert_eq!(["p", "r", "t", "q", "s"].map(status), [400, 424, 424, 204, 200]);
    assert!(mock.untouched(&users[0]));
}

#[tokio::test]
async fn a_malformed_batch_is_refused_as_a_whole() {
    let (mock, client) = started().await;
    let user = members(&mock, 1)[0];
    let twenty_one: Vec<Value> = (0..21).map(|at| set(&at.to_string(), user, "Zq7-bcdfghjkmnp")).collect();
    let mut no_type = set("1", user, "Zq7-bcdfghjkmnp");
    no_type.as_object_mut().unwrap().remove("headers");
    let mut circle = [revoke("a", user, "b"), revoke("b", user, "a")].to_vec();
    circle.push(set("c", user, "Zq7-bcdfghjkmnp"));
    for requests in [
        twenty_one,
        vec![],
        vec![set("a", user, "Zq7-bcdfghjkmnp"), set("A", user, "Zq7-bcdfghjkmnp")],
        vec![no_type],
        circle,
        vec![revoke("a", user, "nobody")],
        vec![json!({ "method": "GET", "url": "/users" })],
        vec![json!({ "id": "1", "url": "/users" })],
        vec![json!({ "id": "1", "method": "GET" })],
        vec![json!({ "id": "1", "method": "BREW", "url": "/users" })],
        vec![json!({ "id": 1, "method": "GET", "url": "/users" })],
        vec![read("1", &format!("{}/v1.0/users", mock.graph_url()))],
        vec![json!({ "id": "1", "method": "GET", "url": "/users", "after": "2" })],
    ] {
        let reply = client.post("/$batch", &json!({ "requests": requests })).await;
        assert_eq!(reply.status, 400, "{requests:?}");
    }
    assert!(mock.untouched(&user), "nothing of a malformed batch takes effect");
    let text = client.request(Method::POST, "/$batch").header("content-type", "text/plain").body("{}");
    assert_eq!(Reply::of(text.send().await.unwrap()).await.status, 400);
    mock.forget_tokens();
    assert_eq!(client.post("/$batch", &json!({ "requests": [read("1", "/users")] })).await.status, 401);
}

#[tokio::test]
async fn each_part_has_an_answer_of_its_own() {
    let (mock, client) = connect(described().without_permission("Domain.Read.All")).await;
    let mut counting = read("count", "/users/$count");
    counting["headers"] = json!({ "ConsistencyLevel": "eventual" });
    let mut advanced = read("advanced", "/users?$filter=accountEnabled ne true&$count=true&$select=id");
    advanced["headers"] = json!({ "consistencylevel": "eventual" });
    let mut no_body = revoke("no body", mock.user(fixed::ORDINARY).unwrap().id, "page");
    no_body.as_object_mut().unwrap().remove("body");
    let answers = batch(
        &client,
        &[
            read("page", "/users?$top=3&$select=id"),
            read("gone", "/users/00000000-dead-4bad-8bad-000000000000"),
            read("refused", "/domains"),
            read("without header", "/users?$count=true"),
            json!({ "id": "method", "method": "DELETE", "url": "/users" }),
            counting,
            advanced,
            no_body,
        ],
    )
    .await;
    let status: BTreeMap<&str, u64> =
        answers.iter().map(|(id, answer)| (id.as_str(), answer["status"].as_u64().unwrap())).collect();
    let expected = [
        ("page", 200),
        ("gone", 404),
        ("refused", 403),
        ("without header", 400),
        ("method", 405),
        ("count", 200),
        ("advanced", 200),
        ("no body", 400),
    ];
    assert_eq!(status, expected.into_iter().collect());
    let counted = STANDARD.decode(answers["count"]["body"].as_str().unwrap()).unwrap();
    assert_eq!(String::from_utf8(counted).unwrap(), mock.len().to_string(), "what is no JSON is in base64");
    let next = answers["page"]["body"]["@odata.nextLink"].as_str().unwrap();
    assert_eq!(client.get(next).await.status, 200, "a link of a part is followed by itself");
    assert!(header(&answers["page"], "x-ms-resource-unit").is_some());
}

#[tokio::test]
async fn a_part_is_throttled_within_an_outer_200() {
    let (mock, client) = connect(described().scale_quotas(0.001)).await;
    let users = members(&mock, 5);
    let requests: Vec<Value> = users.iter().map(|user| set(&user.to_string(), user, "Zq7-bcdfghjkmnp")).collect();
    let answers = batch(&client, &requests).await;
    let throttled: Vec<&Value> = answers.values().filter(|answer| answer["status"] == 429).collect();
    assert_eq!(throttled.len(), 2, "three writes fit");
    for answer in throttled {
        assert!(header(answer, "retry-after").unwrap().parse::<u64>().unwrap() >= 1);
        assert_eq!(answer["body"]["error"]["code"], "TooManyRequests");
        assert_eq!(answer["body"]["error"]["innerError"]["code"], "429");
    }
    assert_eq!(mock.record().len(), 3);
}

#[tokio::test]
async fn header_names_of_parts_are_not_always_spelt_the_same() {
    let (_mock, client) = started().await;
    let mut spellings = BTreeSet::new();
    for _ in 0..5 {
        let requests: Vec<Value> = (0..10).map(|at| read(&at.to_string(), "/users?$top=1")).collect();
        for answer in batch(&client, &requests).await.values() {
            spellings.extend(answer["headers"].as_object().unwrap().keys().filter(|name| name.len() == 12).cloned());
        }
    }
    assert!(spellings.contains("content-type") && spellings.contains("Content-Type"), "{spellings:?}");
}

#[tokio::test]
async fn an_answer_can_be_missing_although_the_part_was_carried_out() {
    let (mock, client) = started().await;
    let users = members(&mock, 3);
    let requests: Vec<Value> = users.iter().map(|user| set(&user.to_string(), user, "Zq7-bcdfghjkmnp")).collect();
    mock.leave_out(1);
    assert_eq!(batch(&client, &requests).await.len(), 2);
    assert_eq!(mock.record().len(), 3);
    assert_eq!(batch(&client, &requests).await.len(), 3);
}

#[tokio::test]
async fn faults_act_on_parts_and_on_the_way_of_the_whole() {
    let (mock, client) = started().await;
    let users = members(&mock, 3);
    let requests: Vec<Value> = users.iter().map(|user| set(&user.to_string(), user, "Zq7-bcdfghjkmnp")).collect();
    let on_the_first = |fault| {
        let when = When::write().on(users[0].to_string()).times(1);
        mock.set_faults(FaultScript::new(1).rule(when, fault));
    };
    for (fault, status, sets) in [
        (Fault::Busy, 503, 0),
        (Fault::Conflict, 409, 0),
        (Fault::Forbid, 403, 0),
        (Fault::RefusePassword, 400, 0),
        (Fault::BadGateway, 502, 0),
        (Fault::GatewayTimeout, 504, 1),
    ] {
        let before = (mock.sets(&users[0]).len(), mock.sets(&users[1]).len());
        on_the_first(fault.clone());
        let answers = batch(&client, &requests).await;
        assert_eq!(answers[&users[0].to_string()]["status"], status, "{fault:?}");
        assert_eq!(answers[&users[1].to_string()]["status"], 204, "{fault:?}");
        assert_eq!((mock.sets(&users[0]).len(), mock.sets(&users[1]).len()), (before.0 + sets, before.1 + 1));
    }
    for (fault, sets) in [(Fault::CutBeforeApply, 0), (Fault::CutAfterApply, 3), (Fault::CutMidAnswer, 3)] {
        let before = mock.record().len();
        on_the_first(fault.clone());
        let request = client.request(Method::POST, "/$batch").json(&json!({ "requests": requests }));
        let answered = match request.send().await {
            Ok(response) => response.text().await.map(|_| ()),
            Err(error) => Err(error),
        };
        assert!(answered.is_err(), "{fault:?}");
        assert_eq!(mock.record().len(), before + sets, "{fault:?}");
    }
}
