//! What a group or a right gives, and to whom: the words of grounds.

use std::collections::BTreeMap;
use std::sync::Arc;

use identity_core::privilege::{Ground, Tier};

/// Stable words for the rules of grounds, beside those that say how a group reaches an account:
/// `member`, `primary_group`, `sid_history`, `foreign_member`.
pub(super) mod rule {
    pub(crate) const ADMIN_COUNT: &str = "admin_count";
    pub(crate) const CHANGE_GROUP: &str = "may_change_tier0_group";
    pub(crate) const DELEGATION: &str = "constrained_delegation";
    pub(crate) const DELEGATION_BY_RESOURCE: &str = "may_act_for_tier0";
    pub(crate) const DELEGATION_TO_ANY: &str = "unconstrained_delegation";
    pub(crate) const DIRECTORY_SYNC: &str = "directory_sync";
    pub(crate) const FOREIGN_MEMBER: &str = "foreign_member";
    pub(crate) const MEMBER: &str = "member";
    pub(crate) const PRIMARY_GROUP: &str = "primary_group";
    pub(crate) const READ_MANAGED_PASSWORD: &str = "may_read_tier0_password";
    pub(crate) const REPLICATE: &str = "may_replicate_secrets";
    pub(crate) const RESET: &str = "may_reset_tier0";
    pub(crate) const RIGHT: &str = "right";
    pub(crate) const SID_HISTORY: &str = "sid_history";
    pub(crate) const WELL_KNOWN: &str = "well_known_rid";
    pub(crate) const WRITE: &str = "may_write_tier0";
    pub(crate) const WRITE_CONTROLLERS: &str = "may_write_controllers";
    pub(crate) const WRITE_DOMAIN: &str = "may_write_domain";
    pub(crate) const WRITE_TEMPLATE: &str = "may_write_admin_sd_holder";
}

/// What somebody gets.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) tier: Tier,
    /// The rule; without one, the word for how the group reaches the account.
    pub(super) rule: Option<&'static str>,
    pub(super) holds: String,
    /// The right in words, after the groups that lead to it.
    pub(super) right: Option<String>,
    /// One of two rights that are worth nothing apart.
    pub(super) half: Option<Half>,
    /// It lets nobody change the directory: it opens a service of the controllers, from where a further
    /// step leads to it.
    pub(super) on_services: bool,
}

/// Replicating secrets takes two rights, which may come by two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Half {
    Changes,
    ChangesAll,
}

/// What membership in one group brings.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub(super) grant: Arc<Grant>,
    /// The names from this group up to the one that holds the grant.
    pub(super) path: Vec<String>,
}

/// From the keys of groups to what they bring.
pub(super) type Holdings = BTreeMap<String, Vec<Holding>>;

impl Grant {
    /// By being in a protected group.
    pub(super) fn by_group(tier: Tier, holds: String, on_services: bool) -> Self {
        Self { tier, rule: None, holds, right: None, half: None, on_services }
    }

    /// Tier 0, by a right.
    pub(super) fn by_right(rule: &'static str, holds: impl Into<String>, right: String) -> Self {
        let (holds, right) = (holds.into(), Some(right));
        Self { tier: Tier::Control, rule: Some(rule), holds, right, half: None, on_services: false }
    }

    /// The ground of an account that comes by this as `attached` says, along `path`.
    pub(super) fn ground(&self, attached: &str, path: impl IntoIterator<Item = String>) -> Ground {
        let evidence: Vec<String> = path.into_iter().chain(self.right.clone()).collect();
        Ground { tier: self.tier, rule: self.rule.unwrap_or(attached).to_owned(), holds: self.holds.clone(), evidence }
    }
}
