//! A mock of Active Directory at wire level: LDAPS on loopback, an organisation inside, refusals
//! with Active Directory's codes and words, and a record of what really happened.
//!
//! It runs on a thread of its own, so that a test may pause its clock and a benchmark does not
//! share its runtime. Limits are those of a new domain: 1000 entries a page, 1500 values an
//! attribute, eight workers.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use testkit::mock_ad::MockAd;
//! use testkit::organisation::Organisation;
//!
//! let mock = MockAd::builder().organisation(Organisation::new(1, 5_000)).start().await?;
//! println!("{} as {}", mock.url(), mock.bind_dn());
//! // … a run …
//! assert_eq!(mock.record().len(), 0);
//! mock.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not have
//! Adding, deleting and renaming by LDAP, changes of groups, SASL, DirSync, a schema to read, other
//! domains. An account that needs a smart card can still sign in with its password.

mod attributes;
mod bind;
mod builder;
mod controls;
mod descriptor;
mod filter;
mod fixed;
mod harness;
mod index;
mod metadata;
mod modify;
mod names;
mod operations;
mod policy;
mod record;
mod replica;
mod reply;
mod schema;
mod search;
mod server;
mod session;
mod sid;
mod store;
mod tls;
mod wire;

pub use builder::MockAdBuilder;
pub use harness::MockAdHarness;
pub use policy::DomainPolicy;
pub use record::{Counts, PasswordSet};

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use identity_core::account::{AccountState, PasswordState};
use jiff::SignedDuration;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::fault::{Fault, FaultScript, When};
use crate::organisation::{Organisation, SyntheticAccount, special, uac};
use server::Server;
use store::{EntryRef, Store};

/// A running mock; it ends when dropped.
pub struct MockAd {
    server: Arc<Server>,
    organisation: Organisation,
    described: MockAdBuilder,
    port: u16,
    ca_pem: String,
    stop: CancellationToken,
    stopped: Option<oneshot::Receiver<()>>,
}

impl fmt::Debug for MockAd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockAd").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Drop for MockAd {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl MockAd {
    /// Describes a mock.
    #[must_use]
    pub fn builder() -> MockAdBuilder {
        MockAdBuilder::default()
    }

    /// `ldaps://127.0.0.1:port`, or `ldap://` for one that begins without TLS.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.server.plain { "ldap" } else { "ldaps" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of the authority that signed the server's, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Writes [`ca_pem`](Self::ca_pem) to a file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_ca(&self, path: impl AsRef<Path>) -> io::Result<()> {
        std::fs::write(path, &self.ca_pem)
    }

    /// The organisation as it was when the mock began.
    #[must_use]
    pub fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// The distinguished name of the domain.
    #[must_use]
    pub fn base(&self) -> String {
        self.organisation.base_dn()
    }

    /// The account to run a reset as: [`special::RUNNER`].
    #[must_use]
    pub fn bind_dn(&self) -> String {
        self.organisation.account(special::RUNNER).dn(&self.base())
    }

    /// Its password.
    #[must_use]
    pub fn bind_password(&self) -> String {
        self.organisation.initial_password(special::RUNNER)
    }

    /// Begins another fault script, without rules for none.
    pub fn set_faults(&self, script: FaultScript) {
        self.server.store().clock_skew = script.clock_skew;
        self.server.faults.replace(script);
    }

    /// Sets how far the directory's clock is ahead of the machine's.
    pub fn set_clock_skew(&self, skew: SignedDuration) {
        self.server.store().clock_skew = skew;
    }

    /// Sets how long every operation takes but signing in.
    pub fn set_latency(&self, latency: Duration) {
        self.server.set_latency(latency);
    }

    /// Breaks every connection of now.
    pub fn cut_connections(&self) {
        self.server.cut_connections();
    }

    /// Drops new connections at once, or takes them again.
    pub fn refuse_connections(&self, refuse: bool) {
        self.server.refuse_connections.store(refuse, Ordering::Relaxed);
    }

    /// Begins another controller of the same domain, which learns of a change `lag` after it was
    /// made, and tells of its own as late. Its faults and counts are its own, the record of
    /// passwords is one.
    ///
    /// # Errors
    /// When no port or thread can be had.
    pub async fn replica(&self, lag: Duration) -> io::Result<Self> {
        replica::begin(self, lag, false).await
    }

    /// As [`replica`](Self::replica), a read-only one: it refers whoever wants to change something.
    ///
    /// # Errors
    /// As of [`replica`](Self::replica).
    pub async fn read_only_replica(&self, lag: Duration) -> io::Result<Self> {
        replica::begin(self, lag, true).await
    }

    /// Begins a controller that the [builder](MockAdBuilder::controller) named. It learns of changes
    /// when [`replicate_from`](Self::replicate_from) says so.
    ///
    /// # Errors
    /// When no such controller was named, or no port or thread can be had.
    pub async fn named_replica(&self, name: &str) -> io::Result<Self> {
        replica::begin_named(self, name).await
    }

    /// Takes over what another controller has that is newer: replication, all at once.
    pub fn replicate_from(&self, source: &Self) {
        replica::replicate(&source.server, &self.server);
    }

    /// The DNS name by which this controller knows itself.
    #[must_use]
    pub fn host(&self) -> String {
        fixed::host(&self.organisation, &self.server.store().controller)
    }

    /// Every password that took effect on any controller of the domain, in order.
    #[must_use]
    pub fn record(&self) -> Vec<PasswordSet> {
        let each = self.server.domain.controllers().into_iter();
        let mut sets: Vec<PasswordSet> = each.flat_map(|server| server.store().record.sets.clone()).collect();
        sets.sort_by_key(|set| set.at);
        sets
    }

    /// The passwords of one account that took effect on any controller, in order.
    #[must_use]
    pub fn sets(&self, account: &Uuid) -> Vec<PasswordSet> {
        let each = self.server.domain.controllers().into_iter();
        let mut sets: Vec<PasswordSet> = each.flat_map(|server| server.store().record.of(account)).collect();
        sets.sort_by_key(|set| set.at);
        sets
    }

    /// How much the mock was asked.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.server.store().record.counts
    }

    /// Whether this is the account's password now. It counts as no sign-in.
    #[must_use]
    pub fn password_matches(&self, account: &Uuid, password: &str) -> bool {
        self.with(account, |store, index| store.password_matches(index, password)).unwrap_or(false)
    }

    /// Whether nothing was written to the account since the mock began.
    #[must_use]
    pub fn untouched(&self, account: &Uuid) -> bool {
        self.with(account, |store, index| store.states.get(index as usize).is_some_and(|state| !state.written))
            .unwrap_or(false)
    }

    /// What the directory really holds of an account; `None` when there is none.
    #[must_use]
    pub fn observe(&self, account: &Uuid) -> Option<(AccountState, PasswordState)> {
        self.with(account, observe).flatten()
    }

    /// Changes an account behind the run's back: renames, moves, disables, locks it, puts it into
    /// a group. Its index, GUID and security identifier are best left alone. `None` when there is
    /// no such account.
    pub fn change(&self, account: &Uuid, change: impl FnOnce(&mut SyntheticAccount)) -> Option<()> {
        self.told(account, |store, index| store.change(index, change)).flatten()
    }

    /// Sets a password behind the run's back, as the account's owner would. It is in the record.
    pub fn set_password(&self, account: &Uuid, password: &str) -> Option<()> {
        self.told(account, |store, index| modify::by_owner(store, index, password))
    }

    /// Tries a password as the account's owner would, without a connection.
    ///
    /// # Errors
    /// The `data` code of a refused bind: `52e`, `533`, `773`, …
    pub fn sign_in(&self, account: &Uuid, password: &str) -> Result<(), &'static str> {
        self.with(account, |store, index| bind::try_password(store, index, password)).unwrap_or(Err("525"))
    }

    /// Keeps an account from being read by anybody, as an entry in its access list would, or
    /// shows it again.
    pub fn hide(&self, account: &Uuid, hidden: bool) -> Option<()> {
        self.with(account, |store, index| {
            store.states.get_mut(index as usize)?.hidden = hidden;
            Some(())
        })
        .flatten()
    }

    /// Lets something go wrong before the rules of the script are asked.
    pub fn add_fault(&self, when: When, fault: Fault) {
        self.server.faults.prepend(when, fault);
    }

    /// Deletes an account behind the run's back.
    pub fn delete(&self, account: &Uuid) -> Option<()> {
        self.told(account, Store::delete).flatten()
    }

    /// Ends the mock and waits until it has ended.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Some(stopped) = self.stopped.take() {
            // An error says that the thread is gone, which is what is waited for.
            let _ = stopped.await;
        }
    }

    /// As [`with`](Self::with); the other controllers learn of it.
    fn told<T>(&self, account: &Uuid, change: impl FnOnce(&mut Store, u32) -> T) -> Option<T> {
        let (changed, index) = self.with(account, |store, index| (change(store, index), index))?;
        replica::tell_others(&self.server, index);
        Some(changed)
    }

    fn with<T>(&self, account: &Uuid, read: impl FnOnce(&mut Store, u32) -> T) -> Option<T> {
        let mut store = self.server.store();
        match store.by_guid(account) {
            Some(EntryRef::Account(index)) => Some(read(&mut store, index)),
            _ => None,
        }
    }
}

fn observe(store: &mut Store, index: u32) -> Option<(AccountState, PasswordState)> {
    let view = store.view(index)?;
    let (account, state) = (&view.account, view.state);
    let mut account_state = AccountState::default();
    account_state.enabled = state.uac & uac::DISABLED == 0;
    account_state.locked = state.lockout != 0;
    account_state.expires = account.expires;
    let mut password = PasswordState::default();
    let set = if state.password_set == 0 { state.version_at } else { state.password_set };
    password.last_set = Some(metadata::moment(set));
    password.version = Some(u64::from(state.version));
    password.must_change = state.password_set == 0 && !store::never_expires(state.uac);
    password.never_expires = state.uac & uac::NEVER_EXPIRES != 0;
    password.cannot_change = account.cannot_change;
    password.not_required = state.uac & uac::PASSWORD_NOT_REQUIRED != 0;
    password.smart_card_required = state.uac & uac::SMART_CARD != 0;
    Some((account_state, password))
}
