//! A mock of Microsoft Graph v1.0 and of the token endpoint in front of it: an organisation as
//! Entra Connect would have brought it to the cloud, refusals in Graph's words, its quotas, and a
//! record of what really happened.
//!
//! It serves plain HTTP on loopback ([`MockGraphBuilder::start`]), or the same without sockets
//! ([`MockGraphBuilder::build`]) for tests in virtual time. An account of an organisation is the same
//! person here as in [`mock_ad`](crate::mock_ad), joined by immutable id and security identifier.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use testkit::mock_graph::MockGraph;
//! use testkit::organisation::Organisation;
//!
//! let mock = MockGraph::builder(Organisation::new(1, 5_000)).start().await?;
//! println!("{} as {}", mock.graph_url(), mock.client_id());
//! // … a run …
//! assert_eq!(mock.counts().throttled, 0);
//! # Ok(())
//! # }
//! ```
//!
//! # Rooms
//!
//! | room | what is in it |
//! |---|---|
//! | `delivery`, `service` | the way of a request, and of its answer back; what other mocks over HTTP share is in `mock_http` |
//! | `routes`, `strict`, `query`, `filter` | what can be asked, and how strictly it is read |
//! | `users`, `directory` | one file for each endpoint, one `ROUTES` for each family |
//! | `roles`, `groups`, `units`, `service_principals` | who holds what; `collection` and `objects` are what they share |
//! | `authentication`, `registration`, `risk` | what people sign in with, who could recover alone, who is compromised |
//! | `tenant` | who is in it; only what was changed is stored |
//! | `privilege` | the roles, groups, units and service principals themselves, and the truth about them |
//! | `tokens` | the app, the token endpoint, managed identities |
//! | `access` | who may do what to whom |
//! | `quota`, `refusal`, `batch`, `record`, `settings` | what they say |
//!
//! # Faults
//! A fault acts on one request, or on one part of a batch; what it does to the connection it does to
//! the whole batch. [`Fault::Busy`](crate::fault::Fault::Busy) is 503 without a word of when to come
//! back, `Unavailable` 503 with it, `Throttle` 429 with `Retry-After` in turns in seconds and as a
//! date, `TruncatedPage` in turns 500 and JSON without its end, `NoticeOfDisconnection` 503 with
//! `Connection: close`.
//!
//! # What it does not have
//! Creating and deleting users through Graph, writing to roles and groups, `$search`, other methods on
//! users, the actions of built-in roles, groups that come from on-prem; `Prefer: return=minimal` of a delta query is taken and changes nothing.

mod access;
mod applications;
mod authentication;
mod batch;
mod builder;
mod collection;
mod control;
mod delivery;
mod directory;
mod filter;
mod groups;
mod harness;
mod objects;
mod privilege;
mod privileges;
mod query;
mod quota;
mod record;
mod refusal;
mod registration;
mod risk;
mod roles;
mod routes;
mod service;
mod service_principals;
mod settings;
mod strict;
mod tenant;
mod tokens;
mod units;
mod users;

pub use crate::mock_http::{Exchange, InProcess, MARKER};
pub use authentication::MethodKind;
pub use builder::MockGraphBuilder;
pub use harness::MockGraphHarness;
pub use privilege::{
    AdministrativeUnit, CloudGroup, CloudPrivilege, CloudRoute, CustomRole, GroupSchedule, Holding, RoleAssignment,
    RoleGraph, RouteRule, ServicePrincipal,
};
pub use quota::{Metering, QuotaUse, TenantSize};
pub use record::Counts;
pub use risk::Risk;
pub use settings::{FederatedReset, FlagAlone, OverTop, RevokeAnswer, SyncedReset};
pub use tenant::{CloudTruth, CloudUser, OnPrem, PasswordSet, SignInRefusal, Sort, fixed};
pub use tokens::PERMISSIONS;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::mock_http::{Running, lock};
use crate::organisation::Organisation;
use service::Service;
use tenant::Tenant;

/// A running mock; its servers end when it is dropped.
pub struct MockGraph {
    service: Arc<Service>,
    running: Running,
}

impl fmt::Debug for MockGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockGraph").field("graph_url", &self.service.graph_url).finish_non_exhaustive()
    }
}

impl MockGraph {
    /// Describes a mock of a tenant that an organisation is in.
    #[must_use]
    pub fn builder(organisation: Organisation) -> MockGraphBuilder {
        MockGraphBuilder::new(organisation)
    }

    /// The mock as a service without sockets. Its clock is that of the runtime that asks.
    #[must_use]
    pub fn in_process(&self) -> InProcess {
        InProcess(Arc::clone(&self.service) as Arc<dyn crate::mock_http::Inside>)
    }

    /// The login server: `http://127.0.0.1:port`, without a slash behind it. Managed identities are
    /// below it at `/metadata/identity/oauth2/token` and, as `IDENTITY_ENDPOINT`, at `/msi/token`.
    #[must_use]
    pub fn login_url(&self) -> &str {
        &self.service.login_url
    }

    /// Graph: `http://127.0.0.1:port`, without version and slash behind it.
    #[must_use]
    pub fn graph_url(&self) -> &str {
        &self.service.graph_url
    }

    /// The tenant's id.
    #[must_use]
    pub fn tenant_id(&self) -> Uuid {
        self.service.tenant().id
    }

    /// The app's client id.
    #[must_use]
    pub fn client_id(&self) -> Uuid {
        self.service.tokens().client_id
    }

    /// The object id of the app's service principal.
    #[must_use]
    pub fn service_principal(&self) -> Uuid {
        self.service.tokens().principal
    }

    /// The app's secret, where it has one.
    #[must_use]
    pub fn client_secret(&self) -> Option<String> {
        self.service.tokens().secret.as_ref().map(|secret| secret.text.clone())
    }

    /// The tokens that are out, for whoever looks where they should not be.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        self.service.tokens().out()
    }

    /// What `IDENTITY_HEADER` would hold in an App Service.
    #[must_use]
    pub fn identity_header(&self) -> String {
        self.service.tokens().identity_header.clone()
    }

    /// The organisation as it was when the mock began.
    #[must_use]
    pub fn organisation(&self) -> &Organisation {
        &self.service.population.organisation
    }

    /// The domains: the initial one, the synchronised one, that of cloud-only users, the federated one.
    #[must_use]
    pub fn domains(&self) -> [String; 4] {
        let population = &self.service.population;
        let synced = population.organisation.domain().to_owned();
        [population.initial_domain(), synced, population.cloud_domain(), population.federated_domain()]
    }

    /// How many users there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.service.tenant().count()
    }

    /// Whether there is nobody; there always is somebody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every user of now, one by one.
    pub fn users(&self) -> impl Iterator<Item = CloudUser> + Send + '_ {
        let end = self.service.tenant().end();
        (0..end).filter_map(|number| self.service.tenant().view(number).map(|view| view.user))
    }

    /// A user by its place: one of [`fixed`], or as [`CloudUser::number`] says.
    #[must_use]
    pub fn user(&self, number: u64) -> Option<CloudUser> {
        self.service.tenant().view(number).map(|view| view.user)
    }

    /// The user that stands for an account of the organisation.
    #[must_use]
    pub fn user_of_account(&self, index: u64) -> Option<CloudUser> {
        self.user(tenant::FIXED + index)
    }

    /// A user by object id.
    #[must_use]
    pub fn user_by_id(&self, id: &Uuid) -> Option<CloudUser> {
        self.with(id, |tenant, number| tenant.view(number).map(|view| view.user)).flatten()
    }

    /// The password that a user began with.
    #[must_use]
    pub fn initial_password(&self, id: &Uuid) -> Option<String> {
        self.with(id, |tenant, number| tenant.population.initial_password(number))
    }

    /// Tries a password as the user's owner would.
    ///
    /// # Errors
    /// Why the user could not sign in.
    pub fn sign_in(&self, id: &Uuid, password: &str) -> Result<(), SignInRefusal> {
        self.with(id, |tenant, number| tenant.sign_in(number, password)).unwrap_or(Err(SignInRefusal::UnknownUser))
    }

    /// Every password that took effect, in order.
    #[must_use]
    pub fn record(&self) -> Vec<PasswordSet> {
        self.service.tenant().sets.clone()
    }

    /// The passwords of one user that took effect, in order.
    #[must_use]
    pub fn sets(&self, id: &Uuid) -> Vec<PasswordSet> {
        self.service.tenant().sets.iter().filter(|set| set.user == *id).cloned().collect()
    }

    /// When a user's sessions were revoked, in order.
    #[must_use]
    pub fn revoked(&self, id: &Uuid) -> Vec<Timestamp> {
        let revoked = |tenant: &mut Tenant, number| {
            tenant.state(number).map(|state| state.revoked.iter().map(|(at, _)| *at).collect())
        };
        self.with(id, revoked).flatten().unwrap_or_default()
    }

    /// Whether the account is enabled now.
    #[must_use]
    pub fn enabled(&self, id: &Uuid) -> Option<bool> {
        self.with(id, |tenant, number| {
            tenant.settle(number);
            tenant.view(number).map(|view| view.enabled())
        })
        .flatten()
    }

    /// Whether the user must change the password, and whether after a second factor.
    #[must_use]
    pub fn must_change(&self, id: &Uuid) -> Option<(bool, bool)> {
        self.with(id, |tenant, number| {
            tenant.settle(number);
            let view = tenant.view(number)?;
            Some((view.must_change(), view.state.is_some_and(|state| state.must_change_with_mfa)))
        })
        .flatten()
    }

    /// Whether nothing was written to the user through Graph since the mock began.
    #[must_use]
    pub fn untouched(&self, id: &Uuid) -> bool {
        self.with(id, |tenant, number| !tenant.state(number).is_some_and(|state| state.written_to)).unwrap_or(false)
    }

    /// How much the mock was asked.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *self.service.counts()
    }

    /// What every quota has seen.
    #[must_use]
    pub fn quotas(&self) -> Vec<QuotaUse> {
        self.service.quotas().uses()
    }

    /// Every exchange so far, where the mock [records](MockGraphBuilder::recording).
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.service.recorder).exchanges.clone()
    }

    fn with<T>(&self, id: &Uuid, read: impl FnOnce(&mut Tenant, u64) -> T) -> Option<T> {
        let mut tenant = self.service.tenant();
        let number = tenant.by_id(id)?;
        Some(read(&mut tenant, number))
    }
}
