//! The conformance suite's view of a backend that works on a mock.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use identity_core::account::AccountId;
use identity_core::directory::{Backend, Scope};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::reset::Secret;
use uuid::Uuid;

use super::MockAd;
use crate::conformance::{Circumstance, Harness, KnownAccount, KnownScope, SignIn, Truth};
use crate::fault::{Fault, When};
use crate::organisation::{Organisation, SPECIAL, SyntheticAccount, special};

/// A [`Harness`] for a backend of Active Directory on a mock; it can arrange everything that the
/// suite asks for.
#[derive(Debug)]
pub struct MockAdHarness {
    mock: MockAd,
    tested: Arc<dyn Backend>,
}

impl MockAdHarness {
    /// Tests `tested`, which is signed in to `mock` as [`special::RUNNER`].
    #[must_use]
    pub fn new(mock: MockAd, tested: Arc<dyn Backend>) -> Self {
        Self { mock, tested }
    }

    fn id(&self, index: u64) -> Option<AccountId> {
        AccountId::new(self.mock.organisation().account(index).guid.to_string()).ok()
    }
}

#[async_trait]
impl Harness for MockAdHarness {
    fn directory(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.tested)
    }

    async fn touchable(&self) -> Result<Vec<AccountId>> {
        let fixed = [special::SERVICE, special::NEVER_EXPIRES, special::CANNOT_CHANGE, special::SMART_CARD];
        let drawn = (SPECIAL..self.mock.organisation().len()).filter(|index| {
            let account = self.mock.organisation().account(*index);
            account.sam_account_type() == 0x3000_0000 && account.truth.protected_because.is_none()
        });
        Ok(fixed.into_iter().chain(drawn).take(200).filter_map(|index| self.id(index)).collect())
    }

    async fn sign_in(&self, account: &AccountId, password: &Secret) -> Result<SignIn> {
        let guid = guid(account).ok_or_else(|| Error::new(ErrorKind::AccountNotFound, "sign in"))?;
        Ok(match self.mock.sign_in(&guid, password.expose()) {
            Ok(()) => SignIn::Accepted,
            Err("773") => SignIn::MustChange,
            Err(_) => SignIn::Refused,
        })
    }

    async fn old_password(&self, account: &AccountId) -> Option<Secret> {
        let organisation = self.mock.organisation();
        let index = organisation.index_of(&guid(account)?)?;
        Some(Secret::new(organisation.initial_password(index)))
    }

    async fn times_set(&self, account: &AccountId) -> Option<u64> {
        Some(self.mock.sets(&guid(account)?).len() as u64)
    }

    async fn greatest_in_flight(&self) -> Option<u32> {
        u32::try_from(self.mock.counts().most_in_flight).ok()
    }

    async fn truth(&self) -> Option<Truth> {
        Some(truth(&self.mock))
    }

    async fn arrange(&self, circumstance: &Circumstance) -> bool {
        let next = |account: &AccountId, fault| {
            self.mock.add_fault(When::write().on(account.as_str()).times(1), fault);
            true
        };
        match circumstance {
            Circumstance::CutAfterApply(account) => next(account, Fault::CutAfterApply),
            Circumstance::CutBeforeApply(account) => next(account, Fault::CutBeforeApply),
            Circumstance::SlowDown(account) => next(account, Fault::Busy),
            Circumstance::DropConnections => {
                self.mock.cut_connections();
                true
            }
            Circumstance::HideMemberships => {
                // What groups it is in cannot be read when the account itself cannot.
                let administrator = self.mock.organisation().account(special::ADMINISTRATOR);
                self.mock.hide(&administrator.guid, true).is_some()
            }
            Circumstance::LockOut(account) => {
                let lock = |account: &mut SyntheticAccount| account.locked = true;
                guid(account).and_then(|guid| self.mock.change(&guid, lock)).is_some()
            }
            Circumstance::TruncateListing => {
                self.mock.add_fault(When::read().times(1), Fault::TruncatedPage);
                true
            }
        }
    }

    fn planted_secrets(&self) -> Vec<Secret> {
        vec![Secret::new(self.mock.bind_password())]
    }

    fn principal(&self) -> Option<AccountId> {
        self.id(special::RUNNER)
    }
}

fn guid(account: &AccountId) -> Option<Uuid> {
    account.as_str().parse().ok()
}

fn truth(mock: &MockAd) -> Truth {
    let organisation = mock.organisation();
    let mut truth = Truth { exhaustive: true, ..Truth::default() };
    let (mut staff, mut services, mut finance) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for account in organisation.accounts() {
        let Some((state, _)) = mock.observe(&account.guid) else { continue };
        let mut known = KnownAccount::new(&account.name, account.truth.kind);
        known = known.with_tier(account.truth.tier, route(organisation, &account));
        known.enabled = state.enabled;
        known.display_name.clone_from(&account.display_name);
        let attributes = [
            ("department", account.department.map(str::to_owned)),
            ("employeeID", account.employee_id()),
            ("employeeNumber", account.employee_number()),
        ];
        let given = attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        known.attributes.extend(given);
        truth.accounts.push(known);
        let mut above = account.member_of.iter().flat_map(|group| organisation.groups_above(*group));
        if above.any(|group| group.name == "Staff") {
            staff.insert(account.name.clone());
        }
        if account.unit == "OU=Services,OU=Corp" {
            services.insert(account.name.clone());
        }
        if account.department == Some("Finance") {
            finance.insert(account.name.clone());
        }
    }
    let unit = format!("OU=Services,OU=Corp,{}", mock.base());
    for (scope, members) in [
        (Scope::Group("Staff".into()), staff),
        (Scope::Unit(unit), services),
        (Scope::Native("(department=Finance)".into()), finance),
    ] {
        truth.scopes.push(KnownScope { scope, members });
    }
    truth
}

/// By which route an account comes by its tier, in the suite's words.
fn route(organisation: &Organisation, account: &SyntheticAccount) -> &'static str {
    let granting = |group: &crate::organisation::GroupIndex| {
        organisation.group(*group).is_some_and(|group| group.grants.is_some())
    };
    match account.truth.grounds.iter().next().map(|ground| ground.rule) {
        None => "nothing",
        Some("member") if !account.member_of.iter().any(granting) => "nested",
        Some(rule) => rule,
    }
}
