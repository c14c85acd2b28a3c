//! Groups: all of their names in one sweep, the members of those that matter, and who is in which by
//! nesting. A server resolves no nesting; that is done here.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use identity_core::error::{Error, Result};
use identity_core::privilege::{Membership, MembershipGraph};

use super::name;
use super::tree::Tree;
use crate::value::dn;
use crate::wire::{Search, Within};

/// Groups by RFC 4519 (names, unique names), RFC 2307 (posix), RFC 4519 (roles), and those that a
/// search defines (OpenLDAP dyngroup).
const EVERY_GROUP: &str = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=groupOfMembers)\
                           (objectClass=posixGroup)(objectClass=organizationalRole)(objectClass=groupOfURLs))";
/// Attributes that list members by distinguished name.
const BY_NAME: [&str; 3] = ["member", "uniquemember", "roleoccupant"];
const MEMBERS: &[&str] = &["member", "uniqueMember", "roleOccupant", "memberUid", "memberURL"];
/// Groups whose members are read at the same time.
const READ_AT_ONCE: usize = 8;

/// One group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) dn: String,
    pub(crate) name: String,
    /// The number by which accounts name it as their primary one (RFC 2307).
    pub(crate) number: Option<i64>,
}

/// What one group lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    /// By distinguished name, groups left out.
    pub(crate) names: Vec<String>,
    /// By sign-in name (memberUid).
    pub(crate) sign_in_names: Vec<String>,
    /// Why this is not everybody.
    pub(crate) incomplete: Option<String>,
}

/// All groups by the key of their name, and what those list that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    pub(crate) by_key: BTreeMap<String, Group>,
    pub(crate) members: BTreeMap<String, Members>,
    graph: MembershipGraph<String>,
}

impl Groups {
    /// Reads the names of all groups.
    pub(crate) async fn sweep(tree: &Arc<Tree>) -> Result<Self> {
        let mut listing = tree.list(Search::subtree(&tree.base, EVERY_GROUP, &["cn", "gidNumber"]));
        let mut groups = Self::default();
        while let Some(entry) = listing.try_next().await? {
            let name = entry.text("cn").map_or_else(|| dn::first_name(&entry.dn), str::to_owned);
            groups.add(Group { name, number: entry.number("gidnumber"), dn: entry.dn });
        }
        Ok(groups)
    }

    fn add(&mut self, group: Group) {
        self.by_key.insert(name::key(&group.dn), group);
    }

    /// The key of the one group that a text names, by distinguished name or name.
    ///
    /// # Errors
    /// The reason in words: there is none, or there are several.
    pub(crate) fn resolve(&self, text: &str) -> Result<String, String> {
        let key = name::key(text);
        if self.by_key.contains_key(&key) {
            return Ok(key);
        }
        let mut named = self.by_key.iter().filter(|(_, group)| group.name.eq_ignore_ascii_case(text.trim()));
        match (named.next(), named.next()) {
            (Some((key, _)), None) => Ok(key.clone()),
            (Some(_), Some(_)) => Err(format!("several groups are named {text:?}")),
            (None, _) => Err(format!("there is no group {text:?}")),
        }
    }

    /// Reads the members of these groups and of all that are nested in them.
    pub(crate) async fn descend(&mut self, tree: &Arc<Tree>, roots: &[String]) -> Result<()> {
        loop {
            let reached = self.graph.close(roots.iter().cloned());
            let mut pending: Vec<(String, Group)> = reached
                .into_keys()
                .filter(|key| !self.members.contains_key(key))
                .filter_map(|key| self.by_key.get(&key).cloned().map(|group| (key, group)))
                .collect();
            if pending.is_empty() {
                return Ok(());
            }
            pending.sort_by(|a, b| a.0.cmp(&b.0));
            let reading = stream::iter(pending).map(|(key, group)| {
                let tree = Arc::clone(tree);
                async move { Ok::<_, Error>((key, read(&tree, &group).await?)) }
            });
            let found: Vec<(String, Members)> = reading.buffered(READ_AT_ONCE).try_collect().await?;
            for (key, members) in found {
                self.take(key, members);
            }
        }
    }

    /// Sorts what a group lists into groups and others.
    fn take(&mut self, key: String, mut members: Members) {
        members.names.retain(|member| {
            let member = name::key(member);
            let is_group = self.by_key.contains_key(&member);
            if is_group {
                self.graph.nest(member, key.clone());
            }
            !is_group
        });
        self.members.insert(key, members);
    }

    /// The group and every group in it, at any depth.
    pub(crate) fn reached(&self, key: &str) -> HashMap<String, Membership<String>> {
        self.graph.close([key.to_owned()])
    }

    /// The names along a path of keys.
    pub(crate) fn names(&self, path: &[String]) -> Vec<String> {
        path.iter().map(|key| self.by_key.get(key).map_or_else(|| key.clone(), |group| group.name.clone())).collect()
    }
}

async fn read(tree: &Tree, group: &Group) -> Result<Members> {
    let search = Search { within: Within::Object, ..Search::subtree(&group.dn, "(objectClass=*)", MEMBERS) };
    let found = tree.read(&search).await?;
    let Some(entry) = found.first() else {
        return Ok(Members { incomplete: Some("it went away while it was read".to_owned()), ..Members::default() });
    };
    let names: Vec<String> = BY_NAME.iter().flat_map(|attribute| entry.texts(attribute)).map(unique_name).collect();
    let sign_in_names: Vec<String> = entry.texts("memberuid").map(str::to_owned).collect();
    let incomplete = if entry.bytes("memberurl").is_some() {
        Some("a search defines its members (memberURL), which is not followed".to_owned())
    } else if names.is_empty() && sign_in_names.is_empty() && group.number.is_none() {
        // groupOfNames has one member at least (RFC 4519 3.5): none is one that may not be seen.
        Some("it shows no members to this sign-in".to_owned())
    } else {
        None
    };
    Ok(Members { names, sign_in_names, incomplete })
}

/// The name in a value of uniqueMember: a bit string may follow it (RFC 4517 3.3.21).
fn unique_name(value: &str) -> String {
    match value.rsplit_once('#') {
        Some((name, bits)) if bits.starts_with('\'') && bits.ends_with("'B") => name.to_owned(),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups() -> Groups {
        let mut groups = Groups::default();
        for (dn, name) in [("cn=Admins,dc=x", "Admins"), ("cn=Ops,ou=1,dc=x", "Ops"), ("cn=Ops,ou=2,dc=x", "Ops")] {
            groups.add(Group { dn: dn.to_owned(), name: name.to_owned(), number: None });
        }
        groups
    }

    fn listing(names: &[&str]) -> Members {
        Members { names: names.iter().map(|name| (*name).to_owned()).collect(), ..Members::default() }
    }

    #[test]
    fn a_group_is_found_by_each_of_its_names_and_an_ambiguous_one_is_not_guessed() {
        let groups = groups();
        for text in ["CN=admins, DC=x", "admins", " Admins "] {
            assert_eq!(groups.resolve(text).as_deref(), Ok("cn=admins\ndc=x"), "{text}");
        }
        assert!(groups.resolve("ops").expect_err("two").contains("several"));
        assert!(groups.resolve("nobody").expect_err("none").contains("no group"));
    }

    #[test]
    fn groups_in_groups_are_followed_in_circles_too() {
        let mut groups = groups();
        groups.take(name::key("cn=Admins,dc=x"), listing(&["uid=a,dc=x", "CN=ops,ou=1,dc=x"]));
        groups.take(name::key("cn=Ops,ou=1,dc=x"), listing(&["uid=b,dc=x", "cn=Admins, dc=x"]));
        let reached = groups.reached(&name::key("cn=Admins,dc=x"));
        assert_eq!(reached.len(), 2);
        assert_eq!(groups.names(&reached[&name::key("cn=Ops,ou=1,dc=x")].path), ["Ops", "Admins"]);
        assert_eq!(groups.members[&name::key("cn=Ops,ou=1,dc=x")].names, ["uid=b,dc=x"]);
    }

    #[test]
    fn a_unique_name_may_carry_bits() {
        assert_eq!(unique_name("cn=a,dc=x#'0101'B"), "cn=a,dc=x");
        assert_eq!(unique_name("cn=a#b,dc=x"), "cn=a#b,dc=x");
    }
}
