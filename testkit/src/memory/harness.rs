//! The conformance suite's view of a directory in memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use identity_core::account::AccountId;
use identity_core::directory::{Backend, Scope};
use identity_core::error::Result;
use identity_core::reset::{Secret, SecretKind};

use super::MemoryDirectory;
use super::roster::Roster;
use crate::conformance::{Circumstance, Harness, KnownAccount, KnownScope, SignIn, Truth};
use crate::fault::Fault;
use crate::organisation::{GroupIndex, Organisation, SPECIAL, SyntheticAccount, special};

/// A [`Harness`] on a directory in memory that can arrange everything the suite asks for.
///
/// To test a wrapper around a directory in memory, hand the wrapper over with
/// [`wrapping`](Self::wrapping).
#[derive(Debug)]
pub struct MemoryHarness {
    memory: Arc<MemoryDirectory>,
    tested: Arc<dyn Backend>,
}

impl MemoryHarness {
    /// Tests the directory itself.
    #[must_use]
    pub fn new(memory: Arc<MemoryDirectory>) -> Self {
        Self { tested: Arc::clone(&memory) as _, memory }
    }

    /// Tests `tested`, which works on `memory`.
    #[must_use]
    pub fn wrapping(memory: Arc<MemoryDirectory>, tested: Arc<dyn Backend>) -> Self {
        Self { memory, tested }
    }
}

#[async_trait]
impl Harness for MemoryHarness {
    fn directory(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.tested)
    }

    async fn touchable(&self) -> Result<Vec<AccountId>> {
        let size = self.memory.world.roster.len();
        let fixed = [
            special::SERVICE,
            special::SERVICE_NEVER_EXPIRES,
            special::NEVER_EXPIRES,
            special::CANNOT_CHANGE,
            special::SMART_CARD,
            special::EXTERNAL,
        ];
        let first = if matches!(self.memory.world.roster, Roster::Organisation(_)) { SPECIAL } else { 0 };
        let fixed = fixed.into_iter().filter(|_| first > 0);
        Ok(fixed.chain(first..size).take(200).filter_map(|index| self.memory.id_at(index)).collect())
    }

    async fn sign_in(&self, account: &AccountId, password: &Secret) -> Result<SignIn> {
        Ok(self.memory.sign_in(account, password))
    }

    async fn old_password(&self, account: &AccountId) -> Option<Secret> {
        self.memory.initial_password(account)
    }

    async fn times_set(&self, account: &AccountId) -> Option<u64> {
        Some(self.memory.times_set(account))
    }

    async fn greatest_in_flight(&self) -> Option<u32> {
        Some(self.memory.greatest_in_flight())
    }

    async fn truth(&self) -> Option<Truth> {
        match &self.memory.world.roster {
            Roster::Organisation(organisation) => Some(self.organised(organisation)),
            Roster::List { rows, .. } => {
                let accounts = rows.iter().map(|row| {
                    let mut known = KnownAccount::new(&row.name, row.kind);
                    known.enabled = row.state.enabled;
                    known.display_name.clone_from(&row.display_name);
                    known
                });
                Some(Truth { accounts: accounts.collect(), exhaustive: true, scopes: Vec::new() })
            }
        }
    }

    async fn arrange(&self, circumstance: &Circumstance) -> bool {
        let memory = &self.memory;
        match circumstance {
            Circumstance::CutAfterApply(account) => memory.break_next(account, Fault::CutAfterApply, 1),
            Circumstance::CutBeforeApply(account) => memory.break_next(account, Fault::CutBeforeApply, 1),
            Circumstance::DropConnections => memory.cut_connections(),
            Circumstance::HideMemberships => memory.hide_memberships(),
            Circumstance::LockOut(account) => memory.set_locked(account, true),
            Circumstance::SlowDown(account) => {
                memory.break_next(account, Fault::Throttle(std::time::Duration::from_millis(20)), 1);
            }
            Circumstance::TruncateListing => memory.truncate_next_listing(),
        }
        true
    }

    async fn honours(&self, account: &AccountId, kind: SecretKind, secret: &Secret) -> Option<bool> {
        Some(self.memory.honours(account, kind, secret))
    }

    fn principal(&self) -> Option<AccountId> {
        self.memory.world.principal.clone()
    }

    fn weak_password(&self) -> Option<Secret> {
        (self.memory.world.policy.min_length > 1).then(|| Secret::new("a".into()))
    }
}

impl MemoryHarness {
    /// The truth by the organisation, with the disabled and enabled of today.
    fn organised(&self, organisation: &Organisation) -> Truth {
        let base = organisation.base_dn();
        let mut truth = Truth { exhaustive: true, ..Truth::default() };
        let (mut staff, mut below, mut finance) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let unit = format!("OU=Services,OU=Corp,{base}");
        for index in 0..organisation.len() {
            let Some(row) = self.memory.row(index) else { continue };
            let account = organisation.account(index);
            let mut known =
                KnownAccount::new(&row.name, row.kind).with_tier(account.truth.tier, route(organisation, &account));
            known.enabled = row.state.enabled;
            known.display_name = row.display_name;
            let department = account.department.map(|name| ("department".to_owned(), name.to_owned()));
            known.attributes.extend(department);
            truth.accounts.push(known);
            if account.member_of.iter().any(|group| leads_to(organisation, *group, "Staff")) {
                staff.insert(row.name.clone());
            }
            if account.unit.ends_with("OU=Services,OU=Corp") {
                below.insert(row.name.clone());
            }
            if account.department == Some("Finance") {
                finance.insert(row.name);
            }
        }
        for (scope, members) in [
            (Scope::Group("Staff".into()), staff),
            (Scope::Unit(unit), below),
            (Scope::Native("department=Finance".into()), finance),
        ] {
            truth.scopes.push(KnownScope { scope, members });
        }
        truth
    }
}

/// By which route an account comes by its tier.
fn route(organisation: &Organisation, account: &SyntheticAccount) -> String {
    let Some(ground) = account.truth.grounds.iter().next() else { return "nothing".into() };
    let direct = |group: &GroupIndex| organisation.group(*group).is_some_and(|group| group.grants.is_some());
    match ground.rule {
        "member" if !account.member_of.iter().any(direct) => "nested".into(),
        rule => rule.into(),
    }
}

/// Follows the nesting by hand, so that the truth does not come from what is tested.
fn leads_to(organisation: &Organisation, group: GroupIndex, name: &str) -> bool {
    let (mut open, mut seen) = (vec![group], BTreeSet::new());
    while let Some(next) = open.pop() {
        if !seen.insert(next) {
            continue;
        }
        let Some(group) = organisation.group(next) else { continue };
        if group.name == name {
            return true;
        }
        open.extend(&group.nested_in);
    }
    false
}
