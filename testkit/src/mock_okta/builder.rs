//! How a mock is described and begun.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::MockOkta;
use super::delivery;
use super::org::{Org, Population, fixed};
use super::quota::{Bucket, Quotas, Share};
use super::service::Service;
use super::settings::{Agents, Settings, WeakPassword};
use super::tokens::Tokens;
use crate::fault::{FaultScript, Faults};
use crate::mock_http::{Running, bind, lock};
use crate::organisation::Organisation;

/// Describes a mock. Without a word: an org of the workforce edition, of whose limits a principal may
/// use half; an API token whose owner is a super administrator, and an app with every scope of an audit
/// and a reset and without a key; sixty in a hundred drawn persons with their password in Okta, a tenth
/// of the others federated; an index of searches that is a second late; no faults, no latency.
#[derive(Debug)]
pub struct MockOktaBuilder {
    population: Population,
    tokens: Tokens,
    settings: Settings,
    quotas: Quotas,
    faults: FaultScript,
    latency: Duration,
    recording: bool,
    share: Share,
}

impl MockOktaBuilder {
    pub(super) fn new(organisation: Organisation) -> Self {
        let population = Population { organisation, okta_mastered: 60, federated: 10 };
        Self {
            tokens: Tokens::new(population.seed(), fixed::RUNNER),
            population,
            settings: Settings::default(),
            quotas: Quotas::default(),
            faults: FaultScript::default(),
            latency: Duration::ZERO,
            recording: false,
            share: Share::default(),
        }
    }

    /// Of a hundred drawn persons, so many have their password in Okta.
    #[must_use]
    pub fn okta_mastered_share(mut self, percent: u64) -> Self {
        self.population.okta_mastered = percent;
        self
    }

    /// Of a hundred drawn persons whose password is not in Okta, so many are federated; the others come
    /// from Active Directory.
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

    /// How long the API takes for every request.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Rate limits are counted and shown, and nothing is refused for them.
    #[must_use]
    pub fn without_quotas(mut self) -> Self {
        self.quotas.enforced = false;
        self
    }

    /// What the org may do in a minute, in place of [`Bucket::published`].
    #[must_use]
    pub fn limit(mut self, bucket: Bucket, requests: u32) -> Self {
        self.quotas.set_limit(bucket, requests);
        self
    }

    /// Others use so many requests of every window of a bucket.
    #[must_use]
    pub fn others(mut self, bucket: Bucket, requests: u32) -> Self {
        self.quotas.set_others(bucket, requests);
        self
    }

    /// What a principal may use of every bucket, in percent; 50 without a word.
    #[must_use]
    pub fn share(mut self, percentage: u32) -> Self {
        self.share.percentage = percentage;
        self
    }

    /// Requests at once that the org takes, and the part of it in percent that a principal may have;
    /// 75 of both without a word.
    #[must_use]
    pub fn concurrency(mut self, requests: u32, percentage: u32) -> Self {
        self.quotas.concurrency = requests;
        self.share.concurrency_percentage = percentage;
        self
    }

    /// Keeps every exchange, without secrets, for [`MockOkta::exchanges`].
    #[must_use]
    pub fn recording(mut self) -> Self {
        self.recording = true;
        self
    }

    /// How long a token lasts, in whole seconds; an hour without a word.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.tokens.lifetime = lifetime;
        self
    }

    /// Registers a public key of the app, as a JSON Web Key.
    #[must_use]
    pub fn key(mut self, key: Value) -> Self {
        self.tokens.keys.push(key);
        self
    }

    /// The app needs proofs of possession, as apps do that were made since 2024.
    #[must_use]
    pub fn dpop(mut self) -> Self {
        self.tokens.dpop = true;
        self
    }

    /// Takes a scope from the app.
    #[must_use]
    pub fn without_scope(mut self, scope: &str) -> Self {
        self.tokens.scopes.remove(scope);
        self
    }

    /// Gives the app a scope more.
    #[must_use]
    pub fn with_scope(mut self, scope: &str) -> Self {
        self.tokens.scopes.insert(scope.to_owned());
        self
    }

    /// The standard administrator roles of app and API token, by type.
    #[must_use]
    pub fn caller_roles<'a>(mut self, types: impl IntoIterator<Item = &'a str>) -> Self {
        self.tokens.roles = types.into_iter().map(str::to_owned).collect();
        self
    }

    /// The permissions of a custom role that app and API token hold.
    #[must_use]
    pub fn caller_permissions<'a>(mut self, permissions: impl IntoIterator<Item = &'a str>) -> Self {
        self.tokens.permissions = permissions.into_iter().map(str::to_owned).collect();
        self
    }

    /// How the agents of Active Directory and LDAP fare.
    #[must_use]
    pub fn agents(mut self, agents: Agents) -> Self {
        self.settings.agents = agents;
        self
    }

    /// How a password that the policy refuses is answered.
    #[must_use]
    pub fn weak_password(mut self, answer: WeakPassword) -> Self {
        self.settings.weak_password = answer;
        self
    }

    /// A temporary password leaves `passwordChanged` as it was: which of both Okta does is not documented.
    #[must_use]
    pub fn temporary_passwords_move_no_time(mut self) -> Self {
        self.settings.temporary_moves_time = false;
        self
    }

    /// How far the index of searches is behind; a second without a word.
    #[must_use]
    pub fn index_lag(mut self, lag: Duration) -> Self {
        self.settings.index_lag = lag;
        self
    }

    /// The last page of a listing is empty and names itself as the next.
    #[must_use]
    pub fn self_referential_last_page(mut self) -> Self {
        self.settings.self_referential_last_page = true;
        self
    }

    /// Every page but the first begins with the last row of the one before.
    #[must_use]
    pub fn repeated_rows(mut self) -> Self {
        self.settings.repeats_rows = true;
        self
    }

    /// A 429 carries its three headers twice, the second time with other numbers.
    #[must_use]
    pub fn duplicate_rate_headers(mut self) -> Self {
        self.settings.duplicate_rate_headers = true;
        self
    }

    /// The token endpoint refuses for pace in the words of OAuth.
    #[must_use]
    pub fn throttling_in_oauth(mut self) -> Self {
        self.settings.throttles_in_oauth = true;
        self
    }

    /// A user gets no second mail so soon, but 429 E0000118; five seconds in Okta's words, and none here
    /// without a word.
    #[must_use]
    pub fn mail_pause(mut self, pause: Duration) -> Self {
        self.settings.mail_pause = pause;
        self
    }

    /// No page has more rows than this, whatever is asked; 200 without a word.
    #[must_use]
    pub fn largest_page(mut self, rows: usize) -> Self {
        self.settings.largest_page = rows.clamp(1, 200);
        self
    }

    /// Profiles do not say what Active Directory calls the user.
    #[must_use]
    pub fn without_mapped_anchors(mut self) -> Self {
        self.settings.mapped_anchors = false;
        self
    }

    /// The org has what is licensed apart: authenticator enrolments, blocks, universal logout.
    #[must_use]
    pub fn with_features(mut self) -> Self {
        self.settings.features = true;
        self
    }

    fn service(self, url: String) -> Arc<Service> {
        let mut org = Org::new(self.population);
        org.clock_skew = self.faults.clock_skew;
        let mut quotas = self.quotas;
        let principals = self.tokens.api_tokens.iter().map(|token| token.id.clone());
        for principal in principals.chain([self.tokens.client_id.clone()]) {
            quotas.set_share(&principal, self.share);
        }
        let service = Service::new(org, self.tokens, quotas, self.settings, Faults::new(self.faults), url);
        *lock(&service.latency) = self.latency;
        lock(&service.recorder).on = self.recording;
        Arc::new(service)
    }

    /// Begins without sockets: [`MockOkta::in_process`] answers, on the caller's runtime and clock.
    #[must_use]
    pub fn build(self) -> MockOkta {
        MockOkta { service: self.service(delivery::ORG.into()), running: Running::default() }
    }

    /// Begins on loopback, on a thread of its own.
    ///
    /// # Errors
    /// When no port or thread can be had.
    #[expect(clippy::unused_async, reason = "as the other mocks begin")]
    pub async fn start(self) -> io::Result<MockOkta> {
        let (listener, url) = bind()?;
        let service = self.service(url);
        let running = Running::start("mock-okta", Arc::clone(&service), vec![(listener, ())])?;
        Ok(MockOkta { service, running })
    }
}
