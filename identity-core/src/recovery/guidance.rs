//! The table of guidance: what a method is worth, what a tier asks for.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{MethodKind, guidance_text};
use crate::error::Result;
use crate::privilege::Tier;

const DAY: u64 = 24 * 3600;

/// What recovery methods are worth, and what an account of each tier has to have before it may be
/// handed to self-service recovery.
///
/// The default is of NIST SP 800-63B-4 and of what vendors recommend; `docs/recovery.md` has it with
/// its sources. A TOML file changes what it names and leaves the rest.
///
/// ```
/// use std::path::Path;
///
/// use identity_core::recovery::{Guidance, MethodKind, Strength};
///
/// let guidance = Guidance::parse(Path::new("ours.toml"), r#"
///     format = 1
///     name = "ours"
///     [method.sms]
///     strength = "refused"
///     source = "decided after the SIM swaps of last spring"
/// "#)?;
/// assert_eq!(guidance.methods[&MethodKind::Sms].strength, Strength::Refused);
/// assert_eq!(guidance.methods[&MethodKind::Passkey].strength, Strength::Strong);
/// # Ok::<(), identity_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Guidance {
    /// Its name, for reports.
    pub name: String,
    /// What each kind of method is worth; one that is not there counts for nothing.
    pub methods: BTreeMap<MethodKind, Worth>,
    /// What each tier asks for.
    pub tiers: TierAsks,
    /// A method enrolled in the last so many days does not count: it may be the attacker's.
    pub recent_days: u32,
    /// A method enrolled more than so many days ago is shown as old. It counts.
    pub old_days: u32,
    /// What a directory worked out more than so many days ago is not known any more.
    pub report_days: u32,
    /// A plan takes no readiness file that is more than so many days old.
    pub file_days: u32,
    /// Whether a method counts of which the directory does not tell when it was enrolled.
    pub undated_counts: bool,
}

/// What one kind of method is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Worth {
    /// For accounts of tier 2.
    pub strength: Strength,
    /// For accounts of tier 0 and 1.
    pub privileged: Strength,
    /// Methods of one channel fall together, and count as one; each is its own without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Who says so.
    pub source: String,
}

/// How much it takes to pass for somebody by a recovery method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// It does not count.
    Refused,
    /// Enough for a first rollout: a text message, a mail.
    Weak,
    /// Recommended: an authenticator app. A phishing page can still ask for its code.
    Good,
    /// Withstands phishing: a passkey, a certificate.
    Strong,
}

impl Strength {
    /// Every strength, weakest first.
    pub const ALL: [Self; 4] = [Self::Refused, Self::Weak, Self::Good, Self::Strong];

    /// The word for it in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Weak => "weak",
            Self::Good => "good",
            Self::Strong => "strong",
        }
    }
}

impl std::fmt::Display for Strength {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One way to have enough: a method of a strength, and beside it perhaps another by another channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Enough {
    /// The least strength of one method.
    pub one: Strength,
    /// The least strength of another one, by another channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Strength>,
}

impl Enough {
    /// One method of at least this strength.
    #[must_use]
    pub fn one(strength: Strength) -> Self {
        Self { one: strength, beside: None }
    }

    /// And another one, by another channel.
    #[must_use]
    pub fn beside(mut self, strength: Strength) -> Self {
        self.beside = Some(strength);
        self
    }
}

impl std::fmt::Display for Enough {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.beside {
            Some(beside) => write!(f, "a {} method beside a {beside} one", self.one),
            None => write!(f, "a {} method", self.one),
        }
    }
}

/// What each tier asks for: one of the ways is enough.
///
/// Privileged accounts are never handed to self-service recovery; what is said of them here is for the
/// audit only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TierAsks {
    /// Of tier 0.
    pub control: Vec<Enough>,
    /// Of tier 1.
    pub management: Vec<Enough>,
    /// Of tier 2.
    pub user: Vec<Enough>,
}

/// The moments that enrolments are judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AsOf {
    /// When the audit was made.
    pub at: Timestamp,
    /// A method that was enrolled at this time or later is recent.
    pub recent_since: Timestamp,
    /// A method that was enrolled before is old.
    pub old_before: Timestamp,
    /// What the directory worked out before is stale.
    pub stale_before: Timestamp,
}

impl Default for Guidance {
    fn default() -> Self {
        guidance_text::built_in()
    }
}

impl Guidance {
    /// The default with what a file changes.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`](crate::error::ErrorKind::ConfigInvalid) that names the file, and the
    /// line and key of what is wrong.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        guidance_text::from_file(path.as_ref())
    }

    /// The default with what a text changes. The path is for messages only.
    ///
    /// # Errors
    /// As of [`from_file`](Self::from_file).
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        guidance_text::parse(path, text)
    }

    /// What a method is worth to an account of this tier.
    #[must_use]
    pub fn strength(&self, kind: MethodKind, tier: Tier) -> Strength {
        let worth = self.methods.get(&kind);
        worth.map_or(Strength::Refused, |worth| match tier {
            Tier::User => worth.strength,
            Tier::Control | Tier::Management => worth.privileged,
        })
    }

    /// What a tier asks for.
    #[must_use]
    pub fn asks(&self, tier: Tier) -> &[Enough] {
        match tier {
            Tier::Control => &self.tiers.control,
            Tier::Management => &self.tiers.management,
            Tier::User => &self.tiers.user,
        }
    }

    /// The moments to judge by. Where it is known when an attacker may have come in, a method that was
    /// enrolled since then is recent too.
    #[must_use]
    pub fn as_of(&self, at: Timestamp, suspected_since: Option<Timestamp>) -> AsOf {
        let before = |days: u32| at.checked_sub(Duration::from_secs(u64::from(days) * DAY)).unwrap_or(Timestamp::MIN);
        let recent = before(self.recent_days);
        AsOf {
            at,
            recent_since: suspected_since.map_or(recent, |since| since.min(recent)),
            old_before: before(self.old_days),
            stale_before: before(self.report_days),
        }
    }

    /// The channel of a kind: its own where none is named.
    pub(super) fn channel(&self, kind: MethodKind) -> &str {
        self.methods.get(&kind).and_then(|worth| worth.channel.as_deref()).unwrap_or(kind.as_str())
    }
}
