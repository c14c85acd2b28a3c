//! Random tenants, and an oracle that is slow and obvious.

use std::collections::BTreeSet;

use identity_core::privilege::{PrivilegeIndex, Tier};
use proptest::prelude::*;

use super::world::{GLOBAL, HELPDESK, World, id, s};

/// Who can use what whom: holder, over, words.
type Edge = (String, String, &'static str);

/// What was planted, beside the world that tells it.
#[derive(Clone, Debug, Default)]
struct Plan {
    edges: BTreeSet<Edge>,
    /// Who holds what itself: principal, last of the evidence.
    held: BTreeSet<(String, String)>,
    assignable: BTreeSet<String>,
}

fn principal(kind: u8, number: u8) -> String {
    format!("{}{}", ['u', 'g', 'a'][usize::from(kind % 3)], number % 4 + 1)
}

/// One random fact: what it is, two principals, and a number to choose by.
type Fact = (u8, (u8, u8), (u8, u8), bool);

fn build(facts: &[Fact]) -> (World, Plan) {
    let (mut world, mut plan) = (World::default(), Plan::default());
    for (what, from, to, flag) in facts {
        let holder = principal(from.0, from.1);
        let (group, app) = (principal(1, to.1), principal(2, to.1));
        match what % 7 {
            0 => {
                let (role, name) =
                    if *flag { (GLOBAL, "Global Administrator") } else { (HELPDESK, "Helpdesk Administrator") };
                world.assign(&holder, role);
                plan.held.insert((holder.clone(), s(name)));
                // A group that holds a role can be given roles.
                if holder.starts_with('g') {
                    world.groups.insert(holder.clone(), true);
                    plan.assignable.insert(holder);
                }
            }
            1 => {
                world.make_eligible(&holder, GLOBAL);
                plan.held.insert((holder.clone(), s("Global Administrator, eligible")));
                if holder.starts_with('g') {
                    world.groups.insert(holder.clone(), true);
                    plan.assignable.insert(holder);
                } else if holder.starts_with('a') {
                    // Only accounts and groups are eligible: what is no known app counts as one.
                    world.assign(&holder, HELPDESK);
                    plan.held.insert((holder, s("Helpdesk Administrator")));
                }
            }
            2 => {
                world.groups.insert(group.clone(), true);
                plan.assignable.insert(group);
            }
            3 | 4 if holder != group => {
                let list = if what % 7 == 3 { "members" } else { "owners" };
                // Groups own nothing.
                if list == "owners" && holder.starts_with('g') {
                    continue;
                }
                world.put(&holder, &group, list);
                plan.edges.insert((holder, group, if list == "members" { "member of" } else { "owner of" }));
            }
            5 if holder.starts_with('u') => {
                let (access, words) =
                    if *flag { ("member", "eligible member of") } else { ("owner", "eligible owner of") };
                world.scheduled.push((group.clone(), holder.clone(), s(access), s("eligibilityScheduleInstances")));
                plan.edges.insert((holder, group, words));
            }
            6 if holder != app && !holder.starts_with('g') => {
                world.own(&holder, &app);
                plan.edges.insert((holder, app.clone(), "owner of app"));
                if *flag {
                    world.permissions.push((app.clone(), s("AppRoleAssignment.ReadWrite.All")));
                    plan.held.insert((app, s("permission AppRoleAssignment.ReadWrite.All")));
                }
            }
            _ => {}
        }
    }
    (world, plan)
}

fn own_tier(plan: &Plan, who: &str) -> Tier {
    let held = plan.held.iter().filter(|(holder, _)| holder == who);
    let tiers = held.map(|(_, what)| if what.contains("Helpdesk") { Tier::Management } else { Tier::Control });
    let assignable = plan.assignable.contains(who).then_some(Tier::Management);
    tiers.chain(assignable).min().unwrap_or(Tier::User)
}

/// Repeats "whoever can use it has it" until nothing changes.
fn oracle(plan: &Plan, who: &str) -> Tier {
    let mut usable: BTreeSet<&str> = BTreeSet::from([who]);
    loop {
        let before = usable.len();
        for (holder, over, _) in &plan.edges {
            if usable.contains(holder.as_str()) {
                usable.insert(over);
            }
        }
        if usable.len() == before {
            return usable.iter().map(|one| own_tier(plan, one)).min().unwrap_or(Tier::User);
        }
    }
}

/// Whether each step of each path was planted.
fn check_paths(plan: &Plan, index: &PrivilegeIndex) {
    for (account, grounds) in index.privileged() {
        for ground in grounds {
            let (last, steps) = ground.evidence.split_last().expect("evidence");
            let mut at = account.as_str().to_owned();
            for step in steps {
                let (words, over) = step.rsplit_once(' ').expect("words and a name");
                let planted = plan.edges.iter().any(|(holder, to, by)| *holder == at && to == over && *by == words);
                assert!(planted, "{account}: {at} is no {step}: {:?}", ground.evidence);
                at = over.to_owned();
            }
            let is_held = plan.held.contains(&(at.clone(), last.clone()))
                || (last == "can be given roles" && plan.assignable.contains(&at));
            assert!(is_held, "{account}: {at} holds no {last}: {:?}", ground.evidence);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whoever_can_use_a_role_is_found_and_nobody_else(
        facts in prop::collection::vec(any::<Fact>(), 0..40)
    ) {
        let (world, plan) = build(&facts);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let index = runtime.block_on(world.index()).unwrap();
        prop_assert!(index.incomplete().is_empty(), "{:?}", index.incomplete());
        for number in 0..4 {
            let user = principal(0, number);
            let tier = index.classify(&id(&user)).tier;
            prop_assert_eq!(tier, oracle(&plan, &user), "{} in {:?}", user, plan);
        }
        check_paths(&plan, &index);
    }
}
