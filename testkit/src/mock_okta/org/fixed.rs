//! The users that are the same in every org: one for each case worth a test.

use super::population::Population;
use super::user::{OktaUser, Provider, Status};

macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        $($(#[$doc])* pub const $name: u64 = $number;)*
    };
}

fixed! {
    /// The owner of the API token, a super administrator.
    RUNNER = 0;
    /// A break-glass super administrator.
    BREAK_GLASS_1 = 1;
    /// Another break-glass super administrator.
    BREAK_GLASS_2 = 2;
    /// Never activated.
    STAGED = 3;
    /// Activated, and has not set a password yet.
    PROVISIONED = 4;
    /// Awaits recovery.
    RECOVERY = 5;
    /// Must change the password.
    PASSWORD_EXPIRED = 6;
    /// Locked out.
    LOCKED_OUT = 7;
    /// Suspended.
    SUSPENDED = 8;
    /// Deactivated: not in a plain listing.
    DEPROVISIONED = 9;
    /// Signs in with a social provider.
    SOCIAL = 10;
    /// Signs in elsewhere: a reset would turn it into a user with a password.
    FEDERATED = 11;
    /// From an LDAP directory.
    LDAP = 12;
    /// With an imported hash.
    IMPORTED = 13;
    /// Without any password.
    PASSWORDLESS = 14;
    /// Organization administrator.
    ORG_ADMIN = 15;
    /// Help desk administrator.
    HELP_DESK_ADMIN = 16;
    /// Group administrator.
    USER_ADMIN = 17;
    /// An apostrophe in the login.
    APOSTROPHE = 18;
    /// A slash in the login: it can be read by id only.
    SLASH = 19;
    /// Being activated: writes are refused with 409 for now.
    ACTIVATING = 20;
    /// Read-only administrator.
    READ_ONLY_ADMIN = 21;
    /// A recovery question, so that a password can be forgotten.
    WITH_QUESTION = 22;
    /// Nothing out of the ordinary.
    ORDINARY = 23;
}

/// How many users are fixed.
pub const FIXED: u64 = 24;

pub(super) fn user(population: &Population, number: u64) -> OktaUser {
    let (local, first, last) = match number {
        RUNNER => ("svc-reset", "Reset", "Service"),
        BREAK_GLASS_1 => ("emergency-1", "Emergency", "One"),
        BREAK_GLASS_2 => ("emergency-2", "Emergency", "Two"),
        STAGED => ("staged", "Stella", "Staged"),
        PROVISIONED => ("provisioned", "Peter", "Provisioned"),
        RECOVERY => ("recovering", "Rita", "Recovering"),
        PASSWORD_EXPIRED => ("expired", "Eva", "Expired"),
        LOCKED_OUT => ("locked", "Louis", "Locked"),
        SUSPENDED => ("suspended", "Susan", "Suspended"),
        DEPROVISIONED => ("gone", "Gerd", "Gone"),
        SOCIAL => ("social", "Sofia", "Social"),
        FEDERATED => ("elsewhere", "Signs-In", "Elsewhere"),
        LDAP => ("ldap", "Lena", "Dapper"),
        IMPORTED => ("imported", "Ingo", "Imported"),
        PASSWORDLESS => ("passwordless", "Paula", "Passwordless"),
        ORG_ADMIN => ("org-admin", "Org", "Admin"),
        HELP_DESK_ADMIN => ("help-desk", "Help", "Desk"),
        USER_ADMIN => ("group-admin", "Group", "Admin"),
        APOSTROPHE => ("c'connor", "Cian", "C'Connor"),
        SLASH => ("sales/north", "Sales", "North"),
        ACTIVATING => ("activating", "Anna", "Activating"),
        READ_ONLY_ADMIN => ("auditor", "Read-Only", "Admin"),
        WITH_QUESTION => ("question", "Quentin", "Question"),
        _ => ("ordinary", "Ordinary", "Member"),
    };
    let mut user = population.blank(number, format!("{local}@{}", population.okta_domain()));
    user.first_name = Some(first.to_owned());
    user.last_name = Some(last.to_owned());
    match number {
        RUNNER | BREAK_GLASS_1 | BREAK_GLASS_2 => user.roles.push("SUPER_ADMIN"),
        ORG_ADMIN => user.roles.push("ORG_ADMIN"),
        HELP_DESK_ADMIN => user.roles.push("HELP_DESK_ADMIN"),
        USER_ADMIN => user.roles.push("USER_ADMIN"),
        READ_ONLY_ADMIN => user.roles.push("READ_ONLY_ADMIN"),
        ACTIVATING => user.activating = true,
        WITH_QUESTION => user.recovery_question = true,
        _ => {}
    }
    let standing = &mut user.standing;
    match number {
        STAGED => {
            (standing.status, standing.has_password) = (Status::Staged, false);
            (standing.activated, standing.status_changed, standing.password_changed) = (None, None, None);
        }
        PROVISIONED => {
            (standing.status, standing.has_password) = (Status::Provisioned, false);
            standing.password_changed = None;
        }
        RECOVERY => standing.status = Status::Recovery,
        PASSWORD_EXPIRED => standing.status = Status::PasswordExpired,
        LOCKED_OUT => standing.status = Status::LockedOut,
        SUSPENDED => standing.status = Status::Suspended,
        DEPROVISIONED => standing.status = Status::Deprovisioned,
        SOCIAL | FEDERATED => {
            standing.provider = if number == SOCIAL { Provider::Social } else { Provider::Federation };
            (standing.has_password, standing.password_changed) = (false, None);
        }
        LDAP => standing.provider = Provider::Ldap,
        IMPORTED => standing.provider = Provider::Import,
        PASSWORDLESS => (standing.has_password, standing.password_changed) = (false, None),
        _ => {}
    }
    if number == FEDERATED {
        user.login = format!("{local}@{}", population.federated_domain());
        user.email.clone_from(&user.login);
    }
    if [STAGED, PROVISIONED, DEPROVISIONED].contains(&number) {
        user.last_login = None;
    }
    user
}
