//! `GET /users` and `GET /users/$count`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::filter::Filter;
use super::super::query::Shown;
use super::super::refusal::Refusal;
use super::super::routes::Visit;
use super::super::service::Service;
use super::super::tenant::{Tenant, View};
use super::properties::{self, USER};
use super::shown;
use crate::mock_http::opaque;
use crate::mock_http::{Answer, Call};

/// So many rows are looked at for one page; a page may end before it is full.
const LOOKED_AT: u64 = 20_000;

/// Where a listing has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    /// The next user; in a sorted listing, how many rows were shown.
    next: u64,
    /// How many pages there were.
    pages: u64,
}

pub(super) fn answer(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    service.counts().pages += 1;
    may_be_listed(service, visit)?;
    let binding = binding(visit.call);
    let place = match &visit.query.skip_token {
        None => Place::default(),
        Some(token) => {
            let found = opaque::read(service.seed, &format!("users {binding}"), token);
            let invalid = || Refusal::bad_request("The skip token is malformed or belongs to another query.");
            let [next, pages] = found.ok_or_else(invalid)?;
            Place { next, pages }
        }
    };
    let mut tenant = service.tenant();
    let every = service.settings.empty_page_every;
    // The first page is never one without rows, and none follows another.
    let empty = every > 0 && place.pages > 0 && (place.pages + 1) % (every + 1) == 0;
    let (rows, next) = match &visit.query.order_by {
        _ if empty => (Vec::new(), Some(place.next)),
        None => page(&mut tenant, visit, place.next),
        Some(property) => sorted(&mut tenant, visit, place.next, property),
    };
    let mut body = json!({ "@odata.context": context(service, visit.query.select.as_deref()) });
    let mut put = |name: &str, value: Value| {
        if let Some(members) = body.as_object_mut() {
            members.insert(name.into(), value);
        }
    };
    if visit.query.count && visit.query.skip_token.is_none() {
        put("@odata.count", json!(count_of(&mut tenant, visit)));
    }
    if let Some(next) = next {
        let token = opaque::write(service.seed, &format!("users {binding}"), [next, place.pages + 1]);
        let separator = if binding.is_empty() { "" } else { "&" };
        let link = format!("{}/v1.0/users?{binding}{separator}$skiptoken={token}", service.graph_url);
        put("@odata.nextLink", json!(link));
    }
    put("value", rows.into());
    Ok(Answer::ok(body))
}

pub(super) fn count(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::text(count_of(&mut service.tenant(), visit).to_string()))
}

/// `$metadata#users`, with the selected properties.
pub(super) fn context(service: &Service, select: Option<&[String]>) -> String {
    let selected = select.map(|names| format!("({})", names.join(","))).unwrap_or_default();
    format!("{}/v1.0/$metadata#{}{selected}", service.graph_url, USER.set)
}

/// The query without its skip token: a token belongs to one query.
pub(in crate::mock_graph) fn binding(call: &Call) -> String {
    let query = call.query.as_deref().unwrap_or_default();
    let others = query.split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default().replace("%24", "$").to_ascii_lowercase();
        !pair.is_empty() && name != "$skiptoken"
    });
    others.collect::<Vec<_>>().join("&")
}

fn may_be_listed(service: &Service, visit: &Visit<'_>) -> Result<(), Refusal> {
    for name in visit.query.select.iter().flatten() {
        if USER.property(name).is_some_and(|property| property.shown == Shown::NotListed) {
            return Err(Refusal::not_implemented(name));
        }
    }
    if visit.query.asks_for_sign_ins() { may_see_sign_ins(service, visit) } else { Ok(()) }
}

/// Sign-ins need a permission of their own and a licence.
pub(super) fn may_see_sign_ins(service: &Service, visit: &Visit<'_>) -> Result<(), Refusal> {
    if !visit.caller.has_any(&["AuditLog.Read.All"]) {
        return Err(Refusal::forbidden());
    }
    if service.settings.premium { Ok(()) } else { Err(Refusal::no_licence()) }
}

fn fits(tenant: &Tenant, visit: &Visit<'_>, view: &View<'_>) -> bool {
    let filter = visit.query.filter.as_ref();
    filter.is_none_or(|filter| filter.fits(|name| properties::value(view, tenant, name)))
}

fn row_of(tenant: &mut Tenant, visit: &Visit<'_>, number: u64) -> Option<Value> {
    tenant.settle(number);
    let view = tenant.view(number)?;
    (!tenant.not_found_yet(number) && fits(tenant, visit, &view)).then(|| shown(&view, tenant, visit).into())
}

fn page(tenant: &mut Tenant, visit: &Visit<'_>, from: u64) -> (Vec<Value>, Option<u64>) {
    let most = visit.query.top.unwrap_or(100);
    let end = tenant.end();
    let mut rows = Vec::new();
    if let Some(ids) = visit.query.filter.as_ref().and_then(Filter::ids) {
        let named = ids.iter().filter_map(|id| tenant.by_id(&id.parse().ok()?)).filter(|number| *number >= from);
        for number in named.collect::<BTreeSet<u64>>() {
            if rows.len() == most {
                return (rows, Some(number));
            }
            rows.extend(row_of(tenant, visit, number));
        }
        return (rows, None);
    }
    let mut next = from;
    while next < end && rows.len() < most && next - from < LOOKED_AT {
        rows.extend(row_of(tenant, visit, next));
        next += 1;
    }
    (rows, (next < end).then_some(next))
}

fn sorted(tenant: &mut Tenant, visit: &Visit<'_>, from: u64, property: &str) -> (Vec<Value>, Option<u64>) {
    let mut keys: Vec<(String, u64)> = Vec::new();
    for number in 0..tenant.end() {
        if let Some(view) = tenant.view(number)
            && fits(tenant, visit, &view)
        {
            let key = properties::value(&view, tenant, property);
            keys.push((key.as_str().unwrap_or_default().to_lowercase(), number));
        }
    }
    keys.sort();
    let most = visit.query.top.unwrap_or(100);
    let here = keys.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)).take(most);
    let rows: Vec<Value> =
        here.filter_map(|(_, number)| Some(shown(&tenant.view(*number)?, tenant, visit).into())).collect();
    let next = from + rows.len() as u64;
    (rows, (next < keys.len() as u64).then_some(next))
}

fn count_of(tenant: &mut Tenant, visit: &Visit<'_>) -> u64 {
    if visit.query.filter.is_none() {
        return tenant.count();
    }
    (0..tenant.end()).filter(|number| tenant.view(*number).is_some_and(|view| fits(tenant, visit, &view))).count()
        as u64
}
