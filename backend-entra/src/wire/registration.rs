//! `userRegistrationDetails`: one row of the report of who enrolled what.

use jiff::Timestamp;
use serde::Deserialize;

/// One row. Registered is what the person did; capable is registered and allowed by the policies.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Registration {
    /// The id of the user.
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) is_admin: Option<bool>,
    #[serde(default)]
    pub(crate) is_sspr_registered: Option<bool>,
    #[serde(default)]
    pub(crate) is_sspr_enabled: Option<bool>,
    #[serde(default)]
    pub(crate) is_sspr_capable: Option<bool>,
    #[serde(default)]
    pub(crate) methods_registered: Option<Vec<String>>,
    /// When this row of the report was made anew: it may be days old.
    #[serde(default)]
    pub(crate) last_updated_date_time: Option<Timestamp>,
}
