//! The truth about an account: what a correct classification must find.

use std::collections::{BTreeMap, BTreeSet};

use identity_core::account::AccountKind;
use identity_core::privilege::Tier;

use super::{ObjectClass, Organisation, SyntheticAccount, SyntheticGroup, special, uac};

/// What a correct reading of an account comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// What it is, as a backend for Active Directory should see it.
    pub kind: AccountKind,
    /// Its tier by everything that an LDAP reader can see.
    pub tier: Tier,
    /// The grounds that must be found; a backend may find more.
    pub grounds: BTreeSet<TruthGround>,
    /// Why a mass run never touches it: by its kind, or by the lists that the organisation keeps
    /// (break-glass, the account that the run signs in with).
    pub protected_because: Option<&'static str>,
    /// Whether protection follows from lists of the organisation, which a test must configure.
    pub protected_by_list: bool,
}

/// A ground that must be found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TruthGround {
    /// The tier that it gives.
    pub tier: Tier,
    /// The rule: `member`, `primary_group`, `sid_history`, `well_known_rid`, `admin_count`,
    /// `directory_sync`, or what a planting states.
    pub rule: &'static str,
    /// The group or right that is held.
    pub holds: String,
}

impl Default for Truth {
    fn default() -> Self {
        Self {
            kind: AccountKind::Person,
            tier: Tier::User,
            grounds: BTreeSet::new(),
            protected_because: None,
            protected_by_list: false,
        }
    }
}

/// For each group, every group above it, itself included; and the groups by RID.
#[derive(Debug)]
pub(super) struct Closure {
    above: Vec<Box<[usize]>>,
    by_rid: BTreeMap<u32, usize>,
    /// The places of groups that membership in gives a tier.
    granting: Vec<usize>,
}

impl Closure {
    pub(super) fn of(groups: &[SyntheticGroup]) -> Self {
        let above = |start: usize| {
            let mut seen = BTreeSet::new();
            let mut open = vec![start];
            while let Some(place) = open.pop() {
                if seen.insert(place) {
                    let lists = groups.get(place).into_iter().flat_map(|group| &group.nested_in);
                    open.extend(lists.map(|group| usize::from(group.0)));
                }
            }
            seen.into_iter().collect()
        };
        let granting = (0..).zip(groups).filter(|(_, group)| group.grants.is_some()).map(|(place, _)| place).collect();
        // Of two groups with one RID the first counts, one of them is built in.
        let by_rid = (0..groups.len()).rev().filter_map(|place| Some((groups.get(place)?.rid, place))).collect();
        Self { above: (0..groups.len()).map(above).collect(), by_rid, granting }
    }

    pub(super) fn above(&self, group: usize) -> impl Iterator<Item = usize> + '_ {
        self.above.get(group).into_iter().flatten().copied()
    }
}

pub(super) fn of(organisation: &Organisation, account: &SyntheticAccount) -> Truth {
    let kind = kind(account);
    let grounds = grounds(organisation, account);
    let tier = grounds.iter().map(|ground| ground.tier).min().unwrap_or(Tier::User);
    let listed = match account.index {
        special::BREAK_GLASS_1 | special::BREAK_GLASS_2 => Some("a break-glass account"),
        special::RUNNER => Some("the account that the run signs in with"),
        _ => None,
    };
    Truth {
        kind,
        tier,
        grounds,
        protected_because: kind.protected_because().or(listed),
        protected_by_list: listed.is_some(),
    }
}

fn kind(account: &SyntheticAccount) -> AccountKind {
    match account.class {
        ObjectClass::Computer => return AccountKind::Computer,
        ObjectClass::User => {}
        _ => return AccountKind::ManagedService,
    }
    if account.uac & uac::DOMAIN_TRUST != 0 {
        AccountKind::Trust
    } else if account.rid == 502 || account.secondary_krbtgt.is_some() {
        AccountKind::KerberosTicketGranting
    } else if account.rid == 501 || account.rid == 503 {
        AccountKind::BuiltIn
    } else if account.name.starts_with("MSOL_") {
        AccountKind::DirectorySync
    } else if account.name.starts_with("HealthMailbox") || account.name.starts_with("SM_") {
        AccountKind::Mailbox
    } else if !account.service_names.is_empty() {
        AccountKind::Service
    } else {
        AccountKind::Person
    }
}

fn grounds(organisation: &Organisation, account: &SyntheticAccount) -> BTreeSet<TruthGround> {
    let mut grounds = BTreeSet::new();
    let mut hold = |tier, rule, holds: &str| grounds.insert(TruthGround { tier, rule, holds: holds.to_owned() });
    match account.rid {
        500 => drop(hold(Tier::Control, "well_known_rid", "Administrator")),
        502 => drop(hold(Tier::Control, "well_known_rid", "krbtgt")),
        _ => {}
    }
    let groups = &organisation.groups;
    let direct = account.member_of.iter().map(|group| (usize::from(group.0), "member"));
    let primary = organisation.membership.by_rid.get(&account.primary_group).copied();
    let primary = primary.filter(|place| !account.member_of.iter().any(|group| usize::from(group.0) == *place));
    let primary = primary.map(|place| (place, "primary_group"));
    for (group, rule) in direct.chain(primary) {
        for above in organisation.membership.above(group) {
            let Some(above) = groups.get(above) else { continue };
            if let Some(tier) = above.grants {
                hold(tier, rule, &above.name);
            }
        }
    }
    for sid in &account.sid_history {
        for group in organisation.membership.granting.iter().filter_map(|place| groups.get(*place)) {
            if organisation.group_sid(group) == *sid {
                hold(group.grants.unwrap_or(Tier::Control), "sid_history", &group.name);
            }
        }
    }
    if account.name.starts_with("MSOL_") {
        hold(Tier::Control, "directory_sync", "directory synchronisation");
    }
    if account.admin_count && grounds.is_empty() {
        grounds.insert(TruthGround { tier: Tier::Management, rule: "admin_count", holds: "adminCount".into() });
    }
    grounds.extend(
        organisation
            .planting
            .accounts
            .get(&account.index)
            .into_iter()
            .flat_map(|planted| planted.grounds.iter().cloned()),
    );
    grounds
}
