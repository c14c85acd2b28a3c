//! Password policies and their rules, and enrolled authenticators.

use jiff::Timestamp;
use serde::Deserialize;

use super::null_as_none;

/// A policy of `/policies?type=PASSWORD`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Policy {
    pub(crate) id: String,
    #[serde(deserialize_with = "null_as_none")]
    pub(crate) name: String,
    pub(crate) status: Option<String>,
    pub(crate) priority: Option<u32>,
    pub(crate) system: Option<bool>,
    pub(crate) conditions: Option<Conditions>,
    pub(crate) settings: Option<Settings>,
}

/// A rule of `/policies/{id}/rules`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rule {
    #[serde(deserialize_with = "null_as_none")]
    pub(crate) name: String,
    pub(crate) status: Option<String>,
    pub(crate) priority: Option<u32>,
    pub(crate) conditions: Option<Conditions>,
    pub(crate) actions: Option<Actions>,
}

/// Whom a policy or a rule is for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Conditions {
    pub(crate) people: Option<People>,
    pub(crate) auth_provider: Option<AuthProvider>,
    pub(crate) network: Option<Network>,
}

/// Which people.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct People {
    pub(crate) users: Option<Listed>,
    pub(crate) groups: Option<Listed>,
}

/// Ids that count, and ids that do not.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Listed {
    pub(crate) include: Option<Vec<String>>,
    pub(crate) exclude: Option<Vec<String>>,
}

/// Who checks the password.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AuthProvider {
    pub(crate) provider: Option<String>,
}

/// From where.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Network {
    pub(crate) connection: Option<String>,
}

/// What a policy allows to recover with, and what it asks of a password.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) recovery: Option<Recovery>,
    pub(crate) password: Option<Password>,
}

/// The part of it that is about passwords.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Password {
    pub(crate) complexity: Option<Complexity>,
}

/// How many characters there have to be, and of some classes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Complexity {
    pub(crate) min_length: Option<u16>,
    pub(crate) min_lower_case: Option<u16>,
    pub(crate) min_upper_case: Option<u16>,
    pub(crate) min_number: Option<u16>,
    pub(crate) min_symbol: Option<u16>,
}

/// The part of it that is about recovery.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Recovery {
    pub(crate) factors: Option<Factors>,
}

/// Which means of recovery are allowed; each `ACTIVE` or `INACTIVE`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Factors {
    pub(crate) okta_email: Option<Means>,
    pub(crate) okta_sms: Option<Means>,
    pub(crate) okta_call: Option<Means>,
    pub(crate) recovery_question: Option<Means>,
}

/// One of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Means {
    pub(crate) status: Option<String>,
}

/// What a rule lets people do.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Actions {
    pub(crate) self_service_password_reset: Option<SelfService>,
}

/// Whether they reset their own password, and by what.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SelfService {
    /// `ALLOW` or `DENY`.
    pub(crate) access: Option<String>,
    pub(crate) requirement: Option<Requirement>,
}

/// What they have to show for it (Identity Engine).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Requirement {
    /// `LEGACY`: this rule decides; `AUTH_POLICY`: the account management policy does.
    pub(crate) access_control: Option<String>,
    pub(crate) primary: Option<Methods>,
    pub(crate) step_up: Option<StepUp>,
}

/// One of these.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Methods {
    pub(crate) methods: Option<Vec<String>>,
}

/// And something more.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StepUp {
    pub(crate) required: Option<bool>,
    pub(crate) methods: Option<Vec<String>>,
}

/// An enrolled authenticator of `/users/{id}/factors`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Factor {
    pub(crate) factor_type: String,
    pub(crate) provider: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) created: Option<Timestamp>,
    pub(crate) last_updated: Option<Timestamp>,
}
