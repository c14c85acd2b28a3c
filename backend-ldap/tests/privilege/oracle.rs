//! The index beside a slow, obvious oracle, on random graphs of groups: cycles, primary groups,
//! distribution lists, placeholders of own and of foreign accounts, histories of accounts and groups.

use std::collections::{BTreeMap, BTreeSet};

use backend_ldap::{LdapConfig, LdapDirectory};
use identity_core::account::{AccountId, DirectoryId};
use identity_core::directory::PrivilegeClassifier;
use identity_core::privilege::{PrivilegeIndex, Tier};
use testkit::mock_ad::MockAd;
use testkit::organisation::{Organisation, PlantedGroup, Planting, SPECIAL, SyntheticAccount};

const CASES: u64 = 300;
const AT_ONCE: usize = 4;
const GROUPS: u64 = 10;
/// Some of the table, and groups that are none of it.
const STANDING: [&str; 7] = [
    "Domain Admins",
    "Backup Operators",
    "Server Operators",
    "Remote Management Users",
    "Group Policy Creator Owners",
    "Protected Users",
    "Staff",
];
const OTHER_DOMAIN: &str = "S-1-5-21-77-88-99";

/// Numbers that a seed gives, one after the other (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn group(&mut self) -> String {
        let at = self.below(GROUPS + STANDING.len() as u64);
        at.checked_sub(GROUPS).map_or_else(|| format!("Random-{at}"), |at| STANDING[at as usize].to_owned())
    }
}

fn sid_of(organisation: &Organisation, name: &str) -> String {
    organisation.group_sid(organisation.group_named(name).expect("a group"))
}

fn persons(organisation: &Organisation) -> Vec<SyntheticAccount> {
    organisation
        .accounts()
        .filter(|account| account.truth.grounds.is_empty() && account.class.names().len() == 4)
        .collect()
}

fn organisation(case: u64) -> Organisation {
    let mut dice = Dice(case.wrapping_mul(7919) + 1);
    let plain = Organisation::new(case, SPECIAL);
    let mut planting = Planting::default();
    for at in 0..GROUPS {
        let distribution = dice.one_in(3);
        planting.groups.push(PlantedGroup { name: format!("Random-{at}"), distribution, sid_history: Vec::new() });
    }
    let named = plain.clone().with_planting(planting.clone());
    for group in &mut planting.groups {
        if dice.one_in(6) {
            group.sid_history.push(sid_of(&named, &dice.group()));
        }
        for _ in 0..dice.below(3) {
            planting.nestings.push((group.name.clone(), dice.group()));
        }
    }
    // What is nested in a group that is nowhere listed itself: standing groups below random ones.
    for _ in 0..dice.below(3) {
        planting.nestings.push((STANDING[dice.below(3) as usize].to_owned(), format!("Random-{}", dice.below(GROUPS))));
    }
    for person in persons(&plain) {
        let planted = planting.account(person.index);
        for _ in 0..dice.below(3) {
            planted.groups.push(dice.group());
        }
        if dice.one_in(5) {
            let sid = sid_of(&named, &format!("Random-{}", dice.below(GROUPS)));
            planted.primary_group = sid.rsplit('-').next().and_then(|rid| rid.parse().ok());
        }
        if dice.one_in(6) {
            planted.sid_history.push(match dice.below(3) {
                0 => format!("{OTHER_DOMAIN}-{}", 1100 + dice.below(50)),
                1 => format!("{OTHER_DOMAIN}-{}", 512 + 7 * dice.below(2)),
                _ => sid_of(&named, &dice.group()),
            });
        }
        if dice.one_in(8) {
            planting.strangers.push((person.sid.clone(), vec![dice.group()]));
        }
    }
    for at in 0..dice.below(3) {
        planting.strangers.push((format!("{OTHER_DOMAIN}-{}", 5000 + at), vec![dice.group()]));
        let group = format!("Random-{}", dice.below(GROUPS));
        planting.strangers.push((sid_of(&named, &group), vec![dice.group()]));
    }
    // A placeholder is one object, whatever lists it.
    let mut strangers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (sid, groups) in planting.strangers.drain(..) {
        strangers.entry(sid).or_default().extend(groups);
    }
    planting.strangers = strangers.into_iter().map(|(sid, groups)| (sid, groups.into_iter().collect())).collect();
    plain.with_planting(planting)
}

/// From a group to those that hold whoever is in it: by nesting, by history, by a placeholder.
fn edges(organisation: &Organisation) -> BTreeSet<(String, String)> {
    let mut edges = BTreeSet::new();
    let by_sid: BTreeMap<String, String> =
        organisation.groups().map(|group| (organisation.group_sid(group), group.name.clone())).collect();
    for group in organisation.groups() {
        for above in &group.nested_in {
            edges.insert((group.name.clone(), organisation.group(*above).expect("a group").name.clone()));
        }
        for former in group.sid_history.iter().filter_map(|sid| by_sid.get(sid)) {
            edges.insert((group.name.clone(), former.clone()));
        }
    }
    for (sid, lists) in &organisation.planting().strangers {
        if let Some(group) = by_sid.get(sid) {
            edges.extend(lists.iter().map(|list| (group.clone(), list.clone())));
        }
    }
    edges
}

/// Every group that the account is in: adds what follows until nothing does.
fn held(
    organisation: &Organisation,
    edges: &BTreeSet<(String, String)>,
    account: &SyntheticAccount,
) -> BTreeSet<String> {
    let mut held: BTreeSet<String> = BTreeSet::new();
    for group in organisation.groups() {
        let listed = account.member_of.contains(&group.index);
        let primary = group.rid == account.primary_group && organisation.group_sid(group).starts_with("S-1-5-21-");
        let former = account.sid_history.contains(&organisation.group_sid(group));
        let mut strangers = organisation.planting().strangers.iter();
        let by_placeholder = strangers.any(|(sid, lists)| *sid == account.sid && lists.contains(&group.name));
        if listed || primary || former || by_placeholder {
            held.insert(group.name.clone());
        }
    }
    loop {
        let before = held.len();
        for (member, group) in edges {
            if held.contains(member) {
                held.insert(group.clone());
            }
        }
        if held.len() == before {
            return held;
        }
    }
}

/// What the account must be found to hold, and its tier.
fn oracle(
    organisation: &Organisation,
    edges: &BTreeSet<(String, String)>,
    account: &SyntheticAccount,
) -> (Tier, BTreeSet<String>) {
    let held = held(organisation, edges, account);
    let granting = organisation.groups().filter(|group| held.contains(&group.name));
    let granting: Vec<_> = granting.filter_map(|group| Some((group.grants?, group.name.clone()))).collect();
    let mut tier = granting.iter().map(|(tier, _)| *tier).min().unwrap_or(Tier::User);
    for former in &account.sid_history {
        let own = former.strip_prefix(organisation.domain_sid()).is_some();
        let privileged_elsewhere = [512, 519].iter().any(|rid| *former == format!("{OTHER_DOMAIN}-{rid}"));
        if own || privileged_elsewhere {
            tier = tier.min(Tier::Management);
        }
    }
    (tier, granting.into_iter().map(|(_, name)| name).collect())
}

fn compare(case: u64, organisation: &Organisation, index: &PrivilegeIndex) -> (usize, usize) {
    assert_eq!(index.incomplete(), &[] as &[String], "case {case}");
    let edges = edges(organisation);
    let (mut privileged, mut deep) = (0, 0);
    for account in persons(&Organisation::new(case, SPECIAL)) {
        let account = organisation.account(account.index);
        let (tier, holds) = oracle(organisation, &edges, &account);
        let verdict = index.classify(&AccountId::new(account.guid.to_string()).expect("id"));
        let context = || format!("case {case}, {}: {:?}", account.name, verdict.grounds);
        assert_eq!(verdict.tier, tier, "{}", context());
        let mut found = BTreeSet::new();
        for ground in verdict.grounds.iter().filter(|ground| organisation.group_named(&ground.holds).is_some()) {
            found.insert(ground.holds.clone());
            // The path is one that is there, from a group of the account to what it holds.
            let path: Vec<&str> = ground.evidence.iter().map(|step| step.trim_end_matches(" (sIDHistory)")).collect();
            let path = if ground.rule == "sid_history" { &path[1..] } else { &path[..] };
            assert_eq!(path.last(), Some(&ground.holds.as_str()), "{}", context());
            for step in path.windows(2) {
                assert!(edges.contains(&(step[0].to_owned(), step[1].to_owned())), "{step:?}: {}", context());
            }
            deep += usize::from(path.len() > 2);
        }
        assert_eq!(found, holds, "{}", context());
        privileged += usize::from(tier == Tier::Control);
    }
    (privileged, deep)
}

async fn index(organisation: &Organisation) -> PrivilegeIndex {
    let mock = MockAd::builder().organisation(organisation.clone()).start().await.expect("a mock");
    let config = LdapConfig::new(DirectoryId::new("corp").expect("id"), mock.url())
        .bind(mock.bind_dn(), mock.bind_password().into())
        .ca_pem(mock.ca_pem().as_bytes().to_vec());
    let directory = LdapDirectory::connect(config).await.expect("connects");
    let index = directory.privileges().await.expect("an index");
    drop(directory);
    mock.shutdown().await;
    index
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_agrees_with_the_oracle_on_random_graphs() {
    use futures::StreamExt;
    let counts: Vec<(usize, usize)> = futures::stream::iter(0..CASES)
        .map(|case| async move {
            let organisation = organisation(case);
            compare(case, &organisation, &index(&organisation).await)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let privileged: usize = counts.iter().map(|(privileged, _)| privileged).sum();
    let deep: usize = counts.iter().map(|(_, deep)| deep).sum();
    // The graphs are worth something: many tier-0 accounts, many long paths.
    assert!(privileged > 1000 && deep > 1000, "{privileged} tier 0, {deep} by three groups or more");
}
