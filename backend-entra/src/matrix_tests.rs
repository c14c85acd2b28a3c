use super::*;

/// The table as it stands in the source, by names; `.` is no. Columns: Password, Helpdesk,
/// Authentication, User, Privileged Authentication, Global Administrator.
const TABLE: &str = "
    no role                             Y Y Y Y Y Y
    Directory Readers                   Y Y Y Y Y Y
    Guest Inviter                       Y Y Y Y Y Y
    Password Administrator              Y Y Y Y Y Y
    Message Center Reader               . Y Y Y Y Y
    Reports Reader                      . Y Y Y Y Y
    User Experience Success Manager     . Y Y Y Y Y
    Usage Summary Reports Reader        . Y Y Y Y Y
    Helpdesk Administrator              . Y . Y Y Y
    Authentication Administrator        . . Y . Y Y
    User Administrator                  . . . Y Y Y
    Groups Administrator                . . . Y Y Y
    Privileged Auth Administrator       . . . . Y Y
    Privileged Role Administrator       . . . . Y Y
    Global Administrator                . . . . Y Y
    role-assignable group               . . . . Y Y
    role over a restricted unit         . . . . Y Y
    Security Reader                     . . . . Y Y
    a custom role                       . . . . Y Y";

/// Ids written out again, so that a slip in the table of the code shows.
fn role(name: &str) -> &'static str {
    match name {
        "Directory Readers" => "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
        "Guest Inviter" => "95e79109-95c0-4d8e-aee3-d01accf2d47b",
        "Password Administrator" => "966707d0-3269-4727-9be2-8c3a10f19b9d",
        "Message Center Reader" => "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b",
        "Reports Reader" => "4a5d8f65-41da-4de4-8968-e035b65339cf",
        "User Experience Success Manager" => "27460883-1df1-4691-b032-3b79643e5e63",
        "Usage Summary Reports Reader" => "75934031-6c7e-415a-99d7-48dbd49e875e",
        "Helpdesk Administrator" => "729827e3-9c14-49f7-bb1b-9608f156bbb8",
        "Authentication Administrator" => "c4e39bd9-1100-46d3-8c65-fb160da0071f",
        "User Administrator" => "fe930be7-5e62-47db-91af-98c3a49a38b1",
        "Groups Administrator" => "fdd7a751-b60b-444a-984c-02652fe8fa1c",
        "Privileged Auth Administrator" => "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
        "Privileged Role Administrator" => "e8611ab8-c189-46e8-94e1-60213ab1f814",
        "Global Administrator" => "62e90394-69f5-4237-9190-012177145e10",
        "Security Reader" => "5d6b6bb7-de71-4623-b4af-96380a352509",
        "a custom role" => "0d1c4d5e-0000-4000-8000-000000000001",
        other => panic!("{other}"),
    }
}

const COLUMNS: [&str; 6] = [
    "Password Administrator",
    "Helpdesk Administrator",
    "Authentication Administrator",
    "User Administrator",
    "Privileged Auth Administrator",
    "Global Administrator",
];

fn target(row: &str) -> Target {
    let mut target = Target::default();
    match row {
        "no role" => {}
        "role-assignable group" => target.in_role_assignable_group = true,
        // Any role there will do, also one that anybody reaches elsewhere.
        "role over a restricted unit" => {
            target.holds_restricted_role = true;
            target.roles.insert(role("Password Administrator").to_owned());
        }
        name => drop(target.roles.insert(role(name).to_uppercase())),
    }
    target
}

fn rows() -> Vec<(&'static str, Vec<bool>)> {
    let lines = TABLE.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, cells) = line.split_at(line.len() - 11);
            (name.trim(), cells.split_whitespace().map(|cell| cell == "Y").collect())
        })
        .collect()
}

fn own(name: &str) -> BTreeSet<OwnRole> {
    BTreeSet::from([OwnRole { caller: Caller::of(role(name)).expect("a column"), unit: None }])
}

#[test]
fn every_cell_of_both_tables() {
    let mut cells = 0;
    for (row, expected) in rows() {
        assert_eq!(expected.len(), COLUMNS.len(), "{row}");
        for (column, expected) in COLUMNS.iter().zip(expected) {
            let own = own(column);
            assert_eq!(check(&own, Power::Password, &target(row)).is_ok(), expected, "password: {column} on {row}");
            let sensitive = expected && !matches!(*column, "Password Administrator" | "Helpdesk Administrator");
            assert_eq!(check(&own, Power::Sensitive, &target(row)).is_ok(), sensitive, "sensitive: {column} on {row}");
            cells += 2;
        }
    }
    assert_eq!(cells, 19 * 6 * 2);
}

#[test]
fn of_several_roles_all_must_be_reached() {
    let mut both = target("Helpdesk Administrator");
    both.roles.extend(target("Authentication Administrator").roles);
    for column in COLUMNS {
        let reached = matches!(column, "Privileged Auth Administrator" | "Global Administrator");
        assert_eq!(check(&own(column), Power::Password, &both).is_ok(), reached, "{column}");
    }
    // Several roles of the app's own add up, each by itself.
    let mut two = own("Authentication Administrator");
    two.extend(own("User Administrator"));
    assert_eq!(check(&two, Power::Password, &target("Authentication Administrator")), Ok(()));
    assert_eq!(check(&two, Power::Password, &target("User Administrator")), Ok(()));
    assert_eq!(check(&two, Power::Password, &both), Err(Refusal::OutOfReach));
}

#[test]
fn partners_of_the_second_tier_reach_everybody() {
    let partner = Caller::of("e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8").expect("a column");
    assert!(rows().iter().all(|(row, _)| partner.may(Power::Sensitive, &target(row))));
}

#[test]
fn a_restricted_unit_is_changed_by_its_own_roles_only() {
    let mut member = Target::default();
    member.units.insert("u".into());
    member.restricted_units.insert("u".into());
    assert_eq!(check(&own("Global Administrator"), Power::Password, &member), Err(Refusal::Restricted));
    let scoped = |unit: &str| BTreeSet::from([OwnRole { caller: Caller::User, unit: Some(unit.into()) }]);
    assert_eq!(check(&scoped("u"), Power::Password, &member), Ok(()));
    assert_eq!(check(&scoped("other"), Power::Password, &member), Err(Refusal::Restricted));
    // A role over an ordinary unit that it is also in does not do.
    member.units.insert("ordinary".into());
    assert_eq!(check(&scoped("ordinary"), Power::Password, &member), Err(Refusal::Restricted));
    member.roles.insert(role("Global Administrator").into());
    assert_eq!(check(&scoped("u"), Power::Password, &member), Err(Refusal::OutOfReach));
}

#[test]
fn a_role_over_a_unit_reaches_its_members_only() {
    let scoped = BTreeSet::from([OwnRole { caller: Caller::User, unit: Some("u".into()) }]);
    let mut somebody = Target::default();
    assert_eq!(check(&scoped, Power::Password, &somebody), Err(Refusal::OutOfReach));
    somebody.units.insert("u".into());
    assert_eq!(check(&scoped, Power::Password, &somebody), Ok(()));
    assert_eq!(check(&BTreeSet::new(), Power::Password, &somebody), Err(Refusal::NoRole));
    assert_eq!(Caller::of("00000000-0000-0000-0000-000000000000"), None);
    assert_eq!(Caller::User.name(), "User Administrator");
}
