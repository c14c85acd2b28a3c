//! What a status of Okta says of account and password.

use identity_core::account::Account;

/// A user that was deactivated: only an administrator can bring it back, and it has no password then.
const DEPROVISIONED: &str = "DEPROVISIONED";

/// Whether a user with this status was deactivated: it is listed on request only.
pub(crate) fn is_deprovisioned(status: &str) -> bool {
    status == DEPROVISIONED
}

/// What a status says ("UserStatus" of the Management API).
///
/// A status may be behind: whether a password has expired is looked at when its owner signs in. One
/// that is new here counts as enabled: whoever can perhaps sign in is not passed over.
pub(super) fn apply(status: &str, account: &mut Account) {
    match status {
        // Made and not activated yet, suspended, deactivated: none of them signs in.
        "STAGED" | "SUSPENDED" | DEPROVISIONED => account.state.enabled = false,
        "LOCKED_OUT" => account.state.locked = true,
        "PASSWORD_EXPIRED" => account.password.must_change = true,
        "RECOVERY" => account.password.awaits_recovery = true,
        // ACTIVE, PROVISIONED (activated, its owner has not set it up yet), and what is new.
        _ => {}
    }
}
