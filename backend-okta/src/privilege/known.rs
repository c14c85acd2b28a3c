//! The roles and permissions that count as privileged, by type and by name: the data behind
//! [`RoleTable::standard`](super::RoleTable::standard).
//!
//! Role types: `RoleType` of the Okta Management API (description of 2026.06), and `MOBILE_ADMIN`, which
//! older orgs have. Permissions: "Role permissions" (help.okta.com) and the permission types of the Roles
//! reference. Okta gives neither of them a tier; the tiers are by what a holder can do:
//!
//! * tier 0 runs the org: assigns administrators, brings in an identity provider that vouches for
//!   anybody, rewrites the policies of sign-in, changes the page where passwords are typed, answers for
//!   the directories that check passwords, or runs flows as the super administrator who connected them;
//! * tier 1 administers a part of it: resets ordinary people, moves them between groups, or reads who is
//!   worth attacking.
//!
//! Whoever administers apps is tier 1 here and has, on top, what the apps have that hold a role: whether
//! Okta keeps an app administrator from giving such an app another key is not told.

use identity_core::privilege::Tier;
use identity_core::privilege::Tier::{Control, Management, User};

/// The role type of a custom role.
pub(super) const CUSTOM: &str = "CUSTOM";
/// The role type that reaches everybody.
pub(crate) const SUPER: &str = "SUPER_ADMIN";

/// Type, name, tier. A type that is not here counts as tier 0.
pub(super) const ROLES: &[(&str, &str, Tier)] = &[
    (SUPER, "Super Administrator", Control),
    ("ORG_ADMIN", "Organizational Administrator", Control), // identity providers, policies, hooks
    ("WORKFLOWS_ADMIN", "Workflows Administrator", Control), // flows as whoever connected them
    ("ACCESS_CERTIFICATIONS_ADMIN", "Access Certifications Administrator", Management),
    ("ACCESS_REQUESTS_ADMIN", "Access Requests Administrator", Management),
    ("API_ACCESS_MANAGEMENT_ADMIN", "API Access Management Administrator", Management), // OIDC apps
    ("APP_ADMIN", "Application Administrator", Management),
    ("GROUP_MEMBERSHIP_ADMIN", "Group Membership Administrator", Management),
    ("HELP_DESK_ADMIN", "Help Desk Administrator", Management),
    ("MOBILE_ADMIN", "Mobile Administrator", Management),
    ("READ_ONLY_ADMIN", "Read-Only Administrator", Management),
    ("REPORT_ADMIN", "Report Administrator", Management),
    ("USER_ADMIN", "Group Administrator", Management),
];

/// Types of roles whose holders change the credentials of apps.
pub(super) const ADMINISTER_APPS: &[&str] = &["APP_ADMIN", "API_ACCESS_MANAGEMENT_ADMIN"];

/// Permissions whose holders change, or read, the credentials of apps.
pub(super) const APP_CREDENTIALS: &[&str] = &["okta.apps.manage", "okta.apps.clientCredentials.read"];

/// Permission or what it begins with (ends with `.*`), tier; the longest that fits counts. One that
/// fits none is tier 2 where it only reads, and tier 0 where it does not.
pub(super) const PERMISSIONS: &[(&str, Tier)] = &[
    ("okta.agents.manage", Control),             // the agents that check passwords
    ("okta.agents.register", Control),           // likewise
    ("okta.apps.manageFirstPartyApps", Control), // the Admin Console among them
    ("okta.customizations.manage", Control),     // code on the page of sign-in
    ("okta.directories.manage", Control),        // where passwords are checked
    ("okta.identityProviders.manage", Control),  // whoever it vouches for is signed in
    ("okta.inlinehooks.manage", Control),        // changes assertions, sees one-time codes
    ("okta.policies.manage", Control),           // what a sign-in takes
    ("okta.agents.view", User),
    ("okta.apps.assignment.manage", Management),
    ("okta.apps.clientCredentials.read", Management),
    ("okta.apps.manage", Management),
    ("okta.authzServers.manage", Management),
    ("okta.devices.*", Management),
    ("okta.eventhooks.manage", Management),
    ("okta.governance.*", Management),
    ("okta.groups.*", Management),
    ("okta.iam.read", Management), // who is worth attacking
    ("okta.profilesources.import.run", Management),
    ("okta.realms.manage", Management),
    ("okta.support.cases.manage", Management), // lets Okta's support in
    ("okta.users.*", Management),
    ("okta.workflows.invoke", Management),
];

/// Reads that are no power, below a beginning of [`PERMISSIONS`].
pub(super) fn only_reads(permission: &str) -> bool {
    permission.ends_with(".read") || permission.ends_with(".view")
}
