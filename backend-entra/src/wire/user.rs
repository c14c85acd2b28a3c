//! A user, as it stands in a listing.

use serde::Deserialize;

use super::null_as_none;

/// What is read of each user. Nothing that costs a quota of its own, nothing that a listing refuses.
pub(crate) const SELECT: &str = "id,userPrincipalName,displayName,mail,accountEnabled,userType,creationType,\
externalUserState,onPremisesSyncEnabled,onPremisesDomainName,onPremisesSamAccountName,\
onPremisesSecurityIdentifier,onPremisesImmutableId,lastPasswordChangeDateTime,signInSessionsValidFromDateTime,\
passwordPolicies,passwordProfile,identities,isManagementRestricted,createdDateTime,department,companyName,\
employeeId,employeeType,jobTitle,city,country,usageLocation,preferredLanguage";

/// With the times of sign-ins.
pub(crate) const SIGN_IN_ACTIVITY: &str = "signInActivity";

/// A user, as it stands in a listing. Rows that we may not read, and rows of a delta query that name
/// what changed only, lack most of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    #[serde(rename = "@odata.type")]
    pub(crate) odata_type: Option<String>,
    /// In a delta query: it is deleted.
    #[serde(rename = "@removed")]
    pub(crate) removed: Option<serde_json::Value>,
    pub(crate) id: String,
    pub(crate) user_principal_name: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) mail: Option<String>,
    pub(crate) account_enabled: Option<bool>,
    /// `Member` or `Guest`.
    pub(crate) user_type: Option<String>,
    /// `Invitation`, `LocalAccount`, `EmailVerified`, `SelfServiceSignUp`, or nothing.
    pub(crate) creation_type: Option<String>,
    pub(crate) external_user_state: Option<String>,
    pub(crate) on_premises_sync_enabled: Option<bool>,
    pub(crate) on_premises_domain_name: Option<String>,
    pub(crate) on_premises_sam_account_name: Option<String>,
    pub(crate) on_premises_security_identifier: Option<String>,
    pub(crate) on_premises_immutable_id: Option<String>,
    pub(crate) last_password_change_date_time: Option<String>,
    pub(crate) sign_in_sessions_valid_from_date_time: Option<String>,
    /// A list with commas, such as `DisablePasswordExpiration, DisableStrongPassword`.
    pub(crate) password_policies: Option<String>,
    pub(crate) password_profile: Option<PasswordProfile>,
    #[serde(default, deserialize_with = "null_as_none")]
    pub(crate) identities: Vec<Identity>,
    pub(crate) is_management_restricted: Option<bool>,
    pub(crate) created_date_time: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) company_name: Option<String>,
    pub(crate) employee_id: Option<String>,
    pub(crate) employee_type: Option<String>,
    pub(crate) job_title: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) usage_location: Option<String>,
    pub(crate) preferred_language: Option<String>,
    pub(crate) sign_in_activity: Option<SignInActivity>,
}

/// What a read shows of the password: never the password.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PasswordProfile {
    pub(crate) force_change_password_next_sign_in: Option<bool>,
    pub(crate) force_change_password_next_sign_in_with_mfa: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity {
    pub(crate) sign_in_type: Option<String>,
    pub(crate) issuer: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignInActivity {
    pub(crate) last_sign_in_date_time: Option<String>,
    pub(crate) last_non_interactive_sign_in_date_time: Option<String>,
}
