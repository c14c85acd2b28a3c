//! An organisation with routes planted in it, and what must be found.

use std::collections::BTreeSet;
use std::sync::Arc;

use backend_ldap::{LdapConfig, LdapDirectory};
use identity_core::account::{AccountId, AccountKind, DirectoryId};
use identity_core::directory::PrivilegeClassifier;
use identity_core::privilege::{Ground, PrivilegeIndex, Tier};
use testkit::mock_ad::MockAd;
use testkit::organisation::{Organisation, Place, Planting, SPECIAL};
use testkit::security::AccessEntry;

/// Grounds as they are compared: tier, rule, evidence.
pub(crate) type Told = BTreeSet<(Tier, String, Vec<String>)>;

/// A planting, and the grounds that each planted account must have: no more, no less.
pub(crate) struct Garden {
    pub(crate) plain: Organisation,
    pub(crate) persons: Vec<u64>,
    pub(crate) planting: Planting,
    pub(crate) expected: Vec<(u64, Told)>,
}

impl Garden {
    pub(crate) fn new() -> Self {
        let plain = Organisation::new(11, 400);
        // Ordinary persons, last first.
        let person = |index: &u64| {
            let account = plain.account(*index);
            account.truth.kind == AccountKind::Person && account.truth.grounds.is_empty() && !account.external
        };
        let persons = (SPECIAL..plain.len()).filter(person).collect();
        Self { plain, persons, planting: Planting::default(), expected: Vec::new() }
    }

    /// An ordinary person, with nothing expected yet.
    pub(crate) fn person(&mut self) -> u64 {
        let index = self.persons.pop().expect("enough persons");
        self.expected.push((index, BTreeSet::new()));
        index
    }

    pub(crate) fn sid(&self, index: u64) -> String {
        self.plain.account(index).sid
    }

    pub(crate) fn name(&self, index: u64) -> String {
        self.plain.account(index).name
    }

    /// A person who is in a new group; the group's SID.
    pub(crate) fn in_group(&mut self, group: &str) -> (u64, String) {
        let index = self.person();
        self.planting.group(group, &[]);
        self.planting.account(index).groups.push(group.to_owned());
        (index, self.sid_of(group))
    }

    pub(crate) fn sid_of(&self, group: &str) -> String {
        let organisation = self.plain.clone().with_planting(self.planting.clone());
        organisation.group_sid(organisation.group_named(group).expect("a group"))
    }

    pub(crate) fn expect(&mut self, index: u64, tier: Tier, rule: &str, evidence: &[&str]) {
        let evidence = evidence.iter().map(|step| (*step).to_owned()).collect();
        let (_, grounds) = self.expected.iter_mut().find(|(at, _)| *at == index).expect("planted");
        grounds.insert((tier, rule.to_owned(), evidence));
    }

    pub(crate) fn allow(&mut self, place: Place, sid: &str, mask: u32) {
        self.planting.entries.push((place, AccessEntry::allow(sid, mask)));
    }

    pub(crate) fn allow_on(&mut self, place: Place, sid: &str, mask: u32, object: uuid::Uuid) {
        self.planting.entries.push((place, AccessEntry::allow(sid, mask).on(object)));
    }

    pub(crate) async fn index(&self) -> (PrivilegeIndex, MockAd) {
        let organisation = self.plain.clone().with_planting(self.planting.clone());
        let mock = MockAd::builder().organisation(organisation).start().await.expect("a mock");
        let index = connect(&mock).await.privileges().await.expect("an index");
        (index, mock)
    }
}

pub(crate) async fn connect(mock: &MockAd) -> Arc<LdapDirectory> {
    let config = LdapConfig::new(DirectoryId::new("corp").expect("id"), mock.url())
        .bind(mock.bind_dn(), mock.bind_password().into())
        .ca_pem(mock.ca_pem().as_bytes().to_vec());
    LdapDirectory::connect(config).await.expect("connects")
}

pub(crate) fn id(organisation: &Organisation, index: u64) -> AccountId {
    AccountId::new(organisation.account(index).guid.to_string()).expect("id")
}

pub(crate) fn told(ground: &Ground) -> (Tier, String, Vec<String>) {
    (ground.tier, ground.rule.clone(), ground.evidence.clone())
}
