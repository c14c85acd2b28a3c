//! What people do while a run goes on: owners sign in, administrators change things.

use std::time::Duration;

use identity_core::account::{Account, AccountId};
use identity_core::reset::{Action, Secret, SecretKind};

use super::MemoryDirectory;
use super::record::digest;
use super::state::{DELETED, DISABLED, Edit, LOCKED, MUST_CHANGE, RECOVERY};
use crate::conformance::SignIn;
use crate::fault::{Fault, When};

impl MemoryDirectory {
    /// Tries to sign in, as the account's owner would. An account that is not there refuses.
    #[must_use]
    pub fn sign_in(&self, account: &AccountId, password: &Secret) -> SignIn {
        let Some((index, row)) = self.find(account) else { return SignIn::Refused };
        let given = digest(password);
        let current = self.inner().states.password(index);
        let current = current.unwrap_or_else(|| digest(&self.initial(index)));
        let ended = row.state.expires.is_some_and(|end| end <= self.now());
        if given != current || row.password.awaits_recovery || !row.state.enabled || row.state.locked || ended {
            SignIn::Refused
        } else if row.password.must_change && !row.password.never_expires {
            SignIn::MustChange
        } else {
            SignIn::Accepted
        }
    }

    /// The password that an account began with.
    #[must_use]
    pub fn initial_password(&self, account: &AccountId) -> Option<Secret> {
        self.index_of(account).map(|index| self.initial(index))
    }

    fn initial(&self, index: u64) -> Secret {
        Secret::new(self.world.roster.initial_password(index))
    }

    /// Somebody else sets the password: the owner (asked to, or come back by recovery) or another
    /// administrator. It moves the password's version and time, and does not count as a write of ours.
    pub fn set_by_somebody_else(&self, account: &AccountId, password: &Secret) {
        let now = self.now();
        self.somebody_did(Action::SetPassword { must_change: false }.as_str(), account, "somebody");
        self.change(account, |directory, index| {
            let mut inner = directory.inner();
            inner.states.set_password(index, digest(password), now, false);
            inner.states.set_flag(index, MUST_CHANGE, false);
            inner.states.set_flag(index, RECOVERY, false);
        });
    }

    /// Gives the account another sign-in name.
    pub fn rename(&self, account: &AccountId, name: impl Into<String>) {
        let name = name.into();
        self.edit(account, |edit| edit.name = Some(name));
    }

    /// Moves the account to another place.
    pub fn move_to(&self, account: &AccountId, path: impl Into<String>) {
        let path = path.into();
        self.edit(account, |edit| edit.path = Some(path));
    }

    /// Adds the account to a group: the next classification may find it privileged.
    pub fn join(&self, account: &AccountId, group: impl Into<String>) {
        let group = group.into();
        self.edit(account, |edit| edit.joined.push(group));
    }

    /// Disables the account, or enables it.
    pub fn set_enabled(&self, account: &AccountId, enabled: bool) {
        self.flag(account, DISABLED, !enabled);
    }

    /// Locks the account out, or lets it in again.
    pub fn set_locked(&self, account: &AccountId, locked: bool) {
        self.flag(account, LOCKED, locked);
    }

    /// Deletes the account.
    pub fn delete(&self, account: &AccountId) {
        self.flag(account, DELETED, true);
    }

    /// Adds an account, born during the run. One whose id is there already changes nothing.
    pub fn add(&self, account: Account) {
        if self.index_of(&account.id).is_none() {
            let mut inner = self.inner();
            let id = account.id.clone();
            let index = inner.states.add(account);
            inner.born.insert(id, index);
        }
    }

    /// The next writes to this account go wrong, this many of them.
    pub fn break_next(&self, account: &AccountId, fault: Fault, times: u64) {
        self.world.faults.prepend(When::write().on(account.as_str()).times(times), fault);
    }

    /// The nth write to this account from now on goes wrong, counted from 1.
    pub fn break_nth(&self, account: &AccountId, fault: Fault, nth: u64) {
        self.break_next(account, fault, 1);
        self.break_next(account, Fault::Slow(Duration::ZERO), nth.saturating_sub(1));
    }

    /// The next write to this account is confirmed at once and takes effect this much later, as it
    /// looks to whoever reads from a replica that is behind.
    pub fn confirm_early(&self, account: &AccountId, behind: Duration) {
        self.inner().early.insert(account.clone(), behind);
    }

    /// The next page of a listing ends in the middle.
    pub fn truncate_next_listing(&self) {
        self.world.faults.prepend(When::read().times(1), Fault::TruncatedPage);
    }

    /// The next classification cannot read every membership.
    pub fn hide_memberships(&self) {
        self.inner().hidden_memberships += 1;
    }

    /// Cuts the connections; the next write notices before it is sent.
    pub fn cut_connections(&self) {
        self.inner().cut_connections = true;
    }

    /// From now on no read is answered, or reads are answered again.
    pub fn leave_reads_hanging(&self, hanging: bool) {
        self.inner().reads_hang = hanging;
    }

    /// Whether the newest secret of this kind that was issued to the account is this one: an older
    /// one opens nothing any more.
    #[must_use]
    pub fn honours(&self, account: &AccountId, kind: SecretKind, secret: &Secret) -> bool {
        let newest = self.issued(account).into_iter().rfind(|(issued, _)| *issued == kind);
        newest.is_some_and(|(_, known)| known == digest(secret))
    }

    fn find(&self, account: &AccountId) -> Option<(u64, Account)> {
        let index = self.index_of(account)?;
        Some((index, self.row(index)?))
    }

    fn change(&self, account: &AccountId, change: impl FnOnce(&Self, u64)) {
        if let Some((index, row)) = self.find(account) {
            self.inner().states.know(index, &row);
            change(self, index);
            self.inner().states.note_change(index);
        }
    }

    fn flag(&self, account: &AccountId, flag: u16, on: bool) {
        self.change(account, |directory, index| directory.inner().states.set_flag(index, flag, on));
    }

    fn edit(&self, account: &AccountId, edit: impl FnOnce(&mut Edit)) {
        self.change(account, |directory, index| edit(directory.inner().states.edits.entry(index).or_default()));
    }
}
