//! What was done to a user.

use std::collections::BTreeMap;
use std::fmt;

use identity_core::limits::clock;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::CloudUser;

/// What was done to one user since the mock began.
#[derive(Debug, Default)]
pub(in crate::mock_graph) struct State {
    /// What the user is now, where that was changed.
    pub(super) overlay: Option<Box<CloudUser>>,
    pub(in crate::mock_graph) enabled: Option<bool>,
    /// The fingerprint of the password, where it is not the first one.
    pub(super) password: Option<[u8; 32]>,
    pub(super) set_at: Option<Timestamp>,
    /// Until then, reads show the time before.
    pub(super) set_shown_after: Option<Instant>,
    pub(super) shown_before: Option<Timestamp>,
    pub(in crate::mock_graph) must_change: Option<bool>,
    pub(in crate::mock_graph) must_change_with_mfa: bool,
    /// When sessions were revoked, and from when a read shows it.
    pub(in crate::mock_graph) revoked: Vec<(Timestamp, Instant)>,
    /// Other properties that were written.
    pub(in crate::mock_graph) written: BTreeMap<&'static str, Value>,
    /// Until then nobody finds it.
    pub(super) found_after: Option<Instant>,
    pub(super) overwrite: Option<Overwrite>,
    pub(super) deleted: bool,
    /// Somebody wrote to it through the API.
    pub(in crate::mock_graph) written_to: bool,
}

/// What the synchronisation puts back, and when.
#[derive(Debug)]
pub(super) struct Overwrite {
    pub(super) at: Instant,
    pub(super) password: Option<([u8; 32], Timestamp)>,
    pub(super) enabled: Option<bool>,
}

impl Default for Overwrite {
    fn default() -> Self {
        Self { at: clock::instant(), password: None, enabled: None }
    }
}

impl Overwrite {
    pub(super) fn undo(self, state: &mut State) {
        if let Some((password, set_at)) = self.password {
            state.password = Some(password);
            (state.set_at, state.set_shown_after) = (Some(set_at), None);
            (state.must_change, state.must_change_with_mfa) = (None, false);
        }
        if self.enabled.is_some() {
            state.enabled = self.enabled;
        }
    }
}

impl State {
    pub(super) fn password_set_shown(&self, first: Timestamp) -> Timestamp {
        let late = self.set_shown_after.is_some_and(|then| then > clock::instant());
        let shown = if late { self.shown_before } else { self.set_at };
        shown.unwrap_or(first)
    }

    pub(super) fn revoked_shown(&self) -> Option<Timestamp> {
        let now = clock::instant();
        self.revoked.iter().filter(|(_, shown_after)| *shown_after <= now).map(|(at, _)| *at).max()
    }
}

/// One password that took effect.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordSet {
    /// The user, by object id.
    pub user: Uuid,
    /// When, by the directory's clock.
    pub at: Timestamp,
    /// SHA-256 of the password in UTF-8.
    pub sha256: [u8; 32],
    /// Set through Graph; otherwise it came from on-prem.
    pub by_administrator: bool,
}

impl fmt::Debug for PasswordSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A fingerprint of a password helps whoever guesses: it stays out of logs.
        f.debug_struct("PasswordSet")
            .field("user", &self.user)
            .field("at", &self.at)
            .field("by_administrator", &self.by_administrator)
            .finish_non_exhaustive()
    }
}

/// Why a user could not sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignInRefusal {
    /// There is no such user.
    UnknownUser,
    /// The password is another one.
    WrongPassword,
    /// The password is right, and the account is disabled.
    Disabled,
    /// The password is right, and has to be changed first.
    MustChange,
    /// The password is checked elsewhere: a guest, a federated domain, an agent.
    NotHere,
}
