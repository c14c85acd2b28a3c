//! What happened, as a SOAR or a person says it.

use serde::{Deserialize, Serialize};

use super::Arguments;
use super::reader::is_word;
use crate::error::{Error, ErrorKind, Result};

/// The words for what usually asks for a mass reset. The list is open: a playbook may name others.
pub const TRIGGERS: [(&str, &str); 9] = [
    ("privileged_credentials_compromised", "somebody else holds an administrator's credentials"),
    ("directory_database_stolen", "a domain's or a tenant's password hashes have left, or were staged to leave"),
    ("ransomware", "ransomware is being deployed, or was"),
    ("credentials_for_sale", "credentials of the organisation are offered or published"),
    ("population_phished", "a part of the people was phished, sessions may have been taken over"),
    ("identity_provider_compromised", "the identity platform itself: synchronisation, federation, a provider"),
    ("vendor_breach", "a vendor that holds passwords or signs in on behalf of people was breached"),
    ("insider", "somebody who knew passwords of others left in anger"),
    ("exercise", "nothing happened: it is practised"),
];

/// The largest trigger that is read, in bytes.
const LARGEST: usize = 1 << 20;

/// What happened: chooses a playbook and fills in its parameters.
///
/// As JSON. Members that are not among these are refused, so that a misspelt one never widens what is
/// done; what a SOAR wants to carry along goes into `context`, which nothing here reads.
///
/// ```
/// use identity_core::playbook::Trigger;
///
/// let trigger = Trigger::parse(r#"{
///     "trigger": "population_phished",
///     "incident": "INC-2041",
///     "parameters": {"group": "Sales", "since": "2026-03-01T08:00:00Z"},
///     "context": {"alert": 17}
/// }"#)?;
/// assert_eq!(trigger.incident, "INC-2041");
/// # Ok::<(), identity_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Trigger {
    /// What happened: one of [`TRIGGERS`], or a word of the organisation's own.
    pub trigger: String,
    /// The incident's name: letters, digits, `.`, `_` and `-`, at most 64. The same incident is
    /// planned once.
    pub incident: String,
    /// The playbook, where the trigger alone chooses several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
    /// The arguments of the playbook's parameters.
    #[serde(default, skip_serializing_if = "Arguments::is_empty")]
    pub parameters: Arguments,
    /// Whatever the sender wants back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<serde_json::Value>,
}

impl Trigger {
    /// Reads a trigger.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] that names the line and column, or the member.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |detail: String| Error::new(ErrorKind::InputInvalid, "read the trigger").with_detail(detail);
        if text.len() > LARGEST {
            return Err(invalid(format!("it has {} bytes; at most {LARGEST} are read", text.len())));
        }
        let trigger: Self = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
            invalid(error.to_string())
                .with_advice("a trigger has trigger, incident, and as needed playbook, parameters, context")
        })?;
        if !is_word(&trigger.trigger) {
            return Err(invalid(format!("`trigger` {:?} is not a word in lower case", trigger.trigger)));
        }
        let incident = &trigger.incident;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if incident.is_empty() || incident.len() > 64 || incident.starts_with('.') || !incident.chars().all(is_plain) {
            return Err(invalid(format!(
                "`incident` {incident:?} is not a name of letters, digits, `.`, `_` and `-`, at most 64"
            )));
        }
        Ok(trigger)
    }
}
