//! Who is privileged, against what the mock says of its own tenant; who is refused, against what it does.

use std::collections::{BTreeMap, BTreeSet};

use identity_core::account::{Account, AccountId, AccountKind, PasswordAuthority};
use identity_core::directory::{Directory as _, ForcedReset as _, PrivilegeClassifier as _, Scope, Support};
use identity_core::privilege::{PrivilegeIndex, Tier};
use identity_core::reset::{Action, Order, Outcome, Secret};
use testkit::mock_graph::{MockGraph, RouteRule};

use crate::stage::{account_id, connect, list, of};

const MUST: Action = Action::SetPassword { must_change: true };

/// A rule, what it holds by, and the path to it.
type Route = (RouteRule, String, Vec<String>);

/// Every user of the mock that holds something, with its tier and the ends of its routes.
fn truth(mock: &MockGraph) -> BTreeMap<AccountId, (Tier, BTreeSet<Route>)> {
    let graph = mock.role_graph();
    let name = |id: &uuid::Uuid| {
        let groups = graph.groups.iter().map(|group| (group.id, &group.name));
        let units = graph.units.iter().map(|unit| (unit.id, &unit.name));
        let services = graph.service_principals.iter().map(|service| (service.id, &service.name));
        let found = groups.chain(units).chain(services).find(|(own, _)| own == id);
        found.map_or_else(|| id.to_string(), |(_, name)| name.clone())
    };
    let mut all = BTreeMap::new();
    for user in mock.users() {
        let privilege = mock.privilege(&user.id);
        if privilege.tier != Tier::User {
            let routes = privilege
                .routes
                .iter()
                .map(|route| (route.rule, route.holds.clone(), route.path.iter().map(name).collect::<Vec<_>>()));
            all.insert(account_id(user.id), (privilege.tier, routes.collect()));
        }
    }
    all
}

fn rule(rule: RouteRule) -> &'static str {
    match rule {
        RouteRule::Assigned => "role",
        RouteRule::Activated => "role_activated",
        RouteRule::Eligible => "role_eligible",
        RouteRule::GroupMember => "member",
        RouteRule::GroupOwner => "owner",
        RouteRule::GroupMemberEligible => "eligible_member",
        RouteRule::GroupOwnerEligible => "eligible_owner",
        RouteRule::ApplicationOwner => "app_owner",
        RouteRule::RestrictedUnit => "restricted_unit",
        other => panic!("{other:?}"),
    }
}

fn check(mock: &MockGraph, index: &PrivilegeIndex) {
    assert!(index.incomplete().is_empty(), "{:?}", index.incomplete());
    let truth = truth(mock);
    assert!(truth.len() > 10, "{}", truth.len());
    let rules: BTreeSet<RouteRule> =
        truth.values().flat_map(|(_, routes)| routes.iter().map(|(rule, ..)| *rule)).collect();
    assert_eq!(rules.len(), 9, "every kind of route is planted: {rules:?}");
    for (account, (tier, routes)) in &truth {
        let verdict = index.classify(account);
        assert_eq!(verdict.tier, *tier, "{account}: {:#?}", verdict.grounds);
        for (route, holds, path) in routes {
            let found = verdict.grounds.iter().any(|ground| {
                let names = ground.evidence.join(" > ");
                let in_order = path.iter().try_fold(0, |from, name| {
                    let rest = names.get(from..)?;
                    Some(from + rest.find(name.as_str())? + name.len())
                });
                // A unit and a directory-sync role are told by longer words.
                let same = (ground.rule == rule(*route) || ground.rule == "directory_sync")
                    && ground.holds.contains(holds.as_str());
                same && in_order.is_some()
            });
            // That a group can be given roles is told where it says more than what the group holds.
            let said = verdict.grounds.iter().any(|ground| {
                ground.rule == rule(*route)
                    && ground.evidence.iter().any(|step| path.iter().all(|name| step.contains(name.as_str())))
            });
            let by_group = path.last().is_some_and(|name| name == holds);
            assert!(
                found || (by_group && (said || path.len() > 1)),
                "{account}: {route:?} {holds} {path:?} in {:#?}",
                verdict.grounds
            );
        }
    }
    let invented: Vec<_> = index.privileged().filter(|(account, _)| !truth.contains_key(*account)).collect();
    assert!(invented.is_empty(), "{invented:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_planted_route_is_found_with_its_path_and_none_is_invented() {
    let (mock, directory) = connect(of(400).without_quotas()).await;
    check(&mock, &directory.privileges().await.unwrap());
}

/// What came of a new password for each of the mock's users, beside what was predicted.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_predicted_to_refuse_refuses_and_nobody_else() {
    for roles in [
        vec!["7be44c8a-adaf-4e2a-84d6-ab2649e08a13"],
        vec!["fe930be7-5e62-47db-91af-98c3a49a38b1"],
        vec!["c4e39bd9-1100-46d3-8c65-fb160da0071f"],
        vec!["729827e3-9c14-49f7-bb1b-9608f156bbb8"],
        vec!["966707d0-3269-4727-9be2-8c3a10f19b9d", "c4e39bd9-1100-46d3-8c65-fb160da0071f"],
    ] {
        let (mock, directory) = connect(of(120).without_quotas().app_roles(roles.clone())).await;
        directory.preflight().await.unwrap();
        let accounts = list(&directory, Scope::Everyone).await.unwrap();
        let mut ours = accounts;
        ours.retain(|account| account.authority == PasswordAuthority::Here && account.kind == AccountKind::Person);
        let (mut refused, mut done) = (0, 0);
        for batch in ours.chunks(20) {
            let order = |account: &Account| {
                let password = Secret::new("Corr3ct-horse.battery".into());
                Order::new(account.id.clone(), MUST).with_password(password)
            };
            let outcomes = directory.apply(&batch.iter().map(order).collect::<Vec<_>>()).await;
            for (account, outcome) in batch.iter().zip(outcomes) {
                let predicted = directory.support(account, MUST);
                match (&predicted, &outcome) {
                    (Support::Works, Outcome::Done(_)) => done += 1,
                    (Support::Cannot { .. }, Outcome::Refused(_)) => refused += 1,
                    _ => {
                        let held = mock.privilege(&account.id.as_str().parse().unwrap());
                        panic!("{roles:?} on {}: {predicted:?}, but {outcome:?}; {held:#?}", account.name);
                    }
                }
            }
        }
        assert!(done > 5 && refused > 0, "{roles:?}: {done} done, {refused} refused");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_permission_that_is_dropped_leaves_the_index_open_and_is_named() {
    for permission in [
        "GroupMember.Read.All",
        "AdministrativeUnit.Read.All",
        "Application.Read.All",
        "PrivilegedEligibilitySchedule.Read.AzureADGroup",
        "PrivilegedAssignmentSchedule.Read.AzureADGroup",
    ] {
        let (_mock, directory) = connect(of(60).without_quotas().without_permission(permission)).await;
        let index = directory.privileges().await.unwrap();
        assert!(
            index.incomplete().iter().any(|gap| gap.contains(permission)),
            "{permission}: {:?}",
            index.incomplete()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_without_governance_has_no_eligible_roles_and_no_gap() {
    let (_mock, directory) = connect(of(60).without_quotas().without_governance()).await;
    let index = directory.privileges().await.unwrap();
    assert!(index.incomplete().is_empty(), "{:?}", index.incomplete());
    let preflight = directory.preflight().await.unwrap();
    assert!(preflight.findings.iter().any(|one| one.text.contains("no licence for Privileged Identity Management")));
    assert!(index.privileged().all(|(_, grounds)| grounds.iter().all(|ground| !ground.rule.starts_with("eligible"))));
}
