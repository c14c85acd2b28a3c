//! How a mock is described and begun.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::MockGraph;
use super::delivery::{self, Front};
use super::quota::{Metering, Quotas, TenantSize};
use super::service::Service;
use super::settings::{FederatedReset, FlagAlone, OverTop, RevokeAnswer, Settings, SyncedReset};
use super::tenant::{Population, Tenant};
use super::tokens::{Federation, Secret, Tokens};
use crate::fault::{FaultScript, Faults};
use crate::mock_http::{Running, bind, lock};
use crate::organisation::{Organisation, draw};

/// Describes a mock. Without a word: quotas as published for a tenant of more than 500 users, an app
/// with every permission of an audit and a reset that is a Privileged Authentication Administrator,
/// tokens that last 3,599 seconds, no faults, no latency, a third of the drawn persons only in the
/// cloud and one in twenty of the others in the federated domain.
#[derive(Debug)]
pub struct MockGraphBuilder {
    population: Population,
    tokens: Tokens,
    settings: Settings,
    faults: FaultScript,
    latency: Duration,
    quotas: (bool, Metering, TenantSize, f64),
    recording: bool,
}

impl MockGraphBuilder {
    pub(super) fn new(organisation: Organisation) -> Self {
        let (client, principal) = (draw::guid(organisation.seed() ^ 0xA, 0), draw::guid(organisation.seed() ^ 0xB, 0));
        Self {
            population: Population { organisation, cloud_only: 33, federated: 5 },
            tokens: Tokens::new(client, principal),
            settings: Settings::default(),
            faults: FaultScript::default(),
            latency: Duration::ZERO,
            quotas: (true, Metering::RollingWindow, TenantSize::Large, 1.0),
            recording: false,
        }
    }

    /// Of a hundred drawn persons, so many are only in the cloud.
    #[must_use]
    pub fn cloud_only(mut self, percent: u64) -> Self {
        self.population.cloud_only = percent;
        self
    }

    /// Of a hundred drawn persons that are synchronised, so many are in the federated domain.
    #[must_use]
    pub fn federated_share(mut self, percent: u64) -> Self {
        self.population.federated = percent;
        self
    }

    /// What goes wrong.
    #[must_use]
    pub fn faults(mut self, script: FaultScript) -> Self {
        self.faults = script;
        self
    }

    /// How long Graph takes for every request.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Quotas are counted, and nothing is refused for them.
    #[must_use]
    pub fn without_quotas(mut self) -> Self {
        self.quotas.0 = false;
        self
    }

    /// How quotas are metered.
    #[must_use]
    pub fn metering(mut self, metering: Metering) -> Self {
        self.quotas.1 = metering;
        self
    }

    /// How large the tenant is, by which resource units are sized.
    #[must_use]
    pub fn tenant_size(mut self, size: TenantSize) -> Self {
        self.quotas.2 = size;
        self
    }

    /// Multiplies every quota.
    #[must_use]
    pub fn scale_quotas(mut self, scale: f64) -> Self {
        self.quotas.3 = scale;
        self
    }

    /// Keeps every exchange, without secrets, for [`MockGraph::exchanges`].
    #[must_use]
    pub fn recording(mut self) -> Self {
        self.recording = true;
        self
    }

    /// How long a token lasts, in whole seconds.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.tokens.lifetime = lifetime;
        self
    }

    /// The app has this secret.
    #[must_use]
    pub fn client_secret(mut self, secret: impl Into<String>) -> Self {
        self.tokens.secret = Some(Secret { text: secret.into(), expired: false });
        self
    }

    /// The app's secret has expired.
    #[must_use]
    pub fn expired_secret(mut self) -> Self {
        if let Some(secret) = &mut self.tokens.secret {
            secret.expired = true;
        }
        self
    }

    /// The app has no secret.
    #[must_use]
    pub fn without_secret(mut self) -> Self {
        self.tokens.secret = None;
        self
    }

    /// Registers a certificate, as DER, that assertions may be signed with. RSA of 2048 bits at least.
    #[must_use]
    pub fn certificate(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.tokens.certificates.push(der.into());
        self
    }

    /// Trusts the tokens of another issuer for one subject; `key` is the issuer's public RSA key as
    /// the DER of a SubjectPublicKeyInfo.
    #[must_use]
    pub fn federation(
        mut self,
        issuer: impl Into<String>,
        subject: impl Into<String>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.tokens.federation = Some(Federation { issuer: issuer.into(), subject: subject.into(), key: key.into() });
        self
    }

    /// No identity is assigned to the machine.
    #[must_use]
    pub fn without_managed_identity(mut self) -> Self {
        self.tokens.managed_identity = false;
        self
    }

    /// Takes a permission from the app.
    #[must_use]
    pub fn without_permission(mut self, name: &str) -> Self {
        self.tokens.permissions.remove(name);
        self
    }

    /// Gives the app a permission more.
    #[must_use]
    pub fn with_permission(mut self, name: &str) -> Self {
        self.tokens.permissions.insert(name.to_owned());
        self
    }

    /// The directory roles of the app, as role templates.
    #[must_use]
    pub fn app_roles<'a>(mut self, templates: impl IntoIterator<Item = &'a str>) -> Self {
        self.tokens.roles = templates.into_iter().map(str::to_owned).collect();
        self
    }

    /// What becomes of a cloud password of a synchronised user.
    #[must_use]
    pub fn synced_reset(mut self, reset: SyncedReset) -> Self {
        self.settings.synced = reset;
        self
    }

    /// How a password for a federated user is refused.
    #[must_use]
    pub fn federated_reset(mut self, reset: FederatedReset) -> Self {
        self.settings.federated = reset;
        self
    }

    /// What a must-change flag without a password does.
    #[must_use]
    pub fn flag_alone(mut self, flag: FlagAlone) -> Self {
        self.settings.flag_alone = flag;
        self
    }

    /// What becomes of a `$top` that is too large.
    #[must_use]
    pub fn over_top(mut self, over: OverTop) -> Self {
        self.settings.over_top = over;
        self
    }

    /// How a revocation is answered.
    #[must_use]
    pub fn revoke_answer(mut self, answer: RevokeAnswer) -> Self {
        self.settings.revoke_answer = answer;
        self
    }

    /// The permission alone sets passwords of who holds no role, as the field reports; the
    /// documentation asks for a directory role too.
    #[must_use]
    pub fn permission_is_enough(mut self) -> Self {
        self.settings.role_for_ordinary = false;
        self
    }

    /// Revoking the sessions of who holds a role needs a role; the documentation is silent.
    #[must_use]
    pub fn revoke_needs_role(mut self) -> Self {
        self.settings.role_for_revoke = true;
        self
    }

    /// Answers with the other plausible codes and words where the sources do not confirm one: of a
    /// token that is refused, a query that is not supported, a failed dependency, a removed row.
    #[must_use]
    pub fn other_codes(mut self) -> Self {
        self.settings.other_codes = true;
        self
    }

    /// How long reads show the state before a write.
    #[must_use]
    pub fn read_lag(mut self, lag: Duration) -> Self {
        self.settings.read_lag = lag;
        self
    }

    /// How long a new user cannot be found.
    #[must_use]
    pub fn creation_lag(mut self, lag: Duration) -> Self {
        self.settings.creation_lag = lag;
        self
    }

    /// Words that no password may have inside.
    #[must_use]
    pub fn banned_words<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        self.settings.banned = words.into_iter().map(str::to_lowercase).collect();
        self
    }

    /// After so many pages of a listing comes one without rows; 0 for never.
    #[must_use]
    pub fn empty_page_every(mut self, pages: u64) -> Self {
        self.settings.empty_page_every = pages;
        self
    }

    /// The most bytes that a body may have; 4 MiB without a word, as people say, and nothing documented.
    #[must_use]
    pub fn largest_body(mut self, bytes: usize) -> Self {
        self.settings.largest_body = bytes;
        self
    }

    /// The tenant has no premium licence: sign-ins cannot be read.
    #[must_use]
    pub fn without_premium(mut self) -> Self {
        self.settings.premium = false;
        self
    }

    /// The tenant has no Entra ID P2: no privileged identity management, no risky users.
    #[must_use]
    pub fn without_governance(mut self) -> Self {
        self.settings.governance = false;
        self
    }

    /// Every so many requests for the report on registrations, the first among them, are refused as if
    /// there were no licence; 0 for none.
    #[must_use]
    pub fn licence_flaps_every(mut self, requests: u64) -> Self {
        self.settings.licence_flaps_every = requests;
        self
    }

    /// The policy does not allow temporary access passes.
    #[must_use]
    pub fn without_temporary_access_pass(mut self) -> Self {
        self.settings.temporary_access_pass = false;
        self
    }

    /// Takes no more than so many ids in one request about risky users; 60 is what people report.
    #[must_use]
    pub fn most_risky(mut self, ids: usize) -> Self {
        self.settings.most_risky = Some(ids);
        self
    }

    fn service(self, urls: (String, String)) -> Arc<Service> {
        let mut tenant = Tenant::new(self.population);
        tenant.clock_skew = self.faults.clock_skew;
        let (enforced, metering, size, scale) = self.quotas;
        let quotas = Quotas::new(enforced, metering, size, scale);
        let service = Service::new(tenant, self.tokens, quotas, self.settings, Faults::new(self.faults), urls);
        *lock(&service.latency) = self.latency;
        lock(&service.recorder).on = self.recording;
        Arc::new(service)
    }

    /// Begins without sockets: [`MockGraph::in_process`] answers, on the caller's runtime and clock.
    #[must_use]
    pub fn build(self) -> MockGraph {
        let urls = (delivery::LOGIN.into(), delivery::GRAPH.into());
        MockGraph { service: self.service(urls), running: Running::default() }
    }

    /// Begins on loopback, on a thread of its own.
    ///
    /// # Errors
    /// When no port or thread can be had.
    #[expect(clippy::unused_async, reason = "as the other mocks begin")]
    pub async fn start(self) -> io::Result<MockGraph> {
        let ((login, login_url), (graph, graph_url)) = (bind()?, bind()?);
        let service = self.service((login_url, graph_url));
        let listeners = vec![(login, Front::Login), (graph, Front::Graph)];
        let running = Running::start("mock-graph", Arc::clone(&service), listeners)?;
        Ok(MockGraph { service, running })
    }
}
