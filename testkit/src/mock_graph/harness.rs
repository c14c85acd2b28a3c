//! The conformance suite's view of a backend that works on a mock.

use std::sync::Arc;

use async_trait::async_trait;
use identity_core::account::{AccountId, AccountKind, PasswordAuthority};
use identity_core::directory::Backend;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::reset::Secret;
use uuid::Uuid;

use super::{CloudUser, MockGraph, SignInRefusal, Sort};
use crate::conformance::{Circumstance, Harness, KnownAccount, SignIn, Truth};
use crate::fault::{Fault, When};

/// A [`Harness`] for a backend of Graph on a mock. It cannot lock an account out: Graph shows no
/// lockout.
#[derive(Debug)]
pub struct MockGraphHarness {
    mock: MockGraph,
    tested: Arc<dyn Backend>,
    agents: Option<AccountKind>,
}

impl MockGraphHarness {
    /// Tests `tested`, which signs in to `mock` as its app and leaves user objects of agents out.
    #[must_use]
    pub fn new(mock: MockGraph, tested: Arc<dyn Backend>) -> Self {
        Self { mock, tested, agents: None }
    }

    /// Expects user objects of agents to be listed, as this kind.
    #[must_use]
    pub fn listing_agents_as(mut self, kind: AccountKind) -> Self {
        self.agents = Some(kind);
        self
    }

    /// The mock.
    #[must_use]
    pub fn mock(&self) -> &MockGraph {
        &self.mock
    }
}

/// Whether the suite may write to a user: an ordinary one whose password is here.
fn is_touchable(user: &CloudUser) -> bool {
    let truth = user.truth();
    let ordinary = user.enabled && user.roles.is_empty() && !user.restricted && user.sort == Sort::Member;
    ordinary && truth.authority == PasswordAuthority::Here && truth.protected_because.is_none()
}

#[async_trait]
impl Harness for MockGraphHarness {
    fn directory(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.tested)
    }

    async fn touchable(&self) -> Result<Vec<AccountId>> {
        let touchable = self.mock.users().filter(is_touchable);
        Ok(touchable.take(200).filter_map(|user| AccountId::new(user.id.to_string()).ok()).collect())
    }

    async fn sign_in(&self, account: &AccountId, password: &Secret) -> Result<SignIn> {
        let id = id(account).ok_or_else(|| Error::new(ErrorKind::AccountNotFound, "sign in"))?;
        Ok(match self.mock.sign_in(&id, password.expose()) {
            Ok(()) => SignIn::Accepted,
            Err(SignInRefusal::MustChange) => SignIn::MustChange,
            Err(_) => SignIn::Refused,
        })
    }

    async fn old_password(&self, account: &AccountId) -> Option<Secret> {
        self.mock.initial_password(&id(account)?).map(Secret::new)
    }

    async fn times_set(&self, account: &AccountId) -> Option<u64> {
        Some(self.mock.sets(&id(account)?).len() as u64)
    }

    async fn greatest_in_flight(&self) -> Option<u32> {
        u32::try_from(self.mock.counts().most_in_flight).ok()
    }

    async fn truth(&self) -> Option<Truth> {
        let mut truth = Truth { exhaustive: true, ..Truth::default() };
        for user in self.mock.users() {
            let kind = match (user.sort, self.agents) {
                (Sort::Agent, None) => continue,
                (Sort::Agent, Some(kind)) => kind,
                _ => user.truth().kind,
            };
            let mut known = KnownAccount::new(&user.principal_name, kind);
            known.enabled = self.mock.enabled(&user.id).unwrap_or(user.enabled);
            known.display_name.clone_from(&user.display_name);
            truth.accounts.push(known);
        }
        Some(truth)
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
                self.mock.set_permission("RoleManagement.Read.Directory", false);
                self.mock.forget_tokens();
                true
            }
            Circumstance::TruncateListing => {
                self.mock.add_fault(When::read().times(1), Fault::TruncatedPage);
                true
            }
            Circumstance::LockOut(_) => false,
        }
    }

    fn planted_secrets(&self) -> Vec<Secret> {
        self.mock.client_secret().into_iter().map(Secret::new).collect()
    }
}

fn id(account: &AccountId) -> Option<Uuid> {
    account.as_str().parse().ok()
}
