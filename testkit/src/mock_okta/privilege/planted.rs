//! The organisation's privileged people as administrators of the org: one for each route.

use super::{
    AdminAssignment, AdminGraph, AdminRole, OktaClient, OktaCustomRole, OktaGroup, OktaResourceSet, Principal,
};
use crate::mock_okta::org::{FIXED, Population, fixed, id};
use crate::organisation::special;

/// Members of the largest group, so that its members take several pages.
const STAFF: usize = 250;

/// The privilege in an org before anybody changed it.
pub(in crate::mock_okta) fn planted(population: &Population) -> AdminGraph {
    let seed = population.seed();
    // Not every account of an organisation is in Okta.
    let of = |index: u64| Some(FIXED + index).filter(|number| population.user(*number).is_some());
    let group = |number: u64, name: &str, kind: &str, members: Vec<u64>| OktaGroup {
        id: id::id(seed, "00g", number),
        name: name.to_owned(),
        kind: kind.to_owned(),
        members,
        everybody: false,
    };
    let in_order = (0..population.end()).filter(|number| population.user(*number).is_some());
    let everyone = OktaGroup { everybody: true, ..group(0, "Everyone", "BUILT_IN", Vec::new()) };
    let operators: Vec<u64> = of(special::NESTED_ONCE).into_iter().collect();
    let desk: Vec<u64> = of(special::NESTED_THREE_DEEP).into_iter().chain([fixed::WITH_QUESTION]).collect();
    let branch: Vec<u64> = of(special::ACCOUNT_OPERATOR).into_iter().collect();
    let groups = vec![
        everyone,
        group(1, "Tier 0 operators", "OKTA_GROUP", operators),
        group(2, "Service desk", "OKTA_GROUP", desk),
        group(3, "Branch desk", "OKTA_GROUP", branch),
        group(4, "Staff", "OKTA_GROUP", in_order.take(STAFF).collect()),
    ];
    let [operators, desk, branch] = [1, 2, 3].map(|number| Principal::Group(id::id(seed, "00g", number)));

    let role = |number: u64, label: &str, permissions: &[&str]| OktaCustomRole {
        id: id::id(seed, "cr0", number),
        label: label.to_owned(),
        permissions: permissions.iter().map(|one| (*one).to_owned()).collect(),
    };
    let custom_roles = vec![
        role(0, "Branch password desk", &["okta.users.read", "okta.users.credentials.resetPassword"]),
        role(1, "Branch reader", &["okta.users.read", "okta.apps.read"]),
        role(2, "Sign-in owner", &["okta.policies.manage"]),
    ];
    let set = |number: u64, label: &str, resource: String| OktaResourceSet {
        id: id::id(seed, "iam", number),
        label: label.to_owned(),
        resources: vec![resource],
    };
    let orn = |rest: String| format!("orn:okta:directory:{}:{rest}", id::id(seed, "00o", 0));
    let resource_sets = vec![
        set(0, "Branch", orn(format!("groups:{}", id::id(seed, "00g", 3)))),
        set(1, "All users", orn("users".into())),
    ];
    let custom = |role: u64, set: u64| AdminRole::Custom {
        role: id::id(seed, "cr0", role),
        resource_set: id::id(seed, "iam", set),
    };
    let standard = |kind: &str| AdminRole::Standard(kind.to_owned());
    let clients = vec![
        OktaClient { id: id::id(seed, "0oa", 1), name: "Provisioning".into() },
        OktaClient { id: id::id(seed, "0oa", 2), name: "Access review".into() },
        OktaClient { id: id::id(seed, "0oa", 3), name: "Intranet".into() },
    ];
    let [provisioning, review] = [1, 2].map(|number| Principal::Client(id::id(seed, "0oa", number)));

    let direct = [
        (special::DOMAIN_ADMIN, standard("SUPER_ADMIN")),
        (special::ENTERPRISE_ADMIN, standard("ORG_ADMIN")),
        (special::POLICY_CREATOR, standard("READ_ONLY_ADMIN")),
        (special::CERT_PUBLISHER, standard("APP_ADMIN")),
        (special::DNS_ADMIN, custom(0, 1)),
        (special::PRINT_OPERATOR, custom(1, 0)),
        (special::SCHEMA_ADMIN, custom(2, 1)),
    ];
    let direct = direct.into_iter().filter_map(|(index, role)| Some((Principal::User(of(index)?), role)));
    let others = [
        (operators, standard("SUPER_ADMIN")),
        (desk, standard("HELP_DESK_ADMIN")),
        (branch, custom(0, 0)),
        (provisioning, standard("USER_ADMIN")),
        (review, custom(1, 1)),
    ];
    let assignments = direct.chain(others).map(|(principal, role)| AdminAssignment { principal, role });
    AdminGraph { assignments: assignments.collect(), groups, custom_roles, resource_sets, clients }
}
