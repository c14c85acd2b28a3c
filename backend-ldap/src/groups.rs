//! All groups of the domain in one sweep, and who is in which by nesting.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::str::FromStr;
use std::sync::Arc;

use futures::TryStreamExt;
use identity_core::error::Result;
use identity_core::privilege::{Membership, MembershipGraph};
use ldap3::ldap_escape;
use uuid::Uuid;

use crate::domain::Domain;
use crate::value::dn;
use crate::value::sid::Sid;
use crate::wire::Search;
use crate::wire::entry::Entry;

/// Groups that one search for members names: each distinguished name is some 100 bytes.
const MEMBER_CHUNK: usize = 30;

/// One group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) dn: String,
    pub(crate) name: String,
    pub(crate) sid: Option<Sid>,
    pub(crate) guid: Option<Uuid>,
    /// The identifiers that it had in other domains; whoever is in it holds what they hold.
    pub(crate) history: Vec<Sid>,
}

/// All groups of the domain, by the key of their distinguished name, and their nesting. Security
/// and distribution groups alike: a distribution group passes membership on (Microsoft, "Appendix C:
/// Protected Accounts and Groups").
#[derive(Debug, Default)]
pub(crate) struct Groups {
    pub(crate) by_key: BTreeMap<String, Group>,
    /// What groups list of other domains of the forest, by key: perhaps groups, whose members of this
    /// domain a global catalogue tells.
    foreign: BTreeMap<String, String>,
    keys: HashMap<Sid, String>,
    graph: MembershipGraph<String>,
    /// The nestings that are by a history only.
    by_history: BTreeSet<(String, String)>,
    domain_sid: Option<Sid>,
}

impl Groups {
    /// Reads all groups.
    pub(crate) async fn sweep(domain: &Arc<Domain>) -> Result<Self> {
        let attributes = ["objectGUID", "objectSid", "sAMAccountName", "memberOf", "sIDHistory"];
        let mut listing = domain.list(Search::subtree(&domain.name, "(objectClass=group)", &attributes));
        let mut groups = Self { domain_sid: Some(domain.sid.clone()), ..Self::default() };
        while let Some(mut entry) = listing.try_next().await? {
            domain.complete(&mut entry, "memberOf", false).await?;
            groups.add(&entry);
        }
        groups.nest_by_history();
        Ok(groups)
    }

    pub(crate) fn add(&mut self, entry: &Entry) {
        let key = dn::key(&entry.dn);
        for above in entry.texts("memberof") {
            self.graph.nest(key.clone(), dn::key(above));
        }
        let name = entry.text("samaccountname").map_or_else(|| dn::first_name(&entry.dn), str::to_owned);
        let group = Group {
            dn: entry.dn.clone(),
            name,
            sid: entry.sid("objectsid"),
            guid: entry.guid(),
            history: entry.values("sidhistory").iter().filter_map(|bytes| Sid::parse(bytes)).collect(),
        };
        if let Some(sid) = &group.sid {
            self.keys.insert(sid.clone(), key.clone());
        }
        self.by_key.insert(key, group);
    }

    /// A group whose history names a group of this domain is as good as nested in it: a token holds
    /// both identifiers.
    pub(crate) fn nest_by_history(&mut self) {
        let nestings: BTreeSet<(String, String)> = self
            .by_key
            .iter()
            .flat_map(|(key, group)| group.history.iter().map(move |former| (key, former)))
            .filter_map(|(key, former)| Some((key.clone(), self.keys.get(former)?.clone())))
            .collect();
        for (member, group) in &nestings {
            self.graph.nest(member.clone(), group.clone());
        }
        self.by_history = nestings;
    }

    /// Records what a group lists of another domain of the forest.
    pub(crate) fn nest_foreign(&mut self, dn: &str, group: String) {
        let key = dn::key(dn);
        self.graph.nest(key.clone(), group);
        self.foreign.insert(key, dn.to_owned());
    }

    /// Whether a key is of another domain.
    pub(crate) fn is_foreign(&self, key: &str) -> bool {
        self.foreign.contains_key(key)
    }

    /// Records a nesting that was found another way.
    pub(crate) fn nest(&mut self, member: String, group: String) {
        self.graph.nest(member, group);
    }

    /// The group and every group in it, at any depth.
    pub(crate) fn reached(&self, key: &str) -> HashMap<String, Membership<String>> {
        self.graph.close([key.to_owned()])
    }

    /// The key of the group with this SID.
    pub(crate) fn by_sid(&self, sid: &Sid) -> Option<&String> {
        self.keys.get(sid)
    }

    /// The keys of the groups whose history names this SID.
    pub(crate) fn by_former_sid(&self, sid: &Sid) -> Vec<String> {
        self.by_key.iter().filter(|(_, group)| group.history.contains(sid)).map(|(key, _)| key.clone()).collect()
    }

    /// The key of the group with this sAMAccountName; it is unique within a domain.
    pub(crate) fn by_name(&self, name: &str) -> Option<String> {
        self.by_key.iter().find(|(_, group)| group.name.eq_ignore_ascii_case(name)).map(|(key, _)| key.clone())
    }

    /// The key of the one group that a text names: by distinguished name, SID, GUID or name.
    ///
    /// # Errors
    /// The reason in words: there is none, or there are several.
    pub(crate) fn resolve(&self, text: &str) -> Result<String, String> {
        let text = text.trim();
        let key = dn::key(text);
        if self.by_key.contains_key(&key) {
            return Ok(key);
        }
        let sid = Sid::from_str(text).ok();
        let guid = Uuid::try_parse(text).ok();
        let found = |exact: &dyn Fn(&Group) -> bool| {
            let mut keys = self.by_key.iter().filter(|(_, group)| exact(group)).map(|(key, _)| key);
            (keys.next().cloned(), keys.next().is_some())
        };
        let by_id = |group: &Group| (sid.is_some() && group.sid == sid) || (guid.is_some() && group.guid == guid);
        let by_name = |group: &Group| dn::key(&group.name) == key;
        let by_first_name = |group: &Group| dn::key(&dn::first_name(&group.dn)) == key;
        for way in [&by_id as &dyn Fn(&Group) -> bool, &by_name, &by_first_name] {
            match found(way) {
                (Some(key), false) => return Ok(key),
                (Some(_), true) => return Err(format!("several groups are named {text:?}")),
                (None, _) => {}
            }
        }
        Err(format!("there is no group {text:?}"))
    }

    /// Filters that together find every direct member of these groups: by memberOf, and by
    /// primaryGroupID, which memberOf leaves out.
    pub(crate) fn member_filters(&self, keys: impl IntoIterator<Item = String>) -> Vec<String> {
        let mut keys: Vec<String> = keys.into_iter().collect();
        keys.sort();
        keys.chunks(MEMBER_CHUNK)
            .map(|chunk| {
                let parts: String = chunk
                    .iter()
                    .filter_map(|key| {
                        let group = self.by_key.get(key);
                        let dn = group
                            .map(|group| group.dn.as_str())
                            .or_else(|| self.foreign.get(key).map(String::as_str))?;
                        let primary = group.and_then(|group| self.primary_rid(group));
                        let primary = primary.map(|rid| format!("(primaryGroupID={rid})")).unwrap_or_default();
                        Some(format!("(memberOf={}){primary}", ldap_escape(dn)))
                    })
                    .collect();
                format!("(|{parts})")
            })
            .filter(|filter| filter != "(|)")
            .collect()
    }

    /// The identifier by which accounts name this group as their primary one; only a group of the
    /// domain itself can be one.
    pub(crate) fn primary_rid(&self, group: &Group) -> Option<u32> {
        let sid = group.sid.as_ref()?;
        (sid.domain() == self.domain_sid).then(|| sid.rid()).flatten()
    }

    /// The names along a path of keys. A step that is by a history says so.
    pub(crate) fn names(&self, path: &[String]) -> Vec<String> {
        let name = |key: &String| match (self.by_key.get(key), self.foreign.get(key)) {
            (Some(group), _) => group.name.clone(),
            (None, Some(dn)) => dn::first_name(dn),
            (None, None) => dn::first_name(key),
        };
        let by_history = |at: usize| match path.get(at..at + 2) {
            Some([member, group]) => self.by_history.contains(&(member.clone(), group.clone())),
            _ => false,
        };
        let steps = path.iter().enumerate();
        steps.map(|(at, key)| if by_history(at) { format!("{} (sIDHistory)", name(key)) } else { name(key) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::entry::tests::entry;

    fn groups() -> Groups {
        let domain: Sid = "S-1-5-21-1-2-3".parse().expect("SID");
        let mut groups = Groups { domain_sid: Some(domain.clone()), ..Groups::default() };
        let mut add = |dn: &str, name: &str, sid: &Sid, above: &[&[u8]]| {
            groups.add(&entry(
                dn,
                &[
                    ("sAMAccountName", &[name.as_bytes()]),
                    ("objectSid", &[&sid.to_bytes()]),
                    ("objectGUID", &[&[u8::try_from(name.len()).expect("short"); 16]]),
                    ("memberOf", above),
                ],
            ));
        };
        add("CN=Admins,DC=x", "Admins", &Sid::builtin(544), &[]);
        add("CN=DA,DC=x", "Domain Admins", &domain.with_rid(512), &[b"cn=admins,dc=x"]);
        add("CN=a (b),OU=1,DC=x", "Ops1", &domain.with_rid(2001), &[b"CN=DA,DC=x"]);
        add("CN=a (b),OU=2,DC=x", "Ops22", &domain.with_rid(2002), &[]);
        groups
    }

    #[test]
    fn a_group_is_found_by_each_of_its_names_and_an_ambiguous_one_is_not_guessed() {
        let groups = groups();
        for name in ["cn=da,dc=X", "domain admins", "S-1-5-21-1-2-3-512", "DA", "0d0d0d0d-0d0d-0d0d-0d0d-0d0d0d0d0d0d"]
        {
            assert_eq!(groups.resolve(name), Ok("cn=da,dc=x".to_owned()), "{name}");
        }
        assert!(groups.resolve("a (b)").expect_err("two").contains("several"));
        assert!(groups.resolve("nobody").expect_err("none").contains("no group"));
        assert!(groups.resolve("").is_err());
    }

    #[test]
    fn nesting_ignores_case_and_filters_are_escaped() {
        let groups = groups();
        let reached = groups.reached("cn=admins,dc=x");
        assert_eq!(groups.names(&reached["cn=a (b),ou=1,dc=x"].path), ["Ops1", "Domain Admins", "Admins"]);
        let filters = groups.member_filters(reached.into_keys());
        assert_eq!(filters.len(), 1);
        assert!(filters[0].contains(r"(memberOf=CN=a \28b\29,OU=1,DC=x)(primaryGroupID=2001)"), "{filters:?}");
        assert!(!filters[0].contains("primaryGroupID=544"), "a built-in group is nobody's primary group");
        assert!(ldap3::parse_filter(&filters[0]).is_ok());
        assert!(groups.member_filters(["cn=gone".to_owned()]).is_empty());
    }
}
