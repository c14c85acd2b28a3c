//! What is done to the mock while it runs: faults, time, rights, and what happens behind the run's back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::SignedDuration;

use super::org::Org;
use super::{Agents, Bucket, MockOkta, OktaUser, Share};
use crate::fault::{Fault, FaultScript, When};
use crate::mock_http::lock;

impl MockOkta {
    /// Begins another fault script, without rules for none.
    pub fn set_faults(&self, script: FaultScript) {
        self.service.org().clock_skew = script.clock_skew;
        self.service.faults.replace(script);
    }

    /// Lets something go wrong before the rules of the script are asked.
    pub fn add_fault(&self, when: When, fault: Fault) {
        self.service.faults.prepend(when, fault);
    }

    /// Sets how far the org's clock is ahead of ours.
    pub fn set_clock_skew(&self, skew: SignedDuration) {
        self.service.org().clock_skew = skew;
    }

    /// Sets how long the API takes for every request.
    pub fn set_latency(&self, latency: Duration) {
        *lock(&self.service.latency) = latency;
    }

    /// Sets how the agents of Active Directory and LDAP fare.
    pub fn set_agents(&self, agents: Agents) {
        lock(&self.service.settings).agents = agents;
    }

    /// Makes every access token that is out worthless; the API token too where that is said.
    pub fn forget_tokens(&self, api_token: bool) {
        self.service.tokens().forget(api_token);
    }

    /// Makes every nonce worthless.
    pub fn forget_nonces(&self) {
        self.service.tokens().forget_nonces();
    }

    /// Gives the app a scope or takes it; tokens that are out keep what they had.
    pub fn set_scope(&self, scope: &str, granted: bool) {
        let mut tokens = self.service.tokens();
        if granted {
            tokens.scopes.insert(scope.to_owned());
        } else {
            tokens.scopes.remove(scope);
        }
    }

    /// Sets the standard administrator roles of app and API token, by type.
    pub fn set_caller_roles<'a>(&self, types: impl IntoIterator<Item = &'a str>) {
        self.service.tokens().roles = types.into_iter().map(str::to_owned).collect();
    }

    /// What a principal may use.
    #[must_use]
    pub fn share(&self, principal: &str) -> Share {
        self.service.quotas().share(principal)
    }

    /// Sets what a principal may use.
    pub fn set_share(&self, principal: &str, share: Share) {
        self.service.quotas().set_share(principal, share);
    }

    /// Lets others use so many requests of a bucket, now.
    pub fn others_use(&self, bucket: Bucket, requests: u32) {
        let now = self.service.org().now();
        self.service.quotas().others_use(bucket, requests, now);
    }

    /// Makes an active user whose password is in Okta, behind the run's back; gives its id.
    pub fn create(&self, local_name: &str) -> String {
        let lag = self.service.settings().index_lag;
        let mut org = self.service.org();
        let number = org.create(local_name, lag);
        org.id_of(number)
    }

    /// Changes a user behind the run's back. `None` when there is no such user.
    pub fn change(&self, name: &str, change: impl FnOnce(&mut OktaUser)) -> Option<()> {
        self.with(name, |org, number| org.change(number, change)).flatten()
    }

    /// Deletes a user behind the run's back.
    pub fn delete(&self, name: &str) -> Option<()> {
        self.with(name, Org::delete).flatten()
    }

    /// Breaks every connection of now.
    pub fn cut_connections(&self) {
        self.running.cut_connections();
    }

    /// Drops new connections at once, or takes them again.
    pub fn refuse_connections(&self, refuse: bool) {
        self.service.refuse_connections.store(refuse, Ordering::Relaxed);
    }
}
