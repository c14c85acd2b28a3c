//! Many groups: as large organisations have them, one for every five accounts, nested in each other, a
//! few below a privileged one. Drawn as everything else, and the truth follows.

use super::draw::{below, draw};
use super::groups::{FIRST_RID_OF_CROWD, GroupIndex, GroupScope, SyntheticGroup, named};
use super::special::join_at;
use super::{Organisation, SyntheticAccount, truth};

/// A person is in so many of them, less one, at most: three and a half on average.
const MOST_OF_A_PERSON: u64 = 8;
/// One in so many of the later groups is listed in a privileged one.
const ONE_PRIVILEGED_IN: u64 = 2_000;
/// Those that list some of them.
const PRIVILEGED: [&str; 3] = ["Ops-Night-Shift", "Infrastructure-Mail", "Site-Server-Operators"];
/// Two neighbours out of so many list each other.
const ONE_CYCLE_IN: u64 = 500;

/// Where the many groups stand among all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Crowd {
    first: u16,
    count: u16,
}

impl Organisation {
    /// Adds `count` groups beside the 190 that every organisation has, as many as 65,535 in all. Each
    /// is listed in none to two that come before it, so that some are ten deep; some pairs list each
    /// other, and a few are listed in a privileged group, the last one always. Persons are in none to
    /// seven of them. Once for an organisation, and before anything is planted.
    #[must_use]
    pub fn with_groups(mut self, count: u16) -> Self {
        let first = u16::try_from(self.groups.len()).unwrap_or(u16::MAX);
        let count = count.min(u16::MAX - first);
        let mut all: Vec<SyntheticGroup> = self.groups.to_vec();
        let privileged: Vec<GroupIndex> = PRIVILEGED.iter().filter_map(|name| named(&all, name)).collect();
        all.extend((0..count).map(|n| group(self.seed, first, n, count, &privileged)));
        self.membership = truth::Closure::of(&all).into();
        self.groups = all.into();
        self.crowd = Crowd { first, count };
        self
    }

    /// Puts a person into some of the many groups.
    pub(super) fn crowd(&self, account: &mut SyntheticAccount) {
        let Crowd { first, count } = self.crowd;
        if count == 0 {
            return;
        }
        for nth in 0..below(self.seed, account.index, "groups of the crowd", MOST_OF_A_PERSON) {
            let drawn = draw(self.seed, account.index.wrapping_mul(MOST_OF_A_PERSON).wrapping_add(nth), "crowd");
            let group = GroupIndex(first.saturating_add(u16::try_from(drawn % u64::from(count)).unwrap_or(0)));
            if !account.member_of.contains(&group) {
                join_at(self, account, group);
            }
        }
    }
}

fn group(seed: u64, first: u16, n: u16, count: u16, privileged: &[GroupIndex]) -> SyntheticGroup {
    let place = |n: u64| GroupIndex(first.saturating_add(u16::try_from(n).unwrap_or(u16::MAX)));
    let number = u64::from(n);
    let draws = 0..below(seed, number, "crowd lists", 3).min(number);
    let mut nested_in: Vec<GroupIndex> =
        draws.map(|nth| place(below(seed, 3 * number + nth, "crowd list", number))).collect();
    match number % ONE_CYCLE_IN {
        250 if n + 1 < count => nested_in.push(place(number + 1)),
        251 => nested_in.push(place(number - 1)),
        _ => {}
    }
    let late = number >= u64::from(count) / 2;
    if n + 1 == count || late && below(seed, number, "crowd privileged", ONE_PRIVILEGED_IN) == 0 {
        let which = usize::try_from(number).unwrap_or(0) % privileged.len().max(1);
        nested_in.extend(privileged.get(which));
    }
    nested_in.sort_unstable();
    nested_in.dedup();
    let scope = match number % 3 {
        0 => GroupScope::Universal,
        _ => GroupScope::Global,
    };
    SyntheticGroup {
        index: place(number),
        name: format!("Grp-{number:05}"),
        rid: FIRST_RID_OF_CROWD + u32::from(n),
        scope,
        // A list of mail counts too.
        security: number % 7 != 0,
        well_known: false,
        unit: "OU=Groups,OU=Corp".into(),
        nested_in,
        grants: None,
        admin_sd_holder: false,
        sid_history: Vec::new(),
    }
}
