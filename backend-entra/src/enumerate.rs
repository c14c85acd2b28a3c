//! Listing accounts.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use identity_core::account::{Account, AccountId};
use identity_core::directory::{AccountEnumerator, AccountQuery, AccountStream, ChangeMark, Scope};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::Request;
use identity_core::limits::OperationClass;
use uuid::Uuid;

use crate::EntraDirectory;
use crate::limits::SIGN_INS;
use crate::tenant::{Tenant, needs};
use crate::wire::user::{SELECT, SIGN_IN_ACTIVITY, User};
use crate::{delta, group, lookup};

const OPERATION: &str = "list accounts";
/// The most rows of a page, and with sign-in times ("List users", 2025-11-07).
const PAGE: (&str, &str) = ("999", "500");
/// How often a listing that broke begins anew before it is given up.
const RESTARTS: u32 = 2;

#[async_trait]
impl AccountEnumerator for EntraDirectory {
    fn accounts(&self, query: &AccountQuery) -> AccountStream {
        let (tenant, scope) = (Arc::clone(&self.tenant), query.scope.clone());
        // Lazy: nothing is sent before the stream is polled.
        stream::once(async move { accounts(tenant, scope).await }).try_flatten().boxed()
    }

    async fn lookup(&self, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
        lookup::accounts(&self.tenant, ids).await
    }

    async fn mark(&self) -> Result<ChangeMark> {
        delta::mark(&self.tenant).await
    }

    fn changed_since(&self, mark: &ChangeMark) -> AccountStream {
        delta::changed_since(&self.tenant, mark)
    }
}

async fn accounts(tenant: Arc<Tenant>, scope: Scope) -> Result<AccountStream> {
    let filter = match scope {
        Scope::Everyone => None,
        Scope::Native(filter) if filter.trim().is_empty() => {
            let error = Error::new(ErrorKind::InputInvalid, OPERATION).with_detail("the filter is empty");
            return Err(tenant.graph.named(error.with_advice("leave it out to list everybody")));
        }
        Scope::Native(filter) => Some(filter),
        Scope::Group(group) => return group::members(&tenant, &group).await,
        _ => {
            let error = Error::new(ErrorKind::Unsupported, OPERATION)
                .with_detail("a tenant has no organisational units")
                .with_advice("choose by group, or by a filter such as department eq 'Finance'");
            return Err(tenant.graph.named(error));
        }
    };
    // Known before the first row is judged.
    let sync = tenant.sync_accounts().await?;
    let rows = walk(Arc::clone(&tenant), filter);
    let judged = rows.and_then(move |user| std::future::ready(tenant.account(&sync, user)));
    Ok(judged.boxed())
}

/// Every user that a filter fits, each one once. A listing that breaks in a way that passes begins
/// anew, without those that were listed.
fn walk(tenant: Arc<Tenant>, filter: Option<String>) -> BoxStream<'static, Result<User>> {
    struct Walk {
        tenant: Arc<Tenant>,
        filter: Option<String>,
        rows: BoxStream<'static, Result<User>>,
        seen: HashSet<Uuid>,
        restarts: u32,
    }
    let rows = listing(&tenant, filter.as_deref());
    let begin = Walk { tenant, filter, rows, seen: HashSet::new(), restarts: 0 };
    stream::try_unfold(begin, |mut walk| async move {
        loop {
            match walk.rows.next().await {
                None => return Ok(None),
                Some(Ok(user)) => {
                    // What is no GUID is not remembered; a row twice does no harm.
                    let new = Uuid::try_parse(&user.id).map_or(true, |id| walk.seen.insert(id));
                    if new {
                        return Ok(Some((user, walk)));
                    }
                }
                Some(Err(error)) if walk.restarts < RESTARTS && may_begin_anew(&error) => {
                    tracing::warn!(%error, listed = walk.seen.len(), "the listing broke and begins anew");
                    walk.restarts += 1;
                    walk.rows = listing(&walk.tenant, walk.filter.as_deref());
                }
                Some(Err(error)) => return Err(explained(error, walk.filter.is_some(), walk.tenant.sign_in_times)),
            }
        }
    })
    .boxed()
}

fn listing(tenant: &Tenant, filter: Option<&str>) -> BoxStream<'static, Result<User>> {
    let (select, page, class) = match tenant.sign_in_times {
        true => (format!("{SELECT},{SIGN_IN_ACTIVITY}"), PAGE.1, SIGN_INS),
        false => (SELECT.to_owned(), PAGE.0, OperationClass::Read),
    };
    let mut request = Request::get("/users").query("$select", select).query("$top", page);
    if let Some(filter) = filter {
        request = request.query("$filter", filter);
    }
    tenant.graph.list(OPERATION, class, request)
}

/// Whether the place in the listing was lost, or the answer was not whole.
fn may_begin_anew(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Protocol)
}

fn explained(error: Error, filtered: bool, sign_ins: bool) -> Error {
    if filtered && error.kind() == ErrorKind::InputInvalid {
        return error.with_advice(
            "write the filter as Graph's $filter has it, for example department eq 'Finance'; filters that need an advanced query (ne, not, endsWith) are not sent, because its index lags behind",
        );
    }
    needs(if sign_ins { "User.Read.All and AuditLog.Read.All" } else { "User.Read.All" }, error)
}

#[cfg(test)]
mod tests;
