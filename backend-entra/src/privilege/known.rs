//! The roles and application permissions that count as privileged, by id and by name: the data behind
//! [`RoleTable::standard`](super::RoleTable::standard).
//!
//! Labels: the 34 roles that Microsoft marks PRIVILEGED in "Microsoft Entra built-in roles"
//! (permissions-reference, as generated on 2026-07-27); `L` below. Seven of them were not so marked on
//! 2025-05-26: the list drifts, so that it is data here and a file can override it.
//!
//! Tiers: the label does not tell who can take the tenant from who can harm it. `P` marks the roles and
//! permissions that "azure-tiering" (emiliensocchi/azure-tiering, roles at commit 0da296b, permissions at
//! 0f5fed1) documents with a path to Global Administrator. They are tier 0 here, with two exceptions that
//! are tier 1: those whose path leads by way of a password of an ordinary person who happens to own an app
//! (that person is found and is tier 0 by itself), and those whose path leads by way of an ordinary group
//! that happens to hold rights in Azure (whose rights are not in the directory).
//! `S` marks the accounts of a directory synchronisation, which write every synchronised account.
//! Reader roles that are labelled are tier 1: they read recovery keys and who is worth attacking.

use identity_core::privilege::Tier;
use identity_core::privilege::Tier::{Control, Management};

/// Template id, name, tier.
pub(super) const ROLES: &[(&str, &str, Tier)] = &[
    // Tier 0.
    ("62e90394-69f5-4237-9190-012177145e10", "Global Administrator", Control), // L P
    ("e8611ab8-c189-46e8-94e1-60213ab1f814", "Privileged Role Administrator", Control), // L P: assigns roles
    ("7be44c8a-adaf-4e2a-84d6-ab2649e08a13", "Privileged Authentication Administrator", Control), // L P: resets anybody
    ("e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8", "Partner Tier2 Support", Control), // L P: resets anybody
    ("4ba39ca4-527c-499a-b93d-d9b492c50246", "Partner Tier1 Support", Control), // L P: credentials of apps
    ("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "Application Administrator", Control), // L P: credentials of apps
    ("158c047a-c907-4556-b7ef-446551a6b5f7", "Cloud Application Administrator", Control), // L P: credentials of apps
    ("8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2", "Hybrid Identity Administrator", Control), // L P: federation
    ("8329153b-31d0-4727-b945-745eb3bc5f31", "Domain Name Administrator", Control), // L P: federation
    ("be2f45a1-457d-42af-a067-6ec1fa63bc45", "External Identity Provider Administrator", Control), // L P: federation
    ("194ae4cb-b126-40b2-bd5b-6091b380977d", "Security Administrator", Control), // L P: federation, sign-in policies
    ("b1be1c3e-b65d-4f19-8427-f6fa0d97feb9", "Conditional Access Administrator", Control), // L P: locks all others out
    ("45d8d3c5-c802-45c6-b32a-1d70b5e1e86e", "Identity Governance Administrator", Control), // L P: access packages
    ("3a2c62db-5318-420d-8d74-23affee5d9d5", "Intune Administrator", Control), // L P: code on administrators' devices
    ("d29b2b05-8046-44ba-8758-1e26182fcf32", "Directory Synchronization Accounts", Control), // S
    ("a92aed5d-d78a-4d16-b381-09adb37eb3b0", "On Premises Directory Sync Account", Control), // S
    // Tier 1, labelled.
    ("db506228-d27e-4b7d-95e5-295956d6615f", "Agent ID Administrator", Management), // L
    ("d2562ede-74db-457e-a7b6-544e236ebb61", "AI Administrator", Management),       // L
    ("1fe13547-53f6-408d-ac04-7f8eed167b38", "AI Reader", Management),              // L
    ("cf1c38e5-3621-4004-a7cb-879624dced7c", "Application Developer", Management),  // L
    ("ecb2c6bf-0ab6-418e-bd87-7986f8d63bbe", "Attribute Provisioning Administrator", Management), // L
    ("422218e4-db15-4ef9-bbe0-8afb41546d79", "Attribute Provisioning Reader", Management), // L
    ("c4e39bd9-1100-46d3-8c65-fb160da0071f", "Authentication Administrator", Management), // L P: passwords
    ("25a516ed-2fa0-40ea-a2d0-12923a21473a", "Authentication Extensibility Administrator", Management), // L
    ("0b00bede-4072-4d22-b441-e7df02a1ef63", "Authentication Extensibility Password Administrator", Management), // L
    ("aaf43236-0c0d-4d5f-883a-6955382ac081", "B2C IEF Keyset Administrator", Management), // L
    ("7698a772-787b-4ac8-901f-60d6b08affd2", "Cloud Device Administrator", Management), // L
    ("9360feb5-f418-4baa-8175-e2a00bac4301", "Directory Writers", Management),      // L P: groups
    ("f2ef992c-3afb-46b9-b7cf-a126ee74c451", "Global Reader", Management),          // L
    ("729827e3-9c14-49f7-bb1b-9608f156bbb8", "Helpdesk Administrator", Management), // L P: passwords
    ("59d46f88-662b-457b-bceb-5c3809e5908f", "Lifecycle Workflows Administrator", Management), // L P: groups
    ("966707d0-3269-4727-9be2-8c3a10f19b9d", "Password Administrator", Management), // L P: passwords
    ("5f2222b1-57c3-48ba-8ad5-d4759f1fde6f", "Security Operator", Management),      // L
    ("5d6b6bb7-de71-4623-b4af-96380a352509", "Security Reader", Management),        // L
    ("1981f584-96e9-4a6f-95b0-f522373f8fae", "Tenant Governance Administrator", Management), // L
    ("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator", Management),     // L P: passwords, groups
    // Tier 1, not labelled: whoever holds one holds the mail, the files or the way of signing in.
    ("29232cdf-9323-42fd-ade2-1d097af3e4de", "Exchange Administrator", Management), // P: groups
    ("f28a1f50-f6e7-4571-818b-6a12f2af6b6c", "SharePoint Administrator", Management), // P: groups
    ("69091246-20e8-4a56-aa4d-066075b2a7a8", "Teams Administrator", Management),    // P: groups
    ("fdd7a751-b60b-444a-984c-02652fe8fa1c", "Groups Administrator", Management),   // P: groups
    ("0526716b-113d-4c15-b2c8-68e3c22b9f80", "Authentication Policy Administrator", Management),
    ("e3973bdf-4987-49ae-837a-ba8e231c7286", "Azure DevOps Administrator", Management), // P: by way of Azure
];

/// The roles of the accounts that Entra Connect signs in with, the older one first.
pub(super) const DIRECTORY_SYNC: [&str; 2] =
    ["Directory Synchronization Accounts", "On Premises Directory Sync Account"];

/// Application permissions of Microsoft Graph.
pub(super) const PERMISSIONS: &[(&str, Tier)] = &[
    ("AppRoleAssignment.ReadWrite.All", Control),                      // P
    ("Application.ReadWrite.All", Control),                            // P
    ("Directory.ReadWrite.All", Control),                              // P
    ("Domain.ReadWrite.All", Control),                                 // P
    ("EntitlementManagement.ReadWrite.All", Control),                  // P
    ("OnPremDirectorySynchronization.ReadWrite.All", Control),         // P, S
    ("Policy.ReadWrite.PermissionGrant", Control),                     // P
    ("PrivilegedAccess.ReadWrite.AzureADGroup", Control),              // P
    ("PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup", Control),  // P
    ("PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup", Control), // P
    ("RoleAssignmentSchedule.ReadWrite.Directory", Control),           // P
    ("RoleEligibilitySchedule.ReadWrite.Directory", Control),          // P
    ("RoleManagement.ReadWrite.Directory", Control),                   // P
    ("RoleManagementPolicy.ReadWrite.AzureADGroup", Control),          // P
    ("RoleManagementPolicy.ReadWrite.Directory", Control),             // P
    ("UserAuthenticationMethod.ReadWrite.All", Control),               // P
    // A pass signs in as anybody, like the permission above it.
    ("UserAuthMethod-TAP.ReadWrite.All", Control),
    // Locks all others out, like the role that may do it.
    ("Policy.ReadWrite.ConditionalAccess", Control),
    ("AdministrativeUnit.ReadWrite.All", Management), // P: together with another right
    // Over the apps that it owns, which are followed one by one.
    ("Application.ReadWrite.OwnedBy", Management),         // P
    ("Group.ReadWrite.All", Management),                   // P: groups
    ("GroupMember.ReadWrite.All", Management),             // P: groups
    ("Policy.ReadWrite.AuthenticationMethod", Management), // P: together with another right
    ("Synchronization.ReadWrite.All", Management),         // P: untested
    ("User-PasswordProfile.ReadWrite.All", Management),
    ("User.DeleteRestore.All", Management),
    ("User.EnableDisableAccount.All", Management),
    ("User.ManageIdentities.All", Management),
    ("User.ReadWrite.All", Management), // P: dynamic groups
];

/// Beginnings of resource actions that give a role its tier, for roles that the table does not name:
/// custom ones, and those that Microsoft has added since. After "Privileged roles and permissions in
/// Microsoft Entra ID" (privileged-roles-permissions) and the paths of the roles above.
pub(super) const ACTIONS: &[(&str, Tier)] = &[
    ("microsoft.directory/applications/allProperties/", Control),
    ("microsoft.directory/applications/credentials/", Control),
    ("microsoft.directory/applications/owners/", Control),
    ("microsoft.directory/applications.myOrganization/allProperties/", Control),
    ("microsoft.directory/applications.myOrganization/credentials/", Control),
    ("microsoft.directory/applications.myOrganization/owners/", Control),
    ("microsoft.directory/conditionalAccessPolicies/", Control),
    ("microsoft.directory/directoryRoles/", Control),
    ("microsoft.directory/domains/", Control),
    ("microsoft.directory/entitlementManagement/", Control),
    ("microsoft.directory/groupsAssignableToRoles/", Control),
    ("microsoft.directory/hybridAuthenticationPolicies/", Control),
    ("microsoft.directory/identityProviders/", Control),
    ("microsoft.directory/organization/dirSync/", Control),
    ("microsoft.directory/permissionGrantPolicies/", Control),
    ("microsoft.directory/privilegedIdentityManagement/", Control),
    ("microsoft.directory/roleAssignments/", Control),
    ("microsoft.directory/roleDefinitions/", Control),
    ("microsoft.directory/scopedRoleMemberships/", Control),
    ("microsoft.directory/servicePrincipals/allProperties/", Control),
    ("microsoft.directory/servicePrincipals/appRoleAssignedTo/", Control),
    ("microsoft.directory/servicePrincipals/credentials/", Control),
    ("microsoft.directory/servicePrincipals/managePermissionGrantsFor", Control),
    ("microsoft.directory/servicePrincipals/owners/", Control),
    ("microsoft.directory/administrativeUnits/allProperties/", Management),
    ("microsoft.directory/administrativeUnits/members/", Management),
    ("microsoft.directory/groups/allProperties/", Management),
    ("microsoft.directory/groups/members/", Management),
    ("microsoft.directory/groups/owners/", Management),
    ("microsoft.directory/groups.security/members/", Management),
    ("microsoft.directory/groups.security/owners/", Management),
    ("microsoft.directory/users/allProperties/", Management),
    ("microsoft.directory/users/authenticationMethods/", Management),
    ("microsoft.directory/users/delete", Management),
    ("microsoft.directory/users/disable", Management),
    ("microsoft.directory/users/enable", Management),
    ("microsoft.directory/users/invalidateAllRefreshTokens", Management),
    ("microsoft.directory/users/password/", Management),
    ("microsoft.directory/users/restore", Management),
    ("microsoft.directory/users/userPrincipalName/", Management),
];

/// What only reads gives no tier, with this exception: who reads a recovery key opens the disk.
pub(super) const READS_THAT_COUNT: &[&str] = &["microsoft.directory/bitlockerKeys/key/read"];
