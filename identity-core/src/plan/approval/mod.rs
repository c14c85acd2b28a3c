//! Who approved what of which plan.

mod approvals;

pub use approvals::Approvals;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One approval. It binds to a plan by its digest: a changed plan needs a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The digest of the approved plan, `sha256:` and 64 hexadecimal digits.
    pub plan_digest: String,
    /// Who approves.
    pub approver: String,
    /// What is approved.
    pub scope: ApprovalScope,
    /// When.
    pub at: Timestamp,
    /// Why, or under which condition; for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What of a plan is approved.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalScope {
    /// One wave, by its name.
    Wave(String),
}
