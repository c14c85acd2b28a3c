//! What is written to a user. Each is a request of its own: sensitive properties need rights of
//! their own, and a request that mixes them is refused as a whole.

use serde::Serialize;

/// `{"passwordProfile":{…}}`. Without `Debug`: it may hold a password.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PasswordChange<'a> {
    pub(crate) password_profile: PasswordProfile<'a>,
}

/// `passwordProfile`: these three properties and no more (CSDL of v1.0). A password without a word
/// of the flag would have to be changed: the flag is always said.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PasswordProfile<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<&'a str>,
    pub(crate) force_change_password_next_sign_in: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) force_change_password_next_sign_in_with_mfa: Option<bool>,
}

/// `{"accountEnabled":false}`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Enablement {
    pub(crate) account_enabled: bool,
}

/// `{}`: an action without parameters. A batch wants a body, and a server may refuse a `POST` that
/// does not say its length.
#[derive(Serialize)]
pub(crate) struct NoParameters {}

/// The parameters of `confirmCompromised`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Compromised<'a> {
    pub(crate) user_ids: Vec<&'a str>,
}
