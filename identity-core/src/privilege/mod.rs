//! Who is privileged, and why: tiers, grounds with their evidence, the index from accounts to
//! grounds, and the membership graph that backends resolve nested groups with.

mod graph;
mod index;
mod overrides;

pub use graph::{Membership, MembershipGraph};
pub use index::{Classification, PrivilegeIndex};
pub use overrides::TierOverrides;

use serde::{Deserialize, Serialize};

/// The plane that an account can take over, after Microsoft's enterprise access model: control
/// plane (tier 0), management plane (tier 1), user plane (tier 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Tier 0: whoever holds it holds the directory.
    Control,
    /// Tier 1: servers, applications, and those who administer parts of the directory.
    Management,
    /// Tier 2: everybody else.
    User,
}

impl Tier {
    /// The tier of this number: 0, 1 or 2.
    #[must_use]
    pub fn numbered(number: u8) -> Option<Self> {
        [Self::Control, Self::Management, Self::User].into_iter().find(|tier| tier.number() == number)
    }

    /// 0, 1 or 2.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Control => 0,
            Self::Management => 1,
            Self::User => 2,
        }
    }
}

/// One reason why an account counts as privileged, with the evidence for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ground {
    /// The tier that this ground lifts the account to.
    pub tier: Tier,
    /// The rule, a stable word such as `member`, `primary_group`, `sid_history`, `well_known_rid`,
    /// `admin_count`, `role`.
    pub rule: String,
    /// What the account holds: the group, role or right, in the directory's words.
    pub holds: String,
    /// The path from the account to what it holds: nested groups, the role assignment, the
    /// access control entry, the flag; nearest to the account first.
    pub evidence: Vec<String>,
}

impl std::fmt::Display for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "tier {} by {}: {}", self.tier.number(), self.rule, self.holds)?;
        if self.evidence.len() > 1 {
            write!(f, " (via {})", self.evidence.join(" > "))?;
        }
        Ok(())
    }
}
