//! From groups downward: reading the members of each group that is reached, until no new one turns
//! up, and giving each account what its groups hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use identity_core::error::Result;

use super::grant::{Grant, Holding, Holdings, rule};
use super::survey::Survey;
use crate::account::EVERY_ACCOUNT;
use crate::groups::Groups;
use crate::member::{Member, members};
use crate::value::sid::Sid;
use crate::value::{dn, guid};
use crate::wire::Search;

/// Groups whose members are read at the same time.
const READ_AT_ONCE: usize = 8;
/// SIDs that one search names.
pub(super) const SID_CHUNK: usize = 50;

/// Groups and what they give.
pub(super) type Roots = Vec<(String, Arc<Grant>)>;

impl Survey {
    /// Gives every account below `roots` what they hold, and says which groups those are.
    pub(super) async fn descend(&mut self, roots: &Roots) -> Result<Holdings> {
        let holdings = loop {
            let holdings = close(&self.groups, roots);
            let unread = |key: &&String| !self.read.contains_key(*key) && !self.groups.is_foreign(key);
            let pending: Vec<String> = holdings.keys().filter(unread).cloned().collect();
            if pending.is_empty() {
                break holdings;
            }
            self.read_members(pending).await?;
        };
        let holdings = self.without_everybody(holdings);
        for (key, holdings) in &holdings {
            let members = self.read.get(key).cloned().unwrap_or_default();
            for holding in holdings {
                members.iter().for_each(|member| self.by_listing(member, holding));
            }
        }
        self.by_membership(&holdings).await?;
        Ok(holdings)
    }

    async fn read_members(&mut self, pending: Vec<String>) -> Result<()> {
        let (domain, groups) = (&self.domain, &self.groups);
        let mut reading = stream::iter(pending)
            .map(|key| async move {
                let group = groups.by_key.get(&key);
                let members = match group.map(|group| group.guid.map_or_else(|| group.dn.clone(), guid::dn)) {
                    Some(name) => members(domain, groups, &name).await,
                    // A group of another domain, or one that is hidden from us.
                    None => Ok(None),
                };
                (key, members)
            })
            .buffer_unordered(READ_AT_ONCE);
        let mut found: Vec<(String, Vec<Member>)> = Vec::new();
        let mut gaps: BTreeSet<String> = BTreeSet::new();
        while let Some((key, members)) = reading.next().await {
            let members = match members {
                Ok(Some(members)) => members,
                Ok(None) => {
                    gaps.insert(format!("the members of {} could not be read", dn::first_name(&key)));
                    Vec::new()
                }
                // Nothing more can be read: an index of this would say nothing.
                Err(error) if error.is_temporary() => return Err(error),
                Err(error) => {
                    gaps.insert(format!("the members of {} could not be read: {error}", dn::first_name(&key)));
                    Vec::new()
                }
            };
            found.push((key, members));
        }
        drop(reading);
        gaps.into_iter().for_each(|gap| self.index.mark_incomplete(gap));
        for (key, members) in found {
            for member in &members {
                let member_key = dn::key(&member.dn);
                if self.groups.by_key.contains_key(&member_key) {
                    self.groups.nest(member_key, key.clone());
                } else if !dn::is_of(&member.dn, &self.domain.name) {
                    self.groups.nest_foreign(&member.dn, key.clone());
                }
            }
            self.read.insert(key, members);
        }
        Ok(())
    }

    /// Takes out the groups that hold everybody, and says so.
    fn without_everybody(&mut self, mut holdings: Holdings) -> Holdings {
        let sid = |survey: &Self, key: &String| survey.groups.by_key.get(key).and_then(|group| group.sid.clone());
        let everybody: Vec<String> =
            holdings.keys().filter(|key| sid(self, key).is_some_and(|sid| self.is_everybody(&sid))).cloned().collect();
        for key in everybody {
            for holding in holdings.remove(&key).unwrap_or_default() {
                let who = holding.path.first().cloned().unwrap_or_default();
                self.give_everybody(&who, &holding.grant, &holding.path);
            }
        }
        holdings
    }

    /// Grounds for one member that a group lists.
    fn by_listing(&mut self, member: &Member, holding: &Holding) {
        if self.groups.by_key.contains_key(&dn::key(&member.dn)) {
            return;
        }
        if let Some(sid) = member.sid.as_ref().filter(|sid| self.is_everybody(sid)) {
            self.give_everybody(&sid.to_string(), &holding.grant, &holding.path);
            return;
        }
        if member.sid.as_ref().is_some_and(Self::is_nobody) {
            return;
        }
        let foreign = member.is_placeholder() || !dn::is_of(&member.dn, &self.domain.name);
        let Some(account) = member.guid.and_then(guid::account_id) else {
            self.index.mark_incomplete(format!(
                "the member {:?} of {} could not be identified",
                member.dn, holding.grant.holds
            ));
            return;
        };
        // An account of another domain has no row here: the ground names who it is, so that whoever
        // works on that domain sees it.
        let mut path = holding.path.clone();
        if foreign {
            let first = dn::first_name(&member.dn);
            path.insert(0, member.sid.as_ref().map_or_else(|| member.dn.clone(), |sid| format!("{sid} ({first})")));
        }
        if foreign && !member.is_placeholder() {
            self.strangers.insert(account.clone());
        }
        let attached = if foreign { rule::FOREIGN_MEMBER } else { rule::MEMBER };
        self.give(account, &holding.grant, attached, path);
    }

    /// Grounds by what accounts say of themselves: memberOf and the primary group, which no group
    /// lists.
    async fn by_membership(&mut self, holdings: &Holdings) -> Result<()> {
        let by_rid: BTreeMap<i64, &String> = holdings
            .keys()
            .filter_map(|key| Some((i64::from(self.groups.primary_rid(self.groups.by_key.get(key)?)?), key)))
            .collect();
        let searches = self
            .groups
            .member_filters(holdings.keys().cloned())
            .into_iter()
            .map(|filter| {
                let filter = format!("(&{EVERY_ACCOUNT}{filter})");
                Search::subtree(&self.domain.name, filter, &["objectGUID", "memberOf", "primaryGroupID"])
            })
            .collect();
        let mut listing = self.domain.list_all(searches);
        while let Some(mut entry) = listing.try_next().await? {
            self.domain.complete(&mut entry, "memberOf", false).await?;
            let Some(account) = self.identified(&entry) else { continue };
            let direct = entry.texts("memberof").map(|group| (rule::MEMBER, dn::key(group)));
            let primary = entry.number("primarygroupid").and_then(|rid| by_rid.get(&rid));
            for (attached, key) in direct.chain(primary.map(|key| (rule::PRIMARY_GROUP, (*key).clone()))) {
                for holding in holdings.get(&key).into_iter().flatten() {
                    self.give(account.clone(), &holding.grant, attached, holding.path.clone());
                }
            }
        }
        Ok(())
    }

    /// Grounds by the history of accounts, for groups that hold something by a right.
    pub(super) async fn by_history(&mut self, holdings: &Holdings) -> Result<()> {
        let by_sid: BTreeMap<Sid, &Vec<Holding>> = holdings
            .iter()
            .filter_map(|(key, holdings)| Some((self.groups.by_key.get(key)?.sid.clone()?, holdings)))
            .collect();
        let sids: Vec<&Sid> = by_sid.keys().collect();
        let searches = sids
            .chunks(SID_CHUNK)
            .map(|chunk| {
                let parts: String =
                    chunk.iter().map(|sid| format!("(sIDHistory={})", guid::escape(&sid.to_bytes()))).collect();
                let filter = format!("(&{EVERY_ACCOUNT}(|{parts}))");
                Search::subtree(&self.domain.name, filter, &["objectGUID", "sIDHistory"])
            })
            .collect();
        let mut listing = self.domain.list_all(searches);
        while let Some(entry) = listing.try_next().await? {
            let Some(account) = self.identified(&entry) else { continue };
            for former in entry.values("sidhistory").iter().filter_map(|bytes| Sid::parse(bytes)) {
                for holding in by_sid.get(&former).into_iter().flat_map(|holdings| holdings.iter()) {
                    let path = [vec![former.to_string()], holding.path.clone()].concat();
                    self.give(account.clone(), &holding.grant, rule::SID_HISTORY, path);
                }
            }
        }
        Ok(())
    }

    /// Looks whether members are hidden.
    pub(super) fn canary(&mut self) {
        if is_hidden(&self.groups, &self.read) {
            self.index.mark_incomplete(
                "the members of protected groups are hidden from this sign-in: it sees Administrators empty",
            );
        }
    }
}

/// An attribute that may not be read is absent, just like an empty one. But Administrators is never
/// empty: the controller does not let its built-in account be taken out.
fn is_hidden(groups: &Groups, read: &BTreeMap<String, Vec<Member>>) -> bool {
    groups.by_sid(&Sid::builtin(544)).and_then(|key| read.get(key)).is_some_and(Vec::is_empty)
}

fn close(groups: &Groups, roots: &Roots) -> Holdings {
    let mut holdings = Holdings::new();
    // Once for each root: all of them matter, and the nearest is not always the strongest.
    for (root, grant) in roots {
        for (key, membership) in groups.reached(root) {
            let path = groups.names(&membership.path);
            holdings.entry(key).or_default().push(Holding { grant: Arc::clone(grant), path });
        }
    }
    holdings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::entry::tests::entry;

    #[test]
    fn administrators_without_members_are_hidden_not_empty() {
        let sid = Sid::builtin(544).to_bytes();
        let mut groups = Groups::default();
        groups.add(&entry("CN=Administrators,DC=x", &[("objectSid", &[&sid])]));
        let read = |members: Vec<Member>| BTreeMap::from([("cn=administrators,dc=x".to_owned(), members)]);
        assert!(is_hidden(&groups, &read(Vec::new())));
        assert!(!is_hidden(&groups, &read(vec![Member::parse("CN=Administrator,DC=x")])));
        assert!(!is_hidden(&Groups::default(), &BTreeMap::new()), "a group that is not there is said elsewhere");
    }
}
