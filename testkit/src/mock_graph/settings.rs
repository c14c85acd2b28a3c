//! How the tenant behaves where that is a matter of its settings, or where the sources disagree or
//! are silent about the real service: then both can be had.

use std::time::Duration;

use super::refusal::Refusal;

/// What becomes of a password that is set in the cloud on a synchronised user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyncedReset {
    /// It is taken, and so much later the synchronisation puts the on-prem one back.
    OverwrittenAfter(Duration),
    /// It is refused with 400, as some tenants were seen to do.
    Refused,
}

/// How a password for a user of a federated domain is refused; the exact error is not documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FederatedReset {
    /// 400 `Request_BadRequest`.
    BadRequest,
    /// 403 `Authorization_RequestDenied`.
    Forbidden,
}

/// What a must-change flag without a password does. It was seen to do nothing in 2019, and to work
/// since 2022.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlagAlone {
    /// The flag is set.
    Sets,
    /// 204, and nothing happens.
    Nothing,
}

/// What becomes of a `$top` above the most that a page can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OverTop {
    /// Refused with 400.
    Refused,
    /// Read as the most that there can be.
    Clamped,
}

/// How a revocation of sessions is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokeAnswer {
    /// 200 with `value: true`.
    Ok,
    /// 204 without a body.
    NoContent,
}

/// The settings of a tenant.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) synced: SyncedReset,
    pub(super) federated: FederatedReset,
    pub(super) flag_alone: FlagAlone,
    pub(super) over_top: OverTop,
    pub(super) revoke_answer: RevokeAnswer,
    /// Whether an app needs a directory role even for who holds none.
    pub(super) role_for_ordinary: bool,
    /// Whether revoking the sessions of who holds a role needs a role.
    pub(super) role_for_revoke: bool,
    /// Use the other plausible error codes where the sources do not confirm one.
    pub(super) other_codes: bool,
    /// How long reads show the state before a write.
    pub(super) read_lag: Duration,
    /// How long a new user cannot be found.
    pub(super) creation_lag: Duration,
    /// Words that no password may have inside, in lower case.
    pub(super) banned: Vec<String>,
    /// Every so many pages of a listing there is an empty one more; 0 for never.
    pub(super) empty_page_every: u64,
    /// Whether the tenant has a premium licence.
    pub(super) premium: bool,
    /// Whether the tenant has Entra ID P2: privileged identity management and risky users.
    pub(super) governance: bool,
    /// Every so many requests for the report on registrations are refused for the licence; 0 for none.
    pub(super) licence_flaps_every: u64,
    /// Whether the policy allows temporary access passes.
    pub(super) temporary_access_pass: bool,
    /// The most ids of one request about risky users; nothing is documented.
    pub(super) most_risky: Option<usize>,
    /// The most bytes of a request's body; nothing is documented.
    pub(super) largest_body: usize,
}

impl Settings {
    /// Privileged identity management needs a licence.
    pub(super) fn needs_governance(&self) -> Result<(), Refusal> {
        if self.governance { Ok(()) } else { Err(Refusal::needs_governance()) }
    }

    /// Risky users need a licence; how its absence is said is not confirmed.
    pub(super) fn needs_protection(&self) -> Result<(), Refusal> {
        if self.governance { Ok(()) } else { Err(Refusal::no_licence()) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            synced: SyncedReset::OverwrittenAfter(Duration::from_secs(120)),
            federated: FederatedReset::BadRequest,
            flag_alone: FlagAlone::Sets,
            over_top: OverTop::Refused,
            revoke_answer: RevokeAnswer::Ok,
            role_for_ordinary: true,
            role_for_revoke: false,
            other_codes: false,
            read_lag: Duration::ZERO,
            creation_lag: Duration::ZERO,
            banned: ["password", "contoso", "qwerty", "winter"].map(str::to_owned).to_vec(),
            empty_page_every: 7,
            premium: true,
            governance: true,
            licence_flaps_every: 0,
            temporary_access_pass: true,
            most_risky: None,
            largest_body: 4 << 20,
        }
    }
}
