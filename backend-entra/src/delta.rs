//! Accounts that were made or changed since a mark.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use identity_core::account::{Account, AccountId};
use identity_core::directory::{AccountStream, ChangeMark};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::Request;
use identity_core::limits::{OperationClass, clock};

use crate::lookup;
use crate::tenant::{Tenant, needs};
use crate::wire::user::User;

/// What is watched: a change of nothing else makes an account appear.
const WATCHED: &str = "id,userPrincipalName,displayName,accountEnabled,userType,creationType,onPremisesSyncEnabled,\
onPremisesImmutableId,lastPasswordChangeDateTime";
/// A user that was made a moment ago may not be found yet: so often, and so long after each other, it
/// is asked for again.
const ASK_AGAIN: (u32, Duration) = (5, Duration::from_secs(2));

/// A mark of now.
pub(crate) async fn mark(tenant: &Tenant) -> Result<ChangeMark> {
    let operation = "mark";
    let request = Request::get("/users/delta").query("$select", WATCHED).query("$deltatoken", "latest");
    let mut pages = tenant.graph.pages::<User>(operation, OperationClass::Read, request);
    while let Some(page) = pages.try_next().await.map_err(|error| needs("User.Read.All", error))? {
        if let Some(link) = page.delta {
            return Ok(ChangeMark(link));
        }
    }
    let error = Error::new(ErrorKind::Protocol, operation).with_detail("the last page has no link to go on from");
    Err(tenant.graph.named(error))
}

/// The accounts that were made or changed since a mark, as they are now. Who was deleted is not among
/// them.
pub(crate) fn changed_since(tenant: &Arc<Tenant>, mark: &ChangeMark) -> AccountStream {
    let (tenant, link) = (Arc::clone(tenant), mark.0.clone());
    stream::once(async move {
        let operation = "list changed accounts";
        // A mark comes from a file: the token goes nowhere else than to Graph.
        if !is_mark(&tenant, &link) {
            let error = Error::new(ErrorKind::InputInvalid, operation)
                .with_detail("this is not a mark of this backend and this tenant")
                .with_advice("take a new mark");
            return Err(tenant.graph.named(error));
        }
        let pages = tenant.graph.pages::<User>(operation, OperationClass::Read, Request::link(link));
        let pages = pages.map_err(|error| needs("User.Read.All", error));
        let changed = pages.map_ok(|page| ids(page.value)).scan(HashSet::new(), |seen, page| {
            let new = page.map(|ids| ids.into_iter().filter(|id| seen.insert(id.clone())).collect::<Vec<_>>());
            std::future::ready(Some(new))
        });
        let accounts = changed.and_then(move |ids| {
            let tenant = Arc::clone(&tenant);
            async move { Ok(stream::iter(found(&tenant, &ids).await?.into_iter().map(Ok))) }
        });
        Ok(accounts.try_flatten())
    })
    .try_flatten()
    .boxed()
}

/// Whether it is a link of a delta query over users, to this service: exactly that path, and nothing
/// that has it somewhere.
fn is_mark(tenant: &Tenant, link: &str) -> bool {
    let base = tenant.graph.client().base();
    let (Ok(link), Ok(own)) = (base.accepts(link), base.join("/users/delta", &[])) else { return false };
    let rest = link.path().strip_prefix(own.path());
    matches!(rest, Some("" | "()")) && link.query().is_some_and(|query| query.contains("token="))
}

fn ids(users: Vec<User>) -> Vec<AccountId> {
    let there = users.into_iter().filter(|user| user.removed.is_none());
    there.filter_map(|user| AccountId::new(user.id).ok()).collect()
}

/// The accounts of these ids. A delta query names users before each server finds them; who cannot be
/// found after a while was deleted.
async fn found(tenant: &Arc<Tenant>, ids: &[AccountId]) -> Result<Vec<Account>> {
    let (mut accounts, mut missing) = (Vec::new(), ids.to_vec());
    for round in 0..ASK_AGAIN.0 {
        if round > 0 {
            clock::sleep(ASK_AGAIN.1).await;
        }
        let there = lookup::accounts(tenant, &missing).await?;
        let mut left = Vec::new();
        for (id, account) in missing.into_iter().zip(there) {
            match account {
                Some(account) => accounts.push(account),
                None => left.push(id),
            }
        }
        missing = left;
        if missing.is_empty() {
            break;
        }
    }
    if !missing.is_empty() {
        tracing::info!(accounts = missing.len(), "listed as changed and not there any more");
    }
    Ok(accounts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned::{directory, reply};
    use identity_core::directory::AccountEnumerator as _;

    const LINK: &str = "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=d1";

    fn id(number: u32) -> String {
        format!("00000000-0000-4000-8000-{number:012}")
    }

    fn row(number: u32) -> String {
        format!(r#"{{"id":"{}","userPrincipalName":"u{number}@managed.test","accountEnabled":true}}"#, id(number))
    }

    #[tokio::test]
    async fn a_mark_is_the_link_of_the_last_page() {
        let next = "https://graph.microsoft.com/v1.0/users/delta?$skiptoken=s1";
        let (directory, canned) = directory([
            reply(200, &format!(r#"{{"value":[],"@odata.nextLink":"{next}"}}"#)),
            reply(200, &format!(r#"{{"value":[],"@odata.deltaLink":"{LINK}"}}"#)),
        ])
        .await;
        assert_eq!(directory.mark().await.unwrap().0, LINK);
        let sent = canned.sent();
        assert!(sent[0].target.contains("$deltatoken=latest"), "{}", sent[0].target);
        assert_eq!(sent[1].target, next);
    }

    #[tokio::test(start_paused = true)]
    async fn changed_accounts_are_read_whole_and_once_and_removed_ones_are_left_out() {
        let page = format!(
            r#"{{"value":[{{"id":"{}","displayName":"x"}},{{"id":"{}","@removed":{{"reason":"changed"}}}},{{"id":"{}"}}],"@odata.deltaLink":"{LINK}"}}"#,
            id(1),
            id(2),
            id(1)
        );
        let gone = r#"{"error":{"code":"Request_ResourceNotFound","message":"m"}}"#;
        let (directory, canned) = directory([
            reply(200, &page),
            reply(200, r#"{"value":[]}"#),
            // Made a moment ago: not found at first.
            reply(404, gone),
            reply(200, &row(1)),
        ])
        .await;
        let changed: Vec<_> = directory.changed_since(&ChangeMark(LINK.into())).try_collect().await.unwrap();
        assert_eq!(changed.iter().map(|account| account.name.as_str()).collect::<Vec<_>>(), ["u1@managed.test"]);
        assert_eq!(canned.left(), 0);
    }

    #[tokio::test]
    async fn a_mark_that_is_too_old_says_begin_anew() {
        let (directory, _) =
            directory([reply(410, r#"{"error":{"code":"resyncRequired","message":"Resync required."}}"#)]).await;
        let rows: Result<Vec<_>> = directory.changed_since(&ChangeMark(LINK.into())).try_collect().await;
        let error = rows.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.advice().unwrap().contains("begin anew"), "{error}");
    }

    #[tokio::test]
    async fn a_mark_from_elsewhere_is_not_followed() {
        let (directory, canned) = directory([]).await;
        for bad in [
            "",
            "42@dc1",
            "https://evil.test/v1.0/users/delta?$deltatoken=x",
            "https://graph.microsoft.com/v1.0/me",
            "https://graph.microsoft.com/v1.0/auditLogs/signIns?$filter=x eq '/users/delta'&$skiptoken=1",
            "https://graph.microsoft.com/beta/users/delta?$deltatoken=x",
            "https://graph.microsoft.com/v1.0/users/delta/../x?$deltatoken=x",
            "https://graph.microsoft.com/v1.0/users/deltas?$deltatoken=x",
            "https://graph.microsoft.com/v1.0/users/delta",
        ] {
            let rows: Result<Vec<_>> = directory.changed_since(&ChangeMark(bad.into())).try_collect().await;
            assert_eq!(rows.unwrap_err().kind(), ErrorKind::InputInvalid, "{bad}");
        }
        assert!(canned.sent().is_empty());
    }
}
