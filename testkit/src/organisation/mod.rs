//! Synthetic organisations: everything that makes a mass reset hard, from a seed and a size.
//!
//! Nothing is stored per account: an account is a function of seed and index, so that a million
//! of them take no memory until they are asked for. The first [`SPECIAL`] indices are fixed, one
//! for each case worth a test; the rest is drawn.
//!
//! ```
//! use testkit::organisation::{Organisation, special};
//! use identity_core::privilege::Tier;
//!
//! let organisation = Organisation::new(7, 1_000_000);
//! let admin = organisation.account(special::NESTED_THREE_DEEP);
//! assert_eq!(admin.truth.tier, Tier::Control);
//! assert_eq!(organisation.account(999_999), organisation.account(999_999));
//! assert_eq!(organisation.index_of(&admin.guid), Some(special::NESTED_THREE_DEEP));
//! ```

mod account;
mod bulk;
mod convert;
mod crowd;
pub(crate) mod draw;
mod groups;
mod ldif;
mod names;
mod planting;
pub mod special;
mod truth;

pub use account::{ObjectClass, SyntheticAccount, uac};
pub use groups::{GroupIndex, GroupScope, SyntheticGroup};
pub use ldif::{LdifOptions, LdifRecord};
pub(crate) use ldif::{file_time, units};
pub(crate) use names::escape_dn;
pub use planting::{Place, PlantedAccount, PlantedGroup, Planting};
pub use truth::{Truth, TruthGround};

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// How many accounts are fixed rather than drawn, at the first indices of any organisation.
pub const SPECIAL: u64 = 60;

/// 2026-06-01T00:00:00Z: the day that an organisation's dates are counted back from.
const AS_OF_SECONDS: i64 = 1_780_272_000;

/// An organisation: its accounts, its groups, and the truth about them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Organisation {
    seed: u64,
    size: u64,
    domain: Arc<str>,
    domain_sid: Arc<str>,
    as_of: Timestamp,
    groups: Arc<[SyntheticGroup]>,
    membership: Arc<truth::Closure>,
    planting: Arc<Planting>,
    crowd: crowd::Crowd,
}

impl Organisation {
    /// An organisation of `size` accounts, at least [`SPECIAL`], in the domain
    /// `corp.example.test`. The same seed and size give the same organisation on every machine.
    #[must_use]
    pub fn new(seed: u64, size: u64) -> Self {
        let groups: Arc<[SyntheticGroup]> = groups::all().into();
        let membership = Arc::new(truth::Closure::of(&groups));
        Self {
            seed,
            size: size.max(SPECIAL),
            domain: "corp.example.test".into(),
            domain_sid: domain_sid(seed).into(),
            as_of: Timestamp::from_second(AS_OF_SECONDS).unwrap_or(Timestamp::UNIX_EPOCH),
            groups,
            membership,
            planting: Arc::default(),
            crowd: crowd::Crowd::default(),
        }
    }

    /// Puts the organisation into another DNS domain.
    #[must_use]
    pub fn with_domain(mut self, domain: impl AsRef<str>) -> Self {
        self.domain = domain.as_ref().into();
        self
    }

    /// Counts dates back from another day than 2026-06-01.
    #[must_use]
    pub fn with_as_of(mut self, as_of: Timestamp) -> Self {
        self.as_of = as_of;
        self
    }

    /// The number of accounts.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an organisation is never empty")]
    pub fn len(&self) -> u64 {
        self.size
    }

    /// The seed that everything is drawn from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The day that dates are counted back from.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The DNS domain.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The distinguished name of the domain: `DC=corp,DC=example,DC=test`.
    #[must_use]
    pub fn base_dn(&self) -> String {
        let parts: Vec<String> = self.domain.split('.').map(|label| format!("DC={label}")).collect();
        parts.join(",")
    }

    /// The security identifier of the domain: `S-1-5-21-…`.
    #[must_use]
    pub fn domain_sid(&self) -> &str {
        &self.domain_sid
    }

    /// The account at an index; one of `0..len()`, though any index gives an account.
    #[must_use]
    pub fn account(&self, index: u64) -> SyntheticAccount {
        let mut account = self.account_without_truth(index);
        account.truth = truth::of(self, &account);
        account
    }

    /// The same without [`SyntheticAccount::truth`], for whoever only serves it.
    pub(crate) fn account_without_truth(&self, index: u64) -> SyntheticAccount {
        let mut account = special::account(self, index).unwrap_or_else(|| bulk::account(self, index));
        self.plant(&mut account);
        account
    }

    /// The groups that a group is in at any depth, itself included.
    pub(crate) fn groups_above(&self, group: GroupIndex) -> impl Iterator<Item = &SyntheticGroup> {
        self.membership.above(usize::from(group.0)).filter_map(|at| self.groups.get(at))
    }

    /// Every account, in the order of indices.
    pub fn accounts(&self) -> impl Iterator<Item = SyntheticAccount> + Send + '_ {
        (0..self.size).map(|index| self.account(index))
    }

    /// Every group: about 190, whatever the size, and those of [`with_groups`](Self::with_groups).
    pub fn groups(&self) -> impl Iterator<Item = &SyntheticGroup> {
        self.groups.iter()
    }

    /// The group at a place.
    #[must_use]
    pub fn group(&self, index: GroupIndex) -> Option<&SyntheticGroup> {
        self.groups.get(usize::from(index.0))
    }

    /// The group of a name.
    #[must_use]
    pub fn group_named(&self, name: &str) -> Option<&SyntheticGroup> {
        groups::named(&self.groups, name).and_then(|index| self.group(index))
    }

    /// The security identifier of a group.
    #[must_use]
    pub fn group_sid(&self, group: &SyntheticGroup) -> String {
        match group.scope {
            GroupScope::BuiltIn => format!("S-1-5-32-{}", group.rid),
            _ => format!("{}-{}", self.domain_sid(), group.rid),
        }
    }

    /// The index of an account by its objectGUID, without a table.
    #[must_use]
    pub fn index_of(&self, guid: &Uuid) -> Option<u64> {
        let index = draw::index_of(self.seed, *guid);
        (index < self.size && draw::guid(self.seed, index) == *guid).then_some(index)
    }

    /// The password that an account begins with; it satisfies the usual complexity rules.
    #[must_use]
    pub fn initial_password(&self, index: u64) -> String {
        // No vowels: no name of three letters or more can be inside.
        const LETTERS: &[u8] = b"bcdfghjkmnpqrstvwxyz23456789";
        let mut password = String::from("Zq7-");
        let mut bits = u128::from(draw::draw(self.seed, index, "password 1")) << 64
            | u128::from(draw::draw(self.seed, index, "password 2"));
        for _ in 0..16 {
            let at = (bits % LETTERS.len() as u128) as usize;
            password.push(LETTERS.get(at).copied().map_or('x', char::from));
            bits /= LETTERS.len() as u128;
        }
        password
    }

    /// A moment this many days before [`as_of`](Self::as_of).
    fn days_before(&self, days: u64) -> Timestamp {
        let hours = i64::try_from(days.saturating_mul(24)).unwrap_or(i64::MAX);
        self.as_of.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

fn domain_sid(seed: u64) -> String {
    let part = |word| draw::draw(seed, 0, word) as u32;
    format!("S-1-5-21-{}-{}-{}", part("sid 1"), part("sid 2"), part("sid 3"))
}
