//! Several controllers of one domain: each with a copy of its own, each telling the others of its
//! changes after a while.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use identity_core::limits::clock;

use super::server::Server;
use super::store::{AccountState, Store};
use super::{MockAd, fixed};

/// The lag of a domain whose controllers are told by hand.
const BY_HAND: Duration = Duration::MAX;

/// The controllers of a domain.
#[derive(Default)]
pub(super) struct Domain {
    controllers: Mutex<Vec<Weak<Server>>>,
    lag: Mutex<Duration>,
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Domain").field("controllers", &lock(&self.controllers).len()).finish_non_exhaustive()
    }
}

impl Domain {
    pub(super) fn join(&self, server: &Arc<Server>) {
        lock(&self.controllers).push(Arc::downgrade(server));
    }

    /// Those that are still there.
    pub(super) fn controllers(&self) -> Vec<Arc<Server>> {
        lock(&self.controllers).iter().filter_map(Weak::upgrade).collect()
    }
}

/// Begins another controller of the domain that `first` is of.
pub(super) async fn begin(first: &MockAd, lag: Duration, read_only: bool) -> io::Result<MockAd> {
    let domain = Arc::clone(&first.server.domain);
    *lock(&domain.lag) = lag;
    let there = domain.controllers();
    let name = format!("{}{}", if read_only { "RODC" } else { "DC" }, there.len() + 1);
    let mut store = first.server.store().copy(&name, read_only);
    let rows = || fixed::controller(&store.organisation, &store.base, &name, read_only);
    for server in &there {
        let mut store = server.store();
        rows().into_iter().for_each(|row| store.add_fixed(row));
    }
    rows().into_iter().for_each(|row| store.add_fixed(row));
    let mut described = first.described.clone();
    // What goes wrong on one controller does not go wrong on another.
    described = described.faults(crate::fault::FaultScript::default());
    described.listen(store, first.server.acceptor.clone(), first.ca_pem.clone(), domain).await
}

/// Begins a controller that the configuration names already. Nobody tells it anything by itself.
pub(super) async fn begin_named(first: &MockAd, name: &str) -> io::Result<MockAd> {
    let named = first.described.named.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let (name, read_only) = named.ok_or_else(|| io::Error::other(format!("the builder named no controller {name}")))?;
    let domain = Arc::clone(&first.server.domain);
    *lock(&domain.lag) = BY_HAND;
    let store = first.server.store().copy(name, *read_only);
    let described = first.described.clone().faults(crate::fault::FaultScript::default());
    described.listen(store, first.server.acceptor.clone(), first.ca_pem.clone(), domain).await
}

/// Brings one controller's copy to where another's is.
pub(super) fn replicate(from: &Server, to: &Server) {
    let states = from.store().states.clone();
    let mut store = to.store();
    for (account, state) in (0..).zip(states) {
        store.receive(account, state);
    }
}

/// Lets the other controllers learn of the state of an account, after the domain's lag.
pub(super) fn tell_others(from: &Arc<Server>, account: u32) {
    let others: Vec<Arc<Server>> =
        from.domain.controllers().into_iter().filter(|server| !Arc::ptr_eq(server, from)).collect();
    if others.is_empty() {
        return;
    }
    let lag = *lock(&from.domain.lag);
    if lag == BY_HAND {
        return;
    }
    if lag.is_zero() {
        return tell(from, &others, account);
    }
    let server = Arc::clone(from);
    from.runtime.spawn(async move {
        clock::sleep(lag).await;
        tell(&server, &others, account);
    });
}

fn tell(from: &Server, others: &[Arc<Server>], account: u32) {
    let state = from.store().states.get(account as usize).cloned();
    for other in others {
        if let Some(state) = state.clone() {
            other.store().receive(account, state);
        }
    }
}

impl Store {
    /// The copy that a new controller begins with.
    fn copy(&self, name: &str, read_only: bool) -> Self {
        let (organisation, policies) =
            (self.organisation.clone(), (self.policy.clone(), self.administrators_policy.clone()));
        let mut store = Self::new(organisation, policies, self.delegated, self.most_entries);
        store.clock_skew = self.clock_skew;
        store.children.clone_from(&self.children);
        store.policy_hints = self.policy_hints;
        let known = store.fixed.len();
        for entry in self.fixed.iter().skip(known) {
            store.add_copy(entry);
        }
        for (account, state) in (0..).zip(&self.states) {
            store.receive(account, state.clone());
        }
        name.clone_into(&mut store.controller);
        store.read_only = read_only;
        store
    }

    /// Takes over the state of an account from another controller. Of two changes the one of the
    /// higher version counts, and of two with the same the later one (MS-ADTS 3.1.1.5.1.5).
    fn receive(&mut self, account: u32, mut state: AccountState) {
        let Some(own) = self.states.get(account as usize) else { return };
        if (own.version, own.version_at) > (state.version, state.version_at) {
            return;
        }
        state.bad_passwords = own.bad_passwords;
        let indexed = own.overlay.is_some() || state.overlay.is_some() || own.deleted != state.deleted;
        if indexed && let Some(before) = self.view(account).map(|view| view.account.into_owned()) {
            self.forget(account, &before);
        }
        self.usn += 1;
        state.usn_changed = self.usn;
        if let Some(own) = self.states.get_mut(account as usize) {
            *own = state;
        }
        if indexed && let Some(after) = self.view(account).map(|view| view.account.into_owned()) {
            self.enter(account, &after);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
