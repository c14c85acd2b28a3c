//! Trap 3: privilege that no list of members shows.

use identity_core::directory::PrivilegeClassifier;
use identity_core::privilege::Tier;
use testkit::mock_ad::MockAd;
use testkit::organisation::{Organisation, Planting, special};

use crate::stage::{config, connect, id};

/// Trap 3: primary group, three groups in a circle, a distribution list, a placeholder, sIDHistory; and
/// adminCount, which is left over.
#[tokio::test(flavor = "multi_thread")]
async fn trap_03_privilege_is_found_by_every_way_that_leads_to_it() {
    let mut planting = Planting::default();
    let stranger = "S-1-5-21-9-8-7-1104";
    planting.strangers.push((stranger.to_owned(), vec!["Domain Admins".to_owned()]));
    let organisation = Organisation::new(1, 120).with_planting(planting);
    let mock = MockAd::builder().organisation(organisation).start().await.expect("starts");
    let primary = mock.organisation().account(special::PRIMARY_GROUP);
    assert!(primary.member_of.is_empty() && primary.primary_group == 512, "no memberOf shows it");
    let index = connect(config(&mock, &[])).await.privileges().await.expect("an index");
    assert_eq!(index.incomplete(), &[] as &[String]);
    for (account, tier, rule, steps) in [
        (special::PRIMARY_GROUP, Tier::Control, "primary_group", 1),
        (special::NESTED_ONCE, Tier::Control, "member", 2),
        (special::NESTED_THREE_DEEP, Tier::Control, "member", 4),
        (special::DISTRIBUTION, Tier::Control, "member", 2),
        (special::SID_HISTORY, Tier::Control, "sid_history", 1),
        (special::STALE_ADMIN_COUNT, Tier::Management, "admin_count", 1),
    ] {
        let verdict = index.classify(&id(&mock, account));
        let ground = verdict.grounds.iter().find(|ground| ground.rule == rule);
        let ground = ground.unwrap_or_else(|| panic!("{account}: {:?}", verdict.grounds));
        assert_eq!((verdict.tier, ground.tier), (tier, tier), "{account}: {ground}");
        assert!(ground.evidence.len() >= steps, "{account}: {ground}");
    }
    let foreign = index.privileged().flat_map(|(_, grounds)| grounds).find(|ground| ground.rule == "foreign_member");
    let foreign = foreign.expect("the placeholder");
    assert!(foreign.tier == Tier::Control && foreign.evidence[0].contains(stranger), "{foreign}");
}
