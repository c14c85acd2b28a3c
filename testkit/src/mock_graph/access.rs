//! Who may do what to whom: the permissions of the token, and the directory roles of the app.
//!
//! The matrix is Microsoft's (page on privileged roles and permissions, "who can reset passwords" and
//! "who can perform sensitive actions"). A role that the target could only activate does not count.

use super::objects::App;
use super::privilege::Standing;
use super::privilege::builtin::{HELPDESK, PASSWORD, RESETTING, RESETTING_PROTECTED, resets_holder_of};
use super::refusal::Refusal;
use super::settings::Settings;
use super::tenant::Tenant;
use super::tokens::Caller;

/// What is done to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Setting a password, or that it must be changed.
    Password,
    /// Enabling, disabling, and other sensitive properties.
    Sensitive,
    /// Revoking sessions.
    Revoke,
    /// Deleting authentication methods and making temporary access passes.
    Authenticators,
}

/// Whether the app's roles allow a deed on a user. Permissions are checked apart.
///
/// # Errors
/// 403 in Graph's words, which do not say what is missing.
pub(super) fn may(
    tenant: &Tenant,
    app: &App,
    caller: &Caller,
    deed: Deed,
    number: u64,
    settings: &Settings,
) -> Result<(), Refusal> {
    let standing = tenant.standing(number);
    let protected = standing.is_protected();
    let needed = match deed {
        Deed::Password => protected || settings.role_for_ordinary,
        Deed::Sensitive | Deed::Authenticators => protected,
        Deed::Revoke => protected && settings.role_for_revoke,
    };
    if !needed || by_role(tenant, app, caller, deed, &standing) { Ok(()) } else { Err(Refusal::forbidden()) }
}

fn by_role(tenant: &Tenant, app: &App, caller: &Caller, deed: Deed, standing: &Standing) -> bool {
    let suffices = |role: &str| {
        let of_passwords_only = deed != Deed::Password && deed != Deed::Revoke && [PASSWORD, HELPDESK].contains(&role);
        let group = !standing.as_protected || RESETTING_PROTECTED.contains(&role);
        let each = standing.roles.iter().all(|held| resets_holder_of(held).contains(&role));
        RESETTING.contains(&role) && !of_passwords_only && group && each
    };
    let for_unit = |units: &[uuid::Uuid]| {
        let own = tenant.privilege.assignments.iter().filter(|one| one.principal == app.principal && one.is_active());
        own.filter(|one| one.unit.is_some_and(|unit| units.contains(&unit))).any(|one| suffices(&one.role))
    };
    if !standing.restricted_units.is_empty() {
        // No role for the whole tenant reaches in, not even Global Administrator.
        return for_unit(&standing.restricted_units);
    }
    // A role for a unit does not reach those of its members who hold roles or are in protected groups.
    let ordinary = standing.roles.is_empty() && !standing.as_protected;
    caller.roles.iter().any(|role| suffices(role)) || (ordinary && for_unit(&standing.units))
}
