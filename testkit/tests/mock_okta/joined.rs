//! One person in three directories.

use std::collections::BTreeMap;

use testkit::mock_graph::MockGraph;
use testkit::mock_okta::{MockOkta, Provider, Status};
use testkit::organisation::{Organisation, special};

use crate::client::{begun, described, with};

#[tokio::test(start_paused = true)]
async fn who_comes_from_active_directory_is_who_it_is_there_and_in_the_cloud() {
    let organisation = Organisation::new(1, 300);
    let (mock, client) = begun();
    let graph = MockGraph::builder(organisation.clone()).build();
    let mut joined = 0;
    for user in mock.users().filter(|user| user.on_prem.is_some()) {
        let account = organisation.account(user.account.unwrap());
        let shown = client.user(&user).await.body;
        assert_eq!(shown["credentials"]["provider"]["type"], "ACTIVE_DIRECTORY");
        assert_eq!(shown["profile"]["objectGUID"], account.guid.to_string());
        assert_eq!(shown["profile"]["objectSid"], account.sid);
        assert_eq!(shown["profile"]["samAccountName"], account.name);
        let on_prem = user.on_prem.unwrap();
        if let Some(cloud) = graph.user_of_account(account.index).and_then(|cloud| cloud.on_prem) {
            assert_eq!((cloud.guid, &cloud.security_id), (on_prem.guid, &on_prem.security_id));
            joined += 1;
        }
        assert_eq!(mock.initial_password(&user.id).unwrap(), organisation.initial_password(account.index));
    }
    assert!(joined > 50, "{joined}");
    let plain = mock.user_of_account(special::PLAIN).unwrap();
    let (_, unmapped) = with(described().without_mapped_anchors());
    assert!(unmapped.user(&plain).await.body["profile"].get("objectGUID").is_none());
}

#[tokio::test(start_paused = true)]
async fn shares_are_as_they_were_asked_for() {
    let shares = |okta, federated| {
        let organisation = Organisation::new(1, 2_000);
        let mock = MockOkta::builder(organisation).okta_mastered_share(okta).federated_share(federated).build();
        let mut counts = BTreeMap::new();
        for user in mock.users().filter(|user| user.account.is_some()) {
            *counts.entry(user.provider().as_str()).or_insert(0_u64) += 1;
        }
        (mock.len(), counts)
    };
    let (_, none) = shares(0, 0);
    assert!(none.keys().eq(["ACTIVE_DIRECTORY"].iter()));
    let (all, okta) = shares(100, 0);
    assert!(okta["OKTA"] * 10 > all * 8, "{okta:?} of {all}");
    let (_, half) = shares(50, 50);
    assert!(half["FEDERATION"] > 200 && half["OKTA"] > 500, "{half:?}");
}

#[tokio::test(start_paused = true)]
async fn who_is_disabled_on_prem_is_deactivated_and_services_look_like_persons() {
    let (mock, _client) = begun();
    assert_eq!(mock.user_of_account(special::DISABLED).unwrap().status(), Status::Deprovisioned);
    assert_eq!(mock.user_of_account(special::PLAIN).unwrap().provider(), Provider::ActiveDirectory);
    for left_out in [special::KRBTGT, special::CONTROLLER, special::GROUP_MANAGED, special::HEALTH_MAILBOX] {
        assert!(mock.user_of_account(left_out).is_none(), "{left_out}");
    }
    let service = mock.user_of_account(special::SERVICE).unwrap();
    assert_eq!(service.truth().kind, identity_core::account::AccountKind::Person);
    assert_eq!(service.truth().really, identity_core::account::AccountKind::Service);
}

#[test]
fn a_hundred_thousand_users_are_there_without_being_stored() {
    let mock = MockOkta::builder(Organisation::new(3, 100_000)).build();
    let last = mock.user_of_account(99_999);
    let user = last.or_else(|| mock.user_of_account(99_998)).unwrap();
    assert_eq!(mock.user_named(&user.id).unwrap().login, user.login);
    assert_eq!(mock.user_named(&user.id.replace("00u", "00g")), None);
}
