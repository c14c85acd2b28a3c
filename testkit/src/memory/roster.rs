//! Who is in the directory when it is built: an organisation, or a list.

use std::collections::HashMap;

use identity_core::account::{Account, AccountId, DirectoryId};
use identity_core::privilege::{Ground, Tier};
use uuid::Uuid;

use crate::organisation::Organisation;

/// A group of a directory that was built from a list of accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryGroup {
    /// Its name, as [`Account::groups`] has it.
    pub name: String,
    /// The groups that list it directly.
    pub nested_in: Vec<String>,
    /// The tier that membership gives.
    pub grants: Option<Tier>,
}

impl MemoryGroup {
    /// A group that is nested nowhere and grants nothing.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), nested_in: Vec::new(), grants: None }
    }

    /// Nests it in another group.
    #[must_use]
    pub fn nested_in(mut self, group: impl Into<String>) -> Self {
        self.nested_in.push(group.into());
        self
    }

    /// Says which tier its members are of.
    #[must_use]
    pub fn granting(mut self, tier: Tier) -> Self {
        self.grants = Some(tier);
        self
    }
}

/// The rows that a directory begins with.
#[derive(Debug)]
pub(super) enum Roster {
    Organisation(Organisation),
    List { rows: Vec<Account>, places: HashMap<AccountId, u64>, groups: Vec<MemoryGroup> },
}

impl Roster {
    pub(super) fn list(rows: Vec<Account>, groups: Vec<MemoryGroup>) -> Self {
        let places = rows.iter().zip(0..).map(|(row, index)| (row.id.clone(), index)).collect();
        Self::List { rows, places, groups }
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Organisation(organisation) => organisation.len(),
            Self::List { rows, .. } => rows.len() as u64,
        }
    }

    pub(super) fn row(&self, directory: &DirectoryId, index: u64) -> Option<Account> {
        match self {
            Self::Organisation(organisation) if index < organisation.len() => {
                organisation.to_account(directory, index).ok()
            }
            Self::Organisation(_) => None,
            Self::List { rows, .. } => rows.get(usize::try_from(index).ok()?).cloned(),
        }
    }

    /// The id at an index, without making the whole row.
    pub(super) fn id(&self, index: u64) -> Option<AccountId> {
        match self {
            Self::Organisation(organisation) if index < organisation.len() => {
                AccountId::new(organisation.account(index).guid.to_string()).ok()
            }
            Self::Organisation(_) => None,
            Self::List { rows, .. } => rows.get(usize::try_from(index).ok()?).map(|row| row.id.clone()),
        }
    }

    pub(super) fn index_of(&self, id: &AccountId) -> Option<u64> {
        match self {
            Self::Organisation(organisation) => {
                let guid = Uuid::parse_str(id.as_str()).ok()?;
                organisation.index_of(&guid)
            }
            Self::List { places, .. } => places.get(id).copied(),
        }
    }

    /// The password that an account begins with.
    pub(super) fn initial_password(&self, index: u64) -> String {
        match self {
            Self::Organisation(organisation) => organisation.initial_password(index),
            Self::List { .. } => format!("Initial-7-{index:06}"),
        }
    }

    /// Every group with the groups that list it, by name, and what it grants.
    pub(super) fn groups(&self) -> Vec<MemoryGroup> {
        match self {
            Self::Organisation(organisation) => {
                let name = |index| organisation.group(index).map(|group| group.name.clone());
                let groups = organisation.groups().map(|group| MemoryGroup {
                    name: group.name.clone(),
                    nested_in: group.nested_in.iter().filter_map(|index| name(*index)).collect(),
                    grants: group.grants,
                });
                groups.collect()
            }
            Self::List { rows, groups, .. } => {
                let mut all = groups.clone();
                let mut named: std::collections::HashSet<String> = all.iter().map(|group| group.name.clone()).collect();
                for name in rows.iter().flat_map(|row| &row.groups) {
                    if named.insert(name.clone()) {
                        all.push(MemoryGroup::new(name.clone()));
                    }
                }
                all
            }
        }
    }

    /// The name of a group by its name, distinguished name or security identifier.
    pub(super) fn group_name(&self, text: &str) -> Option<String> {
        match self {
            Self::Organisation(organisation) => {
                let base = organisation.base_dn();
                let is = |a: &str| a.eq_ignore_ascii_case(text);
                let mut groups = organisation.groups();
                let group =
                    groups.find(|group| is(&group.name) || is(&group.dn(&base)) || is(&organisation.group_sid(group)));
                group.map(|group| group.name.clone())
            }
            Self::List { .. } => self.groups().into_iter().map(|group| group.name).find(|name| name == text),
        }
    }

    /// The group that an account is in by its primary group only, which its row does not show.
    pub(super) fn primary_group(&self, index: u64) -> Option<String> {
        let Self::Organisation(organisation) = self else { return None };
        if index >= organisation.len() {
            return None;
        }
        let account = organisation.account(index);
        let mut groups = organisation.groups();
        let primary = groups.find(|group| group.rid == account.primary_group)?;
        (!account.member_of.contains(&primary.index)).then(|| primary.name.clone())
    }

    /// The grounds of an account that do not come by a group.
    pub(super) fn other_grounds(&self, index: u64) -> Vec<Ground> {
        let Self::Organisation(organisation) = self else { return Vec::new() };
        if index >= organisation.len() {
            return Vec::new();
        }
        let account = organisation.account(index);
        let grounds = account.truth.grounds.into_iter().filter(|ground| !by_group(ground.rule));
        let grounds = grounds.map(|ground| Ground {
            tier: ground.tier,
            rule: ground.rule.to_owned(),
            holds: ground.holds.clone(),
            evidence: vec![account.name.clone(), ground.holds],
        });
        grounds.collect()
    }

    /// Whether the row at this index can have a ground of its own: spares the work for the others.
    pub(super) fn may_be_privileged(&self, index: u64) -> bool {
        match self {
            Self::Organisation(organisation) => !organisation.account(index).truth.grounds.is_empty(),
            Self::List { .. } => true,
        }
    }
}

/// These are found through the membership graph, with the path as evidence.
fn by_group(rule: &str) -> bool {
    matches!(rule, "member" | "primary_group")
}
