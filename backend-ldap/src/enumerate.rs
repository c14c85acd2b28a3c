//! Listing accounts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use identity_core::account::{Account, AccountId};
use identity_core::directory::{AccountEnumerator, AccountQuery, AccountStream, ChangeMark, Scope};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::limits::clock;
use ldap3::parse_filter;

use crate::LdapDirectory;
use crate::account::{ATTRIBUTES, EVERY_ACCOUNT, RESULTANT, account};
use crate::domain::{Domain, Place};
use crate::groups::Groups;
use crate::root::{Root, id_of};
use crate::value::guid;
use crate::wire::Search;
use crate::wire::entry::Entry;

/// Accounts that one lookup asks for: a filter of 50 GUIDs is some 3 KB.
const LOOKUP_CHUNK: usize = 50;
/// How often a controller that has to tell something is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(500);

#[async_trait]
impl AccountEnumerator for LdapDirectory {
    fn accounts(&self, query: &AccountQuery) -> AccountStream {
        let domain = Arc::clone(&self.domain);
        let scope = query.scope.clone();
        // Lazy: nothing is resolved before the stream is polled.
        stream::once(async move {
            let searches = searches(&domain, scope).await?;
            Ok::<_, Error>(read_accounts(&domain, domain.list_all(searches)))
        })
        .try_flatten()
        .boxed()
    }

    async fn lookup(&self, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
        let mut places: Vec<(Place, Vec<AccountId>)> = vec![(Place::Authority, Vec::new())];
        for id in ids {
            // A change without an answer is read back where it was sent: elsewhere it may be on its way.
            let place = match guid::of_account(id).and_then(|guid| self.domain.pool.unsettled(&guid)) {
                Some(controller) => Place::Controller(controller),
                None => Place::Authority,
            };
            match places.iter_mut().find(|(known, _)| *known == place) {
                Some((_, ids)) => ids.push(id.clone()),
                None => places.push((place, vec![id.clone()])),
            }
        }
        let mut found: HashMap<AccountId, Account> = HashMap::new();
        for (place, ids) in places {
            found.extend(read_back(&self.domain, place, &ids).await?);
        }
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    async fn mark(&self) -> Result<ChangeMark> {
        let connection = self.domain.pool.authority().await?;
        let root = Root::read(&connection).await?;
        match root.usn {
            Some(usn) => Ok(ChangeMark(format!("{usn}@{}", root.host))),
            None => Err(Error::new(ErrorKind::Unsupported, "mark")
                .with_directory(self.domain.directory.clone())
                .with_detail("the controller does not tell its highestCommittedUSN")
                .with_advice("sign in with an account that may read the rootDSE")),
        }
    }

    fn changed_since(&self, mark: &ChangeMark) -> AccountStream {
        let domain = Arc::clone(&self.domain);
        let mark = mark.0.clone();
        stream::once(async move {
            // Each controller counts its own changes: the one that gave the mark is asked.
            let host = mark.rsplit_once('@').map_or("", |(_, host)| host);
            let connection = match domain.pool.host(host).await {
                Some(connection) => connection?,
                None => domain.pool.authority().await?,
            };
            let root = Root::read(&connection).await?;
            let usn = usn_of(&mark, &root.host).map_err(|error| error.with_directory(domain.directory.clone()))?;
            let filter = format!("(uSNChanged>={})", usn.saturating_add(1));
            let search = account_search(&domain, &domain.base, &filter);
            let place = Place::Controller(Arc::clone(connection.controller()));
            Ok::<_, Error>(read_accounts(&domain, domain.list_at(search, place)))
        })
        .try_flatten()
        .boxed()
    }
}

/// Reads accounts at a place. A controller that has to tell whether a change landed is given the
/// time that a lost one is given; then another one is asked, which may not know of the change yet.
async fn read_back(domain: &Arc<Domain>, place: Place, ids: &[AccountId]) -> Result<HashMap<AccountId, Account>> {
    let Place::Controller(controller) = &place else { return find(domain, place, ids).await };
    let begun = clock::instant();
    let found = loop {
        match find(domain, place.clone(), ids).await {
            Err(error) if error.is_temporary() => {
                if begun.elapsed() < domain.pool.config().patience() {
                    clock::sleep(ASK_AGAIN).await;
                    continue;
                }
                if domain.pool.members().len() < 2 {
                    return Err(error);
                }
                tracing::warn!(%controller, accounts = ids.len(), "it does not tell whether changes landed: another controller is asked");
                let told =
                    format!("{controller} does not tell whether the change landed, and no other controller does");
                break find(domain, Place::Authority, ids).await.map_err(|error| error.with_advice(told))?;
            }
            other => break other?,
        }
    };
    ids.iter().filter_map(guid::of_account).for_each(|guid| domain.pool.shared().settle(&guid));
    Ok(found)
}

/// The accounts with these ids that there are.
async fn find(domain: &Arc<Domain>, place: Place, ids: &[AccountId]) -> Result<HashMap<AccountId, Account>> {
    let filters: Vec<String> = ids.chunks(LOOKUP_CHUNK).filter_map(guid_filter).collect();
    let width = domain.pool.config().connections.max(1);
    stream::iter(filters)
        .map(|filter| {
            let search = account_search(domain, &domain.name, &filter);
            read_accounts(domain, domain.list_at(search, place.clone())).try_collect::<Vec<Account>>()
        })
        .buffer_unordered(usize::try_from(width).unwrap_or(1))
        .map_ok(|accounts| {
            stream::iter(accounts.into_iter().map(|account| Ok::<_, Error>((account.id.clone(), account))))
        })
        .try_flatten()
        .try_collect()
        .await
}

/// The number in a mark, if it is of this controller: each one counts for itself.
fn usn_of(mark: &str, host: &str) -> Result<u64> {
    let parsed = mark.split_once('@').and_then(|(usn, of)| Some((usn.parse().ok()?, of)));
    let Some((usn, of)) = parsed else {
        return Err(Error::new(ErrorKind::InputInvalid, "list changed accounts")
            .with_detail(format!("{mark:?} is not a mark of this backend")));
    };
    if !of.eq_ignore_ascii_case(host) {
        return Err(Error::new(ErrorKind::Conflict, "list changed accounts")
            .with_detail(format!(
                "the mark was taken at {of}, but this is {host}; each controller counts its own changes"
            ))
            .with_advice("name the controllers themselves in the url, not the domain or a load balancer; take a new mark after a controller was lost"));
    }
    Ok(usn)
}

/// The searches that a scope comes down to.
async fn searches(domain: &Arc<Domain>, scope: Scope) -> Result<Vec<Search>> {
    match scope {
        Scope::Everyone => Ok(vec![account_search(domain, &domain.base, "")]),
        Scope::Unit(unit) => {
            if domain.object(&unit, &["objectClass"]).await?.is_none() {
                return Err(invalid(domain, format!("there is no unit {unit:?}"), "give its distinguished name"));
            }
            Ok(vec![account_search(domain, &unit, "")])
        }
        Scope::Native(filter) => {
            let trimmed = filter.trim();
            let whole = if trimmed.starts_with('(') { trimmed.to_owned() } else { format!("({trimmed})") };
            // Parsed on its own, so that it cannot close the filter around it.
            if parse_filter(&whole).is_err() {
                let advice = "write it as RFC 4515 has it, for example (department=Finance)";
                return Err(invalid(domain, format!("{filter:?} is not an LDAP filter"), advice));
            }
            Ok(vec![account_search(domain, &domain.base, &whole)])
        }
        Scope::Group(group) => {
            let groups = Groups::sweep(domain).await?;
            let key = groups.resolve(&group).map_err(|why| {
                invalid(domain, why, "give its distinguished name, SID, objectGUID, or sAMAccountName")
            })?;
            let filters = groups.member_filters(groups.reached(&key).into_keys());
            Ok(filters.iter().map(|filter| account_search(domain, &domain.base, filter)).collect())
        }
        _ => Err(Error::new(ErrorKind::Unsupported, "list accounts")
            .with_directory(domain.directory.clone())
            .with_detail("Active Directory has no such scope")),
    }
}

/// A search for the accounts below `base` that match `filter` too.
fn account_search(domain: &Domain, base: &str, filter: &str) -> Search {
    let mut search = Search::subtree(base, format!("(&{EVERY_ACCOUNT}{filter})"), ATTRIBUTES);
    if domain.surroundings().policies.may_be() {
        search.attributes.push(RESULTANT.to_owned());
    }
    search.descriptor = domain.descriptors;
    search
}

fn read_accounts(domain: &Arc<Domain>, entries: BoxStream<'static, Result<Entry>>) -> AccountStream {
    let (domain, surroundings) = (Arc::clone(domain), domain.surroundings());
    entries
        .and_then(move |mut entry| {
            let (domain, surroundings) = (Arc::clone(&domain), Arc::clone(&surroundings));
            async move {
                domain.complete(&mut entry, "memberOf", false).await?;
                account(&domain.directory, &surroundings, &entry).ok_or_else(|| unreadable(&domain, &entry))
            }
        })
        .boxed()
}

/// An account without a GUID or a name cannot be listed; leaving it out in silence would make the
/// listing short.
fn unreadable(domain: &Domain, entry: &Entry) -> Error {
    let missing = if id_of(entry).is_none() { "objectGUID" } else { "sAMAccountName" };
    Error::new(ErrorKind::InsufficientPrivilege, "list accounts")
        .with_directory(domain.directory.clone())
        .with_detail(format!("the {missing} of {} cannot be read", entry.dn))
        .with_advice("let the account that the run signs in with read the general information of all accounts")
}

/// The filter that finds these accounts; `None` where no id is a GUID.
fn guid_filter(ids: &[AccountId]) -> Option<String> {
    let parts: String = ids
        .iter()
        .filter_map(guid::of_account)
        .map(|id| format!("(objectGUID={})", guid::escape(&id.to_bytes_le())))
        .collect();
    (!parts.is_empty()).then(|| format!("(|{parts})"))
}

fn invalid(domain: &Domain, detail: String, advice: &str) -> Error {
    Error::new(ErrorKind::InputInvalid, "list accounts")
        .with_directory(domain.directory.clone())
        .with_detail(detail)
        .with_advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_of_another_controller_is_not_used() {
        assert_eq!(usn_of("42@dc1.example.test", "DC1.example.test").expect("same"), 42);
        assert_eq!(usn_of("42@dc2.example.test", "dc1.example.test").expect_err("other").kind(), ErrorKind::Conflict);
        assert_eq!(usn_of("junk", "dc1").expect_err("junk").kind(), ErrorKind::InputInvalid);
    }

    #[test]
    fn ids_that_are_no_guid_are_not_asked_for() {
        let id = |text: &str| AccountId::new(text).expect("id");
        assert_eq!(guid_filter(&[id("x")]), None);
        let filter = guid_filter(&[id("x"), id("246bc01f-e470-447e-8b04-64fa0a4bbb19")]).expect("one");
        assert!(filter.starts_with("(|(objectGUID=\\1f\\c0\\6b\\24") && parse_filter(&filter).is_ok(), "{filter}");
    }
}
