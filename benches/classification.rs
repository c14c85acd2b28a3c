//! Who is privileged.
//!
//! - `classification/tls`: the backend's whole classification, against bare reads of the same: the
//!   sweep over all groups, the members of each group that leads to privilege, the accounts that
//!   say of themselves that they are in one, the accounts with marks of their own, those that may
//!   delegate, and the three objects whose rights lead to tier 0. Nothing is made of what the bare loop
//!   reads, and it does not look at rights over the privileged themselves. The rate is in privileged groups.
//! - `classification/closure`: closing a graph of 10,000 nested groups with a path for each, against
//!   a walk that only tells which groups are reached.

mod bare_ldap;
mod side_by_side;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use anyhow::ensure;
use criterion::Criterion;
use identity_reset::directory::PrivilegeClassifier;
use identity_reset::privilege::MembershipGraph;
use ldap3::ldap_escape;
use testkit::mock_ad::MockAd;
use testkit::organisation::{GroupIndex, Organisation};
use tokio::runtime::Runtime;

use bare_ldap::{Bare, IN_FLIGHT};
use side_by_side::{compare, in_turns, size, timed};

/// The backend reads the members of as many groups at once.
const AT_ONCE: usize = 8;
/// The backend names as many groups in one search.
const NAMED_AT_ONCE: usize = 30;
/// Either flag of delegation, or a list of services.
const DELEGATES: &str = "(|(userAccountControl:1.2.840.113556.1.4.804:=17301504)(msDS-AllowedToDelegateTo=*))";
const ACCOUNTS: &str = "(|(sAMAccountType=805306368)(sAMAccountType=805306369)(sAMAccountType=805306370))";

fn main() -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    let mut criterion = Criterion::default().configure_from_args();
    on_the_mock(&mut criterion, &runtime)?;
    closure(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

fn on_the_mock(criterion: &mut Criterion, runtime: &Runtime) -> anyhow::Result<()> {
    let organisation = Organisation::new(1, size(20_000, 600));
    let privileged = privileged_groups(&organisation);
    let base = organisation.base_dn();
    let names: Vec<String> = privileged.iter().map(|group| group.dn(&base)).collect();
    let filters: Vec<String> = names.chunks(NAMED_AT_ONCE).map(member_filter).collect();
    let mock = runtime.block_on(MockAd::builder().organisation(organisation.clone()).start())?;
    let ours = runtime.block_on(bare_ldap::ours(&mock, IN_FLIGHT))?;
    let bare = runtime.block_on(Bare::connect(&mock))?;
    let places = ["", "OU=Domain Controllers,", "CN=AdminSDHolder,CN=System,"].map(|above| format!("{above}{base}"));
    let read = async || {
        let attributes = ["objectGUID", "objectSid", "sAMAccountName", "memberOf"];
        bare.list(&base, "(objectClass=group)", &attributes, false).await?;
        bare.members(&names, AT_ONCE).await?;
        for filter in &filters {
            bare.list(&base, filter, &["objectGUID", "memberOf", "primaryGroupID"], false).await?;
        }
        let marks = ["objectGUID", "objectSid", "sAMAccountName", "sIDHistory", "adminCount"];
        bare.list(&base, &marked(), &marks, false).await?;
        let delegation = ["objectGUID", "userAccountControl", "msDS-AllowedToDelegateTo"];
        bare.list(&base, &format!("(&{ACCOUNTS}{DELEGATES})"), &delegation, false).await?;
        bare.members(&places, AT_ONCE).await?;
        Ok::<_, anyhow::Error>(())
    };
    let before = mock.counts().searches;
    runtime.block_on(read())?;
    let bare_searches = mock.counts().searches - before;
    compare(criterion, "classification/tls", 5, |round| {
        let before = mock.counts().searches;
        let mut found = 0;
        let measured = in_turns(
            round,
            privileged.len() as u64,
            || {
                timed(|| {
                    found = runtime.block_on(ours.privileges())?.privileged().count();
                    Ok(())
                })
            },
            || timed(|| runtime.block_on(read())),
        )?;
        let ours_searches = mock.counts().searches - before - bare_searches;
        ensure!(
            ours_searches.abs_diff(bare_searches) <= bare_searches / 5,
            "ours made {ours_searches} searches, the bare loop {bare_searches}: not the same work"
        );
        ensure!(found > 0, "nobody is privileged");
        Ok(measured)
    });
    runtime.block_on(mock.shutdown());
    Ok(())
}

/// Groups that grant, and those nested in one at any depth.
fn privileged_groups(organisation: &Organisation) -> Vec<testkit::organisation::SyntheticGroup> {
    let mut reached: BTreeSet<GroupIndex> =
        organisation.groups().filter(|group| group.grants.is_some()).map(|group| group.index).collect();
    loop {
        let before = reached.len();
        let nested = organisation.groups().filter(|group| group.nested_in.iter().any(|above| reached.contains(above)));
        let nested: Vec<GroupIndex> = nested.map(|group| group.index).collect();
        reached.extend(nested);
        if reached.len() == before {
            return organisation.groups().filter(|group| reached.contains(&group.index)).cloned().collect();
        }
    }
}

fn member_filter(names: &[String]) -> String {
    let parts: String = names.iter().map(|name| format!("(memberOf={})", ldap_escape(name.as_str()))).collect();
    format!("(&{ACCOUNTS}(|{parts}))")
}

fn marked() -> String {
    format!("(&{ACCOUNTS}(|(sIDHistory=*)(adminCount=1)(sAMAccountName=MSOL_*)(sAMAccountName=AAD_*)))")
}

/// 10,000 groups, each nested in one before it, some in two, some in a circle: the first reaches all.
fn closure(criterion: &mut Criterion) -> anyhow::Result<()> {
    let count = size(10_000, 500);
    let name = |index: u64| format!("cn=group {index:05},ou=groups,dc=corp,dc=example,dc=test");
    let mut graph = MembershipGraph::default();
    let mut members: HashMap<String, Vec<String>> = HashMap::new();
    let mut nest = |member: u64, group: u64| {
        graph.nest(name(member), name(group));
        members.entry(name(group)).or_default().push(name(member));
    };
    for index in 1..count {
        nest(index, (index - 1) / 3);
        if index % 7 == 0 {
            nest(index, index / 2);
        }
        if index % 11 == 0 {
            nest(index / 11, index);
        }
    }
    compare(criterion, "classification/closure", 2, |round| {
        let (mut ours, mut bare) = (0, 0);
        let measured = in_turns(
            round,
            count,
            || {
                timed(|| {
                    ours = graph.close([name(0)]).len();
                    Ok(())
                })
            },
            || {
                timed(|| {
                    bare = walk(&members, name(0));
                    Ok(())
                })
            },
        )?;
        ensure!(ours == bare && ours as u64 == count, "ours reached {ours}, the walk {bare}, of {count}");
        Ok(measured)
    });
    Ok(())
}

fn walk(members: &HashMap<String, Vec<String>>, root: String) -> usize {
    let mut reached: HashSet<String> = HashSet::from([root.clone()]);
    let mut open = VecDeque::from([root]);
    while let Some(group) = open.pop_front() {
        for member in members.get(&group).into_iter().flatten() {
            if reached.insert(member.clone()) {
                open.push_back(member.clone());
            }
        }
    }
    reached.len()
}
