//! The same persons as in Active Directory, and what is only in the cloud.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use identity_core::account::{AccountKind, PasswordAuthority};
use serde_json::Value;
use testkit::mock_graph::{MockGraph, Sort, fixed};
use testkit::organisation::{ObjectClass, Organisation, special};

use crate::client::{connect, described, started};

#[tokio::test]
async fn synchronised_users_carry_the_anchors_of_their_account() {
    let (mock, client) = started().await;
    let organisation = mock.organisation().clone();
    let select = "id,onPremisesSyncEnabled,onPremisesImmutableId,onPremisesSecurityIdentifier,onPremisesDomainName,\
                  onPremisesSamAccountName,onPremisesDistinguishedName,onPremisesUserPrincipalName";
    let (rows, _) = client.all(&format!("/users?$select={select}&$top=999")).await;
    let mut joined = 0;
    for row in rows {
        let user = mock.user_by_id(&row["id"].as_str().unwrap().parse().unwrap()).unwrap();
        let Some(index) = user.truth().joined_with else {
            assert_eq!(row["onPremisesSyncEnabled"], Value::Null, "never false");
            assert_eq!(row["onPremisesImmutableId"], Value::Null);
            continue;
        };
        let account = organisation.account(index);
        assert_eq!(row["onPremisesSyncEnabled"], true);
        let bytes = STANDARD.decode(row["onPremisesImmutableId"].as_str().unwrap()).unwrap();
        // The first three parts are stored with their bytes turned round.
        let guid = account.guid.as_bytes();
        let stored = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].map(|at| guid[at]);
        assert_eq!(bytes, stored, "{}", account.name);
        assert_eq!(row["onPremisesSecurityIdentifier"], account.sid);
        assert_eq!(row["onPremisesSamAccountName"], account.name);
        assert_eq!(row["onPremisesDomainName"], organisation.domain());
        assert_eq!(row["onPremisesDistinguishedName"], account.dn(&organisation.base_dn()));
        assert_ne!(user.id, account.guid);
        joined += 1;
    }
    assert!(joined > 100, "{joined}");
}

#[test]
fn what_entra_connect_leaves_out_is_not_in_the_cloud() {
    let organisation = Organisation::new(1, 2_000);
    let mock = MockGraph::builder(organisation.clone()).build();
    for account in organisation.accounts() {
        let user = mock.user_of_account(account.index);
        let left_out = account.class != ObjectClass::User
            || account.truth.kind.protected_because().is_some()
            || account.name.starts_with("HealthMailbox")
            || account.rid == 500;
        assert_eq!(user.is_none(), left_out, "{}", account.name);
    }
    for index in [special::KRBTGT, special::TRUST, special::GROUP_MANAGED, special::WORKSTATION, special::SYNC] {
        assert!(mock.user_of_account(index).is_none(), "{index}");
    }
}

#[test]
fn a_third_of_the_persons_is_only_in_the_cloud_and_some_are_federated() {
    let mock = MockGraph::builder(Organisation::new(1, 6_000)).build();
    let drawn = mock.users().filter(|user| user.account.is_some_and(|index| index >= 60) && !user.service);
    let persons: Vec<_> = drawn.filter(|user| user.sort == Sort::Member).collect();
    let share = |fits: fn(&testkit::mock_graph::CloudUser) -> bool| {
        persons.iter().filter(|user| fits(user)).count() * 100 / persons.len()
    };
    assert!((28..=38).contains(&share(|user| user.on_prem.is_none())));
    assert!((1..=8).contains(&share(|user| user.federated)));
    let all = MockGraph::builder(Organisation::new(1, 600)).cloud_only(100).build();
    let drawn = all.users().filter(|user| user.account.is_some_and(|index| index >= 60) && !user.service);
    assert!(drawn.filter(|user| user.sort == Sort::Member).all(|user| user.on_prem.is_none()));
}

#[test]
fn the_truth_of_the_fixed_users() {
    let mock = described().build();
    let truth = |number| mock.user(number).unwrap().truth();
    assert_eq!(truth(fixed::SYNC).kind, AccountKind::DirectorySync);
    assert!(truth(fixed::SYNC).protected_because.is_some());
    assert!(truth(fixed::AGENT).protected_because.is_some());
    assert_eq!(truth(fixed::PENDING_GUEST).kind, AccountKind::Guest);
    assert_eq!(truth(fixed::INTERNAL_GUEST).kind, AccountKind::Person);
    assert_eq!(truth(fixed::INTERNAL_GUEST).authority, PasswordAuthority::Here);
    assert_eq!(truth(fixed::LOCAL_ACCOUNT).authority, PasswordAuthority::Here);
    assert_eq!(truth(fixed::FEDERATED).authority, PasswordAuthority::Federated(mock.domains()[3].clone()));
    assert_eq!(truth(fixed::ROOM).really, AccountKind::Mailbox);
    let synced = mock.user_of_account(special::ORDINARY).unwrap().truth();
    assert_eq!((synced.authority, synced.joined_with), (PasswordAuthority::OnPrem, Some(special::ORDINARY)));
    let guest = mock.user_of_account(special::EXTERNAL).unwrap();
    assert!(guest.principal_name.contains("#EXT#@"), "{}", guest.principal_name);
    assert_eq!((guest.truth().kind, guest.truth().joined_with), (AccountKind::Guest, None));
}

#[test]
fn a_hundred_thousand_accounts_take_nothing_until_they_are_changed() {
    let mock = MockGraph::builder(Organisation::new(1, 100_000)).build();
    let last = mock.user_of_account(99_990).or_else(|| mock.user_of_account(99_991)).unwrap();
    assert_eq!(mock.user_by_id(&last.id).unwrap(), last);
    assert!(mock.untouched(&last.id));
}

#[tokio::test]
async fn the_organisation_and_its_domains_are_told() {
    let (mock, client) = started().await;
    let reply = client.get("/organization").await;
    assert_eq!(reply.rows()[0]["id"], mock.tenant_id().to_string());
    assert_eq!(reply.rows()[0]["onPremisesSyncEnabled"], true);
    let one = client.get(&format!("/organization/{}?$select=id", mock.tenant_id())).await;
    assert_eq!(one.body["id"], mock.tenant_id().to_string());
    assert_eq!(client.get("/organization/00000000-0000-4000-8000-000000000000").await.status, 404);
    let domains = client.get("/domains").await;
    let federated: Vec<&Value> =
        domains.rows().iter().filter(|row| row["authenticationType"] == "Federated").map(|row| &row["id"]).collect();
    assert_eq!(federated, [&Value::from(mock.domains()[3].as_str())]);
    assert_eq!(domains.rows().len(), 4);
    let described = described().without_permission("Domain.Read.All").without_permission("Organization.Read.All");
    let (_mock, client) = connect(described).await;
    assert_eq!(client.get("/domains").await.status, 403);
    assert_eq!(client.get("/organization").await.status, 403);
}
