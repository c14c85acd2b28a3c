//! Who may do what to whom: the scopes of the token, and the administrator roles of the caller.
//!
//! Rights are named as the permissions of custom roles are (Okta API reference, role permissions). What
//! a standard role may do is from Okta's help on administrators; that only a super administrator writes
//! to administrators is what is commonly seen, and no matrix of it is published.

use super::org::Org;
use super::refusal::Refusal;
use super::tokens::Caller;

pub(super) const READ: &str = "okta.users.read";
pub(super) const MANAGE: &str = "okta.users.manage";
pub(super) const CREDENTIALS: &str = "okta.users.credentials.manage";
pub(super) const RESET_PASSWORD: &str = "okta.users.credentials.resetPassword";
pub(super) const EXPIRE_PASSWORD: &str = "okta.users.credentials.expirePassword";
pub(super) const RESET_FACTORS: &str = "okta.users.credentials.resetFactors";
pub(super) const LIFECYCLE: &str = "okta.users.lifecycle.manage";
pub(super) const CLEAR_SESSIONS: &str = "okta.users.lifecycle.clearSessions";
pub(super) const UNLOCK: &str = "okta.users.lifecycle.unlock";
pub(super) const SUSPEND: &str = "okta.users.lifecycle.suspend";

/// What the help desk may do beside reading.
const HELP_DESK: &[&str] = &[RESET_PASSWORD, EXPIRE_PASSWORD, RESET_FACTORS, CLEAR_SESSIONS, UNLOCK];

/// Whether a scope is among those of a token; `manage` implies `read`.
pub(super) fn has_scope(caller: &Caller, wanted: &[&str]) -> bool {
    let Some(scopes) = &caller.scopes else { return true };
    wanted.iter().any(|wanted| {
        let managed = wanted.strip_suffix(".read").map(|resource| format!("{resource}.manage"));
        scopes.contains(*wanted) || managed.is_some_and(|managed| scopes.contains(&managed))
    })
}

/// Whether the caller's roles allow something at all.
pub(super) fn allows(caller: &Caller, right: &str) -> bool {
    caller.roles.iter().any(|role| role_allows(role, right)) || permissions_allow(caller, right)
}

fn role_allows(role: &str, right: &str) -> bool {
    let of_users = right.starts_with("okta.users.");
    let reading = right.ends_with(".read");
    match role {
        "SUPER_ADMIN" => true,
        "ORG_ADMIN" => of_users || reading,
        "USER_ADMIN" => of_users || right == "okta.groups.read",
        "HELP_DESK_ADMIN" => right == READ || right == "okta.groups.read" || HELP_DESK.contains(&right),
        "READ_ONLY_ADMIN" => reading,
        "GROUP_MEMBERSHIP_ADMIN" => [READ, "okta.groups.read"].contains(&right),
        "REPORT_ADMIN" => [READ, "okta.logs.read"].contains(&right),
        "APP_ADMIN" | "API_ACCESS_MANAGEMENT_ADMIN" => [READ, "okta.groups.read", "okta.clients.read"].contains(&right),
        _ => false,
    }
}

/// A permission implies those below it.
fn permissions_allow(caller: &Caller, right: &str) -> bool {
    let below = |held: &str| {
        held == right
            || (held == MANAGE && right.starts_with("okta.users."))
            || (held == CREDENTIALS && right.starts_with("okta.users.credentials."))
            || (held == LIFECYCLE && right.starts_with("okta.users.lifecycle."))
            || (right == READ && held.starts_with("okta.users."))
    };
    caller.permissions.iter().any(|held| below(held))
}

/// Whether the caller may write to a user, beyond what its roles allow at all.
///
/// # Errors
/// 403 E0000006, which does not say what is missing.
pub(super) fn may_write(org: &Org, caller: &Caller, number: u64) -> Result<(), Refusal> {
    let own = caller.roles.contains("SUPER_ADMIN");
    if own || !org.is_administrator(number) { Ok(()) } else { Err(Refusal::forbidden()) }
}
