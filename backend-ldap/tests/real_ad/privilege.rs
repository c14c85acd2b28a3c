//! Who is privileged, by every route that the real controller lets us make.

use identity_core::account::AccountId;
use identity_core::directory::PrivilegeClassifier;
use identity_core::privilege::{Classification, Tier};

use crate::stage::Stage;

const PASSWORD: &str = "Old-Passw0rd-1!";

#[tokio::test(flavor = "multi_thread")]
async fn privilege_is_found_by_every_route_with_its_evidence() {
    let Some(mut stage) = Stage::set("privileges").await else { return };
    let deep = stage.user("deep", PASSWORD, &[]).await;
    stage.user("plain", PASSWORD, &[]).await;
    stage.user("was", PASSWORD, &[("adminCount", "1")]).await;
    stage.user("lower", PASSWORD, &[]).await;
    let three = stage.group("three", &[&deep]).await;
    let two = stage.group("two", &[&three]).await;
    stage.join(&three, &two).await;
    // Backup Operators (551): nobody signs in with it here, so that the nesting does no harm.
    let operators = format!("CN=Backup Operators,CN=Builtin,{}", stage.domain);
    stage.join(&operators, &two).await;
    let primary = stage.user("primary", PASSWORD, &[]).await;
    let admins = format!("CN=Domain Admins,CN=Users,{}", stage.domain);
    stage.join(&admins, &primary).await;
    stage.replace(&primary, "primaryGroupID", "512").await;
    // Somebody of another domain: the controller makes a placeholder.
    stage.join(&two, "<SID=S-1-5-21-9-8-7-4321>").await;

    let directory = stage.directory().await;
    let index = directory.privileges().await.expect("an index");
    assert_eq!(index.incomplete(), &[] as &[String]);
    let mut verdicts = Vec::new();
    for name in ["deep", "plain", "was", "primary"] {
        verdicts.push(index.classify(&stage.account(&directory, name).await.id));
    }
    let [deep, plain, was, primary] = <[Classification; 4]>::try_from(verdicts).expect("four");
    assert_eq!(deep.tier, Tier::Control, "{deep:?}");
    let ground = deep.grounds.iter().find(|ground| ground.holds == "Backup Operators").expect("the ground");
    assert_eq!(ground.evidence, [stage.name("three"), stage.name("two"), "Backup Operators".to_owned()]);
    assert_eq!((plain.tier, plain.unknown_because), (Tier::User, None));
    assert_eq!((was.tier, was.grounds[0].rule.as_str()), (Tier::Management, "admin_count"));
    assert_eq!(primary.tier, Tier::Control);
    assert!(primary.grounds.iter().any(|ground| ground.rule == "primary_group"), "{primary:?}");

    let holds = |rule: &str, holds: &str| {
        let found = |(_, grounds): &(&AccountId, &std::collections::BTreeSet<identity_core::privilege::Ground>)| {
            grounds.iter().any(|ground| ground.rule == rule && ground.holds == holds)
        };
        index.privileged().filter(found).count()
    };
    assert_eq!(holds("well_known_rid", "Administrator"), 1);
    assert_eq!(holds("well_known_rid", "krbtgt"), 1);
    assert_eq!(holds("foreign_member", "Backup Operators"), 1, "the stranger is reported, not lost");
    let stranger = index.privileged().flat_map(|(_, grounds)| grounds).find(|ground| ground.rule == "foreign_member");
    assert!(stranger.is_some_and(|ground| ground.evidence[0].contains("S-1-5-21-9-8-7-4321")), "{stranger:?}");
    let placeholder = format!("CN=S-1-5-21-9-8-7-4321,CN=ForeignSecurityPrincipals,{}", stage.domain);
    stage.admin.delete(&placeholder).await.expect("answer").success().expect("removed");
    stage.strike().await;
}
