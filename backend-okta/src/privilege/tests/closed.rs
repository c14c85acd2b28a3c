//! What is refused is not taken for "there is none".

use identity_core::directory::PrivilegeClassifier as _;
use identity_core::error::ErrorKind;

use super::world::{ME, World, grounds, id, s};

/// Something of everything, so that every kind of call is made.
fn org() -> World {
    let mut world = World::default();
    world.give("u1", "SUPER_ADMIN").give("g1", "HELP_DESK_ADMIN").put("u2", "g1");
    world.define("cr0a", &["okta.users.manage"]).bind("iam1", "cr0a", "u3").bind("iam1", "cr0a", "g2").put("u4", "g2");
    world.give("a1", "SUPER_ADMIN").give("u5", "APP_ADMIN");
    world
}

#[tokio::test(start_paused = true)]
async fn each_refused_call_leaves_the_verdict_open_and_names_its_scope() {
    for (call, scope) in [
        ("/iam/assignees/users", "okta.roles.read"),
        ("/users/u1/roles", "okta.roles.read"),
        ("/iam/roles", "okta.roles.read"),
        ("/iam/roles/cr0a/permissions", "okta.roles.read"),
        ("/iam/resource-sets", "okta.roles.read"),
        ("/iam/resource-sets/iam1/bindings", "okta.roles.read"),
        ("/bindings/cr0a/members", "okta.roles.read"),
        ("/api/v1/groups", "okta.groups.read"),
        ("/groups/g1/roles", "okta.roles.read"),
        ("/groups/g1/users", "okta.groups.read"),
    ] {
        for (status, code) in [(403, "E0000006"), (401, "E0000015"), (400, "E0000001")] {
            let world = World { refused: vec![(call, status, code)], ..org() };
            let index = world.index().await.unwrap();
            let gaps = index.incomplete();
            assert!(gaps.iter().any(|gap| gap.contains(scope)), "{call} {status} {code}: {gaps:?}");
            assert!(index.classify(&id("u99")).is_privileged(), "{call}: nobody is known to be harmless");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_no_empty_listing_and_no_former_administrator() {
    for call in ["/iam/assignees/users", "/users/u1/roles", "/iam/roles", "/iam/resource-sets", "/api/v1/groups"] {
        let world = World { refused: vec![(call, 404, "E0000007")], ..org() };
        let index = world.index().await.unwrap();
        assert!(!index.incomplete().is_empty(), "{call}");
        assert!(index.classify(&id("u99")).is_privileged(), "{call}: nobody is known to be harmless");
        assert!(index.classify(&id("u1")).is_privileged(), "{call}");
    }
    let world = World { refused: vec![("/oauth2/v1/clients", 404, "E0000007")], ..org() };
    assert!(world.index().await.unwrap().classify(&id("u5")).unknown_because.is_some());
    // Below an id it means that whatever has the id is gone.
    for call in ["/iam/resource-sets/iam1/bindings", "/bindings/cr0a/members", "/groups/g2/roles", "/clients/a1/roles"]
    {
        let world = World { refused: vec![(call, 404, "E0000007")], ..org() };
        assert!(world.index().await.unwrap().incomplete().is_empty(), "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_is_still_told() {
    let world = World { refused: vec![("/iam/assignees/users", 403, "E0000006")], ..org() };
    let index = world.index().await.unwrap();
    assert_eq!(grounds(&index, "u2").len(), 1, "by the flag of its group");
    assert_eq!(grounds(&index, "u3").len(), 1, "by the resource set");
    let world = World { refused: vec![("/iam/roles/cr0a/permissions", 403, "E0000006")], ..org() };
    let index = world.index().await.unwrap();
    assert_eq!(grounds(&index, "u3")[0].0, 0, "a role that is not known is not known to be harmless");
}

#[tokio::test(start_paused = true)]
async fn nothing_about_roles_at_all_is_an_error() {
    let refused = ["/iam/assignees/users", "/iam/resource-sets"];
    let world = World { refused: refused.map(|call| (call, 403, "E0000006")).to_vec(), ..org() };
    let error = world.index().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InsufficientPrivilege);
    assert!(error.advice().unwrap().contains("okta.roles.read"));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_cannot_answer_now_is_no_verdict() {
    let world = World { refused: vec![("/groups/g1/users", 503, "E0000181")], ..org() };
    let error = world.index().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test(start_paused = true)]
async fn apps_that_cannot_be_read_concern_those_who_administer_apps() {
    for call in ["/oauth2/v1/clients", "/clients/a1/roles"] {
        let world = World { refused: vec![(call, 403, "E0000006")], ..org() };
        let index = world.index().await.unwrap();
        assert!(index.incomplete().is_empty(), "{call}: {:?}", index.incomplete());
        let verdict = index.classify(&id("u5"));
        assert!(verdict.unknown_because.is_some_and(|why| why.contains("administers apps")), "{call}");
        assert!(!index.classify(&id("u99")).is_privileged(), "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_listed_goes_with_the_privileged_without_a_role_and_when_its_roles_are_not_there() {
    let mut world = org();
    world.listed.extend([s("u8"), s("u9")]);
    world.gone.insert(s("u9"));
    let index = world.index().await.unwrap();
    assert!(index.incomplete().iter().any(|gap| gap.contains("the roles of the user u9")), "{:?}", index.incomplete());
    let why = |name: &str| index.classify(&id(name)).unknown_because.unwrap_or_default();
    assert!(why("u8").contains("none of its roles was shown"), "{}", why("u8"));
    assert!(why("u9").contains("its roles could not be read"), "{}", why("u9"));
}

#[tokio::test(start_paused = true)]
async fn a_member_of_a_binding_that_is_nothing_known_is_a_gap() {
    let mut world = org();
    world.bind("iam1", "cr0a", "robot1");
    let index = world.index().await.unwrap();
    assert!(index.incomplete()[0].contains("neither a user nor a group nor an app"), "{:?}", index.incomplete());
}

#[tokio::test(start_paused = true)]
async fn too_many_groups_that_do_not_tell_are_a_gap_and_few_are_asked() {
    let world = World { without_stats: true, ordinary_groups: 501, ..org() };
    let index = world.index().await.unwrap();
    assert!(index.incomplete().iter().any(|gap| gap.contains("does not tell")), "{:?}", index.incomplete());
    assert_eq!(world.times("/api/v1/groups/gx"), 0);
    let world = World { without_stats: true, ordinary_groups: 100, ..org() };
    assert!(world.index().await.unwrap().incomplete().is_empty());
    assert_eq!(world.times("/api/v1/groups/gx"), 100, "their roles; without any nobody looks who is in them");
}

#[tokio::test(start_paused = true)]
async fn own_roles_that_could_not_be_read_predict_nothing() {
    let own = |world: World| async move {
        let directory = world.connect().await;
        directory.privileges().await.unwrap();
        directory.org.known.targets().unwrap().own().map(std::collections::BTreeSet::len)
    };
    assert_eq!(own(org()).await, Some(0));
    assert_eq!(own(World { refused: vec![("/users/00uMe/roles", 403, "E0000006")], ..org() }).await, None);
    assert_eq!(ME, "00uMe");
}
