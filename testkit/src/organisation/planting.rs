//! What a test adds to an organisation: groups, memberships, placeholders of strangers, rights. Whoever
//! plants states what should be found, as grounds.

use std::collections::{BTreeMap, BTreeSet};

use super::{GroupIndex, GroupScope, Organisation, SyntheticAccount, SyntheticGroup, TruthGround, groups, truth};
use crate::security::{AccessEntry, Descriptor};

/// The first RID of planted groups.
const FIRST_RID: u32 = 5_000;

/// What is added to an organisation; see [`Organisation::with_planting`].
#[derive(Clone, Debug, Default)]
pub struct Planting {
    /// Groups, which may be nested in each other and in those that are there, cycles included.
    pub groups: Vec<PlantedGroup>,
    /// Further nestings of groups, by name: member, group.
    pub nestings: Vec<(String, String)>,
    /// Changes of accounts, by index.
    pub accounts: BTreeMap<u64, PlantedAccount>,
    /// Foreign security principals: a SID, and the names of the groups that list it.
    pub strangers: Vec<(String, Vec<String>)>,
    /// Entries of access lists.
    pub entries: Vec<(Place, AccessEntry)>,
    /// Owners, by SID.
    pub owners: Vec<(Place, String)>,
    /// Objects whose access list nobody may read.
    pub unreadable: Vec<Place>,
}

/// A group that is added.
#[derive(Clone, Debug, Default)]
pub struct PlantedGroup {
    /// Its name.
    pub name: String,
    /// Whether it is a distribution list.
    pub distribution: bool,
    /// `sIDHistory`.
    pub sid_history: Vec<String>,
}

/// What an account has beyond what its index gives.
#[derive(Clone, Debug, Default)]
pub struct PlantedAccount {
    /// Groups that list it too, by name.
    pub groups: Vec<String>,
    /// Its primary group instead of its own.
    pub primary_group: Option<u32>,
    /// `sIDHistory`.
    pub sid_history: Vec<String>,
    /// Bits of `userAccountControl` that are set too.
    pub flags: u32,
    /// `msDS-AllowedToDelegateTo`.
    pub delegates_to: Vec<String>,
    /// Who may act on it as anybody (`msDS-AllowedToActOnBehalfOfOtherIdentity`), by SID.
    pub acted_for_by: Vec<String>,
    /// Who may read its managed password (`msDS-GroupMSAMembership`), by SID.
    pub read_by: Vec<String>,
    /// What must be found of it.
    pub grounds: BTreeSet<TruthGround>,
}

/// An object with an access list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The head of the domain.
    Domain,
    /// The unit of the domain controllers.
    Controllers,
    /// `CN=AdminSDHolder,CN=System`.
    AdminSdHolder,
    /// The account at an index.
    Account(u64),
    /// The group of a name.
    Group(String),
}

impl Planting {
    /// The account at an index, to be changed.
    pub fn account(&mut self, index: u64) -> &mut PlantedAccount {
        self.accounts.entry(index).or_default()
    }

    /// Adds a group that is listed in others.
    pub fn group(&mut self, name: &str, listed_in: &[&str]) {
        self.groups.push(PlantedGroup { name: name.to_owned(), ..PlantedGroup::default() });
        self.nestings.extend(listed_in.iter().map(|group| (name.to_owned(), (*group).to_owned())));
    }

    /// Changes a descriptor as planted.
    pub(crate) fn change(&self, place: &Place, descriptor: &mut Descriptor) {
        for (_, entry) in self.entries.iter().filter(|(at, _)| at == place) {
            descriptor.add(entry.clone());
        }
        for (_, owner) in self.owners.iter().filter(|(at, _)| at == place) {
            descriptor.owner = crate::security::sid_bytes(owner).unwrap_or_default();
        }
    }
}

impl Organisation {
    /// Adds groups, memberships and rights. Once for an organisation: planting again forgets the
    /// memberships and rights of the first time. Names that are no group's are left out.
    #[must_use]
    pub fn with_planting(mut self, planting: Planting) -> Self {
        let mut all: Vec<SyntheticGroup> = self.groups.to_vec();
        for group in &planting.groups {
            let place = u16::try_from(all.len()).unwrap_or(u16::MAX);
            all.push(SyntheticGroup {
                index: GroupIndex(place),
                name: group.name.clone(),
                rid: FIRST_RID + u32::from(place),
                scope: GroupScope::Universal,
                security: !group.distribution,
                well_known: false,
                unit: "OU=Groups,OU=Corp".into(),
                nested_in: Vec::new(),
                grants: None,
                admin_sd_holder: false,
                sid_history: group.sid_history.clone(),
            });
        }
        for (member, group) in &planting.nestings {
            let group = groups::named(&all, group);
            if let Some(member) = all.iter_mut().find(|one| one.name == *member) {
                member.nested_in.extend(group);
                member.nested_in.sort_unstable();
                member.nested_in.dedup();
            }
        }
        self.membership = truth::Closure::of(&all).into();
        self.groups = all.into();
        self.planting = planting.into();
        self
    }

    /// What was planted.
    #[must_use]
    pub fn planting(&self) -> &Planting {
        &self.planting
    }

    pub(super) fn plant(&self, account: &mut SyntheticAccount) {
        let Some(planted) = self.planting.accounts.get(&account.index) else { return };
        account.member_of.extend(planted.groups.iter().filter_map(|name| groups::named(&self.groups, name)));
        account.member_of.sort_unstable();
        account.member_of.dedup();
        account.primary_group = planted.primary_group.unwrap_or(account.primary_group);
        account.sid_history.extend(planted.sid_history.iter().cloned());
        account.uac |= planted.flags;
        account.delegates_to.extend(planted.delegates_to.iter().cloned());
        account.acted_for_by.extend(planted.acted_for_by.iter().cloned());
        account.read_by.extend(planted.read_by.iter().cloned());
    }
}
