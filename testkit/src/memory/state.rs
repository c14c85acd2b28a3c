//! What is kept for each account, in columns: some fifty bytes each, zero until first touched.

use std::collections::HashMap;

use identity_core::account::{Account, AccountKind};
use identity_core::reset::SecretKind;
use jiff::Timestamp;

use super::record::PasswordDigest;

/// The columns below hold for this account; until then its row of the roster does.
pub(super) const KNOWN: u16 = 1;
pub(super) const MUST_CHANGE: u16 = 1 << 1;
pub(super) const DISABLED: u16 = 1 << 2;
pub(super) const LOCKED: u16 = 1 << 3;
pub(super) const DELETED: u16 = 1 << 4;
/// A write of ours had an effect.
pub(super) const TOUCHED: u16 = 1 << 5;
/// The password is not the first one any more.
pub(super) const REPLACED: u16 = 1 << 6;
/// The demand to change the password comes after a second factor.
pub(super) const AFTER_MFA: u16 = 1 << 7;
/// The password is void until the owner comes back by recovery.
pub(super) const RECOVERY: u16 = 1 << 8;

/// The state of every account.
#[derive(Debug, Default)]
pub(super) struct States {
    pub(super) flags: Vec<u16>,
    version: Vec<u32>,
    /// Microseconds since 1970; [`NEVER`] where unknown.
    last_set: Vec<i64>,
    /// As `last_set`, and 0 until sessions are first revoked.
    sessions: Vec<i64>,
    password: Vec<PasswordDigest>,
    /// How often a password was set by our writes.
    pub(super) sets: Vec<u32>,
    /// The number of the last change, for marks.
    changed: Vec<u32>,
    changes: u32,
    /// Every distinct password of an account that had more than one, in order.
    further: HashMap<u64, Vec<PasswordDigest>>,
    /// Every secret that was issued to an account, oldest first.
    pub(super) issued: HashMap<u64, Vec<(SecretKind, PasswordDigest)>>,
    /// What somebody else changed.
    pub(super) edits: HashMap<u64, Edit>,
    /// Accounts made after the directory was built; their indices follow the roster's.
    pub(super) births: Vec<Account>,
}

/// What somebody else changed of an account.
#[derive(Clone, Debug, Default)]
pub(super) struct Edit {
    pub(super) name: Option<String>,
    pub(super) path: Option<String>,
    pub(super) kind: Option<AccountKind>,
    pub(super) joined: Vec<String>,
}

const NEVER: i64 = i64::MIN;

impl States {
    pub(super) fn new(size: usize) -> Self {
        Self {
            flags: vec![0; size],
            version: vec![0; size],
            last_set: vec![0; size],
            sessions: vec![0; size],
            password: vec![PasswordDigest::default(); size],
            sets: vec![0; size],
            changed: vec![0; size],
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.flags.len() as u64
    }

    pub(super) fn flags(&self, index: u64) -> u16 {
        read(&self.flags, index)
    }

    pub(super) fn set_flag(&mut self, index: u64, flag: u16, on: bool) {
        if let Some(flags) = cell(&mut self.flags, index) {
            if on { *flags |= flag } else { *flags &= !flag }
        }
    }

    /// Adds one account; its columns begin as the account says.
    pub(super) fn add(&mut self, account: Account) -> u64 {
        let index = self.len();
        self.births.push(account);
        self.flags.push(0);
        self.version.push(0);
        self.last_set.push(0);
        self.sessions.push(0);
        self.password.push(PasswordDigest::default());
        self.sets.push(0);
        self.changed.push(0);
        self.note_change(index);
        index
    }

    /// Copies what the row says into the columns, once.
    pub(super) fn know(&mut self, index: u64, row: &Account) {
        if self.flags(index) & KNOWN != 0 {
            return;
        }
        self.set_flag(index, KNOWN, true);
        self.set_flag(index, MUST_CHANGE, row.password.must_change);
        self.set_flag(index, RECOVERY, row.password.awaits_recovery);
        self.set_flag(index, DISABLED, !row.state.enabled);
        self.set_flag(index, LOCKED, row.state.locked);
        let version = row.password.version.unwrap_or(1);
        put(&mut self.version, index, u32::try_from(version).unwrap_or(u32::MAX));
        put(&mut self.last_set, index, row.password.last_set.map_or(NEVER, Timestamp::as_microsecond));
    }

    /// Sets a password; the columns must be [known](Self::know).
    pub(super) fn set_password(&mut self, index: u64, password: PasswordDigest, at: Timestamp, by_us: bool) {
        let before = read(&self.password, index);
        if read(&self.sets, index) > 0 && before != password {
            // The column holds one; from the second on they are listed.
            self.further.entry(index).or_insert_with(|| vec![before]);
        }
        if by_us {
            if let Some(all) = self.further.get_mut(&index).filter(|all| !all.contains(&password)) {
                all.push(password);
            }
            let sets = read(&self.sets, index).saturating_add(1);
            put(&mut self.sets, index, sets);
        }
        put(&mut self.password, index, password);
        let version = read(&self.version, index).saturating_add(1);
        put(&mut self.version, index, version);
        put(&mut self.last_set, index, at.as_microsecond());
        self.set_flag(index, REPLACED, true);
        self.note_change(index);
    }

    /// Ends the sessions from before now.
    pub(super) fn revoke_sessions(&mut self, index: u64, at: Timestamp) {
        put(&mut self.sessions, index, at.as_microsecond());
    }

    pub(super) fn note_change(&mut self, index: u64) {
        self.changes = self.changes.saturating_add(1);
        put(&mut self.changed, index, self.changes);
    }

    /// The number of the last change of all.
    pub(super) fn changes(&self) -> u32 {
        self.changes
    }

    pub(super) fn changed_after(&self, index: u64, mark: u32) -> bool {
        read(&self.changed, index) > mark
    }

    /// The password, where it is not the first one any more.
    pub(super) fn password(&self, index: u64) -> Option<PasswordDigest> {
        (self.flags(index) & REPLACED != 0).then(|| read(&self.password, index))
    }

    /// Every distinct password that our writes set, in order.
    pub(super) fn passwords(&self, index: u64) -> Vec<PasswordDigest> {
        match self.further.get(&index) {
            Some(all) => all.clone(),
            None if read(&self.sets, index) > 0 => vec![read(&self.password, index)],
            None => Vec::new(),
        }
    }

    /// Writes the columns over the row.
    pub(super) fn overlay(&self, index: u64, row: &mut Account) {
        if let Some(edit) = self.edits.get(&index) {
            if let Some(name) = &edit.name {
                row.name.clone_from(name);
            }
            if edit.path.is_some() {
                row.path.clone_from(&edit.path);
            }
            row.kind = edit.kind.unwrap_or(row.kind);
            row.groups.extend(edit.joined.iter().cloned());
        }
        let flags = self.flags(index);
        if flags & KNOWN == 0 {
            return;
        }
        row.password.must_change = flags & MUST_CHANGE != 0;
        row.password.change_after_mfa = flags & MUST_CHANGE != 0 && flags & AFTER_MFA != 0;
        row.password.awaits_recovery = flags & RECOVERY != 0;
        row.state.enabled = flags & DISABLED == 0;
        row.state.locked = flags & LOCKED != 0;
        row.password.version = Some(u64::from(read(&self.version, index)));
        let last_set = read(&self.last_set, index);
        row.password.last_set = Timestamp::from_microsecond(last_set).ok().filter(|_| last_set != NEVER);
        let sessions = read(&self.sessions, index);
        if sessions != 0 {
            row.state.sessions_valid_from = Timestamp::from_microsecond(sessions).ok();
        }
    }
}

fn at(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn read<T: Copy + Default>(column: &[T], index: u64) -> T {
    column.get(at(index)).copied().unwrap_or_default()
}

fn cell<T>(column: &mut [T], index: u64) -> Option<&mut T> {
    column.get_mut(at(index))
}

fn put<T>(column: &mut [T], index: u64, value: T) {
    if let Some(cell) = cell(column, index) {
        *cell = value;
    }
}
