//! Reading many accounts by id.
//!
//! A filter of 15 ids is one request and one resource unit, where 15 single reads, in a batch or not,
//! are 15 units; and several such requests are one `$batch`. But a listing leaves out who is not there without a word, and one that was made a
//! moment ago may not be in it yet: whoever is missing is asked for alone, and only a 404 to that says
//! that the account is gone.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use identity_core::account::{Account, AccountId};
use identity_core::error::{ErrorKind, Result};
use identity_core::http::Request;
use identity_core::limits::OperationClass;
use uuid::Uuid;

use crate::sync_accounts::SyncAccounts;
use crate::tenant::{Tenant, needs};
use crate::wire::page::Page;
use crate::wire::user::{SELECT, User};

const OPERATION: &str = "look up accounts";
/// Values of one `in` ("Use the $filter query parameter": 15 unless said otherwise).
pub(crate) const AT_ONCE: usize = 15;
/// Requests of one look-up that wait for their permits at the same time.
const WIDTH: usize = 4;

/// The accounts of these ids, in order; `None` for who is gone, and for what is no object id: a name
/// in its place would be taken by Graph, and could be somebody else's by now.
pub(crate) async fn accounts(tenant: &Arc<Tenant>, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
    let mut wanted: Vec<Uuid> = ids.iter().filter_map(id_of).collect();
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(vec![None; ids.len()]);
    }
    let sync = tenant.sync_accounts().await?;
    let is_each_once = wanted.len() == ids.len();
    let mut found = read_all(tenant, &sync, wanted).await.map_err(|error| needs("User.Read.All", error))?;
    let mut of = |id: &AccountId| {
        let id = id_of(id)?;
        if is_each_once { found.remove(&id) } else { found.get(&id).cloned() }
    };
    Ok(ids.iter().map(&mut of).collect())
}

/// Those that are there. All filters go together; what does not come whole is asked for alone.
async fn read_all(tenant: &Arc<Tenant>, sync: &SyncAccounts, wanted: Vec<Uuid>) -> Result<HashMap<Uuid, Account>> {
    let chunks: Vec<Vec<Uuid>> = wanted.chunks(AT_ONCE).map(<[Uuid]>::to_vec).collect();
    let requests: Vec<Request> = chunks.iter().map(|chunk| listing(chunk)).collect();
    let pages = tenant.graph.together::<Page<User>>(OPERATION, OperationClass::Read, &requests).await?;
    let mut all = HashMap::with_capacity(wanted.len());
    let mut open = Vec::new();
    for (chunk, page) in chunks.into_iter().zip(pages) {
        let is_whole = page.as_ref().is_some_and(|page| page.next.is_none());
        for user in page.filter(|_| is_whole).into_iter().flat_map(|page| page.value) {
            keep(tenant, sync, &mut all, user)?;
        }
        let missing: Vec<Uuid> = chunk.into_iter().filter(|id| !all.contains_key(id)).collect();
        if !missing.is_empty() {
            open.push((is_whole, missing));
        }
    }
    let rest: Vec<HashMap<Uuid, Account>> = stream::iter(open)
        .map(|(is_listed, ids)| read(tenant, sync, is_listed, ids))
        .buffer_unordered(WIDTH)
        .try_collect()
        .await?;
    all.extend(rest.into_iter().flatten());
    Ok(all)
}

fn listing(ids: &[Uuid]) -> Request {
    let quoted: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
    Request::get("/users")
        .query("$filter", format!("id in ({})", quoted.join(",")))
        .query("$select", SELECT)
        .query("$top", "999")
}

fn id_of(id: &AccountId) -> Option<Uuid> {
    Uuid::try_parse(id.as_str()).ok()
}

/// Those that are there of a few; of which a listing says nothing, where it was had already.
async fn read(
    tenant: &Arc<Tenant>,
    sync: &SyncAccounts,
    is_listed: bool,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, Account>> {
    let mut found = HashMap::new();
    if !is_listed && ids.len() > 1 {
        let mut rows = tenant.graph.list::<User>(OPERATION, OperationClass::Read, listing(&ids));
        while let Some(user) = rows.try_next().await? {
            keep(tenant, sync, &mut found, user)?;
        }
    }
    for id in ids {
        if !found.contains_key(&id) {
            let request = Request::get("/users").segment(&id.to_string()).query("$select", SELECT).of_account();
            match tenant.graph.one::<User>(OPERATION, OperationClass::Read, &request).await {
                Ok(user) => keep(tenant, sync, &mut found, user)?,
                Err(error) if error.kind() == ErrorKind::AccountNotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

fn keep(tenant: &Tenant, sync: &SyncAccounts, found: &mut HashMap<Uuid, Account>, user: User) -> Result<()> {
    let account = tenant.account(sync, user)?;
    if let Some(id) = id_of(&account.id) {
        found.insert(id, account);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned::{directory, reply};
    use identity_core::directory::AccountEnumerator as _;

    fn id(number: u32) -> AccountId {
        AccountId::new(format!("00000000-0000-4000-8000-{number:012}")).unwrap()
    }

    fn row(number: u32) -> String {
        format!(r#"{{"id":"{}","userPrincipalName":"u{number}@managed.test","accountEnabled":true}}"#, id(number))
    }

    const NONE: &str = r#"{"value":[]}"#;
    const GONE: &str = r#"{"error":{"code":"Request_ResourceNotFound","message":"Resource does not exist"}}"#;

    #[tokio::test]
    async fn the_order_is_that_of_the_question_and_who_is_missing_is_asked_for_alone() {
        let listed = format!(r#"{{"value":[{},{}]}}"#, row(3), row(1));
        let (directory, canned) =
            directory([reply(200, NONE), reply(200, &listed), reply(200, &row(2)), reply(404, GONE)]).await;
        let asked = [id(1), id(2), id(3), id(4), id(1), AccountId::new("u5@managed.test").unwrap()];
        let found = directory.lookup(&asked).await.unwrap();
        let names: Vec<_> = found.iter().map(|account| account.as_ref().map(|account| account.name.as_str())).collect();
        let name = |name| Some(name);
        let (one, two, three) = (name("u1@managed.test"), name("u2@managed.test"), name("u3@managed.test"));
        assert_eq!(names, [one, two, three, None, one, None]);
        let sent = canned.sent();
        assert_eq!(sent.len(), 4, "{sent:?}");
        assert!(sent.iter().all(|sent| !sent.target.contains("u5")), "a name is never asked for");
    }

    #[tokio::test]
    async fn many_are_asked_for_by_fifteen() {
        let all = |numbers: std::ops::Range<u32>| {
            let rows: Vec<String> = numbers.map(row).collect();
            format!(r#"{{"value":[{}]}}"#, rows.join(","))
        };
        let (directory, canned) =
            directory([reply(200, NONE), reply(200, &all(0..15)), reply(200, &all(15..20))]).await;
        let asked: Vec<AccountId> = (0..20).map(id).collect();
        assert!(directory.lookup(&asked).await.unwrap().iter().all(Option::is_some));
        assert_eq!(canned.sent().len(), 3);
        assert!(directory.lookup(&[]).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn who_is_restricted_is_remembered_until_a_row_says_otherwise() {
        let restricted = row(1).replace("true}", r#"true,"isManagementRestricted":true}"#);
        let (directory, _) = directory([reply(200, NONE), reply(200, &restricted), reply(200, &row(1))]).await;
        directory.lookup(&[id(1)]).await.unwrap();
        assert_eq!(directory.tenant.known.restricted(), [id(1)]);
        directory.lookup(&[id(1)]).await.unwrap();
        assert!(directory.tenant.known.restricted().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_404_that_is_not_of_the_account_does_not_make_it_gone() {
        let other = r#"{"error":{"code":"ResourceNotFound","message":"Resource not found for the segment"}}"#;
        for body in [other, "<html>Not Found</html>", "{}"] {
            let answers = std::iter::once(reply(200, NONE)).chain((0..20).map(|_| reply(404, body)));
            let (directory, _) = directory(answers).await;
            let error = directory.lookup(&[id(1)]).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Protocol | ErrorKind::Unavailable), "{error}");
        }
    }

    #[tokio::test]
    async fn a_refusal_is_an_error_and_not_an_account_that_is_gone() {
        let denied = r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}}"#;
        let (directory, _) = directory([reply(200, NONE), reply(403, denied)]).await;
        let error = directory.lookup(&[id(1)]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InsufficientPrivilege);
    }
}
