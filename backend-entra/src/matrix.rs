//! Who may reset whom: Microsoft's table, as data.
//!
//! Source: "Privileged roles and permissions in Microsoft Entra ID" (entra-docs,
//! role-based-access-control/privileged-roles-permissions), its tables "Who can reset passwords" and "Who
//! can perform sensitive actions", for roles over the whole tenant. A footnote keeps a Global
//! Administrator from taking the role from themselves; it says nothing of passwords, so that the cell
//! counts as yes. The second table is the first without Password and Helpdesk Administrators. Partner
//! Tier2 Support, which the page calls deprecated, resets everybody.
//!
//! Restricted administrative units: "Restricted management administrative units in Microsoft Entra ID"
//! (admin-units-restricted-management, 2024-06-13): only a role that is scoped to such a unit changes its
//! members, for apps too, whatever their permissions.
//!
//! Not told by any source, and so not predicted: whether an eligible assignment of the target counts
//! before it is activated (here it does not), and what a custom role of the app's own may do.

use std::collections::BTreeSet;

/// What is wanted of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    /// Set a password.
    Password,
    /// A sensitive action: enable and disable, names, phones.
    Sensitive,
}

/// A role that can reset others. The order is that of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Caller {
    Password,
    Helpdesk,
    Authentication,
    User,
    PrivilegedAuthentication,
    Global,
    PartnerTier2,
}

/// Template ids of the columns, with their names.
const CALLERS: [(Caller, &str, &str); 7] = [
    (Caller::Password, PASSWORD, "Password Administrator"),
    (Caller::Helpdesk, HELPDESK, "Helpdesk Administrator"),
    (Caller::Authentication, AUTHENTICATION, "Authentication Administrator"),
    (Caller::User, USER, "User Administrator"),
    (Caller::PrivilegedAuthentication, PRIVILEGED_AUTHENTICATION, "Privileged Authentication Administrator"),
    (Caller::Global, "62e90394-69f5-4237-9190-012177145e10", "Global Administrator"),
    (Caller::PartnerTier2, "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8", "Partner Tier2 Support"),
];

const PASSWORD: &str = "966707d0-3269-4727-9be2-8c3a10f19b9d";
const HELPDESK: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";
const AUTHENTICATION: &str = "c4e39bd9-1100-46d3-8c65-fb160da0071f";
const USER: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";
const PRIVILEGED_AUTHENTICATION: &str = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13";

/// The rows: a role that the target holds, and which of the first four columns reach it. The other
/// columns reach every row; a role that is in no row is reached by those alone.
const ROWS: [(&str, [bool; 4]); 11] = [
    ("88d8e3e3-8f55-4a1e-953a-9b9898b8876b", [true, true, true, true]), // Directory Readers
    ("95e79109-95c0-4d8e-aee3-d01accf2d47b", [true, true, true, true]), // Guest Inviter
    (PASSWORD, [true, true, true, true]),
    ("790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b", [false, true, true, true]), // Message Center Reader
    ("4a5d8f65-41da-4de4-8968-e035b65339cf", [false, true, true, true]), // Reports Reader
    ("27460883-1df1-4691-b032-3b79643e5e63", [false, true, true, true]), // User Experience Success Manager
    ("75934031-6c7e-415a-99d7-48dbd49e875e", [false, true, true, true]), // Usage Summary Reports Reader
    (HELPDESK, [false, true, false, true]),
    (AUTHENTICATION, [false, false, true, false]),
    (USER, [false, false, false, true]),
    ("fdd7a751-b60b-444a-984c-02652fe8fa1c", [false, false, false, true]), // Groups Administrator
];

/// What of a target decides who may reset it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// Template ids of the roles that it holds now, over whatever.
    pub(crate) roles: BTreeSet<String>,
    /// It is a member or an owner of a group that can be given roles.
    pub(crate) in_role_assignable_group: bool,
    /// One of its roles is scoped to a restricted administrative unit.
    pub(crate) holds_restricted_role: bool,
    /// The administrative units that it is a member of, as far as they were read.
    pub(crate) units: BTreeSet<String>,
    /// Those of them that are restricted.
    pub(crate) restricted_units: BTreeSet<String>,
}

/// One role that the app holds now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OwnRole {
    pub(crate) caller: Caller,
    /// The administrative unit that it is held over; `None` for the whole tenant.
    pub(crate) unit: Option<String>,
}

impl Target {
    /// Whether nothing sets it apart from accounts without any role.
    pub(crate) fn is_like_everybody(&self) -> bool {
        self.roles.is_empty() && !self.in_role_assignable_group && !self.holds_restricted_role
    }
}

impl Caller {
    /// The column of a role, by its template id.
    pub(crate) fn of(template: &str) -> Option<Self> {
        CALLERS.iter().find(|(_, id, _)| id.eq_ignore_ascii_case(template)).map(|(caller, ..)| *caller)
    }

    /// The role's name.
    pub(crate) fn name(self) -> &'static str {
        CALLERS.iter().find(|(caller, ..)| *caller == self).map_or("", |(_, _, name)| name)
    }

    /// The place among the first four columns; `None` for a role that reaches every row.
    fn column(self) -> Option<usize> {
        match self {
            Self::Password => Some(0),
            Self::Helpdesk => Some(1),
            Self::Authentication => Some(2),
            Self::User => Some(3),
            Self::PrivilegedAuthentication | Self::Global | Self::PartnerTier2 => None,
        }
    }

    /// Whether it does anything but set passwords.
    pub(crate) fn is_sensitive(self) -> bool {
        !matches!(self, Self::Password | Self::Helpdesk)
    }

    /// Whether this role may do that to this target, units aside.
    pub(crate) fn may(self, power: Power, target: &Target) -> bool {
        let Some(column) = self.column() else { return true };
        if power == Power::Sensitive && !self.is_sensitive() {
            return false;
        }
        let reaches = |role: &String| {
            let row = ROWS.iter().find(|(id, _)| id.eq_ignore_ascii_case(role));
            row.and_then(|(_, cells)| cells.get(column)).copied().unwrap_or(false)
        };
        !target.in_role_assignable_group && !target.holds_restricted_role && target.roles.iter().all(reaches)
    }
}

/// Why the app may not do something to a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The target is in restricted units, and no role of the app's is scoped to one of them.
    Restricted,
    /// The app's roles do not reach the target's.
    OutOfReach,
    /// The app holds no role that resets.
    NoRole,
}

/// Whether an app with these roles may do that to this target.
pub(crate) fn check(own: &BTreeSet<OwnRole>, power: Power, target: &Target) -> Result<(), Refusal> {
    let restricted = !target.restricted_units.is_empty();
    let reaches = |role: &&OwnRole| match &role.unit {
        None => !restricted,
        Some(unit) if restricted => target.restricted_units.contains(unit),
        Some(unit) => target.units.contains(unit),
    };
    let near: Vec<&OwnRole> = own.iter().filter(reaches).collect();
    match near.iter().any(|role| role.caller.may(power, target)) {
        true => Ok(()),
        false if restricted && near.is_empty() => Err(Refusal::Restricted),
        false if own.is_empty() => Err(Refusal::NoRole),
        false => Err(Refusal::OutOfReach),
    }
}

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
