//! Listing accounts: everybody, a group, a native search.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::{HeaderValue, header};
use identity_core::account::{Account, AccountId};
use identity_core::directory::{AccountEnumerator, AccountQuery, AccountStream, ChangeMark, Scope};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::Request;
use identity_core::limits::OperationClass;

use crate::OktaDirectory;
use crate::account::is_deprovisioned;
use crate::key::UserKey;
use crate::limits::USERS;
use crate::org::Org;
use crate::wire::user::{LEAN, User};
use crate::{changed, group, lookup};

const OPERATION: &str = "list accounts";
/// The most rows of a page ("List all users"; for members of a group it is what Okta recommends).
pub(crate) const PAGE: &str = "200";
/// How often a listing that broke begins anew before it is given up.
const RESTARTS: u32 = 2;

#[async_trait]
impl AccountEnumerator for OktaDirectory {
    fn accounts(&self, query: &AccountQuery) -> AccountStream {
        let (org, scope) = (Arc::clone(&self.org), query.scope.clone());
        // Lazy: nothing is sent before the stream is polled.
        stream::once(async move { accounts(org, scope).await }).try_flatten().boxed()
    }

    async fn lookup(&self, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
        lookup::accounts(&self.org, ids).await
    }

    async fn mark(&self) -> Result<ChangeMark> {
        changed::mark(&self.org).await
    }

    fn changed_since(&self, mark: &ChangeMark) -> AccountStream {
        changed::since(&self.org, mark)
    }
}

/// Which users are listed, and how.
pub(crate) struct Listing {
    pub(crate) operation: &'static str,
    pub(crate) class: OperationClass,
    /// One after the other.
    pub(crate) requests: Vec<Request>,
    /// Whether those that were deactivated are among them.
    pub(crate) deprovisioned: bool,
}

async fn accounts(org: Arc<Org>, scope: Scope) -> Result<AccountStream> {
    let listing = match scope {
        Scope::Everyone => everyone(org.reading.deprovisioned),
        Scope::Native(search) if search.trim().is_empty() => {
            let error = Error::new(ErrorKind::InputInvalid, OPERATION).with_detail("the search is empty");
            return Err(org.okta.named(error.with_advice("leave it out to list everybody")));
        }
        Scope::Native(search) => {
            // A search finds those who were deactivated too: whoever asks for them by name gets them.
            let asked_for = search.to_ascii_uppercase().contains("DEPROVISIONED");
            let request = users().query("search", search);
            let deprovisioned = org.reading.deprovisioned || asked_for;
            let listing = Listing { operation: OPERATION, class: USERS, requests: vec![request], deprovisioned };
            return Ok(list(&org, listing).map_err(explained).boxed());
        }
        Scope::Group(group) => group::members(&org, &group).await?,
        _ => {
            let error = Error::new(ErrorKind::Unsupported, OPERATION)
                .with_detail("an org has no organisational units")
                .with_advice(r#"choose by group, or by a search such as profile.department eq "Finance""#);
            return Err(org.okta.named(error));
        }
    };
    Ok(list(&org, listing))
}

fn everyone(deprovisioned: bool) -> Listing {
    // The plain listing leaves out who was deactivated, a filter does not.
    let gone = deprovisioned.then(|| users().query("filter", r#"status eq "DEPROVISIONED""#));
    let requests = std::iter::once(users()).chain(gone).collect();
    Listing { operation: OPERATION, class: USERS, requests, deprovisioned }
}

/// A request for the first page of users.
pub(crate) fn users() -> Request {
    lean(Request::get("/api/v1/users")).query("limit", PAGE)
}

/// The request, without what costs Okta time and is not read.
pub(crate) fn lean(request: Request) -> Request {
    request.header(header::CONTENT_TYPE, HeaderValue::from_static(LEAN))
}

/// The accounts of a listing, each one once.
pub(crate) fn list(org: &Arc<Org>, listing: Listing) -> AccountStream {
    let (judge, deprovisioned) = (Arc::clone(org), listing.deprovisioned);
    let listed = walk(Arc::clone(org), listing)
        .try_filter(move |user| std::future::ready(deprovisioned || !is_deprovisioned(&user.status)));
    listed.and_then(move |user| std::future::ready(judge.account(&user))).boxed()
}

/// Every user of a listing, each one once. One that breaks in a way that passes begins anew, without
/// those that were listed.
fn walk(org: Arc<Org>, listing: Listing) -> BoxStream<'static, Result<User>> {
    struct Walk {
        org: Arc<Org>,
        listing: Listing,
        /// Which of the requests is being answered, and what comes of it.
        at: usize,
        rows: BoxStream<'static, Result<User>>,
        /// Whether rows have come since it began.
        has_come: bool,
        seen: HashSet<UserKey>,
        restarts: u32,
    }
    impl Walk {
        /// Begins the current request; `false` where there is none.
        fn begin(&mut self) -> bool {
            let Some(request) = self.listing.requests.get(self.at) else { return false };
            self.rows = self.org.okta.list(self.listing.operation, self.listing.class, request.clone());
            self.has_come = false;
            true
        }

        /// Whether the place in the listing was lost, or the answer was not whole. A link that Okta gave
        /// and then refuses is a cursor that is no longer good.
        fn may_begin_anew(&self, error: &Error) -> bool {
            self.restarts < RESTARTS
                && match error.kind() {
                    ErrorKind::Conflict | ErrorKind::Protocol => true,
                    ErrorKind::InputInvalid => self.has_come,
                    _ => false,
                }
        }
    }
    let rows = stream::empty().boxed();
    let mut begun = Walk { org, listing, at: 0, rows, has_come: false, seen: HashSet::new(), restarts: 0 };
    begun.begin();
    stream::try_unfold(begun, |mut walk| async move {
        loop {
            match walk.rows.next().await {
                None => {
                    walk.at += 1;
                    if !walk.begin() {
                        return Ok(None);
                    }
                }
                Some(Ok(user)) => {
                    walk.has_come = true;
                    // What is no id is not remembered: it will not become an account.
                    if UserKey::of(&user.id).is_none_or(|key| walk.seen.insert(key)) {
                        return Ok(Some((user, walk)));
                    }
                }
                Some(Err(error)) if walk.may_begin_anew(&error) => {
                    tracing::warn!(%error, listed = walk.seen.len(), "the listing broke and begins anew");
                    walk.restarts += 1;
                    walk.begin();
                }
                Some(Err(error)) => return Err(lacking(error)),
            }
        }
    })
    .boxed()
}

/// The refusal, with what the right to read users is called.
pub(crate) fn lacking(error: Error) -> Error {
    needs("okta.users.read", "view users", error)
}

/// The refusal, with the scope and the right that the request needs.
pub(crate) fn needs(scope: &str, right: &str, error: Error) -> Error {
    if error.kind() != ErrorKind::InsufficientPrivilege {
        return error;
    }
    error.with_advice(format!(
        "grant the service app the scope {scope}, and give it, or the owner of the API token, an admin role that may {right} (docs/permissions-okta.md)"
    ))
}

fn explained(error: Error) -> Error {
    if error.kind() != ErrorKind::InputInvalid {
        return error;
    }
    error.with_advice(
        r#"write the search as "List all users" has it, for example profile.department eq "Finance" and status eq "ACTIVE"; there is no ne, and co works on names, email and login only"#,
    )
}

#[cfg(test)]
pub(crate) mod tests;
