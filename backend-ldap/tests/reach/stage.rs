//! What the tests share: mock controllers, configurations, orders.

use std::sync::Arc;
use std::time::Duration;

use backend_ldap::{LdapConfig, LdapDirectory};
use identity_core::account::{AccountId, DirectoryId};
use identity_core::directory::{AccountEnumerator, ForcedReset};
use identity_core::reset::{Action, Order, Outcome, Secret};
use testkit::mock_ad::{MockAd, MockAdBuilder};
use testkit::organisation::{Organisation, SPECIAL};

pub(crate) const SIZE: u64 = 300;
/// Longer than any test: what one controller takes, another does not know.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

pub(crate) fn mock() -> MockAdBuilder {
    MockAd::builder().organisation(Organisation::new(5, SIZE))
}

/// The controllers in the order given; one that is lost is given half a second.
pub(crate) fn config(controllers: &[&MockAd]) -> LdapConfig {
    let (first, others) = controllers.split_first().expect("at least one");
    let config = LdapConfig::new(DirectoryId::new("corp").expect("id"), first.url())
        .bind(first.bind_dn(), first.bind_password().into())
        .ca_pem(first.ca_pem())
        .deadline(Duration::from_secs(5))
        .failover_after(Duration::from_millis(500));
    others.iter().fold(config, |config, other| config.also(other.url()))
}

pub(crate) async fn connect(config: LdapConfig) -> Arc<LdapDirectory> {
    LdapDirectory::connect(config).await.expect("connects")
}

/// Ordinary accounts whose password can be set.
pub(crate) fn people(mock: &MockAd, count: usize) -> Vec<AccountId> {
    let accounts = (SPECIAL..SIZE).map(|index| mock.organisation().account(index));
    let fit = accounts.filter(|account| {
        account.sam_account_type() == 0x3000_0000 && account.truth.protected_because.is_none() && !account.admin_count
    });
    let people: Vec<AccountId> =
        fit.map(|account| AccountId::new(account.guid.to_string()).expect("id")).take(count).collect();
    assert_eq!(people.len(), count);
    people
}

pub(crate) fn order(account: &AccountId) -> Order {
    Order::new(account.clone(), Action::SetPassword { must_change: false })
        .with_password(Secret::new("Fresh-Passw0rd-7351!".to_owned()))
}

pub(crate) async fn set(directory: &LdapDirectory, account: &AccountId) -> Outcome {
    directory.apply(&[order(account)]).await.remove(0)
}

pub(crate) async fn set_all(directory: &LdapDirectory, accounts: &[AccountId]) {
    for outcome in directory.apply(&accounts.iter().map(order).collect::<Vec<Order>>()).await {
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
}

/// As [`set_all`], as the engine does it: what has no answer is read back, and repeated if it did
/// not land.
pub(crate) async fn finish(directory: &LdapDirectory, accounts: &[AccountId]) {
    for account in accounts {
        let before = version(directory, account).await;
        for attempt in 1.. {
            match set(directory, account).await {
                Outcome::Done(_) => break,
                Outcome::Unknown(_) if attempt < 5 => {
                    if version(directory, account).await > before {
                        break;
                    }
                }
                outcome => panic!("{outcome:?}"),
            }
        }
    }
}

pub(crate) async fn version(directory: &LdapDirectory, account: &AccountId) -> u64 {
    let found = directory.lookup(std::slice::from_ref(account)).await.expect("reads").remove(0).expect("there");
    found.password.version.expect("a version")
}

/// A controller that is gone: what stands is broken, nothing new is taken.
pub(crate) fn lose(mock: &MockAd) {
    mock.refuse_connections(true);
    mock.cut_connections();
}
