//! Authentication methods.

use serde::Deserialize;

/// One method in the listing of all. The members that tell people apart (numbers, addresses) are
/// not read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthenticationMethod {
    pub(crate) id: String,
    /// `#microsoft.graph.phoneAuthenticationMethod`, …
    #[serde(rename = "@odata.type", default)]
    pub(crate) sort: Option<String>,
    /// `mobile`, `alternateMobile` or `office`; of phones.
    #[serde(default)]
    pub(crate) phone_type: Option<String>,
}

/// A Temporary Access Pass as it is made. Without `Debug`: it is a secret.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessPass {
    /// Told this once.
    pub(crate) temporary_access_pass: String,
    /// Whether it can be used now.
    #[serde(default)]
    pub(crate) is_usable: Option<bool>,
    /// Why not: `NotYetValid`, `DisabledByPolicy`, …
    #[serde(default)]
    pub(crate) method_usability_reason: Option<String>,
}
