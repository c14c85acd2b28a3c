//! What was done to a user.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::user::{OktaUser, Standing};

/// What was done to one user since the mock began.
#[derive(Debug, Default)]
pub(in crate::mock_okta) struct State {
    /// What the user is now, where a test changed it.
    pub(super) overlay: Option<Box<OktaUser>>,
    pub(super) standing: Option<Standing>,
    /// What searches show until then.
    pub(super) indexed: Option<(Instant, Standing)>,
    /// Until then no search finds it.
    pub(super) found_after: Option<Instant>,
    /// The fingerprint of the password, where it is not the first one.
    pub(super) password: Option<[u8; 32]>,
    /// The fingerprints of those before, the last one last.
    pub(super) history: Vec<[u8; 32]>,
    /// The link that is good, its fingerprint, and until when.
    pub(super) link: Option<([u8; 32], Instant)>,
    /// What is left of sessions and of tokens for apps.
    pub(super) sessions: Option<Sessions>,
    /// When sessions were ended, and whether tokens for apps with them.
    pub(super) revoked: Vec<(Timestamp, bool)>,
    /// When the last mail went to the user.
    pub(super) mailed: Option<Instant>,
    pub(super) factors_reset: bool,
    /// Members of the profile that were written.
    pub(in crate::mock_okta) profile: Map<String, Value>,
    pub(super) deleted: bool,
    /// Somebody wrote to it through the API.
    pub(super) written_to: bool,
}

/// What a user is signed in with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sessions {
    /// Sessions with Okta.
    pub okta: u32,
    /// Refresh tokens and access tokens of apps.
    pub app_tokens: u32,
    /// Devices that are remembered.
    pub devices: u32,
}

/// How a password came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SetBy {
    /// An administrator set it.
    Administrator,
    /// Okta made it: a temporary one.
    Temporary,
    /// The owner set it, after recovery.
    Owner,
}

/// One password that took effect.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OktaPasswordSet {
    /// The user, by id.
    pub user: String,
    /// When, by the org's clock.
    pub at: Timestamp,
    /// SHA-256 of the password in UTF-8.
    pub sha256: [u8; 32],
    /// How it came about.
    pub by: SetBy,
}

impl fmt::Debug for OktaPasswordSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A fingerprint of a password helps whoever guesses: it stays out of logs.
        f.debug_struct("OktaPasswordSet")
            .field("user", &self.user)
            .field("at", &self.at)
            .field("by", &self.by)
            .finish_non_exhaustive()
    }
}

/// Why a user could not sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OktaSignInRefusal {
    /// There is no such user.
    UnknownUser,
    /// The password is another one, or there is none.
    WrongPassword,
    /// The password is right, and has to be changed first.
    MustChange,
    /// The password is void until the user set a new one through recovery.
    AwaitsRecovery,
    /// The password is right, and the user is locked out.
    LockedOut,
    /// The password is right, and the user is suspended, deactivated or not yet active.
    NotActive,
    /// The password is checked elsewhere.
    NotHere,
}

/// One thing that happened, as the System Log tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OktaEvent {
    /// Its place among all, from 0.
    pub number: u64,
    /// When, by the org's clock.
    pub at: Timestamp,
    /// `user.account.reset_password`, …
    pub event_type: &'static str,
    /// The principal that did it: the owner of an API token, or an app.
    pub actor: String,
    /// The user that it was done to, by id.
    pub target: String,
    /// `outcome.result` is SUCCESS.
    pub success: bool,
    /// `transaction.id`: the id of the request.
    pub transaction: String,
}
