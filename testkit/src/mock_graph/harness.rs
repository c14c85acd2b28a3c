//! The conformance suite's view of a backend that works on a mock.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use identity_core::account::{AccountId, AccountKind, PasswordAuthority};
use identity_core::directory::{Backend, Scope};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::reset::Secret;
use uuid::Uuid;

use super::{CloudGroup, CloudPrivilege, CloudRoute, CloudUser, MockGraph, RoleGraph, RouteRule, SignInRefusal, Sort};
use crate::conformance::{Circumstance, Harness, KnownAccount, KnownScope, SignIn, Truth};
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

    /// Every group that anybody is in, and a department by a filter.
    fn scopes(&self) -> Vec<KnownScope> {
        let named = |ids: &BTreeSet<Uuid>| {
            let users = ids.iter().filter_map(|id| self.mock.user_by_id(id));
            users.filter(|user| self.lists(user)).map(|user| user.principal_name).collect::<BTreeSet<_>>()
        };
        let graph = self.mock.role_graph();
        let groups = graph.groups.iter().map(|group| KnownScope {
            scope: Scope::Group(group.id.to_string()),
            members: named(&everybody_in(&graph, group)),
        });
        let finance = self.mock.users().filter(|user| user.department.as_deref() == Some("Finance"));
        let finance = named(&finance.map(|user| user.id).collect());
        let finance = KnownScope { scope: Scope::Native("department eq 'Finance'".into()), members: finance };
        groups.filter(|known| !known.members.is_empty()).chain([finance]).collect()
    }

    fn lists(&self, user: &CloudUser) -> bool {
        user.sort != Sort::Agent || self.agents.is_some()
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
            let privilege = self.mock.privilege(&user.id);
            let mut known = KnownAccount::new(&user.principal_name, kind).with_tier(privilege.tier, route(&privilege));
            known.enabled = self.mock.enabled(&user.id).unwrap_or(user.enabled);
            known.display_name.clone_from(&user.display_name);
            truth.accounts.push(known);
        }
        truth.scopes = self.scopes();
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

/// How somebody comes by the tier, in the suite's words.
fn route(privilege: &CloudPrivilege) -> &'static str {
    let nested = |route: &CloudRoute| route.rule == RouteRule::GroupMember && route.path.len() > 1;
    match privilege.routes.iter().find(|route| route.tier == privilege.tier) {
        None => "nothing",
        Some(route) if nested(route) => "nested",
        Some(_) => "direct",
    }
}

/// Whoever is in the group, or in one that is in it.
fn everybody_in(graph: &RoleGraph, group: &CloudGroup) -> BTreeSet<Uuid> {
    let (mut seen, mut open) = (BTreeSet::new(), group.members.clone());
    while let Some(member) = open.pop() {
        if seen.insert(member) {
            open.extend(graph.groups.iter().filter(|group| group.id == member).flat_map(|group| group.members.clone()));
        }
    }
    seen
}

fn id(account: &AccountId) -> Option<Uuid> {
    account.as_str().parse().ok()
}
