//! Self-service recovery readiness: which recovery methods a person has enrolled, what they are worth
//! by a table of guidance, and who could come back alone.
//!
//! [`RecoveryAuditor`] is what a directory tells. [`Guidance`] is the table: data, with a default that
//! a TOML file changes. [`RecoveryAudit`] joins both with accounts, tiers and groups and writes a dated
//! [`ReadinessFile`], which a plan takes for its rule on hand-offs
//! ([`PlanSpec::hand_off`](crate::plan::PlanSpec::hand_off)) and the service desk's model for its load.

mod audit;
mod counts;
mod file;
mod grouping;
mod guidance;
mod guidance_text;
mod readiness;

pub use audit::RecoveryAudit;
pub use counts::GroupCounts;
pub use file::{AccountReadiness, ReadDirectory, ReadinessFile, ReadinessHeader, ReadinessRows, ReadinessSummary};
pub use grouping::{Grouping, InvalidGrouping};
pub use guidance::{AsOf, Enough, Guidance, Strength, TierAsks, Worth};
pub use readiness::{Readiness, Standing};

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::AccountId;
use crate::directory::{AccountQuery, Directory};
use crate::error::Result;

/// Reads which recovery methods are enrolled.
///
/// ```
/// use futures::StreamExt;
/// use identity_core::directory::AccountQuery;
/// use identity_core::error::Result;
/// use identity_core::recovery::RecoveryAuditor;
///
/// /// How many people could come back without the service desk?
/// async fn ready(auditor: &dyn RecoveryAuditor) -> Result<usize> {
///     let mut ready = 0;
///     let mut enrolments = auditor.enrolments(&AccountQuery::everyone());
///     while let Some(enrolment) = enrolments.next().await {
///         ready += usize::from(enrolment?.self_service == Some(true));
///     }
///     Ok(ready)
/// }
/// ```
#[async_trait]
pub trait RecoveryAuditor: Directory {
    /// What each account of the query has enrolled, as it arrives.
    ///
    /// # Errors
    /// In the stream: whatever makes the listing incomplete.
    fn enrolments(&self, query: &AccountQuery) -> BoxStream<'static, Result<Enrolment>>;
}

/// What one account has enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Enrolment {
    /// The account.
    pub account: AccountId,
    /// Whether its owner can recover alone now; `None` where the directory does not tell.
    pub self_service: Option<bool>,
    /// Why not, where not.
    pub because: Option<String>,
    /// The enrolled methods.
    pub methods: Vec<Method>,
    /// When the directory last worked this out, where it says so: a report can be days old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
}

impl Enrolment {
    /// Nothing known yet.
    #[must_use]
    pub fn new(account: AccountId) -> Self {
        Self { account, self_service: None, because: None, methods: Vec::new(), as_of: None }
    }
}

/// One enrolled recovery method or authenticator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Method {
    /// Its kind.
    pub kind: MethodKind,
    /// When it was enrolled or last changed, where the directory tells: a method added yesterday
    /// may be the attacker's.
    pub enrolled: Option<Timestamp>,
}

/// The kind of a recovery method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MethodKind {
    /// A text message.
    Sms,
    /// A phone call.
    Voice,
    /// A message to another mailbox.
    Email,
    /// Questions about the person.
    SecurityQuestions,
    /// A one-time code from an app or a token.
    OneTimeCode,
    /// A push to an authenticator app.
    Push,
    /// A passkey, a FIDO2 key, a platform credential.
    Passkey,
    /// A certificate.
    Certificate,
    /// Something else.
    Other,
}

impl MethodKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Sms,
        Self::Voice,
        Self::Email,
        Self::SecurityQuestions,
        Self::OneTimeCode,
        Self::Push,
        Self::Passkey,
        Self::Certificate,
        Self::Other,
    ];

    /// The word for it in files: `sms`, `one_time_code`, …
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Email => "email",
            Self::SecurityQuestions => "security_questions",
            Self::OneTimeCode => "one_time_code",
            Self::Push => "push",
            Self::Passkey => "passkey",
            Self::Certificate => "certificate",
            Self::Other => "other",
        }
    }
}

impl std::fmt::Display for MethodKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
