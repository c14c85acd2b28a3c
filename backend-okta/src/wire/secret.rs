//! What Okta answers once and never again. Without `Debug`: these are secrets.

use serde::Deserialize;

/// The answer to `expire_password_with_temp_password`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemporaryPassword {
    pub(crate) temp_password: String,
}

/// The answer to `reset_password` that sends no mail.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecoveryLink {
    pub(crate) reset_password_url: String,
}

/// What is read of the user that a change answers with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Changed {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) password_changed: Option<jiff::Timestamp>,
}
