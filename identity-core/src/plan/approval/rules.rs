//! What an approval has to be.

use serde::{Deserialize, Serialize};

/// What an approval has to be. A rule of the plan: it stands in the plan's header, so that the
/// digest covers it and whoever approves sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ApprovalRules {
    /// Only signed approvals count. Without, a name that somebody typed is enough.
    pub signed: bool,
    /// A wave with privileged accounts needs two persons: signed approvals of two principals with
    /// two keys. It implies [`signed`](Self::signed), since a typed name proves nobody.
    pub two_for_privileged: bool,
}

impl ApprovalRules {
    /// Only signed approvals count.
    #[must_use]
    pub const fn signed() -> Self {
        Self { signed: true, two_for_privileged: false }
    }

    /// Only signed approvals count, and the privileged need two persons.
    #[must_use]
    pub const fn two_for_privileged() -> Self {
        Self { signed: true, two_for_privileged: true }
    }

    /// Both sets of rules at once.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        let two_for_privileged = self.two_for_privileged || other.two_for_privileged;
        Self { signed: self.signed || other.signed || two_for_privileged, two_for_privileged }
    }

    /// Whether a name is enough for every wave.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub(super) const fn demands_signature(self) -> bool {
        self.signed || self.two_for_privileged
    }
}
