//! The conformance suite on the LDAP backend and the mock, and both against the truth.

use backend_ldap::{LdapConfig, LdapDirectory};
use futures::TryStreamExt as _;
use identity_core::account::DirectoryId;
use identity_core::directory::{AccountEnumerator as _, AccountQuery, PrivilegeClassifier as _};
use testkit::conformance::{self, Harness as _};
use testkit::mock_ad::{MockAd, MockAdHarness};
use testkit::organisation::Organisation;

async fn mock(size: u64) -> MockAd {
    MockAd::builder().organisation(Organisation::new(1, size)).start().await.unwrap()
}

async fn connect(mock: &MockAd) -> std::sync::Arc<LdapDirectory> {
    let config = LdapConfig::new(DirectoryId::new("corp").unwrap(), mock.url())
        .bind(mock.bind_dn(), mock.bind_password().into())
        .ca_pem(mock.ca_pem().as_bytes().to_vec());
    LdapDirectory::connect(config).await.unwrap()
}

async fn harness() -> MockAdHarness {
    let mock = mock(400).await;
    let directory = connect(&mock).await;
    MockAdHarness::new(mock, directory)
}

/// Each case by itself, on a directory of its own.
mod each {
    use super::harness;
    testkit::conformance!(harness());
}

#[tokio::test]
async fn the_suite_passes_as_a_whole() {
    let harness = harness().await;
    let report = conformance::run(&harness).await;
    assert!(report.is_conformant(), "{report}");
    assert!(harness.greatest_in_flight().await.unwrap() > 0);
}

#[tokio::test]
async fn what_the_backend_reads_is_the_truth() {
    let mock = mock(6_000).await;
    let directory = connect(&mock).await;
    let accounts: Vec<_> = directory.accounts(&AccountQuery::everyone()).try_collect().await.unwrap();
    let index = directory.privileges().await.unwrap();
    assert!(index.incomplete().is_empty(), "{:?}", index.incomplete());
    assert_eq!(accounts.len(), 6_000);
    for account in &accounts {
        let guid = account.id.as_str().parse().unwrap();
        let known = mock.organisation().account(mock.organisation().index_of(&guid).unwrap());
        let verdict = index.classify(&account.id);
        assert_eq!(account.kind, known.truth.kind, "{}", known.name);
        assert_eq!(verdict.tier, known.truth.tier, "{}: {:?}", known.name, verdict.grounds);
        for ground in &known.truth.grounds {
            let found = |other: &identity_core::privilege::Ground| {
                (other.tier, other.rule.as_str(), &other.holds) == (ground.tier, ground.rule, &ground.holds)
            };
            assert!(verdict.grounds.iter().any(found), "{}: {ground:?} of {:?}", known.name, verdict.grounds);
        }
        let (state, password) = mock.observe(&guid).unwrap();
        assert_eq!((&account.state, &account.password), (&state, &password), "{}", known.name);
    }
}
