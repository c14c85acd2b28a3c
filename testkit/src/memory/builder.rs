//! Putting a directory together.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use identity_core::account::{Account, AccountId, DirectoryId, InvalidId};
use identity_core::directory::{Capabilities, DirectoryInfo, PasswordPolicy};
use identity_core::limits::{BatchCost, Governor, Limits, OperationClass, Quota, clock};
use identity_core::reset::Action;

use super::directory::{Inner, World};
use super::log::Log;
use super::quota::Window;
use super::roster::Roster;
use super::state::States;
use super::{MemoryDirectory, MemoryGroup};
use crate::fault::{FaultScript, Faults};
use crate::organisation::{Organisation, special};

/// What a directory in memory is to be; see [`MemoryDirectory::builder`].
#[derive(Clone, Debug)]
pub struct MemoryBuilder {
    name: String,
    organisation: Option<Organisation>,
    rows: Vec<Account>,
    groups: Vec<MemoryGroup>,
    capabilities: Capabilities,
    limits: Limits,
    enforced: Vec<Quota>,
    classes: Vec<(Action, OperationClass)>,
    policy: PasswordPolicy,
    principal: Option<AccountId>,
    no_rights: HashSet<AccountId>,
    read_latency: Duration,
    write_latency: Duration,
    page: NonZeroU32,
    untidy: bool,
    own_deadline: bool,
    storms: Vec<(Duration, Duration)>,
    script: FaultScript,
    log: Option<Duration>,
}

const MAX_BATCH: NonZeroU32 = NonZeroU32::new(100).unwrap();
const IN_FLIGHT: NonZeroU32 = NonZeroU32::new(1000).unwrap();
/// A page of Active Directory (MaxPageSize, MS-ADTS 3.1.1.3.4.6).
const PAGE: NonZeroU32 = NonZeroU32::new(1000).unwrap();

impl MemoryDirectory {
    /// A directory with the name that a configuration would give it. Without further words it is
    /// empty, can do everything, answers at once, has no quota, and asks for passwords of eight
    /// characters of three classes without the account's name.
    pub fn builder(name: impl Into<String>) -> MemoryBuilder {
        let mut policy = PasswordPolicy::default();
        policy.min_length = 8;
        policy.max_length = Some(256);
        policy.complexity = true;
        MemoryBuilder {
            name: name.into(),
            organisation: None,
            rows: Vec::new(),
            groups: Vec::new(),
            capabilities: everything(),
            limits: Limits::new(MAX_BATCH, IN_FLIGHT),
            enforced: Vec::new(),
            classes: Vec::new(),
            policy,
            principal: None,
            no_rights: HashSet::new(),
            read_latency: Duration::ZERO,
            write_latency: Duration::ZERO,
            page: PAGE,
            untidy: false,
            own_deadline: true,
            storms: Vec::new(),
            script: FaultScript::default(),
            log: None,
        }
    }
}

impl MemoryBuilder {
    /// Holds this organisation; its runner becomes the principal.
    #[must_use]
    pub fn organisation(mut self, organisation: Organisation) -> Self {
        self.organisation = Some(organisation);
        self
    }

    /// Holds these accounts, unless there is an organisation. Their directory becomes this one.
    #[must_use]
    pub fn accounts(mut self, accounts: impl IntoIterator<Item = Account>) -> Self {
        self.rows.extend(accounts);
        self
    }

    /// Describes a group of a list of accounts: how it is nested, what it grants.
    #[must_use]
    pub fn group(mut self, group: MemoryGroup) -> Self {
        self.groups.push(group);
        self
    }

    /// Says what the directory can do at all.
    #[must_use]
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Says what the directory allows; quotas that are given here are not enforced.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds a quota that the directory both states and enforces, over a rolling window: what is
    /// too much is refused with the time until it fits. It enforces the whole; the share is ours.
    #[must_use]
    pub fn quota(mut self, quota: Quota) -> Self {
        self.enforced.push(quota.clone());
        self.limits = self.limits.with_quota(quota);
        self
    }

    /// Adds a quota that the directory enforces and does not state.
    #[must_use]
    pub fn hidden_quota(mut self, quota: Quota) -> Self {
        self.enforced.push(quota);
        self
    }

    /// Says of which class orders with this action are; a quota can price the class.
    #[must_use]
    pub fn class(mut self, action: Action, class: OperationClass) -> Self {
        self.classes.retain(|(known, _)| *known != action);
        self.classes.push((action, class));
        self
    }

    /// Sets the most orders of a class in a batch; the quotas price each.
    #[must_use]
    pub fn batch_of(mut self, class: OperationClass, orders: NonZeroU32) -> Self {
        self.limits = self.limits.with_batch_of(class, orders);
        self
    }

    /// Sets the most orders of a class in a batch that is one call; the quotas price the call.
    #[must_use]
    pub fn one_call_of(mut self, class: OperationClass, orders: NonZeroU32) -> Self {
        self.limits = self.limits.with_one_call_of(class, orders);
        self
    }

    /// Sets the most orders in a batch.
    #[must_use]
    pub fn max_batch(mut self, orders: NonZeroU32) -> Self {
        self.limits.max_batch = orders;
        self
    }

    /// Makes a batch one request among those in flight, however many orders it has.
    #[must_use]
    pub fn one_request_batches(mut self) -> Self {
        self.limits = self.limits.with_batch_cost(BatchCost::OneRequest);
        self
    }

    /// Sets the ceiling of requests in flight.
    #[must_use]
    pub fn in_flight(mut self, requests: NonZeroU32) -> Self {
        self.limits.in_flight = requests;
        self
    }

    /// Sets after which time an unanswered request is given up.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.limits.deadline = deadline;
        self
    }

    /// Leaves a request that is never answered hanging until the caller gives up.
    #[must_use]
    pub fn without_own_deadline(mut self) -> Self {
        self.own_deadline = false;
        self
    }

    /// Sets how long every answer takes.
    #[must_use]
    pub fn latency(self, latency: Duration) -> Self {
        self.read_latency(latency).write_latency(latency)
    }

    /// Sets how long a page, a lookup or a sweep takes.
    #[must_use]
    pub fn read_latency(mut self, latency: Duration) -> Self {
        self.read_latency = latency;
        self
    }

    /// Sets how long a batch of writes takes.
    #[must_use]
    pub fn write_latency(mut self, latency: Duration) -> Self {
        self.write_latency = latency;
        self
    }

    /// Sets how many rows a page of a listing has.
    #[must_use]
    pub fn page(mut self, rows: NonZeroU32) -> Self {
        self.page = rows;
        self
    }

    /// Lists rows out of order, and some of them twice, as directories in use do.
    #[must_use]
    pub fn untidy_listings(mut self) -> Self {
        self.untidy = true;
        self
    }

    /// Sets the password policy.
    #[must_use]
    pub fn policy(mut self, policy: PasswordPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Names the account that the run signs in with.
    #[must_use]
    pub fn principal(mut self, account: AccountId) -> Self {
        self.principal = Some(account);
        self
    }

    /// Refuses writes to these accounts for lack of rights.
    #[must_use]
    pub fn no_rights_over(mut self, accounts: impl IntoIterator<Item = AccountId>) -> Self {
        self.no_rights.extend(accounts);
        self
    }

    /// Sets what goes wrong. A fault that needs a wire to have a meaning does nothing here.
    #[must_use]
    pub fn faults(mut self, script: FaultScript) -> Self {
        self.script = script;
        self
    }

    /// Tells every request to slow down from `from` after the directory was built, for `lasting`;
    /// Retry-After is what is left of the storm.
    #[must_use]
    pub fn storm(mut self, from: Duration, lasting: Duration) -> Self {
        self.storms.push((from, from.saturating_add(lasting)));
        self
    }

    /// Has it keep an audit log, which shows events so much later at the latest, out of order, and
    /// some of them twice. Without, it has none: a log takes memory for every write.
    #[must_use]
    pub fn audit_log(mut self, latest: Duration) -> Self {
        self.log = Some(latest);
        self
    }

    /// Builds it. On tokio's clock: within a runtime.
    ///
    /// # Errors
    /// [`InvalidId`] where the name cannot be a directory's.
    pub fn build(self) -> Result<Arc<MemoryDirectory>, InvalidId> {
        let id = DirectoryId::new(&self.name)?;
        let runner = self
            .organisation
            .as_ref()
            .and_then(|organisation| organisation.to_account(&id, special::RUNNER).ok().map(|account| account.id));
        let tenant = self.organisation.as_ref().map_or("memory.example.test", Organisation::domain).to_owned();
        let mut rows = self.rows;
        rows.iter_mut().for_each(|row| row.directory = id.clone());
        let roster = match self.organisation {
            Some(organisation) => Roster::Organisation(organisation),
            None => Roster::list(rows, self.groups),
        };
        let states = States::new(usize::try_from(roster.len()).unwrap_or(usize::MAX));
        let mut capabilities = self.capabilities;
        capabilities.audit_log = self.log.is_some();
        let windows = self.enforced.iter().map(Window::new).collect();
        let world = World {
            info: DirectoryInfo::new(id, "memory", tenant),
            roster,
            capabilities,
            governor: Governor::new(&self.limits),
            limits: self.limits,
            classes: self.classes,
            policy: self.policy,
            principal: self.principal.or(runner),
            no_rights: self.no_rights,
            read_latency: self.read_latency,
            write_latency: self.write_latency,
            page: u64::from(self.page.get()),
            untidy: self.untidy,
            own_deadline: self.own_deadline,
            storms: self.storms,
            built: clock::instant(),
            faults: Faults::new(self.script),
            inner: Mutex::new(Inner::new(states, windows, self.log.map(Log::new))),
        };
        Ok(Arc::new(MemoryDirectory { world: Arc::new(world) }))
    }
}

fn everything() -> Capabilities {
    let mut can = Capabilities::default();
    can.set_password = true;
    can.set_password_must_change = true;
    can.set_password_change_after_mfa = true;
    can.expire_password = true;
    can.disable = true;
    can.unlock = true;
    can.revoke_sessions = true;
    can.send_recovery_link = true;
    can.reset_authenticators = true;
    can.flag_compromised = true;
    can.issue_access_pass = true;
    can.set_temporary_password = true;
    can.reset_to_recovery = true;
    can.enumerate_group = true;
    can.enumerate_unit = true;
    can.enumerate_native = true;
    can.enumerate_changed = true;
    can.classify_nested_groups = true;
    can.observe_version = true;
    can.observe_sessions = true;
    can.audit_recovery = true;
    can
}
