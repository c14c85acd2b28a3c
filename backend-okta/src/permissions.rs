//! Which OAuth scopes each read and each action needs, and which of them a token lacks.
//!
//! Source: the `security` of each operation in the OpenAPI description of the Okta Management API
//! (2026.06), and of the OAuth 2.0 API for the listing of clients. The first of several is the least one.
//! A scope alone does nothing: the app needs an administrator role too (see `matrix`).

use std::collections::BTreeSet;

use identity_core::reset::Action;

use crate::matrix::Power;

/// Scopes of which one is enough.
pub(crate) type AnyOf = &'static [&'static str];

/// What a read is for, and the scopes of which it needs one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) what: &'static str,
    pub(crate) any_of: AnyOf,
}

const MANAGE_USERS: &str = "okta.users.manage";

/// Accounts, with all that decides what is done to them; their authenticators.
pub(crate) const USERS: Need = Need { what: "the accounts", any_of: &["okta.users.read", MANAGE_USERS] };
/// Administrators, roles, resource sets, and the roles of groups and apps.
pub(crate) const ROLES: Need = Need {
    what: "the administrator roles and who holds them",
    any_of: &["okta.roles.read", "okta.roles.manage"],
};
/// Groups and who is in them.
pub(crate) const GROUPS: Need = Need {
    what: "the groups that hold a role and their members",
    any_of: &["okta.groups.read", "okta.groups.manage"],
};
/// The apps that can sign in by themselves.
pub(crate) const CLIENTS: Need = Need {
    what: "the apps that can hold a role",
    any_of: &["okta.clients.read", "okta.clients.manage"],
};
/// Password policies: who can recover alone.
pub(crate) const POLICIES: Need = Need {
    what: "the password policies, which say who can recover alone",
    any_of: &["okta.policies.read", "okta.policies.manage"],
};
/// What the org did, to verify by.
pub(crate) const LOGS: Need = Need { what: "the System Log", any_of: &["okta.logs.read"] };
/// The part of the org's rate limits that the app may use.
pub(crate) const RATE_LIMITS: Need = Need {
    what: "the share of the rate limits that the app has",
    any_of: &["okta.principalRateLimits.read", "okta.principalRateLimits.manage"],
};

/// Without one of these, accounts or their privilege are not known.
pub(crate) const READS: [Need; 4] = [USERS, ROLES, GROUPS, CLIENTS];
/// Without one of these, something is not as good as it could be.
pub(crate) const BETTER_WITH: [Need; 3] = [POLICIES, LOGS, RATE_LIMITS];

/// The scopes that an action needs: one of each. Empty for what Okta does not do.
pub(crate) fn of_action(action: Action) -> &'static [AnyOf] {
    if power_of(action).is_some() { &[&[MANAGE_USERS]] } else { &[] }
}

/// What an action wants of a target; `None` for what Okta does not do.
pub(crate) fn power_of(action: Action) -> Option<Power> {
    match action {
        Action::SetPassword { must_change: false } | Action::Scramble => Some(Power::SetPassword),
        Action::ResetToRecovery { .. } | Action::SendRecoveryLink => Some(Power::ResetPassword),
        Action::SetTemporaryPassword | Action::ExpirePassword => Some(Power::ExpirePassword),
        Action::ResetAuthenticators => Some(Power::ResetFactors),
        Action::RevokeSessions => Some(Power::ClearSessions),
        Action::Unlock => Some(Power::Unlock),
        Action::Disable => Some(Power::Suspend),
        _ => None,
    }
}

/// The scopes of a token, by name.
pub(crate) type Granted = BTreeSet<String>;

/// Whether one of them was granted.
pub(crate) fn has(granted: &Granted, any_of: AnyOf) -> bool {
    any_of.iter().any(|name| granted.contains(*name))
}

/// The least scopes that an action needs and that were not granted.
pub(crate) fn missing(granted: &Granted, action: Action) -> Vec<&'static str> {
    let lacking = of_action(action).iter().filter(|any_of| !has(granted, any_of));
    lacking.filter_map(|any_of| any_of.first().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(names: &[&str]) -> Granted {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_an_action_needs_and_a_token_lacks_is_named() {
        let reads = granted(&["okta.users.read", "okta.sessions.manage"]);
        let acts = granted(&["okta.users.manage"]);
        for action in Action::ALL {
            let is_done = !matches!(
                action,
                Action::SetPassword { must_change: true }
                    | Action::SetPasswordChangeAfterMfa
                    | Action::FlagCompromised
                    | Action::IssueAccessPass
            );
            let expected: &[&str] = if is_done { &["okta.users.manage"] } else { &[] };
            assert_eq!(missing(&reads, action), expected, "{action}");
            assert!(missing(&acts, action).is_empty(), "{action}");
        }
    }

    #[test]
    fn the_least_scope_comes_first_and_stands_for_itself() {
        for need in READS.iter().chain(&BETTER_WITH) {
            let least = need.any_of.first().expect("at least one");
            assert!(least.ends_with(".read"), "{least}");
            assert!(has(&granted(&[least]), need.any_of), "{}", need.what);
            assert!(!has(&granted(&["okta.apps.read"]), need.any_of), "{}", need.what);
        }
    }
}
