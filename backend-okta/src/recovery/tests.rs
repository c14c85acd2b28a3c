//! Policies, rules, means: who could come back alone.

use std::sync::Mutex;

use identity_core::account::{AccountId, AccountKind, DirectoryId};
use serde_json::{Value, json};

use super::*;
use crate::OktaDirectory;
use crate::canned::{Canned, DENIED, ORG, config, reply};

/// An org: answers by path, and what was asked.
#[derive(Clone, Default)]
struct World {
    policies: Vec<Value>,
    rules: Vec<(&'static str, Value)>,
    members: Vec<(&'static str, Vec<&'static str>)>,
    factors: Vec<(&'static str, Value)>,
    refused: Vec<&'static str>,
    behind: Vec<&'static str>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn answer(&self, path: &str) -> (u16, String) {
        self.asked.lock().unwrap().push(path.to_owned());
        if self.refused.iter().any(|part| path.ends_with(part)) {
            return (403, DENIED.to_owned());
        }
        let parts: Vec<&str> = path.trim_start_matches("/api/v1/").split('/').collect();
        let rows = match parts.as_slice() {
            ["users", "me"] => return (200, json!({"id": "00uMe", "status": "ACTIVE"}).to_string()),
            ["policies"] => json!(self.policies),
            ["policies", policy, "rules"] => {
                self.rules.iter().filter(|(of, _)| of == policy).map(|(_, rule)| rule.clone()).collect()
            }
            ["groups", group, "users"] => {
                let members = self.members.iter().filter(|(of, _)| of == group).flat_map(|(_, ids)| ids);
                members.map(|id| json!({"id": id})).collect()
            }
            ["users", user, "factors"] => {
                self.factors.iter().find(|(of, _)| of == user).map_or_else(|| json!([]), |(_, rows)| rows.clone())
            }
            _ => return (403, DENIED.to_owned()),
        };
        (200, rows.to_string())
    }

    async fn audit(&self, accounts: Vec<Account>) -> (Vec<Enrolment>, Arc<OktaDirectory>) {
        let world = self.clone();
        let canned = Canned::new([]).with_aside("org", move |uri| {
            let (status, body) = world.answer(uri.path());
            Some(reply(status, &body))
        });
        assert!(ORG.starts_with("https://"));
        let config = config().without_quotas().mail_behind_okta(self.behind.iter().copied()).transport(canned);
        let directory = OktaDirectory::connect(config).await.unwrap();
        let accounts = stream::iter(accounts.into_iter().map(Ok)).boxed();
        let found = enrolments(Arc::clone(&directory.org), accounts).try_collect().await.unwrap();
        (found, directory)
    }

    fn times(&self, end: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|path| path.ends_with(end)).count()
    }
}

fn account(id: &str) -> Account {
    let mut account =
        Account::new(DirectoryId::new("okta").unwrap(), AccountId::new(id).unwrap(), id, AccountKind::Person);
    account.mail = Some(format!("{id}@acme.example"));
    account.attributes.insert("status".into(), "ACTIVE".into());
    account
}

fn policy(id: &str, priority: u32, groups: &[&str], provider: &str) -> Value {
    json!({"id": id, "name": format!("policy {id}"), "status": "ACTIVE", "priority": priority, "system": id == "default",
           "conditions": {"people": {"groups": {"include": groups}}, "authProvider": {"provider": provider}},
           "settings": {"recovery": {"factors": {
               "okta_email": {"status": "ACTIVE", "properties": {"recoveryToken": {"tokenLifetimeMinutes": 60}}},
               "okta_sms": {"status": "INACTIVE"}, "okta_call": {"status": "INACTIVE"},
               "recovery_question": {"status": "ACTIVE", "properties": {"complexity": {"minLength": 4}}}}}}})
}

fn rule(access: &str, requirement: Value) -> Value {
    let mut reset = json!({"access": access});
    if !requirement.is_null() {
        reset["requirement"] = requirement;
    }
    json!({"name": "r", "status": "ACTIVE", "priority": 1, "conditions": {"network": {"connection": "ANYWHERE"}},
           "actions": {"passwordChange": {"access": "ALLOW"}, "selfServicePasswordReset": reset}})
}

fn needs(methods: &[&str], step_up: impl Into<Value>) -> Value {
    let step_up: Value = step_up.into();
    json!({"primary": {"methods": methods}, "stepUp": step_up, "accessControl": "LEGACY"})
}

fn factor(kind: &str, provider: &str) -> Value {
    json!({"id": "f", "factorType": kind, "provider": provider, "status": "ACTIVE",
           "created": "2025-01-01T00:00:00.000Z", "lastUpdated": "2025-02-01T00:00:00.000Z", "profile": {}})
}

/// One policy for all, of this one rule.
fn under(rule: Value) -> World {
    World {
        policies: vec![policy("default", 1, &["everyone"], "OKTA")],
        rules: vec![("default", rule)],
        ..World::default()
    }
}

async fn verdict(world: &World, account: Account) -> (Option<bool>, String, usize) {
    let (found, _) = world.audit(vec![account]).await;
    let [one] = found.as_slice() else { panic!("{found:?}") };
    (one.self_service, one.because.clone().unwrap_or_default(), one.methods.len())
}

#[tokio::test(start_paused = true)]
async fn where_a_mail_is_enough_nobody_is_asked_for_authenticators() {
    let world = under(rule("ALLOW", needs(&["email", "sms"], json!({"required": false}))));
    let (found, directory) = world.audit(vec![account("00u00000000000000001"), account("00u00000000000000002")]).await;
    assert!(found.iter().all(|one| one.self_service == Some(true)));
    assert_eq!(found[0].methods, [Method { kind: MethodKind::Email, enrolled: None }]);
    assert_eq!((world.times("/factors"), world.times("/policies"), world.times("/rules")), (0, 1, 1));
    assert_eq!(world.times("/groups/everyone/users"), 0, "everybody is not listed");
    assert!(directory.org.known.has_readiness(&found[0].account));
    assert!(!directory.org.known.has_readiness(&AccountId::new("00u00000000000000003").unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_behind_the_org_is_no_way_back() {
    let mut world = under(rule("ALLOW", needs(&["email"], json!({"required": false}))));
    world.behind.push("ACME.example");
    let (possible, because, _) = verdict(&world, account("00u00000000000000001")).await;
    assert_eq!(possible, Some(false));
    assert!(because.contains("opened by a sign-in through this org"), "{because}");
    let mut second = account("00u00000000000000001");
    second.attributes.insert("secondEmail".into(), "me@home.example".into());
    assert_eq!(verdict(&world, second).await.0, Some(true));
    let mut none = account("00u00000000000000001");
    none.mail = None;
    assert!(verdict(&world, none).await.1.contains("it has no address"));
}

#[tokio::test(start_paused = true)]
async fn what_a_rule_asks_for_is_compared_with_what_is_enrolled() {
    let question = json!({"required": true, "methods": ["security_question"]});
    let another = json!({"required": true});
    let nothing = json!({"required": false});
    for (requirement, factors, expected) in [
        (needs(&["sms"], nothing.clone()), json!([factor("sms", "OKTA")]), true),
        (needs(&["sms"], nothing.clone()), json!([factor("call", "OKTA")]), false),
        (needs(&["voice", "push"], nothing.clone()), json!([factor("push", "OKTA")]), true),
        (needs(&["otp"], nothing.clone()), json!([factor("token:software:totp", "OKTA")]), false),
        (needs(&["otp"], nothing.clone()), json!([factor("token:software:totp", "GOOGLE")]), true),
        (needs(&["email"], question.clone()), json!([]), false),
        (needs(&["email"], question.clone()), json!([factor("question", "OKTA")]), true),
        (needs(&["sms"], question), json!([factor("question", "OKTA")]), false),
        (needs(&["email"], another.clone()), json!([factor("webauthn", "FIDO")]), true),
        (needs(&["email"], another.clone()), json!([factor("email", "OKTA")]), false),
        (needs(&["email"], another.clone()), json!([factor("question", "OKTA")]), false),
        (needs(&["push"], another), json!([factor("push", "OKTA")]), false),
    ] {
        let world = World {
            factors: vec![("00u00000000000000001", factors.clone())],
            ..under(rule("ALLOW", requirement.clone()))
        };
        let (possible, because, _) = verdict(&world, account("00u00000000000000001")).await;
        assert_eq!(possible, Some(expected), "{requirement} {factors}: {because}");
        assert_eq!(because.is_empty(), expected, "{because}");
    }
    let pending = json!([{"factorType": "sms", "status": "PENDING_ACTIVATION"}]);
    let world =
        World { factors: vec![("00u00000000000000001", pending)], ..under(rule("ALLOW", needs(&["sms"], nothing))) };
    assert_eq!(verdict(&world, account("00u00000000000000001")).await.0, Some(false), "not activated");
}

#[tokio::test(start_paused = true)]
async fn classic_orgs_have_it_in_the_settings_of_the_policy() {
    let mut world = under(rule("ALLOW", Value::Null));
    assert_eq!(verdict(&world, account("00u00000000000000001")).await.0, Some(false), "the question is asked for too");
    world.factors.push(("00u00000000000000001", json!([factor("question", "OKTA")])));
    let (possible, _, methods) = verdict(&world, account("00u00000000000000001")).await;
    assert_eq!((possible, methods), (Some(true), 2));
    // The question stands with the credentials, and nobody has to be asked for factors.
    let world = under(rule("ALLOW", Value::Null));
    let mut with_question = account("00u00000000000000001");
    with_question.attributes.insert(RECOVERY_QUESTION.into(), "set".into());
    let (possible, _, methods) = verdict(&world, with_question.clone()).await;
    assert_eq!((possible, methods, world.times("/factors")), (Some(true), 2, 0));
    // In the Identity Engine the question is an authenticator, and this one is none.
    let step_up = json!({"required": true, "methods": ["security_question"]});
    let world = under(rule("ALLOW", needs(&["email"], step_up)));
    assert_eq!(verdict(&world, with_question).await.0, Some(false));
}

#[tokio::test(start_paused = true)]
async fn the_first_policy_whose_groups_and_provider_fit_decides() {
    let deny = || rule("DENY", Value::Null);
    let allow = || rule("ALLOW", needs(&["email"], json!({"required": false})));
    let world = World {
        policies: vec![
            policy("default", 1, &["everyone"], "OKTA"),
            policy("late", 3, &["g1", "everyone"], "OKTA"),
            policy("ad", 1, &["g1"], "ACTIVE_DIRECTORY"),
            policy("early", 2, &["g1"], "OKTA"),
        ],
        rules: vec![("default", deny()), ("late", deny()), ("ad", deny()), ("early", allow())],
        members: vec![("g1", vec!["00u00000000000000001"])],
        ..World::default()
    };
    assert_eq!(verdict(&world, account("00u00000000000000001")).await.0, Some(true));
    let (possible, because, _) = verdict(&world, account("00u00000000000000002")).await;
    assert_eq!(possible, Some(false));
    assert!(because.contains("policy late"), "{because}");
    let mut on_prem = account("00u00000000000000001");
    on_prem.authority = PasswordAuthority::OnPrem;
    assert!(verdict(&world, on_prem).await.1.contains("policy ad"));
    // Each group is listed once, however many ask.
    let world = World { asked: Arc::default(), ..world };
    world.audit((0..20).map(|n| account(&format!("00u{n:017}"))).collect()).await;
    assert_eq!((world.times("/users"), world.times("/factors")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn rules_exclude_people_and_depend_on_networks() {
    let mut excluding = rule("DENY", Value::Null);
    excluding["conditions"]["people"] =
        json!({"users": {"exclude": ["00u00000000000000001"]}, "groups": {"include": ["g1"]}});
    let mut second = rule("ALLOW", needs(&["email"], json!({"required": false})));
    second["priority"] = json!(2);
    let mut world = under(excluding);
    world.rules.push(("default", second.clone()));
    world.members.push(("g1", vec!["00u00000000000000001", "00u00000000000000002"]));
    assert_eq!(verdict(&world, account("00u00000000000000001")).await.0, Some(true), "excluded from the first");
    assert_eq!(verdict(&world, account("00u00000000000000002")).await.0, Some(false));
    assert_eq!(verdict(&world, account("00u00000000000000003")).await.0, Some(true), "not in the group of the first");
    let mut inside = rule("DENY", Value::Null);
    inside["conditions"]["network"] = json!({"connection": "ZONE", "include": ["nzo1"]});
    let mut world = under(inside);
    world.rules.push(("default", second));
    let (possible, because, _) = verdict(&world, account("00u00000000000000001")).await;
    assert_eq!(possible, None);
    assert!(because.contains("network"), "{because}");
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_is_unknown_and_not_asked_for_ever() {
    let requirement = || rule("ALLOW", needs(&["sms"], json!({"required": false})));
    for (call, says) in [("/policies", "okta.policies.read"), ("/default/rules", "okta.policies.read")] {
        let world = World { refused: vec![call], ..under(requirement()) };
        let (possible, because, _) = verdict(&world, account("00u00000000000000001")).await;
        assert_eq!(possible, None, "{call}");
        assert!(because.contains(says), "{because}");
    }
    let world = World { refused: vec!["/factors"], ..under(requirement()) };
    let (found, directory) = world.audit((0..200).map(|n| account(&format!("00u{n:017}"))).collect()).await;
    assert!(found.iter().all(|one| one.self_service.is_none() && one.because.is_some()));
    assert_eq!(found.len(), 200);
    assert!(world.times("/factors") <= 16, "{}", world.times("/factors"));
    assert!(!directory.org.known.has_readiness(&found[0].account), "nobody looked at its authenticators");
}

#[tokio::test(start_paused = true)]
async fn accounts_that_nobody_recovers_here_cost_nothing() {
    let world = under(rule("ALLOW", needs(&["sms"], json!({"required": false}))));
    let with = |authority: PasswordAuthority, status: &str| {
        let mut account = account("00u00000000000000001");
        account.authority = authority;
        account.attributes.insert("status".into(), status.into());
        account
    };
    for (account, expected) in [
        (with(PasswordAuthority::Federated("Acme".into()), "ACTIVE"), None),
        (with(PasswordAuthority::Nowhere, "ACTIVE"), Some(false)),
        (with(PasswordAuthority::Unknown, "ACTIVE"), None),
        (with(PasswordAuthority::Here, "RECOVERY"), Some(false)),
        (with(PasswordAuthority::Here, "SUSPENDED"), Some(false)),
        (with(PasswordAuthority::Here, "DEPROVISIONED"), Some(false)),
    ] {
        let (possible, because, methods) = verdict(&world, account).await;
        assert_eq!((possible, methods), (expected, 0), "{because}");
        assert!(!because.is_empty());
    }
    assert_eq!(world.times("/factors"), 0);
}
