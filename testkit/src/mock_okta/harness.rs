//! The conformance suite's view of a backend that works on a mock.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use identity_core::account::{AccountId, PasswordAuthority};
use identity_core::directory::{Backend, Scope};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::reset::{Secret, SecretKind};

use super::{MockOkta, OktaSignInRefusal, OktaUser, Status, fixed};
use crate::conformance::{Circumstance, Harness, KnownAccount, KnownScope, SignIn, Truth};
use crate::fault::{Fault, When};

/// A [`Harness`] for a backend of Okta on a mock.
#[derive(Debug)]
pub struct MockOktaHarness {
    mock: MockOkta,
    tested: Arc<dyn Backend>,
    deactivated: bool,
    secrets: Vec<Secret>,
}

impl MockOktaHarness {
    /// Tests `tested`, which signs in to `mock` and lists those deactivated, too.
    #[must_use]
    pub fn new(mock: MockOkta, tested: Arc<dyn Backend>) -> Self {
        Self { mock, tested, deactivated: true, secrets: Vec::new() }
    }

    /// Expects those deactivated not to be listed.
    #[must_use]
    pub fn without_deactivated(mut self) -> Self {
        self.deactivated = false;
        self
    }

    /// What the backend signs in with beside the API token: it must show up nowhere.
    #[must_use]
    pub fn with_secret(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// The mock.
    #[must_use]
    pub fn mock(&self) -> &MockOkta {
        &self.mock
    }

    fn lists(&self, user: &OktaUser) -> bool {
        self.deactivated || user.status() != Status::Deprovisioned
    }

    /// A department by a search.
    fn finance(&self) -> KnownScope {
        let members = self.mock.users().filter(|user| user.department.as_deref() == Some("Finance"));
        KnownScope {
            scope: Scope::Native("profile.department eq \"Finance\"".into()),
            members: members.filter(|user| self.lists(user)).map(|user| user.login).collect::<BTreeSet<_>>(),
        }
    }
}

impl MockOktaHarness {
    /// Every group that has members of its own.
    fn groups(&self) -> Vec<KnownScope> {
        let groups = self.mock.admin_graph().groups.into_iter().filter(|group| !group.everybody);
        let scope = groups.map(|group| {
            let members = group.members.iter().filter_map(|number| self.mock.user(*number));
            KnownScope {
                scope: Scope::Group(group.id),
                members: members.filter(|user| self.lists(user)).map(|user| user.login).collect(),
            }
        });
        scope.filter(|scope| !scope.members.is_empty()).collect()
    }

    /// The account with its tier, where the roles alone decide it: who administers apps comes by more
    /// than its own role where an app holds one.
    fn with_tier(&self, known: KnownAccount, user: &OktaUser) -> KnownAccount {
        let Some(privilege) = self.mock.privilege(&user.id) else { return known };
        if privilege.routes.iter().any(|route| route.role == "APP_ADMIN") {
            return known;
        }
        let route = match privilege.routes.iter().find(|route| route.tier == privilege.tier) {
            None => "no role",
            Some(route) if route.group.is_some() => "a group's role",
            Some(_) => "a role of its own",
        };
        known.with_tier(privilege.tier, route)
    }
}

/// Whether the suite may write to a user: an ordinary one whose password is here.
fn is_touchable(user: &OktaUser) -> bool {
    let truth = user.truth();
    let ordinary = user.status() == Status::Active && user.roles.is_empty() && !user.service && !user.activating;
    ordinary && truth.authority == PasswordAuthority::Here
}

#[async_trait]
impl Harness for MockOktaHarness {
    fn directory(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.tested)
    }

    async fn touchable(&self) -> Result<Vec<AccountId>> {
        let touchable = self.mock.users().filter(is_touchable).filter(|user| !self.mock.is_administrator(&user.id));
        Ok(touchable.take(200).filter_map(|user| AccountId::new(user.id).ok()).collect())
    }

    async fn sign_in(&self, account: &AccountId, password: &Secret) -> Result<SignIn> {
        match self.mock.sign_in(account.as_str(), password.expose()) {
            Ok(()) => Ok(SignIn::Accepted),
            Err(OktaSignInRefusal::MustChange) => Ok(SignIn::MustChange),
            Err(OktaSignInRefusal::UnknownUser) => Err(Error::new(ErrorKind::AccountNotFound, "sign in")),
            Err(_) => Ok(SignIn::Refused),
        }
    }

    async fn old_password(&self, account: &AccountId) -> Option<Secret> {
        self.mock.initial_password(account.as_str()).map(Secret::new)
    }

    async fn times_set(&self, account: &AccountId) -> Option<u64> {
        self.mock.user_named(account.as_str())?;
        Some(self.mock.sets(account.as_str()).len() as u64)
    }

    async fn greatest_in_flight(&self) -> Option<u32> {
        u32::try_from(self.mock.counts().most_in_flight).ok()
    }

    async fn truth(&self) -> Option<Truth> {
        let mut truth = Truth { exhaustive: true, ..Truth::default() };
        for user in self.mock.users().filter(|user| self.lists(user)) {
            let mut known = KnownAccount::new(&user.login, user.truth().kind);
            known.enabled = !matches!(user.status(), Status::Suspended | Status::Deprovisioned | Status::Staged);
            known.display_name.clone_from(&user.display_name);
            truth.accounts.push(self.with_tier(known, &user));
        }
        truth.scopes.push(self.finance());
        truth.scopes.extend(self.groups());
        Some(truth)
    }

    async fn honours(&self, account: &AccountId, kind: SecretKind, secret: &Secret) -> Option<bool> {
        match kind {
            SecretKind::RecoveryLink => Some(self.mock.honours_link(account.as_str(), secret.expose())),
            // By its word, as its owner would use it: once, to choose another.
            kind if kind.as_str() == "temporary_password" => {
                Some(self.mock.sign_in(account.as_str(), secret.expose()) == Err(OktaSignInRefusal::MustChange))
            }
            _ => None,
        }
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
                // An API token has no scopes: the role decides.
                self.mock.set_scope("okta.roles.read", false);
                // With one that reads the log, which other cases are about.
                self.mock.set_caller_roles(["USER_ADMIN", "REPORT_ADMIN"]);
                self.mock.forget_tokens(false);
                true
            }
            Circumstance::TruncateListing => {
                self.mock.add_fault(When::read().times(1), Fault::TruncatedPage);
                true
            }
            Circumstance::LockOut(account) => {
                let lock = |user: &mut OktaUser| user.standing.status = Status::LockedOut;
                self.mock.change(account.as_str(), lock).is_some()
            }
        }
    }

    fn planted_secrets(&self) -> Vec<Secret> {
        let own = Secret::new(self.mock.api_token());
        self.secrets.iter().cloned().chain([own]).collect()
    }

    fn principal(&self) -> Option<AccountId> {
        AccountId::new(self.mock.user(fixed::RUNNER)?.id).ok()
    }

    fn absent_id(&self) -> Option<AccountId> {
        AccountId::new("00u0000000000absent0").ok()
    }
}
