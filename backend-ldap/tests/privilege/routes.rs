//! Every route to tier 0, planted in an organisation on the mock AD: each one found with its path, none
//! missed, none invented.

use std::collections::BTreeSet;

use identity_core::directory::PrivilegeClassifier;
use identity_core::privilege::Tier;
use testkit::organisation::{Place, special};
use testkit::security::right;

use crate::garden::{Garden, connect, id, told};
use crate::plants::{BASE, T0, delegation, over_the_domain, over_tier0, replication, strangers, what_gives_nothing};

/// Plants one thing.
type Plant = Box<dyn Fn(&mut Garden)>;

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
