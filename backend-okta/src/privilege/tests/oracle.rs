//! Random orgs, and an oracle that is slow and obvious.

use std::collections::BTreeSet;

use identity_core::privilege::{PrivilegeIndex, Tier};
use proptest::prelude::*;

use super::world::{World, id, s};

const STANDARD: [(&str, Tier); 4] = [
    ("SUPER_ADMIN", Tier::Control),
    ("APP_ADMIN", Tier::Management),
    ("HELP_DESK_ADMIN", Tier::Management),
    ("ROLE_OF_TOMORROW_ADMIN", Tier::Control),
];
const CUSTOM: [(&str, &[&str], Tier); 4] = [
    ("cr0reset", &["okta.users.read", "okta.users.credentials.resetPassword"], Tier::Management),
    ("cr0read", &["okta.users.read"], Tier::User),
    ("cr0apps", &["okta.apps.manage"], Tier::Management),
    ("cr0policy", &["okta.policies.manage"], Tier::Control),
];

fn principal(kind: u8, number: u8) -> String {
    format!("{}{}", ['u', 'g', 'a'][usize::from(kind % 3)], number % 4 + 1)
}

/// One random fact: what it is, two principals, and a number to choose by.
type Fact = (u8, (u8, u8), u8, u8);

fn build(facts: &[Fact], flags: [bool; 3]) -> World {
    let mut world =
        World { hides_inherited: flags[0], hides_group_rows: flags[1], without_stats: flags[2], ..World::default() };
    for (role, permissions, _) in CUSTOM {
        world.define(role, permissions);
    }
    for (what, (kind, number), to, choice) in facts {
        let holder = principal(*kind, *number);
        match what % 3 {
            0 => world.give(&holder, STANDARD[usize::from(choice % 4)].0),
            1 => world.bind(&format!("iam{}", to % 3), CUSTOM[usize::from(choice % 4)].0, &holder),
            _ => world.put(&principal(0, *number), &principal(1, *to)),
        };
    }
    world
}

/// What a principal holds itself: role, tier.
fn own(world: &World, who: &str) -> Vec<(String, Tier)> {
    let standard = world.roles.iter().filter(|(holder, _)| holder == who);
    let standard =
        standard.map(|(_, role)| (role.clone(), STANDARD.iter().find(|(known, _)| known == role).unwrap().1));
    let custom = world.bindings.iter().filter(|(_, _, holder)| holder == who);
    let custom = custom.map(|(_, role, _)| (role.clone(), CUSTOM.iter().find(|(known, ..)| known == role).unwrap().2));
    standard.chain(custom).collect()
}

/// The account's own, its groups', and all apps' where one of these administers apps.
fn oracle(world: &World, user: &str) -> Tier {
    let mut held = own(world, user);
    for (group, members) in &world.members {
        if members.contains(user) {
            held.extend(own(world, group));
        }
    }
    if held.iter().any(|(role, _)| role == "APP_ADMIN" || role == "cr0apps") {
        for app in &world.apps {
            held.extend(own(world, app));
        }
    }
    held.into_iter().map(|(_, tier)| tier).min().unwrap_or(Tier::User)
}

/// Whether each step of each path was planted.
fn check_paths(world: &World, index: &PrivilegeIndex) {
    for (account, grounds) in index.privileged() {
        for ground in grounds {
            let path: Vec<&str> = ground.evidence.iter().map(String::as_str).collect();
            let mut holders: BTreeSet<String> = BTreeSet::from([s(account.as_str())]);
            let mut steps = path.as_slice();
            if let [first, rest @ ..] = steps
                && let Some(group) = first.strip_prefix("member of group name of ")
            {
                assert!(world.members[group].contains(account.as_str()), "{account}: {path:?}");
                (holders, steps) = (BTreeSet::from([s(group)]), rest);
            }
            if let [_, app, rest @ ..] = steps {
                let app = app.strip_prefix("app name of ").expect("an app");
                (holders, steps) = (BTreeSet::from([s(app)]), rest);
            }
            let [last] = steps else { panic!("{account}: {path:?}") };
            let holds = |holder: &String| {
                own(world, holder).iter().any(|(role, _)| {
                    ground.holds == *role
                        || ground.holds == format!("label of {role}")
                        || (role == "SUPER_ADMIN" && ground.holds == "Super Administrator")
                        || (role == "APP_ADMIN" && ground.holds == "Application Administrator")
                        || (role == "HELP_DESK_ADMIN" && ground.holds == "Help Desk Administrator")
                })
            };
            assert!(holders.iter().any(holds), "{account}: {} by {path:?}", ground.holds);
            assert!(last.contains(&ground.holds), "{path:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whoever_can_use_a_role_is_found_and_nobody_else(
        facts in prop::collection::vec(any::<Fact>(), 0..40), flags in any::<[bool; 3]>()
    ) {
        let world = build(&facts, flags);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let index = runtime.block_on(world.index()).unwrap();
        prop_assert!(index.incomplete().is_empty(), "{:?}", index.incomplete());
        for number in 0..4 {
            let user = principal(0, number);
            let tier = index.classify(&id(&user)).tier;
            prop_assert_eq!(tier, oracle(&world, &user), "{} in {:?}", user, world);
        }
        check_paths(&world, &index);
    }
}
