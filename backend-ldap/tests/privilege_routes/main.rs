//! Every route to tier 0, planted in an organisation on the mock AD: each one found with its path, none
//! missed, none invented.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod garden;

use std::collections::BTreeSet;

use identity_core::directory::PrivilegeClassifier;
use identity_core::privilege::Tier;
use testkit::organisation::{Place, PlantedGroup, special, uac};
use testkit::security::{AccessEntry, right};

use garden::{Garden, connect, id, told};

const BASE: &str = "DC=corp,DC=example,DC=test";
/// Plants one thing.
type Plant = Box<dyn Fn(&mut Garden)>;

const T0: Tier = Tier::Control;

fn replication(garden: &mut Garden) {
    let changes = format!("Replicating Directory Changes on {BASE}");
    let all = format!("Replicating Directory Changes All on {BASE}");
    let rule = "may_replicate_secrets";
    // Both rights, straight.
    let both = garden.person();
    for object in [right::GET_CHANGES, right::GET_CHANGES_ALL] {
        garden.allow_on(Place::Domain, &garden.sid(both), right::CONTROL_ACCESS, object);
    }
    garden.expect(both, T0, rule, &[&changes]);
    garden.expect(both, T0, rule, &[&all]);
    // One by one group, the other by another.
    let (apart, one) = garden.in_group("Mail-Migration");
    let (only_all, two) = garden.in_group("Audit-Readers");
    garden.planting.account(apart).groups.push("Audit-Readers".into());
    garden.allow_on(Place::Domain, &one, right::CONTROL_ACCESS, right::GET_CHANGES);
    garden.allow_on(Place::Domain, &two, right::CONTROL_ACCESS, right::GET_CHANGES_ALL);
    garden.expect(apart, T0, rule, &["Mail-Migration", &changes]);
    garden.expect(apart, T0, rule, &["Audit-Readers", &all]);
    // Half is nothing, and whoever may change a group that holds half gains nothing.
    let half = garden.person();
    garden.allow_on(Place::Domain, &garden.sid(half), right::CONTROL_ACCESS, right::GET_CHANGES);
    let writer = garden.person();
    garden.allow_on(Place::Group("Audit-Readers".into()), &garden.sid(writer), right::WRITE_PROPERTY, right::MEMBER);
    let _ = only_all;
    // Every extended right.
    let every = garden.person();
    garden.allow(Place::Domain, &garden.sid(every), right::CONTROL_ACCESS);
    garden.expect(every, T0, rule, &[&format!("All extended rights on {BASE}")]);
}

fn over_the_domain(garden: &mut Garden) {
    for (mask, object, words) in [
        (right::FULL_CONTROL, None, "Full control"),
        (right::WRITE_DAC, None, "Modify permissions"),
        (right::WRITE_OWNER, None, "Modify owner"),
        (right::WRITE_PROPERTY, None, "Write all properties"),
        (right::WRITE_PROPERTY, Some(right::GROUP_POLICY_LINK), "Write gPLink"),
    ] {
        for (place, on, rule) in [
            (Place::Domain, BASE.to_owned(), "may_write_domain"),
            (Place::Controllers, format!("OU=Domain Controllers,{BASE}"), "may_write_controllers"),
        ] {
            let person = garden.person();
            let entry = AccessEntry::allow(&garden.sid(person), mask);
            garden.planting.entries.push((place.clone(), object.into_iter().fold(entry, AccessEntry::on)));
            garden.expect(person, T0, rule, &[&format!("{words} on {on}")]);
            if mask == right::FULL_CONTROL && place == Place::Domain {
                garden.expect(person, T0, "may_replicate_secrets", &[&format!("All extended rights on {on}")]);
            }
        }
    }
    let owner = garden.person();
    garden.planting.owners.push((Place::Domain, garden.sid(owner)));
    garden.expect(owner, T0, "may_write_domain", &[&format!("Owner on {BASE}")]);
    // By nested groups that form a cycle.
    let (deep, _) = garden.in_group("Ring-C");
    garden.planting.group("Ring-B", &["Ring-C"]);
    garden.planting.group("Ring-A", &[]);
    garden.planting.nestings.extend([("Ring-C".into(), "Ring-B".into()), ("Ring-B".into(), "Ring-A".into())]);
    garden.allow(Place::Domain, &garden.sid_of("Ring-A"), right::WRITE_DAC);
    garden.expect(
        deep,
        T0,
        "may_write_domain",
        &["Ring-C", "Ring-B", "Ring-A", &format!("Modify permissions on {BASE}")],
    );
    // A distribution list, by primary group, by history of the account.
    let listed = garden.person();
    garden.planting.groups.push(PlantedGroup { name: "Dist".into(), distribution: true, ..PlantedGroup::default() });
    garden.planting.nestings.push(("Dist".into(), "Ring-A".into()));
    garden.planting.account(listed).groups.push("Dist".into());
    garden.expect(listed, T0, "may_write_domain", &["Dist", "Ring-A", &format!("Modify permissions on {BASE}")]);
    let primary = garden.person();
    let ring = garden.sid_of("Ring-A");
    let rid = ring.rsplit('-').next().and_then(|rid| rid.parse().ok());
    garden.planting.account(primary).primary_group = rid;
    garden.expect(primary, T0, "may_write_domain", &["Ring-A", &format!("Modify permissions on {BASE}")]);
    let former = garden.person();
    garden.planting.account(former).sid_history.push(ring.clone());
    garden.expect(former, T0, "may_write_domain", &[&ring, "Ring-A", &format!("Modify permissions on {BASE}")]);
    garden.expect(former, Tier::Management, "sid_history", &[&ring]);
}

fn what_gives_nothing(garden: &mut Garden) {
    let children = garden.person();
    let entry = AccessEntry::allow(&garden.sid(children), right::FULL_CONTROL).for_children();
    garden.planting.entries.push((Place::Domain, entry));
    let denied = garden.person();
    garden.allow(Place::Domain, &garden.sid(denied), right::WRITE_DAC);
    garden.planting.entries.push((Place::Domain, AccessEntry::deny(&garden.sid(denied), right::WRITE_DAC)));
    let reader = garden.person();
    garden.allow(Place::Domain, &garden.sid(reader), 0x2_0094);
    garden.allow(Place::AdminSdHolder, &garden.sid(reader), 0x2_0094);
    let other_property = garden.person();
    let property = uuid::Uuid::from_u128(0xbf96_7a7f_0de6_11d0_a285_00aa_0030_49e2);
    garden.allow_on(
        Place::Account(special::DOMAIN_ADMIN),
        &garden.sid(other_property),
        right::WRITE_PROPERTY,
        property,
    );
    let over_ordinary = garden.person();
    garden.allow(Place::Account(special::PLAIN), &garden.sid(over_ordinary), right::FULL_CONTROL);
    // The SID of an account that is gone.
    let gone = format!("{}-4000000", garden.plain.domain_sid());
    garden.allow(Place::Domain, &gone, right::FULL_CONTROL);
    // A denial for a group may or may not meet the holder: it takes nothing away.
    let (perhaps, group) = garden.in_group("Perhaps");
    garden.allow(Place::Domain, &garden.sid(perhaps), right::WRITE_DAC);
    garden.planting.entries.push((Place::Domain, AccessEntry::deny(&group, right::WRITE_DAC)));
    garden.expect(perhaps, T0, "may_write_domain", &[&format!("Modify permissions on {BASE}")]);
}

fn over_tier0(garden: &mut Garden) {
    let template = format!("CN=AdminSDHolder,CN=System,{BASE}");
    for (mask, object, rule, words) in [
        (right::WRITE_DAC, None, "may_write_admin_sd_holder", "Modify permissions"),
        (right::CONTROL_ACCESS, Some(right::RESET_PASSWORD), "may_reset_tier0", "Reset Password"),
        (right::WRITE_PROPERTY, Some(right::MEMBER), "may_change_tier0_group", "Write member"),
        (right::WRITE_PROPERTY, Some(right::KEY_CREDENTIAL_LINK), "may_write_tier0", "Write msDS-KeyCredentialLink"),
    ] {
        let person = garden.person();
        let entry = AccessEntry::allow(&garden.sid(person), mask);
        garden.planting.entries.push((Place::AdminSdHolder, object.into_iter().fold(entry, AccessEntry::on)));
        garden.expect(person, T0, rule, &[&format!("{words} on {template}")]);
    }
    let admin = garden.name(special::DOMAIN_ADMIN);
    let on = Place::Account(special::DOMAIN_ADMIN);
    let (desk, helpdesk) = garden.in_group("Helpdesk-L2");
    garden.allow_on(on.clone(), &helpdesk, right::CONTROL_ACCESS, right::RESET_PASSWORD);
    garden.expect(desk, T0, "may_reset_tier0", &["Helpdesk-L2", &format!("Reset Password on {admin}")]);
    // The chain goes on: over a member of that group, and over the group.
    let second = garden.person();
    garden.allow(Place::Account(desk), &garden.sid(second), right::CONTROL_ACCESS);
    garden.expect(second, T0, "may_reset_tier0", &[&format!("All extended rights on {}", garden.name(desk))]);
    let joiner = garden.person();
    garden.allow_on(Place::Group("Helpdesk-L2".into()), &garden.sid(joiner), right::SELF, right::MEMBER);
    garden.expect(joiner, T0, "may_change_tier0_group", &["Add or remove self as member on Helpdesk-L2"]);
    let owner = garden.person();
    garden.planting.owners.push((on.clone(), garden.sid(owner)));
    garden.expect(owner, T0, "may_reset_tier0", &[&format!("Owner on {admin}")]);
    let keys = garden.person();
    garden.allow_on(on, &garden.sid(keys), right::WRITE_PROPERTY, right::KEY_CREDENTIAL_LINK);
    garden.expect(keys, T0, "may_write_tier0", &[&format!("Write msDS-KeyCredentialLink on {admin}")]);
    for group in ["Domain Admins", "Ops-Night-Shift"] {
        let writer = garden.person();
        garden.allow_on(Place::Group(group.into()), &garden.sid(writer), right::WRITE_PROPERTY, right::MEMBER);
        garden.expect(writer, T0, "may_change_tier0_group", &[&format!("Write member on {group}")]);
    }
    let several = garden.person();
    for index in [special::ENTERPRISE_ADMIN, special::SCHEMA_ADMIN] {
        garden.allow(Place::Account(index), &garden.sid(several), right::WRITE_OWNER);
    }
    let first = garden.name(special::ENTERPRISE_ADMIN).min(garden.name(special::SCHEMA_ADMIN));
    garden.expect(several, T0, "may_reset_tier0", &[&format!("Modify owner on {first} and 1 more")]);
}

fn delegation(garden: &mut Garden) {
    let any = garden.person();
    garden.planting.account(any).flags = uac::DELEGATION;
    garden.expect(any, T0, "unconstrained_delegation", &["TRUSTED_FOR_DELEGATION"]);
    let transition = garden.person();
    garden.planting.account(transition).flags = uac::PROTOCOL_TRANSITION;
    garden.planting.account(transition).delegates_to = vec!["http/intranet.corp.example.test".into()];
    garden.expect(transition, Tier::Management, "constrained_delegation", &["TRUSTED_TO_AUTH_FOR_DELEGATION"]);
    let harmless = garden.person();
    garden.planting.account(harmless).delegates_to = vec!["http/intranet.corp.example.test".into()];
    let to_controller = garden.person();
    let target = format!("time/{}.corp.example.test", garden.name(special::CONTROLLER).trim_end_matches('$'));
    garden.planting.account(to_controller).delegates_to = vec!["http/other".into(), target.clone()];
    garden.expect(to_controller, T0, "constrained_delegation", &[&format!("msDS-AllowedToDelegateTo {target}")]);
    let acts = garden.person();
    garden.planting.account(special::CONTROLLER).acted_for_by = vec![garden.sid(acts)];
    let controller = garden.name(special::CONTROLLER);
    garden.expect(acts, T0, "may_act_for_tier0", &[&format!("listed on {controller}")]);
    // A managed account in Domain Admins, and who may read its password.
    let reads = garden.person();
    let managed = garden.planting.account(special::GROUP_MANAGED);
    managed.groups.push("Domain Admins".into());
    managed.grounds.insert(testkit::organisation::TruthGround {
        tier: T0,
        rule: "member",
        holds: "Domain Admins".into(),
    });
    let managed = garden.name(special::GROUP_MANAGED);
    garden.planting.account(special::GROUP_MANAGED).read_by = vec![garden.sid(reads)];
    garden.expect(reads, T0, "may_read_tier0_password", &[&format!("listed on {managed}")]);
    // Who may act on an ordinary machine gets nothing.
    let idle = garden.person();
    garden.planting.account(special::WORKSTATION).acted_for_by = vec![garden.sid(idle)];
}

fn strangers(garden: &mut Garden) -> (String, String) {
    // A placeholder that stands for an account of this very domain.
    let own = garden.person();
    garden.planting.strangers.push((garden.sid(own), vec!["Backup Operators".into()]));
    garden.expect(own, T0, "member", &["Backup Operators"]);
    // A group whose history says that it was Domain Admins.
    let (old, _) = garden.in_group("Old-Admins");
    let admins = format!("{}-512", garden.plain.domain_sid());
    let group = garden.planting.groups.iter_mut().find(|group| group.name == "Old-Admins").expect("planted");
    group.sid_history.push(admins);
    garden.expect(old, T0, "member", &["Old-Admins (sIDHistory)", "Domain Admins"]);
    garden.expect(old, T0, "member", &["Old-Admins (sIDHistory)", "Domain Admins", "Administrators"]);
    let listed = "S-1-5-21-9-8-7-1104".to_owned();
    garden.planting.strangers.push((listed.clone(), vec!["Server Operators".into()]));
    let holder = "S-1-5-21-9-8-7-2208".to_owned();
    garden.allow(Place::Domain, &holder, right::WRITE_DAC);
    (listed, holder)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_found_with_its_path_and_none_is_invented() {
    let mut garden = Garden::new();
    replication(&mut garden);
    over_the_domain(&mut garden);
    what_gives_nothing(&mut garden);
    over_tier0(&mut garden);
    delegation(&mut garden);
    let (listed, holder) = strangers(&mut garden);
    let (index, mock) = garden.index().await;
    assert_eq!(index.incomplete(), &[] as &[String]);

    let planted: BTreeSet<u64> = garden.expected.iter().map(|(index, _)| *index).collect();
    assert!(planted.len() > 45, "{}", planted.len());
    for (person, expected) in &garden.expected {
        let verdict = index.classify(&id(mock.organisation(), *person));
        let found: BTreeSet<_> = verdict.grounds.iter().map(told).collect();
        assert_eq!(&found, expected, "{}", garden.name(*person));
    }
    for account in mock.organisation().accounts().filter(|account| !planted.contains(&account.index)) {
        let verdict = index.classify(&id(mock.organisation(), account.index));
        assert_eq!(verdict.tier, account.truth.tier, "{}: {:?}", account.name, verdict.grounds);
        let by_right = verdict.grounds.iter().filter(|ground| ground.rule.starts_with("may_"));
        let expected = if account.index == special::SYNC { 2 } else { 0 };
        assert_eq!(by_right.count(), expected, "{}: {:?}", account.name, verdict.grounds);
    }
    let of_strangers = index.privileged().flat_map(|(account, grounds)| grounds.iter().map(move |one| (account, one)));
    let of_strangers: Vec<_> = of_strangers.filter(|(_, one)| one.evidence[0].contains("-9-8-7-")).collect();
    assert_eq!(of_strangers.len(), 2, "{of_strangers:?}");
    let by = |sid: &str| of_strangers.iter().find(|(_, one)| one.evidence[0].contains(sid)).expect("found").1;
    assert_eq!((by(&listed).rule.as_str(), by(&listed).holds.as_str()), ("foreign_member", "Server Operators"));
    assert_eq!((by(&holder).rule.as_str(), by(&holder).evidence.len()), ("may_write_domain", 2));
    mock.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_everybody_holds_is_said_aloud_and_fails_closed() {
    let everybody: [(&str, Plant); 5] = [
        ("S-1-5-11", Box::new(|garden| garden.allow(Place::Domain, "S-1-5-11", right::CONTROL_ACCESS))),
        (
            "S-1-1-0",
            Box::new(|garden| {
                let on = Place::Account(special::DOMAIN_ADMIN);
                garden.allow_on(on, "S-1-1-0", right::CONTROL_ACCESS, right::RESET_PASSWORD);
            }),
        ),
        (
            "Domain Users",
            Box::new(|garden| {
                garden.planting.nestings.push(("Domain Users".into(), "Domain Admins".into()));
            }),
        ),
        (
            "-513",
            Box::new(|garden| {
                let users = format!("{}-513", garden.plain.domain_sid());
                garden.allow_on(Place::Group("Server Operators".into()), &users, right::WRITE_PROPERTY, right::MEMBER);
            }),
        ),
        (
            "S-1-5-11",
            Box::new(|garden| {
                garden.planting.strangers.push(("S-1-5-11".into(), vec!["Account Operators".into()]));
            }),
        ),
    ];
    for (word, plant) in everybody {
        let mut garden = Garden::new();
        let person = garden.person();
        plant(&mut garden);
        let (index, mock) = garden.index().await;
        let said = index.incomplete();
        assert!(said.iter().any(|line| line.contains(word) && line.contains("everybody")), "{word}: {said:?}");
        let verdict = index.classify(&id(mock.organisation(), person));
        assert!(verdict.is_privileged() && verdict.unknown_because.is_some(), "{verdict:?}");
        assert!(index.privileged().count() < 80, "nobody is listed for what everybody holds");
        mock.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_in_a_group_that_opens_a_service_is_told_once_and_drowns_nobody() {
    for (word, everybody) in [("S-1-5-11", true), ("Domain Users", false)] {
        let mut garden = Garden::new();
        let person = garden.person();
        let helper = garden.person();
        if everybody {
            garden.planting.strangers.push(("S-1-5-11".into(), vec!["Remote Management Users".into()]));
        } else {
            garden.planting.nestings.push(("Domain Users".into(), "Remote Management Users".into()));
        }
        garden.planting.account(helper).groups.push("Remote Management Users".into());
        let (index, mock) = garden.index().await;
        assert_eq!(index.incomplete(), &[] as &[String], "{word}");
        let told: Vec<_> = index.for_everybody().collect();
        let [ground] = told.as_slice() else { panic!("{word}: {told:?}") };
        assert!(ground.holds == "Remote Management Users" && ground.evidence[0] == word, "{ground}");
        let verdict = |index_of: u64| index.classify(&id(mock.organisation(), index_of));
        assert!(!verdict(person).is_privileged(), "{:?}", verdict(person));
        assert_eq!(verdict(helper).tier, Tier::Management, "whoever is listed by name keeps the ground");
        assert_eq!(verdict(special::DOMAIN_ADMIN).tier, T0);
        mock.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tier0_that_does_not_come_back_when_it_is_asked_for_leaves_the_index_open() {
    let mut garden = Garden::new();
    let person = garden.person();
    let organisation = garden.plain.clone().with_planting(garden.planting.clone());
    let mock = testkit::mock_ad::MockAd::builder().organisation(organisation).start().await.expect("a mock");
    let directory = connect(&mock).await;
    assert_eq!(directory.privileges().await.expect("an index").incomplete(), &[] as &[String]);
    // It is listed in Domain Admins, and nobody may read it: who may reset it is not known.
    let admin = mock.organisation().account(special::DOMAIN_ADMIN).guid;
    mock.hide(&admin, true).expect("hidden");
    let index = directory.privileges().await.expect("an index");
    let said = index.incomplete();
    assert!(said.len() == 1 && said[0].contains(&admin.to_string()) && said[0].contains("cannot be read"), "{said:?}");
    assert!(index.classify(&id(mock.organisation(), person)).unknown_because.is_some());
    mock.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_replication_that_everybody_holds_waits_for_the_other() {
    let mut garden = Garden::new();
    let person = garden.person();
    garden.allow_on(Place::Domain, "S-1-5-11", right::CONTROL_ACCESS, right::GET_CHANGES);
    garden.allow_on(Place::Domain, &garden.sid(person), right::CONTROL_ACCESS, right::GET_CHANGES_ALL);
    garden.expect(person, T0, "may_replicate_secrets", &[&format!("Replicating Directory Changes All on {BASE}")]);
    let (index, mock) = garden.index().await;
    assert_eq!(index.incomplete(), &[] as &[String]);
    let found: BTreeSet<_> = index.classify(&id(mock.organisation(), person)).grounds.iter().map(told).collect();
    assert_eq!(found, garden.expected[0].1);
    mock.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_is_not_followed_to_its_end_leaves_the_index_open() {
    let chain = |length: usize| {
        let mut garden = Garden::new();
        let mut on = special::DOMAIN_ADMIN;
        for _ in 0..length {
            let next = garden.person();
            garden.allow_on(Place::Account(on), &garden.sid(next), right::CONTROL_ACCESS, right::RESET_PASSWORD);
            on = next;
        }
        (garden, on)
    };
    let (garden, last) = chain(3);
    let (index, mock) = garden.index().await;
    assert_eq!(index.incomplete(), &[] as &[String]);
    assert_eq!(index.classify(&id(mock.organisation(), last)).tier, T0);
    mock.shutdown().await;
    let (garden, last) = chain(6);
    let (index, mock) = garden.index().await;
    assert!(index.incomplete()[0].contains("longer than 3 steps"), "{:?}", index.incomplete());
    let verdict = index.classify(&id(mock.organisation(), last));
    assert!(verdict.tier == Tier::User && verdict.unknown_because.is_some(), "{verdict:?}");
    mock.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn access_lists_that_cannot_be_read_leave_the_index_open() {
    for (place, word) in [
        (Place::Domain, BASE),
        (Place::AdminSdHolder, "AdminSDHolder"),
        (Place::Controllers, "OU=Domain Controllers"),
        (Place::Account(special::DOMAIN_ADMIN), "1 tier-0 accounts and groups"),
        (Place::Group("Ops-Night-Shift".into()), "Ops-Night-Shift"),
    ] {
        let mut garden = Garden::new();
        let person = garden.person();
        garden.planting.unreadable.push(place);
        let (index, mock) = garden.index().await;
        let said = index.incomplete();
        assert!(said.len() == 1 && said[0].contains(word) && said[0].contains("could not be read"), "{said:?}");
        assert!(index.classify(&id(mock.organisation(), person)).unknown_because.is_some());
        assert_eq!(index.classify(&id(mock.organisation(), special::DOMAIN_ADMIN)).unknown_because, None);
        mock.shutdown().await;
    }
    // What no right leads to may stay hidden.
    let mut garden = Garden::new();
    garden.planting.unreadable.push(Place::Account(special::PLAIN));
    let (index, mock) = garden.index().await;
    assert_eq!(index.incomplete(), &[] as &[String]);
    mock.shutdown().await;
}
