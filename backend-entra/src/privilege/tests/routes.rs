//! Each route to privilege by itself: found, with its path, and nothing besides.

use identity_core::directory::{Directory as _, PrivilegeClassifier as _, Severity};

use super::world::{CUSTOM, GLOBAL, HELPDESK, READERS, World, grounds, id, s};

fn expect(tier: u8, rule: &str, holds: &str, evidence: &str) -> Vec<(u8, String, String, String)> {
    vec![(tier, s(rule), s(holds), s(evidence))]
}

#[tokio::test]
async fn every_route_by_itself() {
    let mut world = World::default();
    world.assign("u1", GLOBAL).assign("u2", HELPDESK).assign("u3", READERS).assign("u4", CUSTOM);
    world.active.push((s("u5"), s(GLOBAL), s("/"), s("Activated"), s("Direct")));
    world.assigned.push((s("u5"), s(GLOBAL), s("/")));
    world.make_eligible("u6", GLOBAL);
    world.assigned.push((s("u7"), s(HELPDESK), s("/administrativeUnits/paris")));
    world.units.insert(s("paris"), (false, [s("u30")].into()));
    // A group that holds a role, one nested in it, its owner, and places on demand.
    world.groups.extend([(s("g1"), true), (s("g2"), false), (s("g3"), true)]);
    world.assign("g1", GLOBAL).put("u8", "g1", "members").put("g2", "g1", "members").put("u9", "g2", "members");
    world.put("u10", "g1", "owners");
    world.scheduled.push((s("g1"), s("u11"), s("member"), s("eligibilityScheduleInstances")));
    world.scheduled.push((s("g1"), s("u12"), s("owner"), s("eligibilityScheduleInstances")));
    world.scheduled.push((s("g1"), s("u13"), s("owner"), s("assignmentScheduleInstances")));
    world.put("u14", "g3", "members");
    // Apps: by permission, by role; owned straight, by the registration, by another app.
    world.permissions.push((s("a1"), s("RoleManagement.ReadWrite.Directory")));
    world.permissions.push((s("a3"), s("Mail.Read")));
    world.assign("a2", HELPDESK).own("u15", "a1").own("u16", "xa1").own("u17", "a2").own("a4", "a1").own("u18", "a4");
    world.own("u19", "a3").own("u19", "xa3");
    // A restricted unit, with a device in it; a role over it; a role over one app.
    world.units.insert(s("vault"), (true, [s("u20"), s("device")].into()));
    world.assigned.push((s("u21"), s(READERS), s("/administrativeUnits/vault")));
    world.assigned.push((s("u22"), s(HELPDESK), s("/a1")));
    world.assigned.push((s("u23"), s(HELPDESK), s("/a77")));
    // Only other listings show these.
    world.listed.extend([(s(GLOBAL), s("u24")), (s(GLOBAL), s("u1")), (s(READERS), s("u25"))]);
    world.active.push((s("u26"), s(HELPDESK), s("/"), s("Assigned"), s("Group")));
    world.active.push((s("u8"), s(GLOBAL), s("/"), s("Assigned"), s("Group")));
    let index = world.index().await.unwrap();
    assert!(index.incomplete().is_empty(), "{:?}", index.incomplete());
    let (ga, hd, rm) = ("Global Administrator", "Helpdesk Administrator", "RoleManagement.ReadWrite.Directory");
    for (account, expected) in [
        ("u1", expect(0, "role", ga, ga)),
        ("u2", expect(1, "role", hd, hd)),
        ("u3", vec![]),
        ("u4", expect(1, "role", "Passwords of the plant", "Passwords of the plant")),
        ("u5", expect(0, "role_activated", ga, "Global Administrator, activated for a time")),
        ("u6", expect(0, "role_eligible", ga, "Global Administrator, eligible")),
        ("u7", expect(1, "role", hd, "Helpdesk Administrator over administrative unit paris")),
        ("u8", expect(0, "member", ga, "member of g1 > Global Administrator")),
        ("u9", expect(0, "member", ga, "member of g2 > member of g1 > Global Administrator")),
        ("u10", expect(0, "owner", ga, "owner of g1 > Global Administrator")),
        ("u11", expect(0, "eligible_member", ga, "eligible member of g1 > Global Administrator")),
        ("u12", expect(0, "eligible_owner", ga, "eligible owner of g1 > Global Administrator")),
        ("u13", expect(0, "owner", ga, "owner of g1 > Global Administrator")),
        ("u14", expect(1, "member", "role-assignable group g3", "member of g3 > can be given roles")),
        ("u15", expect(0, "app_owner", rm, "owner of app a1 > permission RoleManagement.ReadWrite.Directory")),
        ("u16", expect(0, "app_owner", rm, "owner of app a1 > permission RoleManagement.ReadWrite.Directory")),
        ("u17", expect(1, "app_owner", hd, "owner of app a2 > Helpdesk Administrator")),
        (
            "u18",
            expect(
                0,
                "app_owner",
                rm,
                "owner of app a4 > owner of app a1 > permission RoleManagement.ReadWrite.Directory",
            ),
        ),
        ("u19", vec![]),
        (
            "u20",
            expect(1, "restricted_unit", "restricted administrative unit vault", "member of administrative unit vault"),
        ),
        ("u21", expect(1, "role", "Directory Readers", "Directory Readers over restricted administrative unit vault")),
        (
            "u22",
            vec![
                (0, s("scoped_role"), s(rm), s("role over app a1 > permission RoleManagement.ReadWrite.Directory")),
                (1, s("role"), s(hd), s("Helpdesk Administrator over object a1")),
            ],
        ),
        ("u23", expect(1, "role", hd, "Helpdesk Administrator over object a77")),
        ("u24", expect(0, "role_listed", ga, "Global Administrator, listed among its members")),
        ("u25", vec![]),
        ("u26", expect(1, "role_listed", hd, "Helpdesk Administrator, by a group that was not seen")),
        ("u30", vec![]),
        ("device", vec![]),
    ] {
        assert_eq!(grounds(&index, account), expected, "{account}");
    }
    let found: Vec<&str> = index.privileged().map(|(account, _)| account.as_str()).collect();
    assert!(found.iter().all(|account| account.starts_with('u')), "accounts only: {found:?}");
}

#[tokio::test]
async fn the_directory_says_what_it_will_be_refused_and_for_how_many() {
    let mut world = World { granted: vec!["User.Read.All", "User-PasswordProfile.ReadWrite.All"], ..World::default() };
    // The app itself, by a group; three accounts outrank it, one of them only for disabling.
    world.groups.insert(s("g1"), true);
    world.put("a99", "g1", "members").assign("g1", HELPDESK);
    world.assign("u1", GLOBAL).assign("u2", HELPDESK).assign("u3", READERS);
    world.units.insert(s("vault"), (true, [s("u4")].into()));
    let directory = world.connect().await;
    let preflight = directory.preflight().await.unwrap();
    let all: Vec<String> = preflight.findings.iter().map(|one| format!("{:?}: {}", one.severity, one.text)).collect();
    let says = |words: &str| all.iter().any(|text| text.contains(words));
    assert!(says("Note: the app holds Helpdesk Administrator"), "{all:#?}");
    assert!(says("by their roles 1 accounts will refuse a new password and 3 to be disabled"), "{all:#?}");
    assert!(says("Warning: no account can be disabled: the app's roles set passwords only"), "{all:#?}");
    assert!(says("1 accounts are in restricted administrative units"), "{all:#?}");
    assert!(says("no session can be revoked: the app lacks User.RevokeSessions.All"), "{all:#?}");
    assert!(says("the app lacks PrivilegedEligibilitySchedule.Read.AzureADGroup"), "{all:#?}");
    assert!(!says("no password can be set"), "{all:#?}");
    assert!(!preflight.is_fatal(), "{all:#?}");

    let bare = World { granted: vec!["Mail.Read"], ..World::default() };
    let preflight = bare.connect().await.preflight().await.unwrap();
    let fatal: Vec<_> = preflight.findings.iter().filter(|one| one.severity == Severity::Fatal).collect();
    assert!(fatal.iter().any(|one| one.text.contains("the app lacks User.Read.All")), "{fatal:?}");
    let texts: Vec<&String> = preflight.findings.iter().map(|one| &one.text).collect();
    assert!(texts.iter().any(|text| text.contains("holds no directory role that resets")), "{texts:?}");
}

#[tokio::test]
async fn an_override_of_the_table_counts() {
    let mut world = World::default();
    world.assign("u1", READERS);
    let mut table = crate::RoleTable::standard();
    table.override_with(&format!("[roles]\n\"{READERS}\" = 1")).unwrap();
    let config = crate::EntraConfig::new(identity_core::account::DirectoryId::new("cloud").unwrap(), "contoso.example")
        .client_secret("535fb089-9ff3-47b6-9bfb-4f1264799865", "planted".into())
        .without_quotas()
        .privileged(table)
        .transport(std::sync::Arc::new(world));
    let index = crate::EntraDirectory::connect(config).await.unwrap().privileges().await.unwrap();
    assert!(index.classify(&id("u1")).is_privileged());
}
