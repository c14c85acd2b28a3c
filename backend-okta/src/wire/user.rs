//! A user, as it stands in a listing or in an answer of its own.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::null_as_none;

/// What a read of users leaves out, said by a media type (parameter `okta-response` of "List all
/// users"): links and a transition that cost orgs with delegated authentication time. The third
/// choice, `omitCredentials`, is never sent: it hides who checks the password.
pub(crate) const LEAN: &str = r#"application/json; okta-response="omitCredentialsLinks, omitTransitioningToStatus""#;

/// A user. What is not needed is passed over, and so are values that are new.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) id: String,
    /// `ACTIVE`, `RECOVERY`, …: an open list.
    pub(crate) status: String,
    pub(crate) created: Option<String>,
    pub(crate) status_changed: Option<String>,
    pub(crate) last_login: Option<String>,
    pub(crate) password_changed: Option<String>,
    /// Only with the feature "Realms".
    pub(crate) realm_id: Option<String>,
    #[serde(rename = "type")]
    pub(crate) user_type: Option<UserType>,
    #[serde(default, deserialize_with = "null_as_none")]
    pub(crate) profile: Profile,
    pub(crate) credentials: Option<Credentials>,
}

/// The type that decides which profile attributes there are.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UserType {
    pub(crate) id: Option<String>,
}

/// The attributes of a user: those that every org has, and its own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Profile(Map<String, Value>);

/// How a user proves who it is; never a secret.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Credentials {
    /// `{}` where there is a password; what may be in it is not kept.
    password: Option<IgnoredAny>,
    /// `{"question": …}` in the Classic Engine; what it asks is not kept.
    recovery_question: Option<IgnoredAny>,
    pub(crate) provider: Option<Provider>,
}

/// Who checks the password.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Provider {
    /// `OKTA`, `ACTIVE_DIRECTORY`, …: an open list.
    #[serde(rename = "type")]
    pub(crate) sort: Option<String>,
    /// The name of the directory or identity provider; `OKTA`, `FEDERATION` and such where it has none.
    pub(crate) name: Option<String>,
}

impl Profile {
    /// The attribute as text; `None` where it is missing or empty, or a list.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }
}

impl Credentials {
    /// Whether there is a recovery question.
    pub(crate) fn has_recovery_question(&self) -> bool {
        self.recovery_question.is_some()
    }

    /// Whether there is a password.
    pub(crate) fn has_password(&self) -> bool {
        self.password.is_some()
    }
}
