//! Listing accounts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use identity_core::account::{Account, AccountId, AccountKind};
use identity_core::directory::{AccountEnumerator, AccountQuery, AccountStream, ChangeMark, Scope};
use identity_core::error::{Error, ErrorKind, Result};
use ldap3::parse_filter;

use super::account::{account, any_of, attributes, id_filter, id_of};
use super::directory::PlainDirectory;
use super::groups::Groups;
use super::tree::Tree;
use crate::wire::Search;
use crate::wire::entry::Entry;

/// Accounts that one search names: a filter of 50 entryUUIDs is some 3 KB.
const CHUNK: usize = 50;
/// Single objects that are read at the same time.
const READ_AT_ONCE: usize = 16;

#[async_trait]
impl AccountEnumerator for PlainDirectory {
    fn accounts(&self, query: &AccountQuery) -> AccountStream {
        let tree = Arc::clone(&self.tree);
        let scope = query.scope.clone();
        // Lazy: nothing is resolved before the stream is polled.
        stream::once(async move { in_scope(&tree, scope).await }).try_flatten().boxed()
    }

    async fn lookup(&self, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
        let filters: Vec<String> = ids.chunks(CHUNK).filter_map(id_filter).collect();
        let found: HashMap<AccountId, Account> = stream::iter(filters)
            .map(|filter| {
                let tree = Arc::clone(&self.tree);
                async move { matching(&tree, &tree.base, &filter).await }
            })
            .buffer_unordered(READ_AT_ONCE)
            .try_flatten()
            .map_ok(|account| (account.id.clone(), account))
            .try_collect()
            .await?;
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    async fn mark(&self) -> Result<ChangeMark> {
        let top = self.tree.object(&self.tree.base, &["contextCSN"]).await?;
        // One for each server that takes changes: the earliest misses none.
        match top.as_ref().and_then(|top| top.texts("contextcsn").min()) {
            Some(number) => Ok(ChangeMark(number.to_owned())),
            None => Err(Error::new(ErrorKind::Unsupported, "mark")
                .with_directory(self.tree.directory.clone())
                .with_detail("the server keeps no contextCSN at the base")
                .with_advice("load the overlay syncprov, and give as base the tree that it is on")),
        }
    }

    fn changed_since(&self, mark: &ChangeMark) -> AccountStream {
        let tree = Arc::clone(&self.tree);
        let mark = mark.0.clone();
        stream::once(async move {
            if !is_change_number(&mark) {
                return Err(Error::new(ErrorKind::InputInvalid, "list changed accounts")
                    .with_directory(tree.directory.clone())
                    .with_detail(format!("{mark:?} is not a mark of this backend")));
            }
            matching(&tree, &tree.base, &format!("(entryCSN>={mark})(!(entryCSN={mark}))")).await
        })
        .try_flatten()
        .boxed()
    }
}

/// `20261124065534.381572Z#000000#000#000000` (draft-chu-ldap-csn): nothing else gets into a filter.
fn is_change_number(mark: &str) -> bool {
    mark.starts_with(|c: char| c.is_ascii_digit())
        && mark.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, '.' | 'Z' | '#'))
}

/// The accounts of a scope.
async fn in_scope(tree: &Arc<Tree>, scope: Scope) -> Result<AccountStream> {
    match scope {
        Scope::Everyone => matching(tree, &tree.base, "").await,
        Scope::Unit(unit) => {
            if tree.object(&unit, &["objectClass"]).await?.is_none() {
                return Err(invalid(tree, format!("there is no unit {unit:?}"), "give its distinguished name"));
            }
            matching(tree, &unit, "").await
        }
        Scope::Native(filter) => {
            let trimmed = filter.trim();
            let whole = if trimmed.starts_with('(') { trimmed.to_owned() } else { format!("({trimmed})") };
            // Parsed on its own, so that it cannot close the filter around it.
            if parse_filter(&whole).is_err() {
                let advice = "write it as RFC 4515 has it, for example (departmentNumber=7)";
                return Err(invalid(tree, format!("{filter:?} is not an LDAP filter"), advice));
            }
            matching(tree, &tree.base, &whole).await
        }
        Scope::Group(group) => in_group(tree, &group).await,
        _ => Err(Error::new(ErrorKind::Unsupported, "list accounts")
            .with_directory(tree.directory.clone())
            .with_detail("an LDAP server has no such scope")),
    }
}

/// The members of a group and of all groups in it: by distinguished name, by sign-in name, and by
/// primary group.
async fn in_group(tree: &Arc<Tree>, group: &str) -> Result<AccountStream> {
    let mut groups = Groups::sweep(tree).await?;
    let key = groups
        .resolve(group)
        .map_err(|why| invalid(tree, why, "give its distinguished name, or its cn where that is unique"))?;
    groups.descend(tree, std::slice::from_ref(&key)).await?;
    let (mut names, mut sign_in_names, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for reached in groups.reached(&key).into_keys() {
        let members = groups.members.remove(&reached).unwrap_or_default();
        // A group that names itself and nobody else shows nobody, and is not hidden.
        if let Some(why) = members.incomplete {
            let name = groups.names(&[reached]).concat();
            return Err(Error::new(ErrorKind::InsufficientPrivilege, "list accounts")
                .with_directory(tree.directory.clone())
                .with_detail(format!("the members of {name} are not all known: {why}"))
                .with_advice("let the run read its members, or select by unit or filter"));
        }
        names.extend(members.names);
        sign_in_names.extend(members.sign_in_names);
        numbers.extend(groups.by_key.get(&reached).and_then(|group| group.number).map(|number| number.to_string()));
    }
    let services = services(tree, "").await?;
    let by_name = {
        let (tree, services) = (Arc::clone(tree), services.clone());
        let read = move |dn: String| {
            let (tree, services) = (Arc::clone(&tree), services.clone());
            async move {
                let search = Search { filter: tree.config.accounts.clone(), ..Search::object(dn, &asked(&tree)) };
                // Not an account, or gone: nobody to list.
                let found = tree.read(&search).await?.into_iter().next();
                found.map(|entry| as_account(&tree, &services, &entry)).transpose()
            }
        };
        stream::iter(names).map(read).buffer_unordered(READ_AT_ONCE).try_filter_map(|account| async { Ok(account) })
    };
    let filters: Vec<String> = sign_in_names
        .chunks(CHUNK)
        .map(|chunk| any_of(&tree.config.name_attribute, chunk.iter().map(String::as_str)))
        .chain(numbers.chunks(CHUNK).map(|chunk| any_of("gidNumber", chunk.iter().map(String::as_str))))
        .collect();
    let searches: Vec<BoxStream<'static, Result<Entry>>> =
        filters.iter().map(|filter| tree.list(search(tree, &tree.base, filter))).collect();
    let by_filter = accounts_of(tree, services, stream::iter(searches).flatten().boxed());
    Ok(by_name.chain(by_filter).boxed())
}

/// The accounts below `base` that match `filter` too.
async fn matching(tree: &Arc<Tree>, base: &str, filter: &str) -> Result<AccountStream> {
    let services = services(tree, filter).await?;
    Ok(accounts_of(tree, services, tree.list(search(tree, base, filter))))
}

fn accounts_of(
    tree: &Arc<Tree>,
    services: Arc<HashSet<AccountId>>,
    entries: BoxStream<'static, Result<Entry>>,
) -> AccountStream {
    let tree = Arc::clone(tree);
    entries.map(move |entry| as_account(&tree, &services, &entry?)).boxed()
}

fn as_account(tree: &Tree, services: &HashSet<AccountId>, entry: &Entry) -> Result<Account> {
    let config = &tree.config;
    let mut account = account(&tree.directory, &config.name_attribute, &tree.policies(), entry).map_err(|lacks| {
        // Leaving it out in silence would make the listing short.
        Error::new(ErrorKind::InsufficientPrivilege, "list accounts")
            .with_directory(tree.directory.clone())
            .with_detail(format!("the {lacks} of {} cannot be read, or it has none", entry.dn))
            .with_advice("let the run read it, or narrow the filter `accounts` to entries that have it")
    })?;
    if config.services.is_some() && matches!(account.kind, AccountKind::Person | AccountKind::Service) {
        let is_service = services.contains(&account.id);
        account.kind = if is_service { AccountKind::Service } else { AccountKind::Person };
    }
    Ok(account)
}

/// The accounts that the configuration's filter calls services. A search of its own: to list the
/// others by "not" would lose every entry on which the server cannot tell (RFC 4511 4.5.1.7).
async fn services(tree: &Arc<Tree>, filter: &str) -> Result<Arc<HashSet<AccountId>>> {
    let Some(services) = &tree.config.services else { return Ok(Arc::default()) };
    let both = format!("{filter}{services}");
    let mut only_ids = search(tree, &tree.base, &both);
    only_ids.attributes = vec!["entryUUID".to_owned()];
    let ids: HashSet<AccountId> =
        tree.list(only_ids).try_filter_map(|entry| async move { Ok(id_of(&entry)) }).try_collect().await?;
    Ok(Arc::new(ids))
}

fn search(tree: &Tree, base: &str, filter: &str) -> Search {
    Search::subtree(base, format!("(&{}{filter})", tree.config.accounts), &asked(tree))
}

fn asked(tree: &Tree) -> Vec<&str> {
    attributes(&tree.config.name_attribute)
}

fn invalid(tree: &Tree, detail: String, advice: &str) -> Error {
    Error::new(ErrorKind::InputInvalid, "list accounts")
        .with_directory(tree.directory.clone())
        .with_detail(detail)
        .with_advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_number_is_a_mark() {
        assert!(is_change_number("20261124065534.381572Z#000000#00a#000000"));
        for bad in ["", "x", "2026)(uid=*", "*", "42@dc1"] {
            assert!(!is_change_number(bad), "{bad}");
        }
    }
}
