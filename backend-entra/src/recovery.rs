//! Who could recover alone: the report `userRegistrationDetails`, joined with the accounts asked for.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use identity_core::account::AccountId;
use identity_core::directory::{AccountEnumerator, AccountQuery, AccountStream};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::{Request, ServerFault};
use identity_core::limits::clock;
use identity_core::recovery::{Enrolment, Method, RecoveryAuditor};
use uuid::Uuid;

use crate::EntraDirectory;
use crate::dialect::code;
use crate::graph::Graph;
use crate::limits::REPORTS;
use crate::methods::kind_of;
use crate::tenant::Tenant;
use crate::wire::page::Page;
use crate::wire::registration::Registration;

const OPERATION: &str = "list recovery enrolments";
const REPORT: &str = "/reports/authenticationMethods/userRegistrationDetails";
/// Tenants that have the licence are refused for lack of it now and then
/// (microsoft-graph-docs#11986): it is asked again after these.
const AGAIN_AFTER: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

#[async_trait]
impl RecoveryAuditor for EntraDirectory {
    fn enrolments(&self, query: &AccountQuery) -> BoxStream<'static, Result<Enrolment>> {
        enrolments(Arc::clone(&self.tenant), self.accounts(query))
    }
}

/// What each of the accounts has enrolled.
///
/// # Behavior
/// Who can do multifactor authentication is noted on the way, for whoever asks what works on an
/// account. The ids are kept in memory (16 bytes each), the rows of the report are not. Whoever the
/// report has no row of comes last, and unknown; all of them, where the tenant's licence has no report.
///
/// # Errors
/// In the stream: of the listing of the accounts and of the report.
fn enrolments(tenant: Arc<Tenant>, accounts: AccountStream) -> BoxStream<'static, Result<Enrolment>> {
    stream::once(begun(tenant, accounts)).try_flatten().boxed()
}

async fn begun(tenant: Arc<Tenant>, accounts: AccountStream) -> Result<BoxStream<'static, Result<Enrolment>>> {
    let open: HashSet<Uuid> =
        accounts.try_filter_map(async |account| Ok(Uuid::parse_str(account.id.as_str()).ok())).try_collect().await?;
    let walk = Walk { tenant, next: Some(Request::get(REPORT)), followed: HashSet::new(), open };
    Ok(stream::try_unfold(walk, Walk::step).map_ok(|rows| stream::iter(rows.into_iter().map(Ok))).try_flatten().boxed())
}

/// A walk over the pages of the report.
struct Walk {
    tenant: Arc<Tenant>,
    next: Option<Request>,
    /// Links that were followed.
    followed: HashSet<String>,
    /// Accounts that no row was seen of.
    open: HashSet<Uuid>,
}

impl Walk {
    async fn step(mut self) -> Result<Option<(Vec<Enrolment>, Self)>> {
        let Some(request) = self.next.take() else {
            let rows = self.without_row("the report of registrations has no row of it")?;
            return Ok(if rows.is_empty() { None } else { Some((rows, self)) });
        };
        let page = match page(&self.tenant.graph, &request).await {
            Ok(page) => page,
            Err(error) if self.followed.is_empty() && is_unlicensed(&error) => {
                tracing::warn!(%error, "no report of registrations: whether people could recover alone is unknown");
                let rows = self.without_row("the tenant's licence has no report of registrations (Entra ID P1)")?;
                return Ok(Some((rows, self)));
            }
            Err(error) => return Err(error),
        };
        if let Some(link) = page.next {
            if !self.followed.insert(link.clone()) {
                return Err(Error::new(ErrorKind::Protocol, OPERATION)
                    .with_detail("the service gave a link to a page that was read already"));
            }
            self.next = Some(Request::link(link));
        }
        let mut rows = Vec::with_capacity(page.value.len());
        for row in page.value {
            let id = Uuid::parse_str(&row.id).map_err(|_| {
                Error::new(ErrorKind::Protocol, OPERATION).with_detail("a row of the report has no id of a user")
            })?;
            // A row of somebody who was not asked for, or a second one.
            if self.open.remove(&id) {
                let account = account(id)?;
                if let Some(is_capable) = row.is_mfa_capable {
                    self.tenant.known.note_mfa(&account, is_capable);
                }
                rows.push(enrolment(account, &row));
            }
        }
        Ok(Some((rows, self)))
    }

    /// Whoever is left, as unknown.
    fn without_row(&mut self, because: &str) -> Result<Vec<Enrolment>> {
        let mut left: Vec<Uuid> = self.open.drain().collect();
        left.sort_unstable();
        let unknown = |id| {
            let mut enrolment = Enrolment::new(account(id)?);
            enrolment.because = Some(because.to_owned());
            Ok(enrolment)
        };
        left.into_iter().map(unknown).collect()
    }
}

/// A page; a refusal for lack of a licence is asked again a few times.
async fn page(graph: &Graph, request: &Request) -> Result<Page<Registration>> {
    for wait in AGAIN_AFTER {
        match graph.one(OPERATION, REPORTS, request).await {
            Err(error) if is_unlicensed(&error) => clock::sleep(wait).await,
            answered => return answered,
        }
    }
    graph.one(OPERATION, REPORTS, request).await
}

fn is_unlicensed(error: &Error) -> bool {
    ServerFault::of(error).is_some_and(|fault| {
        fault.code.eq_ignore_ascii_case(code::NO_LICENCE) || fault.inner_code.as_deref() == Some(code::NO_LICENCE)
    })
}

fn account(id: Uuid) -> Result<AccountId> {
    AccountId::new(id.hyphenated().to_string())
        .map_err(|error| Error::new(ErrorKind::Protocol, OPERATION).with_detail(error.to_string()))
}

fn enrolment(account: AccountId, row: &Registration) -> Enrolment {
    let mut enrolment = Enrolment::new(account);
    // Registered is not capable: the policies must allow what is registered.
    enrolment.self_service = row.is_sspr_capable;
    if row.is_sspr_capable != Some(true) {
        enrolment.because = Some(because(row));
    }
    // The report does not say when a method was registered.
    let method = |word: &String| Method { kind: kind_of(word), enrolled: None };
    enrolment.methods = row.methods_registered.iter().flatten().map(method).collect();
    enrolment.as_of = row.last_updated_date_time;
    enrolment
}

fn because(row: &Registration) -> String {
    let why = match (row.is_sspr_capable, row.is_sspr_registered, row.is_sspr_enabled) {
        (None, ..) => "the report does not say",
        (_, Some(true), Some(true)) => "registered and allowed, but not with methods that the policy takes",
        (_, Some(true), _) => "registered, but the policy does not let it reset its own password",
        (_, _, Some(true)) => "too few methods are registered for self-service password reset",
        _ => "not registered, and the policy does not let it reset its own password",
    };
    if row.is_admin == Some(true) {
        format!("{why}; administrators have a policy of their own, which takes two methods")
    } else {
        why.to_owned()
    }
}

#[cfg(test)]
mod tests;
