//! Who may reset whom.
//!
//! Sources: "Standard administrator roles and permissions" and "Help desk administrators"
//! (help.okta.com) for what a standard role does to people; the permission types of the Roles reference
//! for custom roles. That a super administrator's account is refused to anybody lower, with 403 E0000006,
//! is seen commonly and printed nowhere as a table; here it counts for every account that holds any
//! administrator role, since the plan is where it can still be put right.
//!
//! Not told by any source, and so not predicted: whether a help desk administrator may set a password of
//! the caller's choice, and whom a role reaches that is held over a resource set or over target groups.
//! Those are tried.

use std::collections::BTreeSet;

use crate::privilege::SUPER;

/// What is wanted of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    /// Set a password of the caller's choice.
    SetPassword,
    /// Void the password, by a link.
    ResetPassword,
    /// Expire the password, or set a temporary one.
    ExpirePassword,
    /// Remove the enrolled authenticators.
    ResetFactors,
    /// End sessions and revoke tokens.
    ClearSessions,
    /// Clear a lock-out.
    Unlock,
    /// Suspend the account.
    Suspend,
}

/// One role that the caller holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OwnRole {
    /// By its type.
    Standard(String),
    /// By its name; with its permissions, where they could be read.
    Custom(String, Option<Vec<String>>),
}

/// What of a target decides who may reset it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// It holds an administrator role, itself or by a group.
    pub(crate) is_admin: bool,
}

/// Why the caller may not do something to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The target is an administrator, and the caller is no super administrator.
    Admin,
    /// The caller's roles do not do this to anybody.
    OutOfReach,
    /// The caller holds no role.
    NoRole,
}

impl OwnRole {
    /// The role's name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Standard(role) => role,
            Self::Custom(name, _) => name,
        }
    }

    fn is_super(&self) -> bool {
        matches!(self, Self::Standard(role) if role == SUPER)
    }

    /// Whether this role does that to people without a role. What is not known counts as yes: it is
    /// tried.
    fn may(&self, power: Power) -> bool {
        match self {
            Self::Standard(role) => match role.as_str() {
                SUPER | "ORG_ADMIN" | "USER_ADMIN" => true,
                "HELP_DESK_ADMIN" => power != Power::Suspend,
                "API_ACCESS_MANAGEMENT_ADMIN"
                | "APP_ADMIN"
                | "GROUP_MEMBERSHIP_ADMIN"
                | "MOBILE_ADMIN"
                | "READ_ONLY_ADMIN"
                | "REPORT_ADMIN"
                | "ACCESS_CERTIFICATIONS_ADMIN"
                | "ACCESS_REQUESTS_ADMIN"
                | "WORKFLOWS_ADMIN" => false,
                _ => true,
            },
            Self::Custom(_, None) => true,
            Self::Custom(_, Some(permissions)) => {
                let enough = permissions_of(power);
                permissions.iter().any(|name| enough.contains(&name.as_str()))
            }
        }
    }
}

/// The permissions of a custom role of which one is enough; the least one first.
pub(crate) fn permissions_of(power: Power) -> &'static [&'static str] {
    match power {
        Power::SetPassword => &["okta.users.credentials.manage", "okta.users.manage"],
        Power::ResetPassword => {
            &["okta.users.credentials.resetPassword", "okta.users.credentials.manage", "okta.users.manage"]
        }
        Power::ExpirePassword => {
            &["okta.users.credentials.expirePassword", "okta.users.credentials.manage", "okta.users.manage"]
        }
        Power::ResetFactors => {
            &["okta.users.credentials.resetFactors", "okta.users.credentials.manage", "okta.users.manage"]
        }
        Power::ClearSessions => {
            &["okta.users.lifecycle.clearSessions", "okta.users.lifecycle.manage", "okta.users.manage"]
        }
        Power::Unlock => &["okta.users.lifecycle.unlock", "okta.users.lifecycle.manage", "okta.users.manage"],
        Power::Suspend => &["okta.users.lifecycle.suspend", "okta.users.lifecycle.manage", "okta.users.manage"],
    }
}

/// Whether a caller with these roles may do that to this target.
pub(crate) fn check(own: &BTreeSet<OwnRole>, power: Power, target: Target) -> Result<(), Refusal> {
    if own.iter().any(OwnRole::is_super) {
        Ok(())
    } else if own.is_empty() {
        Err(Refusal::NoRole)
    } else if !own.iter().any(|role| role.may(power)) {
        Err(Refusal::OutOfReach)
    } else if target.is_admin {
        Err(Refusal::Admin)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Power; 7] = [
        Power::SetPassword,
        Power::ResetPassword,
        Power::ExpirePassword,
        Power::ResetFactors,
        Power::ClearSessions,
        Power::Unlock,
        Power::Suspend,
    ];
    const ADMIN: Target = Target { is_admin: true };

    fn standard(role: &str) -> BTreeSet<OwnRole> {
        BTreeSet::from([OwnRole::Standard(role.to_owned())])
    }

    fn custom(permissions: &[&str]) -> BTreeSet<OwnRole> {
        let permissions = permissions.iter().map(|name| (*name).to_owned()).collect();
        BTreeSet::from([OwnRole::Custom("own".to_owned(), Some(permissions))])
    }

    #[test]
    fn only_a_super_administrator_reaches_administrators() {
        for power in ALL {
            assert_eq!(check(&standard("SUPER_ADMIN"), power, ADMIN), Ok(()));
            for lower in ["ORG_ADMIN", "USER_ADMIN"] {
                assert_eq!(check(&standard(lower), power, ADMIN), Err(Refusal::Admin), "{lower} {power:?}");
                assert_eq!(check(&standard(lower), power, Target::default()), Ok(()), "{lower} {power:?}");
            }
            assert_eq!(check(&custom(&["okta.users.manage"]), power, ADMIN), Err(Refusal::Admin), "{power:?}");
            assert_eq!(check(&BTreeSet::new(), power, Target::default()), Err(Refusal::NoRole));
        }
        let both = BTreeSet::from([OwnRole::Standard("HELP_DESK_ADMIN".into()), OwnRole::Standard(SUPER.into())]);
        assert_eq!(check(&both, Power::Suspend, ADMIN), Ok(()));
    }

    #[test]
    fn a_role_that_reads_resets_nobody_and_the_help_desk_suspends_nobody() {
        for power in ALL {
            for role in ["READ_ONLY_ADMIN", "REPORT_ADMIN", "APP_ADMIN", "GROUP_MEMBERSHIP_ADMIN"] {
                assert_eq!(check(&standard(role), power, Target::default()), Err(Refusal::OutOfReach), "{role}");
            }
            let expected = if power == Power::Suspend { Err(Refusal::OutOfReach) } else { Ok(()) };
            assert_eq!(check(&standard("HELP_DESK_ADMIN"), power, Target::default()), expected, "{power:?}");
            assert_eq!(check(&standard("ROLE_OF_TOMORROW"), power, Target::default()), Ok(()), "it is tried");
        }
    }

    #[test]
    fn each_permission_of_a_custom_role_does_its_own_and_no_more() {
        for power in ALL {
            for enough in permissions_of(power) {
                assert_eq!(check(&custom(&[enough]), power, Target::default()), Ok(()), "{enough} {power:?}");
            }
            let reads = custom(&["okta.users.read", "okta.groups.manage"]);
            assert_eq!(check(&reads, power, Target::default()), Err(Refusal::OutOfReach), "{power:?}");
        }
        let reset = custom(&["okta.users.credentials.resetPassword"]);
        for power in ALL.into_iter().filter(|power| *power != Power::ResetPassword) {
            assert_eq!(check(&reset, power, Target::default()), Err(Refusal::OutOfReach), "{power:?}");
        }
        let unread = BTreeSet::from([OwnRole::Custom("own".to_owned(), None)]);
        assert_eq!(check(&unread, Power::Suspend, Target::default()), Ok(()), "it is tried");
    }
}
