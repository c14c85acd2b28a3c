//! Who approved what of which plan, by name or by signature.

mod approvals;
mod fault;
#[cfg(feature = "signed-approvals")]
mod pattern;
mod rules;
#[cfg(feature = "signed-approvals")]
mod signers;
#[cfg(feature = "signed-approvals")]
mod sshsig;
mod statement;
#[cfg(all(test, feature = "signed-approvals"))]
mod tests;

pub use approvals::Approvals;
pub use fault::ApprovalFault;
pub use rules::ApprovalRules;
#[cfg(feature = "signed-approvals")]
pub use signers::AllowedSigners;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The namespace of the signatures, as `ssh-keygen -Y sign -n` takes it. A signature that was made
/// for anything else is refused.
pub const SIGNATURE_NAMESPACE: &str = "identity-reset@plan";

/// One approval. It binds to a plan by its digest: a changed plan needs a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Approval {
    /// The digest of the approved plan, `sha256:` and 64 hexadecimal digits.
    pub plan_digest: String,
    /// Who approves. Of a signed approval a principal of the file of allowed signers.
    pub approver: String,
    /// What is approved.
    pub scope: ApprovalScope,
    /// When.
    pub at: Timestamp,
    /// Until when a wave may be begun with it; as long as there is the plan without. A wave that has
    /// begun by then is finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Why, or under which condition; for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The SSH signature over its [statement](Self::statement), as `ssh-keygen -Y sign` writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Whose signature it was found to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed_by: Option<SignedBy>,
}

/// What of a plan is approved.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalScope {
    /// One wave, by its name.
    Wave(String),
    /// Several waves, each by its name.
    Waves(Vec<String>),
}

/// Whose signature an approval has. Only a verification makes one that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedBy {
    /// The principal of the file of allowed signers.
    principal: String,
    /// The key's fingerprint, as `ssh-keygen -l` shows it: `SHA256:…`.
    key: String,
    /// Until when that file admits the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_before: Option<Timestamp>,
}

impl Approval {
    /// Whose signature it has; nothing for one by name alone, and for one that was not verified.
    #[must_use]
    pub fn signed_by(&self) -> Option<&SignedBy> {
        self.signed_by.as_ref()
    }

    /// Until when a wave may be begun with it: its own term, or the term of the key that signed it.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        let key = self.signed_by.as_ref().and_then(|signed| signed.valid_before);
        match (self.expires_at, key) {
            (Some(own), Some(key)) => Some(own.min(key)),
            (own, key) => own.or(key),
        }
    }
}

impl ApprovalScope {
    /// The names of the waves.
    #[must_use]
    pub fn waves(&self) -> &[String] {
        match self {
            Self::Wave(wave) => std::slice::from_ref(wave),
            Self::Waves(waves) => waves,
        }
    }

    /// Whether this wave is among them.
    #[must_use]
    pub fn covers(&self, wave: &str) -> bool {
        self.waves().iter().any(|name| name == wave)
    }
}

impl SignedBy {
    #[cfg(feature = "signed-approvals")]
    pub(super) fn new(principal: &str, key: String, valid_before: Option<Timestamp>) -> Self {
        Self { principal: principal.to_owned(), key, valid_before }
    }

    /// The principal of the file of allowed signers: the approver.
    #[must_use]
    pub fn principal(&self) -> &str {
        &self.principal
    }

    /// The key's fingerprint, as `ssh-keygen -l` shows it: `SHA256:…`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether the same person may be behind both: the same principal, in whatever case, or the
    /// same key.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        self.key == other.key || self.principal.to_lowercase() == other.principal.to_lowercase()
    }
}

impl std::fmt::Display for Approval {
    /// One line: what, by whom, with which key, until when.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} by {}", self.scope.waves().join(", "), self.approver)?;
        match &self.signed_by {
            Some(signed) => write!(f, ", signed with {}", signed.key)?,
            None => f.write_str(", by name")?,
        }
        match self.ends_at() {
            Some(end) => write!(f, ", until {end}"),
            None => Ok(()),
        }
    }
}
