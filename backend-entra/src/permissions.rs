//! Which application permissions each read and each action needs, and which of them a token lacks.
//!
//! Sources: the permission tables of each call in the Graph v1.0 reference, and
//! microsoft-graph-devx-content, permissions.json (2026-08-07). The first of several is the least one.

use std::collections::BTreeSet;

use identity_core::reset::Action;

/// Permissions of which one is enough.
pub(crate) type AnyOf = &'static [&'static str];

/// What a read is for, and the permissions of which it needs one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) what: &'static str,
    pub(crate) any_of: AnyOf,
}

const DIRECTORY: &str = "Directory.Read.All";
const DIRECTORY_WRITE: &str = "Directory.ReadWrite.All";

/// Accounts, with all that decides what is done to them.
pub(crate) const USERS: Need =
    Need { what: "the accounts", any_of: &["User.Read.All", "User.ReadWrite.All", DIRECTORY, DIRECTORY_WRITE] };
/// Roles, and who holds them.
pub(crate) const ROLES: Need = Need {
    what: "the directory roles and who holds them",
    any_of: &["RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", DIRECTORY, DIRECTORY_WRITE],
};
/// Roles that Privileged Identity Management has activated.
pub(crate) const ACTIVE_SCHEDULES: Need = Need {
    what: "the activated roles of Privileged Identity Management",
    any_of: &[
        "RoleAssignmentSchedule.Read.Directory",
        "RoleAssignmentSchedule.ReadWrite.Directory",
        "RoleManagement.Read.Directory",
        "RoleManagement.ReadWrite.Directory",
    ],
};
/// Roles that can be activated.
pub(crate) const ELIGIBLE_SCHEDULES: Need = Need {
    what: "the eligible roles of Privileged Identity Management",
    any_of: &[
        "RoleEligibilitySchedule.Read.Directory",
        "RoleEligibilitySchedule.ReadWrite.Directory",
        "RoleManagement.Read.Directory",
        "RoleManagement.ReadWrite.Directory",
    ],
};
/// Groups, their members and owners.
pub(crate) const GROUPS: Need = Need {
    what: "the groups that can be given roles, their members and owners",
    any_of: &["GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", DIRECTORY, DIRECTORY_WRITE],
};
/// Members of groups and administrative units that hide them.
pub(crate) const HIDDEN_MEMBERS: Need =
    Need { what: "the members of groups and administrative units that hide them", any_of: &["Member.Read.Hidden"] };
/// Places in groups that Privileged Identity Management gives.
pub(crate) const GROUP_ASSIGNMENTS: Need = Need {
    what: "the active places of Privileged Identity Management for groups",
    any_of: &[
        "PrivilegedAssignmentSchedule.Read.AzureADGroup",
        "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
        "PrivilegedAccess.Read.AzureADGroup",
        "PrivilegedAccess.ReadWrite.AzureADGroup",
    ],
};
/// Places in groups that can be activated.
pub(crate) const GROUP_ELIGIBILITIES: Need = Need {
    what: "the eligible places of Privileged Identity Management for groups",
    any_of: &[
        "PrivilegedEligibilitySchedule.Read.AzureADGroup",
        "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",
        "PrivilegedAccess.Read.AzureADGroup",
        "PrivilegedAccess.ReadWrite.AzureADGroup",
    ],
};
/// Administrative units and their members.
pub(crate) const UNITS: Need = Need {
    what: "the administrative units and their members",
    any_of: &["AdministrativeUnit.Read.All", "AdministrativeUnit.ReadWrite.All", DIRECTORY, DIRECTORY_WRITE],
};
/// Service principals, what they may do, and who owns them.
pub(crate) const APPS: Need = Need {
    what: "the apps with privileged permissions or roles, and their owners",
    any_of: &["Application.Read.All", "Application.ReadWrite.All", DIRECTORY, DIRECTORY_WRITE],
};
/// Who can recover alone.
pub(crate) const REGISTRATIONS: Need =
    Need { what: "who can do MFA and recover alone", any_of: &["AuditLog.Read.All"] };

/// Without one of these, accounts or their privilege are not known.
pub(crate) const READS: [Need; 9] =
    [USERS, ROLES, ACTIVE_SCHEDULES, ELIGIBLE_SCHEDULES, GROUPS, GROUP_ASSIGNMENTS, GROUP_ELIGIBILITIES, UNITS, APPS];

/// What an action needs: one of each. Empty for what Entra does not do.
pub(crate) fn of_action(action: Action) -> &'static [AnyOf] {
    const PASSWORD: &[AnyOf] = &[&["User-PasswordProfile.ReadWrite.All"]];
    match action {
        Action::SetPassword { .. } | Action::SetPasswordChangeAfterMfa | Action::Scramble | Action::ExpirePassword => {
            PASSWORD
        }
        Action::RevokeSessions => &[&["User.RevokeSessions.All", "User.ReadWrite.All", DIRECTORY_WRITE]],
        Action::Disable => &[
            &["User.EnableDisableAccount.All", "User.ReadWrite.All", DIRECTORY_WRITE],
            &["User.Read.All", "User.ReadWrite.All", DIRECTORY, DIRECTORY_WRITE],
        ],
        Action::ResetAuthenticators => &[&["UserAuthenticationMethod.ReadWrite.All"]],
        Action::IssueAccessPass => &[&["UserAuthMethod-TAP.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All"]],
        Action::FlagCompromised => &[&["IdentityRiskyUser.ReadWrite.All"]],
        _ => &[],
    }
}

/// The permissions of a token, by name.
pub(crate) type Granted = BTreeSet<String>;

/// Whether one of them was granted.
pub(crate) fn has(granted: &Granted, any_of: AnyOf) -> bool {
    any_of.iter().any(|name| granted.contains(*name))
}

/// The least permissions that an action needs and that were not granted.
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
        let set = Action::SetPassword { must_change: true };
        for (names, action, expected) in [
            (&["User.ReadWrite.All", "Directory.ReadWrite.All"][..], set, &["User-PasswordProfile.ReadWrite.All"][..]),
            (&["User-PasswordProfile.ReadWrite.All"], set, &[]),
            (&[], Action::RevokeSessions, &["User.RevokeSessions.All"]),
            (&["User.ReadWrite.All"], Action::RevokeSessions, &[]),
            (&[], Action::Disable, &["User.EnableDisableAccount.All", "User.Read.All"]),
            (&["User.EnableDisableAccount.All"], Action::Disable, &["User.Read.All"]),
            (&["User.ReadWrite.All"], Action::Disable, &[]),
            (&["UserAuthMethod-TAP.ReadWrite.All"], Action::IssueAccessPass, &[]),
            (
                &["UserAuthMethod-TAP.ReadWrite.All"],
                Action::ResetAuthenticators,
                &["UserAuthenticationMethod.ReadWrite.All"],
            ),
            (&[], Action::FlagCompromised, &["IdentityRiskyUser.ReadWrite.All"]),
            (&[], Action::Unlock, &[]),
        ] {
            assert_eq!(missing(&granted(names), action), expected, "{names:?} {action}");
        }
    }

    #[test]
    fn the_least_permission_comes_first_and_stands_for_itself() {
        for need in READS.iter().chain([&HIDDEN_MEMBERS, &REGISTRATIONS]) {
            let least = need.any_of.first().expect("at least one");
            assert!(least.contains(".Read."), "{least}");
            assert!(has(&granted(&[least]), need.any_of), "{}", need.what);
            assert!(!has(&granted(&["Mail.Read"]), need.any_of), "{}", need.what);
        }
    }
}
