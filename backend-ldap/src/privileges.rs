//! Who is privileged, and why: from the protected groups downward, by reading each group's members
//! as well as each account's memberships, so that what is hidden from one shows in the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, StreamExt, TryStreamExt};
use identity_core::account::AccountId;
use identity_core::directory::PrivilegeClassifier;
use identity_core::error::Result;
use identity_core::privilege::{Ground, PrivilegeIndex, Tier};

use crate::LdapDirectory;
use crate::account::{EVERY_ACCOUNT, is_directory_sync};
use crate::domain::Domain;
use crate::groups::Groups;
use crate::member::{Member, members};
use crate::protected::{ACCOUNTS, GROUPS, Known, ProtectedGroup, is_protected_rid};
use crate::root::id_of;
use crate::value::sid::Sid;
use crate::value::{dn, guid};
use crate::wire::Search;
use crate::wire::entry::Entry;

/// Groups whose members are read at the same time.
const READ_AT_ONCE: usize = 8;

/// Identities that stand for everybody who signs in, or everybody at all: Everyone, Anonymous,
/// Network, Interactive, Authenticated Users, This Organization (MS-DTYP 2.4.2.4). A privileged
/// group that holds one makes every account privileged.
const EVERYBODY: [&str; 6] = ["S-1-1-0", "S-1-5-7", "S-1-5-2", "S-1-5-4", "S-1-5-11", "S-1-5-15"];

/// What membership in one group brings.
#[derive(Clone, Debug)]
struct Holding {
    tier: Tier,
    holds: String,
    /// The names from this group up to the protected one.
    path: Vec<String>,
}

/// From the keys of groups to what they bring.
type Holdings = BTreeMap<String, Vec<Holding>>;

#[async_trait]
impl PrivilegeClassifier for LdapDirectory {
    async fn privileges(&self) -> Result<PrivilegeIndex> {
        let mut groups = Groups::sweep(&self.domain).await?;
        let mut index = PrivilegeIndex::default();
        let roots = roots(&self.domain, &groups, &mut index);
        let holdings = descend(&self.domain, &mut groups, &roots, &mut index).await?;
        by_membership(&self.domain, &groups, &holdings, &mut index).await?;
        by_own_marks(&self.domain, &groups, &holdings, &mut index).await?;
        Ok(index)
    }
}

/// The protected groups that this domain has.
fn roots(domain: &Domain, groups: &Groups, index: &mut PrivilegeIndex) -> Vec<(String, &'static ProtectedGroup)> {
    let mut roots = Vec::new();
    for protected in GROUPS {
        let key = match (protected.sid(&domain.sid, domain.is_forest_root), protected.known) {
            (Some(sid), _) => groups.by_sid(&sid).cloned(),
            (None, Known::Name(name)) => groups
                .by_key
                .iter()
                .find(|(_, group)| group.name.eq_ignore_ascii_case(name))
                .map(|(key, _)| key.clone()),
            // The forest's groups are in another domain.
            (None, _) => continue,
        };
        match key {
            Some(key) => roots.push((key, protected)),
            None if protected.always => {
                index.mark_incomplete(format!("the group {} could not be read", protected.name));
            }
            None => {}
        }
    }
    roots
}

/// Walks down from the protected groups, reading the members of each group that is reached, until
/// no new group turns up.
async fn descend(
    domain: &Arc<Domain>,
    groups: &mut Groups,
    roots: &[(String, &'static ProtectedGroup)],
    index: &mut PrivilegeIndex,
) -> Result<Holdings> {
    let mut read: BTreeMap<String, Vec<Member>> = BTreeMap::new();
    loop {
        let holdings = close(groups, roots);
        let pending: Vec<String> = holdings.keys().filter(|key| !read.contains_key(*key)).cloned().collect();
        if pending.is_empty() {
            canary(groups, &read, index);
            for (key, members) in &read {
                for holding in holdings.get(key).into_iter().flatten() {
                    members.iter().for_each(|member| by_listing(&domain.name, groups, member, holding, index));
                }
            }
            return Ok(holdings);
        }
        let known: &Groups = groups;
        let mut reading = stream::iter(pending)
            .map(|key| {
                let name = known.by_key.get(&key).map(|group| group.guid.map_or_else(|| group.dn.clone(), guid::dn));
                async move {
                    let members = match name {
                        Some(name) => members(domain, known, &name).await,
                        // A group of another domain, or one that is hidden from us.
                        None => Ok(None),
                    };
                    (key, members)
                }
            })
            .buffer_unordered(READ_AT_ONCE);
        let mut found: Vec<(String, Vec<Member>)> = Vec::new();
        while let Some((key, members)) = reading.next().await {
            match members {
                Ok(Some(members)) => found.push((key, members)),
                Ok(None) => {
                    index.mark_incomplete(format!("the members of {} could not be read", dn::first_name(&key)));
                    found.push((key, Vec::new()));
                }
                // Nothing more can be read: an index of this would say nothing.
                Err(error) if error.is_temporary() => return Err(error),
                Err(error) => {
                    index
                        .mark_incomplete(format!("the members of {} could not be read: {error}", dn::first_name(&key)));
                    found.push((key, Vec::new()));
                }
            }
        }
        drop(reading);
        for (key, members) in found {
            for member in &members {
                let member_key = dn::key(&member.dn);
                if groups.by_key.contains_key(&member_key) {
                    groups.nest(member_key, key.clone());
                }
            }
            read.insert(key, members);
        }
    }
}

/// An attribute that may not be read is absent, just like an empty one. But Administrators is never
/// empty: the controller does not let its built-in account be taken out.
fn canary(groups: &Groups, read: &BTreeMap<String, Vec<Member>>, index: &mut PrivilegeIndex) {
    let administrators = groups.by_sid(&Sid::builtin(544)).and_then(|key| read.get(key));
    if administrators.is_some_and(Vec::is_empty) {
        index.mark_incomplete(
            "the members of protected groups are hidden from this sign-in: it sees Administrators empty",
        );
    }
}

fn close(groups: &Groups, roots: &[(String, &'static ProtectedGroup)]) -> Holdings {
    let mut holdings = Holdings::new();
    // Once for each root: all of them matter, and the nearest is not always the strongest.
    for (root, protected) in roots {
        let holds = groups.by_key.get(root).map_or_else(|| protected.name.to_owned(), |group| group.name.clone());
        for (key, membership) in groups.reached(root) {
            let path = groups.names(&membership.path);
            holdings.entry(key).or_default().push(Holding { tier: protected.tier, holds: holds.clone(), path });
        }
    }
    holdings
}

/// Grounds for one member that a group lists.
fn by_listing(domain: &str, groups: &Groups, member: &Member, holding: &Holding, index: &mut PrivilegeIndex) {
    if groups.by_key.contains_key(&dn::key(&member.dn)) {
        return;
    }
    let sid = member.sid.as_ref().map(ToString::to_string).unwrap_or_default();
    if EVERYBODY.contains(&sid.as_str()) {
        index.mark_incomplete(format!(
            "{sid} stands for everybody and is in {}: every account is privileged",
            holding.holds
        ));
        return;
    }
    let foreign = member.is_placeholder() || !dn::is_below(&member.dn, domain);
    let Some(account) = member.guid.and_then(guid::account_id) else {
        index.mark_incomplete(format!("the member {:?} of {} could not be identified", member.dn, holding.holds));
        return;
    };
    // An account of another domain has no row here: the ground names who it is, so that whoever
    // works on that domain sees it.
    let mut evidence = holding.path.clone();
    if foreign {
        let who = if sid.is_empty() { member.dn.clone() } else { format!("{sid} ({})", dn::first_name(&member.dn)) };
        evidence.insert(0, who);
    }
    let rule = if foreign { "foreign_member" } else { "member" };
    index.add(account, Ground { tier: holding.tier, rule: rule.into(), holds: holding.holds.clone(), evidence });
}

/// Grounds by what accounts say of themselves: memberOf and the primary group, which no group lists.
async fn by_membership(
    domain: &Arc<Domain>,
    groups: &Groups,
    holdings: &Holdings,
    index: &mut PrivilegeIndex,
) -> Result<()> {
    let by_rid: BTreeMap<i64, &String> = holdings
        .keys()
        .filter_map(|key| Some((i64::from(groups.primary_rid(groups.by_key.get(key)?)?), key)))
        .collect();
    let searches = groups
        .member_filters(holdings.keys().cloned())
        .into_iter()
        .map(|filter| {
            let filter = format!("(&{EVERY_ACCOUNT}{filter})");
            Search::subtree(&domain.name, filter, &["objectGUID", "memberOf", "primaryGroupID"])
        })
        .collect();
    let mut listing = domain.list_all(searches);
    while let Some(mut entry) = listing.try_next().await? {
        domain.complete(&mut entry, "memberOf", false).await?;
        let Some(account) = identified(&entry, index) else { continue };
        let mut ground = |rule: &str, key: &str| {
            for holding in holdings.get(key).into_iter().flatten() {
                let (holds, evidence) = (holding.holds.clone(), holding.path.clone());
                index.add(account.clone(), Ground { tier: holding.tier, rule: rule.into(), holds, evidence });
            }
        };
        entry.texts("memberof").for_each(|group| ground("member", &dn::key(group)));
        if let Some(key) = entry.number("primarygroupid").and_then(|rid| by_rid.get(&rid)) {
            ground("primary_group", key);
        }
    }
    Ok(())
}

/// Grounds by identifier, history, flag and function.
async fn by_own_marks(
    domain: &Arc<Domain>,
    groups: &Groups,
    holdings: &Holdings,
    index: &mut PrivilegeIndex,
) -> Result<()> {
    let own: Vec<(Sid, &str)> = ACCOUNTS.iter().map(|(rid, name)| (domain.sid.with_rid(*rid), *name)).collect();
    let by_id: String = own.iter().map(|(sid, _)| format!("(objectSid={})", guid::escape(&sid.to_bytes()))).collect();
    let filter = format!(
        "(&{EVERY_ACCOUNT}(|{by_id}(sIDHistory=*)(adminCount=1)(sAMAccountName=MSOL_*)(sAMAccountName=AAD_*)))"
    );
    let attributes = ["objectGUID", "objectSid", "sAMAccountName", "sIDHistory", "adminCount"];
    let by_group_sid: BTreeMap<&Sid, &Vec<Holding>> =
        holdings.iter().filter_map(|(key, holdings)| Some((groups.by_key.get(key)?.sid.as_ref()?, holdings))).collect();
    let mut seen: BTreeSet<Sid> = BTreeSet::new();
    let mut listing = domain.list(Search::subtree(&domain.name, filter, &attributes));
    while let Some(entry) = listing.try_next().await? {
        let Some(account) = identified(&entry, index) else { continue };
        let sid = entry.sid("objectsid");
        let mut add = |tier, rule: &str, holds: String, evidence: Vec<String>| {
            index.add(account.clone(), Ground { tier, rule: rule.into(), holds, evidence });
        };
        if let Some((own, name)) = own.iter().find(|(own, _)| Some(own) == sid.as_ref()) {
            seen.insert(own.clone());
            add(Tier::Control, "well_known_rid", (*name).to_owned(), vec![own.to_string()]);
        }
        for former in entry.values("sidhistory").iter().filter_map(|bytes| Sid::parse(bytes)) {
            match by_group_sid.get(&former) {
                Some(holdings) => holdings.iter().for_each(|holding| {
                    let evidence = [vec![former.to_string()], holding.path.clone()].concat();
                    add(holding.tier, "sid_history", holding.holds.clone(), evidence);
                }),
                None => {
                    if let Some((tier, holds)) = former_holds(&domain.sid, &former) {
                        add(tier, "sid_history", holds, vec![former.to_string()]);
                    }
                }
            }
        }
        if entry.number("admincount") == Some(1) {
            // Set when an account joins a protected group, and never cleared: a sign, not the fact.
            add(Tier::Management, "admin_count", "adminCount".to_owned(), vec!["adminCount=1".to_owned()]);
        }
        if entry.text("samaccountname").is_some_and(is_directory_sync) {
            // The connector of a directory synchronisation may read every password.
            let name = entry.text("samaccountname").unwrap_or_default().to_owned();
            add(Tier::Control, "directory_sync", "directory synchronisation".to_owned(), vec![name]);
        }
    }
    for (sid, name) in own.iter().filter(|(sid, _)| !seen.contains(sid)) {
        index.mark_incomplete(format!("the account {name} ({sid}) could not be read"));
    }
    Ok(())
}

/// What a SID in an account's history brings beyond the protected groups of this domain.
fn former_holds(domain: &Sid, former: &Sid) -> Option<(Tier, String)> {
    let of = former.domain()?;
    let protected = former.rid().is_some_and(is_protected_rid);
    if of == *domain {
        // A history holds SIDs of other domains; one of the own is planted.
        let tier = if protected { Tier::Control } else { Tier::Management };
        return Some((tier, "a SID of this domain in sIDHistory".to_owned()));
    }
    protected.then(|| (Tier::Management, "a privileged SID of another domain in sIDHistory".to_owned()))
}

/// The account of an entry; what cannot be identified leaves the index open.
fn identified(entry: &Entry, index: &mut PrivilegeIndex) -> Option<AccountId> {
    let account = id_of(entry);
    if account.is_none() {
        index.mark_incomplete(format!("the objectGUID of {} could not be read", entry.dn));
    }
    account
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(member: &str) -> PrivilegeIndex {
        let mut index = PrivilegeIndex::default();
        let holding =
            Holding { tier: Tier::Control, holds: "Admins".into(), path: vec!["Ops".into(), "Admins".into()] };
        by_listing("DC=x,DC=test", &Groups::default(), &Member::parse(member), &holding, &mut index);
        index
    }

    #[test]
    fn a_member_is_named_by_its_guid_and_a_stranger_by_who_it_is() {
        const GUID: &str = "246bc01f-e470-447e-8b04-64fa0a4bbb19";
        let ground = |member: &str| {
            let index = listed(&format!("<GUID={GUID}>;{member}"));
            let (account, grounds) = index.privileged().next().expect("one").to_owned();
            assert_eq!(account.as_str(), GUID);
            grounds.first().expect("a ground").clone()
        };
        let own = ground("<SID=S-1-5-21-1-2-3-1104>;CN=J,OU=a,DC=x,DC=test");
        assert_eq!((own.rule.as_str(), own.evidence), ("member", vec!["Ops".to_owned(), "Admins".to_owned()]));
        let other_domain = ground("<SID=S-1-5-21-7-7-7-1104>;CN=J,DC=y,DC=test");
        assert_eq!(other_domain.rule, "foreign_member");
        assert_eq!(other_domain.evidence[0], "S-1-5-21-7-7-7-1104 (J)");
        let placeholder = ground("CN=S-1-5-21-7-7-7-9,CN=ForeignSecurityPrincipals,DC=x,DC=test");
        assert_eq!(placeholder.rule, "foreign_member");
    }

    #[test]
    fn who_cannot_be_told_apart_or_named_leaves_the_index_open() {
        let everybody =
            listed("<GUID=246bc01f-e470-447e-8b04-64fa0a4bbb19>;CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=x,DC=test");
        assert!(everybody.incomplete()[0].contains("everybody"), "{everybody:?}");
        let nameless = listed("CN=J,DC=x,DC=test");
        assert!(nameless.incomplete()[0].contains("could not be identified"), "{nameless:?}");
    }

    #[test]
    fn administrators_without_members_are_hidden_not_empty() {
        use crate::wire::entry::tests::entry;
        let sid = Sid::builtin(544).to_bytes();
        let mut groups = Groups::default();
        groups
            .add(&entry("CN=Administrators,DC=x", &[("objectSid", &[&sid]), ("sAMAccountName", &[b"Administrators"])]));
        let verdict = |members: Vec<Member>| {
            let mut index = PrivilegeIndex::default();
            canary(&groups, &BTreeMap::from([("cn=administrators,dc=x".to_owned(), members)]), &mut index);
            index.incomplete().len()
        };
        assert_eq!(verdict(Vec::new()), 1);
        assert_eq!(verdict(vec![Member::parse("CN=Administrator,DC=x")]), 0);
    }

    #[test]
    fn a_history_weighs_by_whose_it_is() {
        let domain: Sid = "S-1-5-21-1-2-3".parse().expect("SID");
        let other: Sid = "S-1-5-21-7-7-7".parse().expect("SID");
        let tier = |sid: Sid| former_holds(&domain, &sid).map(|(tier, _)| tier);
        assert_eq!(tier(domain.with_rid(519)), Some(Tier::Control));
        assert_eq!(tier(domain.with_rid(1104)), Some(Tier::Management), "planted");
        assert_eq!(tier(other.with_rid(512)), Some(Tier::Management));
        assert_eq!(tier(other.with_rid(1104)), None, "an ordinary migration");
        assert_eq!(tier(Sid::builtin(544)), None);
    }
}
