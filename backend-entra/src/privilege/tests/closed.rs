//! What is refused is not taken for "there is none".

use std::time::Duration;

use identity_core::directory::PrivilegeClassifier as _;
use identity_core::error::ErrorKind;

use super::world::{GLOBAL, World, grounds, id, s};

/// Something of everything, so that every kind of call is made.
fn tenant() -> World {
    let mut world = World::default();
    world.assign("u1", GLOBAL).assign("g1", GLOBAL).put("u2", "g1", "members");
    world.groups.insert(s("g1"), true);
    world.listed.push((s(GLOBAL), s("u1")));
    world.permissions.push((s("a1"), s("RoleManagement.ReadWrite.Directory")));
    world.own("u3", "a1").own("u4", "xa1");
    world.units.insert(s("vault"), (true, [s("u5")].into()));
    world
}

#[tokio::test]
async fn each_refused_call_leaves_the_verdict_open_and_names_its_permission() {
    for (call, permission) in [
        ("/roleDefinitions", "RoleManagement.Read.Directory"),
        ("/roleAssignments", "RoleManagement.Read.Directory"),
        ("/directoryRoles", "RoleManagement.Read.Directory"),
        ("/members", "RoleManagement.Read.Directory"),
        ("/roleAssignmentScheduleInstances", "RoleAssignmentSchedule.Read.Directory"),
        ("/roleEligibilityScheduleInstances", "RoleEligibilitySchedule.Read.Directory"),
        ("/groups", "GroupMember.Read.All"),
        ("/groups/g1/members", "GroupMember.Read.All"),
        ("/groups/g1/owners", "GroupMember.Read.All"),
        ("/group/assignmentScheduleInstances", "PrivilegedAssignmentSchedule.Read.AzureADGroup"),
        ("/group/eligibilityScheduleInstances", "PrivilegedEligibilitySchedule.Read.AzureADGroup"),
        ("/directory/administrativeUnits", "AdministrativeUnit.Read.All"),
        ("/administrativeUnits/vault/members", "AdministrativeUnit.Read.All"),
        ("/servicePrincipals(appId=", "Application.Read.All"),
        ("/appRoleAssignedTo", "Application.Read.All"),
        ("/servicePrincipals/a1/owners", "Application.Read.All"),
        ("/applications(appId=", "Application.Read.All"),
        ("')/owners", "Application.Read.All"),
    ] {
        for (status, code) in [(403, "Authorization_RequestDenied"), (403, "accessDenied"), (400, "Request_BadRequest")]
        {
            let world = World { refused: vec![(call, status, code)], ..tenant() };
            let index = world.index().await.unwrap();
            let gaps = index.incomplete();
            assert!(gaps.iter().any(|gap| gap.contains(permission)), "{call} {status} {code}: {gaps:?}");
            assert!(index.classify(&id("u99")).is_privileged(), "{call}: nobody is known to be harmless");
        }
    }
}

#[tokio::test]
async fn principals_that_are_named_by_their_ids_only_are_asked_for() {
    let mut world = World { nameless: true, ..World::default() };
    world.assign("a2", GLOBAL).own("u1", "a2").assign("gone", GLOBAL);
    world.groups.insert(s("g1"), true);
    world.assign("g1", GLOBAL);
    // A group that is eligible for a place, and whoever is in it.
    world.scheduled.push((s("g1"), s("g2"), s("member"), s("eligibilityScheduleInstances")));
    world.put("u2", "g2", "members");
    let index = world.index().await.unwrap();
    assert!(index.incomplete().is_empty(), "{:?}", index.incomplete());
    assert_eq!(grounds(&index, "u1")[0].3, "owner of app a2 > Global Administrator");
    assert_eq!(grounds(&index, "u2")[0].3, "member of g2 > eligible member of g1 > Global Administrator");
    world.refused.push(("getByIds", 403, "Authorization_RequestDenied"));
    assert!(!world.index().await.unwrap().incomplete().is_empty());
}

#[tokio::test]
async fn a_refusal_that_is_no_missing_permission_says_so() {
    let world = World {
        refused: vec![("/administrativeUnits", 403, "accessDenied")],
        granted: vec!["AdministrativeUnit.Read.All"],
        ..tenant()
    };
    let index = world.index().await.unwrap();
    assert!(index.incomplete()[0].contains("although the token has a permission"), "{:?}", index.incomplete());
}

#[tokio::test]
async fn roles_without_definitions_or_assignments_are_found_by_what_is_left() {
    let world = World { refused: vec![("/roleDefinitions", 403, "Authorization_RequestDenied")], ..tenant() };
    let index = world.index().await.unwrap();
    assert_eq!(grounds(&index, "u1")[0].0, 0, "by the table");
    let world = World { refused: vec![("/roleAssignments", 403, "Authorization_RequestDenied")], ..tenant() };
    let index = world.index().await.unwrap();
    assert_eq!(grounds(&index, "u1")[0].1, "role_listed");
}

#[tokio::test]
async fn nothing_about_roles_at_all_is_an_error() {
    let refused = ["/roleDefinitions", "/roleAssignments", "/directoryRoles"];
    let world = World { refused: refused.map(|call| (call, 403, "Authorization_RequestDenied")).to_vec(), ..tenant() };
    let error = world.index().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InsufficientPrivilege);
    assert!(error.advice().unwrap().contains("RoleManagement.Read.Directory"));
}

#[tokio::test(start_paused = true)]
async fn a_tenant_without_a_licence_has_no_managed_roles_and_that_is_no_gap() {
    for (status, code) in [
        (400, "AadPremiumLicenseRequired"),
        (400, "PimLicenseRequired"),
        (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant"),
    ] {
        let world = World { refused: vec![("ScheduleInstances", status, code)], ..tenant() };
        let directory = world.connect().await;
        let survey = super::super::survey(&directory.tenant).await.unwrap();
        assert!(survey.gaps().is_empty(), "{code}: {:?}", survey.gaps());
        assert!(survey.notes().iter().any(|note| note.contains("no licence")), "{code}");
        let asked = world.asked.lock().unwrap();
        let about_groups = asked.iter().filter(|path| path.contains("privilegedAccess")).count();
        assert_eq!(about_groups, 0, "not asked where there are none");
    }
}

#[tokio::test(start_paused = true)]
async fn a_licence_that_one_list_has_and_another_has_not_is_a_gap() {
    for call in ["/roleEligibilityScheduleInstances", "/group/eligibilityScheduleInstances"] {
        let world = World { refused: vec![(call, 400, "AadPremiumLicenseRequired")], ..tenant() };
        let index = world.index().await.unwrap();
        assert!(!index.incomplete().is_empty(), "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_licence_refusal_that_passes_is_not_believed() {
    let call = "/roleEligibilityScheduleInstances";
    let mut world =
        World { refused: vec![(call, 403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")], ..tenant() };
    world.make_eligible("u6", GLOBAL);
    world.times.lock().unwrap().insert(call, 2);
    let begun = tokio::time::Instant::now();
    let index = world.index().await.unwrap();
    assert!(index.incomplete().is_empty(), "{:?}", index.incomplete());
    assert_eq!(grounds(&index, "u6")[0].1, "role_eligible");
    assert!(begun.elapsed() >= Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_cannot_answer_now_is_no_verdict() {
    let world = World { refused: vec![("/groups/g1/owners", 503, "serviceNotAvailable")], ..tenant() };
    let error = world.index().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn hidden_members_are_a_gap_unless_the_token_says_that_they_are_shown() {
    for (hides, is_unit) in [("g1", false), ("vault", true)] {
        let of = |opaque, granted: &[&'static str]| World {
            hiding: [s(hides)].into(),
            opaque,
            granted: granted.to_vec(),
            ..tenant()
        };
        for (world, is_gap) in [
            (of(false, &["Directory.Read.All"]), true),
            (of(true, &["Member.Read.Hidden"]), true),
            (of(false, &["Member.Read.Hidden"]), false),
        ] {
            let index = world.index().await.unwrap();
            let gaps = index.incomplete();
            assert_eq!(gaps.iter().any(|gap| gap.contains("Member.Read.Hidden")), is_gap, "{is_unit}: {gaps:?}");
        }
    }
    // A unit that nothing hangs on may hide whom it likes.
    let mut world = World { hiding: [s("club")].into(), ..tenant() };
    world.units.insert(s("club"), (false, [s("u7")].into()));
    assert!(world.index().await.unwrap().incomplete().is_empty());
}

#[tokio::test]
async fn who_is_restricted_by_a_unit_that_was_not_seen_is_no_ordinary_account() {
    let directory = tenant().connect().await;
    directory.tenant.known.note_restricted(&id("u8"), true);
    directory.tenant.known.note_restricted(&id("u5"), true);
    let index = directory.privileges().await.unwrap();
    assert_eq!(
        grounds(&index, "u8"),
        [(
            1,
            s("restricted_unit"),
            s("a restricted administrative unit"),
            s("isManagementRestricted; the unit was not seen")
        )]
    );
    assert_eq!(grounds(&index, "u5").len(), 1, "explained by a unit");
    directory.tenant.known.note_restricted(&id("u8"), false);
    assert!(grounds(&directory.privileges().await.unwrap(), "u8").is_empty());
}

#[tokio::test]
async fn an_app_whose_roles_could_not_be_read_is_not_known_to_have_none() {
    let own = |world: World| async move {
        let directory = world.connect().await;
        directory.privileges().await.unwrap();
        directory.tenant.known.targets().unwrap().own().map(std::collections::BTreeSet::len)
    };
    assert_eq!(own(tenant()).await, Some(0));
    assert_eq!(own(World { refused: vec![("/roleAssignments", 403, "accessDenied")], ..tenant() }).await, None);
}

#[tokio::test]
async fn a_domain_that_is_federated_since_is_seen() {
    use crate::domains::Checked;
    let directory = World { federates: true, ..tenant() }.connect().await;
    assert_eq!(directory.tenant.domains().checked("a@contoso.example"), Checked::Here);
    directory.privileges().await.unwrap();
    assert_eq!(directory.tenant.domains().checked("a@contoso.example"), Checked::Elsewhere);
    let refused = World { refused: vec![("/domains", 403, "Authorization_RequestDenied")], ..tenant() };
    let directory = refused.connect().await;
    directory.privileges().await.unwrap();
    assert!(directory.tenant.domains().is_unknown());
}

#[tokio::test]
async fn apps_of_every_sort_have_owners_and_what_is_not_known_is_a_gap() {
    for sort in ["agentIdentity", "agentIdentityBlueprintPrincipal", ""] {
        let mut world = World { types: [(s("a5"), sort)].into(), ..World::default() };
        world.assign("a5", GLOBAL).own("u1", "a5");
        let index = world.index().await.unwrap();
        let is_told = !sort.is_empty();
        assert_eq!(index.incomplete().is_empty(), is_told, "{sort}: {:?}", index.incomplete());
        assert!(!is_told || grounds(&index, "u1")[0].1 == "app_owner", "{sort}");
    }
    let mut world = World { types: [(s("a5"), "robot")].into(), ..World::default() };
    world.assign("a5", GLOBAL);
    let index = world.index().await.unwrap();
    assert!(index.incomplete().iter().any(|gap| gap.contains("robot")), "{:?}", index.incomplete());
}

#[tokio::test]
async fn an_app_without_a_type_in_a_list_of_members_is_asked_about() {
    let mut world = World { types: [(s("a5"), "")].into(), ..World::default() };
    world.listed.push((s(GLOBAL), s("a5")));
    assert!(!world.index().await.unwrap().incomplete().is_empty());
}
