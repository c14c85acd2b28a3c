//! Which OAuth scope each read needs, and what each action wants of the caller's role.
//!
//! Source: the `security` of each operation in the OpenAPI description of the Okta Management API
//! (2026.06), and of the OAuth 2.0 API for the listing of clients. All that changes an account needs
//! `okta.users.manage`, and a scope alone does nothing: the app needs an administrator role too (see
//! `matrix`). Which scopes a token was not granted is told by signing in.

use identity_core::reset::Action;

use crate::matrix::Power;

/// What a read is for, and the scope that it needs. The scope that manages the same has it in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) what: &'static str,
    pub(crate) scope: &'static str,
}

/// Administrators, roles, resource sets, and the roles of groups and apps.
pub(crate) const ROLES: Need = Need { what: "the administrator roles and who holds them", scope: "okta.roles.read" };
/// Groups and who is in them.
pub(crate) const GROUPS: Need =
    Need { what: "the groups that hold a role and their members", scope: "okta.groups.read" };
/// The apps that can sign in by themselves.
pub(crate) const CLIENTS: Need = Need { what: "the apps that can hold a role", scope: "okta.clients.read" };
/// Password policies: who can recover alone.
pub(crate) const POLICIES: Need =
    Need { what: "the password policies, which say who can recover alone", scope: "okta.policies.read" };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::SCOPES;

    #[test]
    fn each_read_has_a_scope_that_is_asked_for() {
        for need in [ROLES, GROUPS, CLIENTS, POLICIES] {
            assert!(need.scope.ends_with(".read"), "{}", need.scope);
            assert!(SCOPES.iter().any(|scope| scope.name == need.scope), "{}", need.scope);
        }
    }

    #[test]
    fn what_okta_does_wants_a_power_and_nothing_else_does() {
        for action in Action::ALL {
            let is_done = !matches!(
                action,
                Action::SetPassword { must_change: true }
                    | Action::SetPasswordChangeAfterMfa
                    | Action::FlagCompromised
                    | Action::IssueAccessPass
            );
            assert_eq!(power_of(action).is_some(), is_done, "{action}");
        }
    }
}
