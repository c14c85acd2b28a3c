//! What is kept for each account that was touched.

use jiff::Timestamp;

use crate::account::Account;
use crate::reset::Action;

const TOUCHED: u8 = 1;
const MUST_CHANGE: u8 = 1 << 1;
const DISABLED: u8 = 1 << 2;
const LOCKED: u8 = 1 << 3;
const RECOVERY: u8 = 1 << 4;
const REVOKED: u8 = 1 << 5;
const SET: u8 = 1 << 6;
const AFTER_MFA: u8 = 1 << 7;

/// The state of every account, in columns: 21 bytes each.
#[derive(Debug)]
pub(super) struct States {
    flags: Vec<u8>,
    sets: Vec<u32>,
    /// Microseconds since 1970.
    last_set: Vec<i64>,
    revoked: Vec<i64>,
}

impl States {
    pub(super) fn new(accounts: usize) -> Self {
        Self {
            flags: vec![0; accounts],
            sets: vec![0; accounts],
            last_set: vec![0; accounts],
            revoked: vec![0; accounts],
        }
    }

    /// One account more.
    pub(super) fn add(&mut self) -> usize {
        self.flags.push(0);
        self.sets.push(0);
        self.last_set.push(0);
        self.revoked.push(0);
        self.flags.len() - 1
    }

    fn flag(&mut self, place: usize, flag: u8, on: bool) {
        if let Some(flags) = self.flags.get_mut(place) {
            if on { *flags |= flag } else { *flags &= !flag }
        }
    }

    fn set(&mut self, place: usize, at: Timestamp) {
        if let Some(sets) = self.sets.get_mut(place) {
            *sets += 1;
        }
        if let Some(last) = self.last_set.get_mut(place) {
            *last = at.as_microsecond();
        }
        self.flag(place, SET, true);
        self.flag(place, RECOVERY | AFTER_MFA, false);
    }

    /// Whether a password of the account was set.
    pub(super) fn was_set(&self, place: usize) -> bool {
        self.flags.get(place).is_some_and(|flags| flags & SET != 0)
    }

    /// Somebody else set the password.
    pub(super) fn overwrite(&mut self, place: usize, at: Timestamp) {
        self.set(place, at);
        self.flag(place, MUST_CHANGE, false);
    }

    /// What an action does. `row` is the account as it was.
    pub(super) fn apply(&mut self, place: usize, row: &Account, action: Action, at: Timestamp) {
        if self.flags.get(place).is_some_and(|flags| flags & TOUCHED == 0) {
            self.flag(place, TOUCHED, true);
            self.flag(place, MUST_CHANGE, row.password.must_change);
            self.flag(place, DISABLED, !row.state.enabled);
            self.flag(place, LOCKED, row.state.locked);
            self.flag(place, RECOVERY, row.password.awaits_recovery);
        }
        match action {
            Action::SetPassword { must_change } => {
                self.set(place, at);
                self.flag(place, MUST_CHANGE, must_change);
            }
            Action::SetPasswordChangeAfterMfa => {
                self.set(place, at);
                self.flag(place, MUST_CHANGE | AFTER_MFA, true);
            }
            Action::Scramble => {
                self.set(place, at);
                self.flag(place, MUST_CHANGE, false);
            }
            Action::SetTemporaryPassword => {
                self.set(place, at);
                self.flag(place, MUST_CHANGE, true);
            }
            Action::ResetToRecovery { .. } => {
                self.flag(place, RECOVERY, true);
                self.flag(place, MUST_CHANGE, false);
            }
            // Active Directory answers success, and nothing happens (MS-SAMR 3.1.5.14.4).
            Action::ExpirePassword => self.flag(place, MUST_CHANGE, !row.password.never_expires),
            Action::Disable => self.flag(place, DISABLED, true),
            Action::Unlock => self.flag(place, LOCKED, false),
            Action::RevokeSessions => {
                if let Some(revoked) = self.revoked.get_mut(place) {
                    *revoked = at.as_microsecond();
                }
                self.flag(place, REVOKED, true);
            }
            _ => {}
        }
    }

    /// Writes what is known over the row. `keeps_version`: as in Active Directory, where must-change is a
    /// pwdLastSet of 0 (MS-ADTS, pwdLastSet).
    pub(super) fn overlay(&self, place: usize, row: &mut Account, keeps_version: bool, tells_sessions: bool) {
        let flags = self.flags.get(place).copied().unwrap_or_default();
        if flags & SET != 0 {
            let last = self.last_set.get(place).copied().unwrap_or_default();
            row.password.last_set = Timestamp::from_microsecond(last).ok();
            let sets = u64::from(self.sets.get(place).copied().unwrap_or_default());
            row.password.version = row.password.version.map(|version| version + sets);
        }
        if flags & TOUCHED != 0 {
            row.password.must_change = flags & MUST_CHANGE != 0;
            row.password.change_after_mfa = flags & MUST_CHANGE != 0 && flags & AFTER_MFA != 0;
            row.password.awaits_recovery = flags & RECOVERY != 0;
            row.state.enabled = flags & DISABLED == 0;
            row.state.locked = flags & LOCKED != 0;
        }
        if keeps_version && row.password.must_change {
            row.password.last_set = None;
        }
        if flags & REVOKED != 0 && tells_sessions {
            let revoked = self.revoked.get(place).copied().unwrap_or_default();
            row.state.sessions_valid_from = Timestamp::from_microsecond(revoked).ok();
        }
    }
}
