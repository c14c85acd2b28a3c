//! The index from accounts to the grounds of their privilege.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ground, Tier};
use crate::account::AccountId;

/// From accounts to grounds. It holds the privileged accounts only, so that its size follows
/// the number of administrators, not the number of accounts.
///
/// It fails closed: an account of which something could not be read is *unknown*, and an index
/// that is [incomplete](PrivilegeIndex::mark_incomplete) makes every account without a ground
/// unknown. Unknown accounts are planned with the privileged.
///
/// ```
/// use identity_core::account::AccountId;
/// use identity_core::privilege::{Ground, PrivilegeIndex, Tier};
///
/// let admin = AccountId::new("1")?;
/// let mut index = PrivilegeIndex::default();
/// index.add(admin.clone(), Ground {
///     tier: Tier::Control,
///     rule: "member".into(),
///     holds: "Domain Admins".into(),
///     evidence: vec!["Helpdesk L3".into(), "Domain Admins".into()],
/// });
/// assert_eq!(index.classify(&admin).tier, Tier::Control);
/// assert_eq!(index.classify(&AccountId::new("2")?).tier, Tier::User);
///
/// index.mark_incomplete("the members of CN=Ops could not be read");
/// assert!(index.classify(&AccountId::new("2")?).unknown_because.is_some());
/// # Ok::<(), identity_core::account::InvalidId>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrivilegeIndex {
    grounds: BTreeMap<AccountId, BTreeSet<Ground>>,
    unknown: BTreeMap<AccountId, String>,
    incomplete: Vec<String>,
    everybody: BTreeSet<Ground>,
}

/// The verdict on one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification {
    /// The highest tier that a ground gives; [`Tier::User`] without one.
    pub tier: Tier,
    /// Every ground, strongest first.
    pub grounds: Vec<Ground>,
    /// Why the verdict is not certain. Whoever is unknown goes with the privileged.
    pub unknown_because: Option<String>,
}

impl Classification {
    /// Whether the account belongs with the privileged: tier 0 or 1, or unknown.
    #[must_use]
    pub fn is_privileged(&self) -> bool {
        self.tier != Tier::User || self.unknown_because.is_some()
    }
}

impl PrivilegeIndex {
    /// Adds a ground; adding it twice changes nothing.
    pub fn add(&mut self, account: AccountId, ground: Ground) {
        self.grounds.entry(account).or_default().insert(ground);
    }

    /// Says that this account's privilege could not be determined.
    pub fn mark_unknown(&mut self, account: AccountId, reason: impl Into<String>) {
        self.unknown.entry(account).or_insert_with(|| reason.into());
    }

    /// Says that something could not be read that may have concerned any account.
    pub fn mark_incomplete(&mut self, reason: impl Into<String>) {
        self.incomplete.push(reason.into());
    }

    /// Adds a ground that every account has alike. It tells nobody apart, so that no verdict names it:
    /// it is told once, and is to be taken away. Only for what needs a further step to become control of
    /// the directory; where everybody controls it already, the index is
    /// [incomplete](Self::mark_incomplete).
    pub fn add_for_everybody(&mut self, ground: Ground) {
        self.everybody.insert(ground);
    }

    /// The grounds that every account has, strongest first.
    pub fn for_everybody(&self) -> impl Iterator<Item = &Ground> {
        self.everybody.iter()
    }

    /// Why the index is not complete; empty when it is.
    #[must_use]
    pub fn incomplete(&self) -> &[String] {
        &self.incomplete
    }

    /// The verdict on one account.
    #[must_use]
    pub fn classify(&self, account: &AccountId) -> Classification {
        let grounds: Vec<Ground> = self.grounds.get(account).into_iter().flatten().cloned().collect();
        let tier = grounds.iter().map(|ground| ground.tier).min().unwrap_or(Tier::User);
        // A tier-0 ground stands whatever else could not be read.
        let certain = tier == Tier::Control;
        let unknown_because =
            if certain { None } else { self.unknown.get(account).or_else(|| self.incomplete.first()).cloned() };
        Classification { tier, grounds, unknown_because }
    }

    /// Every account with a ground, by id, with its grounds.
    pub fn privileged(&self) -> impl Iterator<Item = (&AccountId, &BTreeSet<Ground>)> {
        self.grounds.iter()
    }

    /// Every account marked unknown on its own, with the reason.
    pub fn unknown(&self) -> impl Iterator<Item = (&AccountId, &str)> {
        self.unknown.iter().map(|(account, reason)| (account, reason.as_str()))
    }
}
