//! Who is privileged. No standard says it: access rules of a server cannot be read over LDAP, and what
//! a group allows is known to the applications that look at it. So the configuration names groups
//! and accounts, and this resolves them; without it everybody is unknown, and unknown goes with the
//! privileged.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt;
use identity_core::account::AccountId;
use identity_core::directory::PrivilegeClassifier;
use identity_core::error::Result;
use identity_core::privilege::{Ground, PrivilegeIndex, Tier};

use super::account::{any_of, id_of};
use super::config::Holder;
use super::directory::PlainDirectory;
use super::groups::Groups;
use super::tree::Tree;
use crate::wire::Search;

/// Names that one search for accounts holds.
const CHUNK: usize = 50;

#[async_trait]
impl PrivilegeClassifier for PlainDirectory {
    async fn privileges(&self) -> Result<PrivilegeIndex> {
        let mut index = PrivilegeIndex::default();
        if let Some(principal) = &self.principal {
            // Whoever may set every password may take every account.
            index.add(
                principal.clone(),
                ground(
                    Tier::Control,
                    "principal",
                    "the right to set passwords",
                    vec![self.tree.config.transport.bind_dn.clone()],
                ),
            );
        }
        let config = &self.tree.config;
        if config.privileged.is_empty() && !config.nobody_is_privileged {
            index.mark_incomplete(
                "an LDAP server does not tell who is privileged: name privileged_groups and privileged_accounts in the configuration, or say nobody_is_privileged",
            );
            return Ok(index);
        }
        by_account(&self.tree, &mut index).await?;
        by_group(&self.tree, &mut index).await?;
        Ok(index)
    }
}

async fn by_account(tree: &Arc<Tree>, index: &mut PrivilegeIndex) -> Result<()> {
    let holders: Vec<Holder> = tree.config.privileged.iter().filter(|holder| !holder.is_group).cloned().collect();
    for holder in holders {
        let found = tree.object(&holder.name, &["entryUUID"]).await?;
        match found.as_ref().and_then(id_of) {
            Some(account) => {
                index.add(
                    account,
                    ground(holder.tier, "named", "named in the configuration", vec![holder.name.clone()]),
                );
            }
            None => index.mark_incomplete(format!("the privileged account {} could not be read", holder.name)),
        }
    }
    Ok(())
}

/// By what the named groups list: by distinguished name, sign-in name or primary group, nested ones
/// included.
async fn by_group(tree: &Arc<Tree>, index: &mut PrivilegeIndex) -> Result<()> {
    let holders: Vec<Holder> = tree.config.privileged.iter().filter(|holder| holder.is_group).cloned().collect();
    if holders.is_empty() {
        return Ok(());
    }
    let mut groups = Groups::sweep(tree).await?;
    let mut known: HashMap<String, Option<AccountId>> = HashMap::new();
    for holder in holders {
        let root = match groups.resolve(&holder.name) {
            Ok(root) => root,
            Err(why) => {
                index.mark_incomplete(format!("a privileged group could not be read: {why}"));
                continue;
            }
        };
        groups.descend(tree, std::slice::from_ref(&root)).await?;
        let holds = groups.names(std::slice::from_ref(&root)).concat();
        let mut reached: Vec<_> = groups.reached(&root).into_iter().collect();
        reached.sort_by(|a, b| a.0.cmp(&b.0));
        for (key, membership) in reached {
            let evidence = groups.names(&membership.path);
            let Some(members) = groups.members.get(&key) else { continue };
            let group = groups.names(std::slice::from_ref(&key)).concat();
            if let Some(why) = &members.incomplete {
                index.mark_incomplete(format!("the members of {group} are not all known: {why}"));
            }
            for member in &members.names {
                let account = match known.get(member) {
                    Some(account) => account.clone(),
                    None => tree.object(member, &["entryUUID"]).await?.as_ref().and_then(id_of),
                };
                known.insert(member.clone(), account.clone());
                match account {
                    Some(account) => index.add(account, ground(holder.tier, "member", &holds, evidence.clone())),
                    // It may be gone; it may as well be a group that is hidden.
                    None => index.mark_incomplete(format!(
                        "the member {member} of {group} cannot be read: take it out if it is gone, or let the run read it"
                    )),
                }
            }
            // Not only accounts by the configured filter: whoever has the name or number is meant.
            let mut filters: Vec<(&str, String)> = Vec::new();
            for chunk in members.sign_in_names.chunks(CHUNK) {
                filters.push(("member", any_of(&tree.config.name_attribute, chunk.iter().map(String::as_str))));
            }
            if let Some(number) = groups.by_key.get(&key).and_then(|group| group.number) {
                filters.push(("primary_group", format!("(&(objectClass=posixAccount)(gidNumber={number}))")));
            }
            for (rule, filter) in filters {
                let mut listing = tree.list(Search::subtree(&tree.base, filter, &["entryUUID"]));
                while let Some(entry) = listing.try_next().await? {
                    match id_of(&entry) {
                        Some(account) => index.add(account, ground(holder.tier, rule, &holds, evidence.clone())),
                        None => index.mark_incomplete(format!("the entryUUID of {} could not be read", entry.dn)),
                    }
                }
            }
        }
    }
    Ok(())
}

fn ground(tier: Tier, rule: &str, holds: &str, evidence: Vec<String>) -> Ground {
    Ground { tier, rule: rule.to_owned(), holds: holds.to_owned(), evidence }
}
