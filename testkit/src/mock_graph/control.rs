//! What is done to the mock while it runs: faults, time, rights, and what happens behind the run's back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use identity_core::limits::clock;
use jiff::SignedDuration;
use uuid::Uuid;

use super::tenant::Tenant;
use super::{CloudUser, MockGraph};
use crate::fault::{Fault, FaultScript, When};
use crate::mock_http::lock;

impl MockGraph {
    /// Begins another fault script, without rules for none.
    pub fn set_faults(&self, script: FaultScript) {
        self.service.tenant().clock_skew = script.clock_skew;
        self.service.faults.replace(script);
    }

    /// Lets something go wrong before the rules of the script are asked.
    pub fn add_fault(&self, when: When, fault: Fault) {
        self.service.faults.prepend(when, fault);
    }

    /// Sets how far the directory's clock is ahead of ours.
    pub fn set_clock_skew(&self, skew: SignedDuration) {
        self.service.tenant().clock_skew = skew;
    }

    /// Sets how long Graph takes for every request.
    pub fn set_latency(&self, latency: Duration) {
        *lock(&self.service.latency) = latency;
    }

    /// Leaves so many of the next answers out of the batches that they belong to, although the
    /// requests are carried out.
    pub fn leave_out(&self, answers: u64) {
        self.service.left_out.store(answers, Ordering::Relaxed);
    }

    /// Makes every token that is out worthless.
    pub fn forget_tokens(&self) {
        self.service.tokens().forget();
    }

    /// Gives the app a permission or takes it; tokens that are out keep what they had.
    pub fn set_permission(&self, name: &str, granted: bool) {
        let mut tokens = self.service.tokens();
        if granted {
            tokens.permissions.insert(name.to_owned());
        } else {
            tokens.permissions.remove(name);
        }
    }

    /// Sets the directory roles of the app, as role templates; tokens that are out keep what they had.
    pub fn set_app_roles<'a>(&self, templates: impl IntoIterator<Item = &'a str>) {
        self.service.tokens().roles = templates.into_iter().map(str::to_owned).collect();
    }

    /// Lets other apps of the tenant write so often, now.
    pub fn others_write(&self, writes: u32) {
        self.service.quotas().others_write(writes, clock::instant());
    }

    /// Makes every delta link worthless (410).
    pub fn forget_delta_links(&self) {
        self.service.delta_epoch.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes a member who is only in the cloud, behind the run's back; gives its object id.
    pub fn create(&self, local_name: &str) -> Uuid {
        let lag = self.service.settings.creation_lag;
        let mut tenant = self.service.tenant();
        let number = tenant.create(local_name, lag);
        tenant.id_of(number)
    }

    /// Changes a user behind the run's back. `None` when there is no such user.
    pub fn change(&self, id: &Uuid, change: impl FnOnce(&mut CloudUser)) -> Option<()> {
        self.with(id, |tenant, number| tenant.change(number, change)).flatten()
    }

    /// Deletes a user behind the run's back.
    pub fn delete(&self, id: &Uuid) -> Option<()> {
        self.with(id, Tenant::delete).flatten()
    }

    /// Brings a password from on-prem, as the synchronisation of hashes does. `None` for who is not
    /// synchronised.
    pub fn password_from_on_prem(&self, id: &Uuid, password: &str) -> Option<()> {
        self.with(id, |tenant, number| tenant.password_from_on_prem(number, password)).flatten()
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
