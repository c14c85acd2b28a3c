//! A directory in memory: what the planner asks of a backend, and nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use futures::StreamExt;

use crate::account::{Account, AccountId, AccountKind, DirectoryId};
use crate::directory::{
    AccountEnumerator, AccountQuery, AccountStream, Capabilities, Directory, DirectoryInfo, ForcedReset, Preflight,
    PrivilegeClassifier, RateLimitedBatching, Scope, Support,
};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{Governor, Limits};
use crate::privilege::{Ground, PrivilegeIndex, Tier};
use crate::reset::{Action, Order, Outcome};

pub(in crate::plan) struct Fake {
    info: DirectoryInfo,
    pub(in crate::plan) accounts: Arc<Vec<Account>>,
    /// Persons that are made while they are enumerated, so that a test holds none of them.
    pub(in crate::plan) generated: usize,
    pub(in crate::plan) groups: BTreeMap<String, Vec<Account>>,
    pub(in crate::plan) privileges: PrivilegeIndex,
    pub(in crate::plan) principal: Option<AccountId>,
    pub(in crate::plan) capabilities: Capabilities,
    pub(in crate::plan) support: Option<fn(&Account, Action) -> Support>,
    /// Enumerations that break off half-way before one succeeds.
    pub(in crate::plan) failing: AtomicU32,
    pub(in crate::plan) failure: ErrorKind,
    pub(in crate::plan) enumerations: Arc<AtomicU32>,
    limits: Limits,
    governor: Arc<Governor>,
}

pub(in crate::plan) fn account(name: &str, kind: AccountKind) -> Account {
    account_in("corp", name, kind)
}

pub(in crate::plan) fn account_in(directory: &str, name: &str, kind: AccountKind) -> Account {
    let id = AccountId::new(format!("id-{name}")).unwrap();
    let mut account = Account::new(DirectoryId::new(directory).unwrap(), id, name, kind);
    account.path = Some(format!("CN={name},OU=People,DC=example,DC=test"));
    account.anchors.security_id = Some(format!("S-1-5-21-1-2-3-9{}", name.len()));
    account.anchors.principal_name = Some(format!("{name}@example.test"));
    account
}

impl Fake {
    pub(in crate::plan) fn of(accounts: Vec<Account>) -> Self {
        Self::named("corp", accounts)
    }

    pub(in crate::plan) fn named(id: &str, accounts: Vec<Account>) -> Self {
        let limits = Limits::new(NonZeroU32::MIN, NonZeroU32::MIN);
        let capabilities = Capabilities {
            set_password: true,
            set_password_must_change: true,
            expire_password: true,
            disable: true,
            unlock: true,
            ..Capabilities::default()
        };
        Self {
            info: DirectoryInfo::new(DirectoryId::new(id).unwrap(), "fake", "example.test"),
            accounts: Arc::new(accounts),
            generated: 0,
            groups: BTreeMap::new(),
            privileges: PrivilegeIndex::default(),
            principal: None,
            capabilities,
            support: None,
            failing: AtomicU32::new(0),
            failure: ErrorKind::Unavailable,
            enumerations: Arc::default(),
            governor: Governor::new(&limits),
            limits,
        }
    }

    pub(in crate::plan) fn privileged(mut self, name: &str, tier: Tier) -> Self {
        let ground = Ground { tier, rule: "member".into(), holds: "Admins".into(), evidence: vec!["Admins".into()] };
        self.privileges.add(AccountId::new(format!("id-{name}")).unwrap(), ground);
        self
    }

    pub(in crate::plan) fn group(mut self, name: &str, members: &[&str]) -> Self {
        let members = self.accounts.iter().filter(|account| members.contains(&account.name.as_str())).cloned();
        self.groups.insert(name.to_owned(), members.collect());
        self
    }
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fake").field("info", &self.info).finish_non_exhaustive()
    }
}

#[async_trait]
impl Directory for Fake {
    fn info(&self) -> &DirectoryInfo {
        &self.info
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn preflight(&self) -> Result<Preflight> {
        Ok(Preflight { principal: self.principal.clone(), ..Preflight::default() })
    }
}

#[async_trait]
impl AccountEnumerator for Fake {
    fn accounts(&self, query: &AccountQuery) -> AccountStream {
        self.enumerations.fetch_add(1, Ordering::SeqCst);
        let breaks = self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        let accounts = match &query.scope {
            Scope::Everyone => Arc::clone(&self.accounts),
            Scope::Group(name) => match self.groups.get(name) {
                Some(members) => Arc::new(members.clone()),
                None => {
                    let error = Error::new(ErrorKind::InputInvalid, "list accounts").with_detail("no such group");
                    return futures::stream::once(async { Err(error) }).boxed();
                }
            },
            _ => {
                let error = Error::new(ErrorKind::Unsupported, "list accounts");
                return futures::stream::once(async { Err(error) }).boxed();
            }
        };
        let shown = if breaks { accounts.len() / 2 } else { accounts.len() };
        let failure = self.failure;
        let broken = breaks.then(|| Err(Error::new(failure, "list accounts").with_detail("broke off")));
        let listed = (0..shown).map(move |place| Ok(accounts[place].clone()));
        let generated = if query.scope == Scope::Everyone { self.generated } else { 0 };
        let generated = (0..generated).map(|n| Ok(account(&format!("g{n}"), AccountKind::Person)));
        futures::stream::iter(listed.chain(generated).chain(broken)).boxed()
    }

    async fn lookup(&self, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
        Ok(ids.iter().map(|id| self.accounts.iter().find(|account| account.id == *id).cloned()).collect())
    }
}

#[async_trait]
impl PrivilegeClassifier for Fake {
    async fn privileges(&self) -> Result<PrivilegeIndex> {
        Ok(self.privileges.clone())
    }
}

#[async_trait]
impl ForcedReset for Fake {
    fn support(&self, account: &Account, action: Action) -> Support {
        match self.support {
            Some(support) => support(account, action),
            None if self.capabilities.can(action) => Support::Works,
            None => Support::Cannot { because: format!("fake cannot {action}") },
        }
    }

    async fn apply(&self, _: &[Order]) -> Vec<Outcome> {
        panic!("a planner touches nothing")
    }
}

impl RateLimitedBatching for Fake {
    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    fn governor(&self) -> &Arc<Governor> {
        &self.governor
    }
}
