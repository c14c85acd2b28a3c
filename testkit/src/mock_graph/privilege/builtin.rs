//! The built-in roles that the mock knows, with what a holder can do to others and who can reset a
//! holder.
//!
//! Sources: Microsoft's page on privileged roles and permissions ("who can reset passwords"), and the
//! roles that its permissions reference labels privileged (as of 2026-07-27).

use identity_core::privilege::Tier;

/// A built-in role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mock_graph) struct BuiltIn {
    /// The template, which is the id of the definition too.
    pub(in crate::mock_graph) template: &'static str,
    pub(in crate::mock_graph) name: &'static str,
    /// What a holder at the scope of the tenant can take over.
    pub(in crate::mock_graph) tier: Tier,
}

const fn role(tier: Tier, template: &'static str, name: &'static str) -> BuiltIn {
    BuiltIn { template, name, tier }
}

use Tier::{Control, Management, User};

pub(in crate::mock_graph) const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
pub(in crate::mock_graph) const PRIVILEGED_AUTHENTICATION: &str = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13";
pub(in crate::mock_graph) const PRIVILEGED_ROLE: &str = "e8611ab8-c189-46e8-94e1-60213ab1f814";
pub(in crate::mock_graph) const APPLICATION_ADMINISTRATOR: &str = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3";
pub(in crate::mock_graph) const USER_ADMINISTRATOR: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";
pub(in crate::mock_graph) const GROUPS_ADMINISTRATOR: &str = "fdd7a751-b60b-444a-984c-02652fe8fa1c";
pub(in crate::mock_graph) const HELPDESK: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";
pub(in crate::mock_graph) const AUTHENTICATION: &str = "c4e39bd9-1100-46d3-8c65-fb160da0071f";
pub(in crate::mock_graph) const PASSWORD: &str = "966707d0-3269-4727-9be2-8c3a10f19b9d";
pub(in crate::mock_graph) const DIRECTORY_READERS: &str = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";
pub(in crate::mock_graph) const GUEST_INVITER: &str = "95e79109-95c0-4d8e-aee3-d01accf2d47b";
pub(in crate::mock_graph) const MESSAGE_CENTER_READER: &str = "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b";
pub(in crate::mock_graph) const REPORTS_READER: &str = "4a5d8f65-41da-4de4-8968-e035b65339cf";
pub(in crate::mock_graph) const EXPERIENCE_SUCCESS: &str = "27460883-1df1-4691-b032-3b79643e5e63";
pub(in crate::mock_graph) const USAGE_SUMMARY_READER: &str = "75934031-6c7e-415a-99d7-48dbd49e875e";

/// The built-in roles. The place of one is that of its directory role.
pub(in crate::mock_graph) const BUILT_IN: &[BuiltIn] = &[
    role(Control, GLOBAL_ADMINISTRATOR, "Global Administrator"),
    role(Control, PRIVILEGED_AUTHENTICATION, "Privileged Authentication Administrator"),
    role(Control, PRIVILEGED_ROLE, "Privileged Role Administrator"),
    role(Control, APPLICATION_ADMINISTRATOR, "Application Administrator"),
    role(Control, "158c047a-c907-4556-b7ef-446551a6b5f7", "Cloud Application Administrator"),
    role(Control, "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2", "Hybrid Identity Administrator"),
    role(Control, "8329153b-31d0-4727-b945-745eb3bc5f31", "Domain Name Administrator"),
    role(Control, "be2f45a1-457d-42af-a067-6ec1fa63bc45", "External Identity Provider Administrator"),
    role(Control, "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8", "Partner Tier2 Support"),
    role(Control, "d29b2b05-8046-44ba-8758-1e26182fcf32", "Directory Synchronization Accounts"),
    role(Management, USER_ADMINISTRATOR, "User Administrator"),
    role(Management, HELPDESK, "Helpdesk Administrator"),
    role(Management, AUTHENTICATION, "Authentication Administrator"),
    role(Management, PASSWORD, "Password Administrator"),
    role(Management, GROUPS_ADMINISTRATOR, "Groups Administrator"),
    role(Management, "db506228-d27e-4b7d-95e5-295956d6615f", "Agent ID Administrator"),
    role(Management, "d2562ede-74db-457e-a7b6-544e236ebb61", "AI Administrator"),
    role(Management, "1fe13547-53f6-408d-ac04-7f8eed167b38", "AI Reader"),
    role(Management, "cf1c38e5-3621-4004-a7cb-879624dced7c", "Application Developer"),
    role(Management, "ecb2c6bf-0ab6-418e-bd87-7986f8d63bbe", "Attribute Provisioning Administrator"),
    role(Management, "422218e4-db15-4ef9-bbe0-8afb41546d79", "Attribute Provisioning Reader"),
    role(Management, "25a516ed-2fa0-40ea-a2d0-12923a21473a", "Authentication Extensibility Administrator"),
    role(Management, "0b00bede-4072-4d22-b441-e7df02a1ef63", "Authentication Extensibility Password Administrator"),
    role(Management, "aaf43236-0c0d-4d5f-883a-6955382ac081", "B2C IEF Keyset Administrator"),
    role(Management, "7698a772-787b-4ac8-901f-60d6b08affd2", "Cloud Device Administrator"),
    role(Management, "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9", "Conditional Access Administrator"),
    role(Management, "9360feb5-f418-4baa-8175-e2a00bac4301", "Directory Writers"),
    role(Management, "f2ef992c-3afb-46b9-b7cf-a126ee74c451", "Global Reader"),
    role(Management, "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e", "Identity Governance Administrator"),
    role(Management, "3a2c62db-5318-420d-8d74-23affee5d9d5", "Intune Administrator"),
    role(Management, "59d46f88-662b-457b-bceb-5c3809e5908f", "Lifecycle Workflows Administrator"),
    role(Management, "4ba39ca4-527c-499a-b93d-d9b492c50246", "Partner Tier1 Support"),
    role(Management, "194ae4cb-b126-40b2-bd5b-6091b380977d", "Security Administrator"),
    role(Management, "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f", "Security Operator"),
    role(Management, "5d6b6bb7-de71-4623-b4af-96380a352509", "Security Reader"),
    role(Management, "1981f584-96e9-4a6f-95b0-f522373f8fae", "Tenant Governance Administrator"),
    role(Management, "29232cdf-9323-42fd-ade2-1d097af3e4de", "Exchange Administrator"),
    role(Management, "f28a1f50-f6e7-4571-818b-6a12f2af6b6c", "SharePoint Administrator"),
    role(Management, "69091246-20e8-4a56-aa4d-066075b2a7a8", "Teams Administrator"),
    role(Management, "0526716b-113d-4c15-b2c8-68e3c22b9f80", "Authentication Policy Administrator"),
    role(User, DIRECTORY_READERS, "Directory Readers"),
    role(User, GUEST_INVITER, "Guest Inviter"),
    role(User, MESSAGE_CENTER_READER, "Message Center Reader"),
    role(User, REPORTS_READER, "Reports Reader"),
    role(User, EXPERIENCE_SUCCESS, "User Experience Success Manager"),
    role(User, USAGE_SUMMARY_READER, "Usage Summary Reports Reader"),
];

/// The roles that may set passwords of somebody, as rows of the matrix name them.
pub(in crate::mock_graph) const RESETTING: &[&str] =
    &[PASSWORD, HELPDESK, AUTHENTICATION, USER_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION, GLOBAL_ADMINISTRATOR];

/// The built-in role of a template.
pub(in crate::mock_graph) fn built_in(template: &str) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|role| role.template == template)
}

/// The roles that may set the password of who holds a role: one row of the matrix.
pub(in crate::mock_graph) fn resets_holder_of(role: &str) -> &'static [&'static str] {
    match role {
        DIRECTORY_READERS | GUEST_INVITER | PASSWORD => RESETTING,
        MESSAGE_CENTER_READER | REPORTS_READER | EXPERIENCE_SUCCESS | USAGE_SUMMARY_READER => {
            &[HELPDESK, AUTHENTICATION, USER_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION, GLOBAL_ADMINISTRATOR]
        }
        HELPDESK => &[HELPDESK, USER_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION, GLOBAL_ADMINISTRATOR],
        AUTHENTICATION => &[AUTHENTICATION, PRIVILEGED_AUTHENTICATION, GLOBAL_ADMINISTRATOR],
        USER_ADMINISTRATOR | GROUPS_ADMINISTRATOR => {
            &[USER_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION, GLOBAL_ADMINISTRATOR]
        }
        _ => RESETTING_PROTECTED,
    }
}

/// The roles that may set the password of anybody.
pub(in crate::mock_graph) const RESETTING_PROTECTED: &[&str] = &[PRIVILEGED_AUTHENTICATION, GLOBAL_ADMINISTRATOR];
