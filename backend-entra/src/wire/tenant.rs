//! The organisation and its domains.

use serde::Deserialize;

use super::null_as_none;

/// What is read of the organisation.
pub(crate) const ORGANIZATION: &str = "id,displayName,onPremisesSyncEnabled,onPremisesLastSyncDateTime,verifiedDomains";

/// The tenant as an object of its own: `GET /organization` lists exactly one.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Organization {
    pub(crate) id: String,
    pub(crate) display_name: Option<String>,
    pub(crate) on_premises_sync_enabled: Option<bool>,
    pub(crate) on_premises_last_sync_date_time: Option<String>,
    #[serde(default, deserialize_with = "null_as_none")]
    pub(crate) verified_domains: Vec<VerifiedDomain>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct VerifiedDomain {
    pub(crate) name: String,
    /// `Managed` or `Federated`.
    #[serde(rename = "type")]
    pub(crate) sort: Option<String>,
}

/// One row of `GET /domains`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Domain {
    /// Its name.
    pub(crate) id: String,
    /// `Managed` or `Federated`.
    pub(crate) authentication_type: Option<String>,
}

/// Who holds a role, of a role assignment.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RoleHolder {
    #[serde(rename = "principalId")]
    pub(crate) id: String,
}
