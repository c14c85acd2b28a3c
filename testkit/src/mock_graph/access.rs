//! Who may do what to whom: the permissions of the token, and the directory roles of the app.

use super::settings::Settings;
use super::tenant::CloudUser;
use super::tokens::Caller;

/// The roles that may set passwords at all, as role templates.
const RESETTING: &[&str] = &[
    // Password Administrator
    "966707d0-3269-4727-9be2-8c3a10f19b9d",
    // Helpdesk Administrator
    "729827e3-9c14-49f7-bb1b-9608f156bbb8",
    // Authentication Administrator
    "c4e39bd9-1100-46d3-8c65-fb160da0071f",
    // User Administrator
    "fe930be7-5e62-47db-91af-98c3a49a38b1",
    // Privileged Authentication Administrator
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
    // Global Administrator
    "62e90394-69f5-4237-9190-012177145e10",
];

/// What is done to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Setting a password, or that it must be changed.
    Password,
    /// Enabling, disabling, and other sensitive properties.
    Sensitive,
    /// Revoking sessions.
    Revoke,
}

/// Whether the app's roles allow a deed on a user. Permissions are checked apart.
pub(super) fn role_allows(caller: &Caller, deed: Deed, target: &CloudUser, settings: &Settings) -> bool {
    let protected = !target.roles.is_empty() || target.restricted;
    let needed = match deed {
        Deed::Password => protected || settings.role_for_ordinary,
        Deed::Sensitive => protected,
        Deed::Revoke => protected && settings.role_for_revoke,
    };
    !needed || caller.roles.iter().any(|role| RESETTING.contains(&role.as_str()))
}
