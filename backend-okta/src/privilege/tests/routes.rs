//! Each way to a role, with its path; and how many calls it takes.

use super::world::{ME, World, grounds, id, s};

#[tokio::test(start_paused = true)]
async fn each_way_has_its_rule_and_its_path() {
    let mut world = World::default();
    world.give("u1", "SUPER_ADMIN").give("g1", "HELP_DESK_ADMIN").put("u2", "g1");
    world.define(
        "cr0a",
        &["okta.users.read", "okta.users.credentials.resetPassword", "okta.groups.read", "okta.users.manage"],
    );
    world.bind("iam1", "cr0a", "u3").bind("iam1", "cr0a", "g2").put("u4", "g2");
    world.give("a1", "SUPER_ADMIN").give("u5", "APP_ADMIN").give("g3", "API_ACCESS_MANAGEMENT_ADMIN").put("u6", "g3");
    world.bind("ACCESS_REQUESTS_IAM_POLICY", "ACCESS_REQUESTS_ADMIN", "u7");
    let index = world.index().await.unwrap();
    assert!(index.incomplete().is_empty(), "{:?}", index.incomplete());
    let custom = "custom role label of cr0a (okta.users.read, okta.users.credentials.resetPassword, okta.groups.read and 1 more) over resource set label of iam1";
    let super_by = |path: &str| (0, s("app_admin"), format!("{path} > app name of a1 > Super Administrator"));
    assert_eq!(grounds(&index, "u1"), [(0, s("role"), s("Super Administrator"))]);
    assert_eq!(grounds(&index, "u2"), [(1, s("member"), s("member of group name of g1 > Help Desk Administrator"))]);
    assert_eq!(grounds(&index, "u3"), [(1, s("role"), s(custom))]);
    assert_eq!(grounds(&index, "u4"), [(1, s("member"), format!("member of group name of g2 > {custom}"))]);
    assert_eq!(
        grounds(&index, "u5"),
        [super_by("Application Administrator"), (1, s("role"), s("Application Administrator"))]
    );
    assert_eq!(grounds(&index, "u6")[0], super_by("member of group name of g3 > API Access Management Administrator"));
    assert_eq!(
        grounds(&index, "u7"),
        [(1, s("role"), s("Access Requests Administrator over resource set label of ACCESS_REQUESTS_IAM_POLICY"))]
    );
    for other in ["u8", "a1", "g1"] {
        assert!(!index.classify(&id(other)).is_privileged(), "{other}");
    }
}

#[tokio::test(start_paused = true)]
async fn members_are_found_whatever_the_listings_leave_out() {
    for (hides_inherited, hides_group_rows, without_stats) in
        [(true, true, false), (true, true, true), (true, false, false), (false, true, false), (false, false, true)]
    {
        let mut world = World { hides_inherited, hides_group_rows, without_stats, ..World::default() };
        world.give("g1", "SUPER_ADMIN").put("u1", "g1").put("u2", "g1").put("u3", "g2");
        world.define("cr0a", &["okta.users.manage"]).bind("iam1", "cr0a", "g4").put("u4", "g4");
        let index = world.index().await.unwrap();
        let case = (hides_inherited, hides_group_rows, without_stats);
        assert!(index.incomplete().is_empty(), "{case:?}: {:?}", index.incomplete());
        for user in ["u1", "u2"] {
            let expected = [(0, s("member"), s("member of group name of g1 > Super Administrator"))];
            assert_eq!(grounds(&index, user), expected, "{case:?}");
        }
        assert_eq!(grounds(&index, "u4").len(), 1, "{case:?}");
        assert!(!index.classify(&id("u3")).is_privileged(), "{case:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_calls_grow_with_administrators_and_not_with_accounts() {
    let mut world = World { ordinary_groups: 390, ..World::default() };
    for number in 0..60 {
        world.give(&format!("u{number}"), "HELP_DESK_ADMIN");
    }
    // An org of 50,000 accounts, as a group of everybody shows them.
    for number in 0..50_000 {
        world.put(&format!("u{number}"), "geverybody");
    }
    world.give("g1", "USER_ADMIN").put("u1", "g1");
    let index = world.index().await.unwrap();
    assert_eq!(index.privileged().count(), 60);
    assert_eq!(world.times("/api/v1/iam/assignees"), 1);
    // Sixty administrators, and whoever signs in.
    assert_eq!(world.times("/api/v1/users/"), 61);
    assert_eq!(world.times(&format!("/api/v1/users/{ME}")), 1);
    // Two pages of groups, and of the one group with a role what it holds and who is in it.
    assert_eq!(world.times("/api/v1/groups"), 4);
    assert_eq!(world.times("/api/v1/groups/geverybody"), 0);
    let all = world.asked.lock().unwrap().len();
    assert_eq!(all, 1 + 61 + 4 + 2 + 1, "with custom roles, resource sets and apps");
}

#[tokio::test(start_paused = true)]
async fn the_listing_of_administrators_is_read_to_its_end() {
    let mut world = World::default();
    for number in 0..250 {
        world.give(&format!("u{number}"), "REPORT_ADMIN");
    }
    let index = world.index().await.unwrap();
    assert_eq!(index.privileged().count(), 250);
    assert_eq!(world.times("/api/v1/iam/assignees"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_custom_role_that_only_reads_is_no_privilege_and_still_an_administrator() {
    let mut world = World::default();
    world.define("cr0r", &["okta.users.read"]).bind("iam1", "cr0r", "u1");
    let directory = world.connect().await;
    let survey = super::super::survey(&directory.org).await.unwrap();
    let index = super::super::grounds::index(&survey);
    assert!(!index.classify(&id("u1")).is_privileged());
    let targets = directory.org.known.targets().unwrap();
    assert!(targets.target(&id("u1")).is_admin, "Okta refuses it to lower administrators all the same");
    assert!(!targets.target(&id("u2")).is_admin);
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_roles_are_known_by_whatever_way() {
    use crate::matrix::OwnRole;
    let mut world = World { hides_group_rows: true, ..World::default() };
    world.give("g1", "SUPER_ADMIN").put(ME, "g1").define("cr0a", &["okta.users.manage"]).bind("iam1", "cr0a", ME);
    let directory = world.connect().await;
    super::super::survey(&directory.org).await.unwrap();
    let targets = directory.org.known.targets().unwrap();
    let own: Vec<OwnRole> = targets.own().unwrap().iter().cloned().collect();
    let custom = OwnRole::Custom(s("label of cr0a"), Some(vec![s("okta.users.manage")]));
    assert_eq!(own, [OwnRole::Standard(s("SUPER_ADMIN")), custom]);
}

#[tokio::test(start_paused = true)]
async fn apps_that_hold_a_role_are_named() {
    let mut world = World::default();
    world.give("a1", "SUPER_ADMIN");
    let directory = world.connect().await;
    let survey = super::super::survey(&directory.org).await.unwrap();
    assert!(survey.notes()[0].contains("app name of a1 holds Super Administrator"), "{:?}", survey.notes());
    assert_eq!(world.times("/oauth2/v1/clients/aweb"), 0, "an app that people sign in with holds no role");
}
