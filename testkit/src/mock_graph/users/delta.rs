//! `GET /users/delta`: everybody, and from then on who was made, changed or deleted.

use std::sync::atomic::Ordering;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::filter::Filter;
use super::super::refusal::Refusal;
use super::super::routes::Visit;
use super::super::service::Service;
use super::super::tenant::Tenant;
use super::list::context;
use super::properties::row;
use crate::mock_http::Answer;
use crate::mock_http::opaque;

/// Rows of a page; nothing is documented for a delta query.
const PAGE: usize = 200;
/// The most ids that a delta query can be narrowed to.
const MOST_IDS: usize = 50;

/// Where a delta query has come to.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The epoch that its links belong to.
    epoch: u64,
    /// The place in the log of changes when the round began; the next round begins there.
    mark: u64,
    /// The place in the log that the round before began at; `u64::MAX` in the first round.
    since: u64,
    /// How many rows were looked at.
    next: u64,
}

pub(super) fn answer(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let ids = ids(visit)?;
    let epoch = service.delta_epoch.load(Ordering::Relaxed);
    let mut tenant = service.tenant();
    let begun = Place { epoch, mark: tenant.mark(), since: u64::MAX, next: 0 };
    let (skip, delta) = (visit.query.skip_token.as_deref(), visit.query.delta_token.as_deref());
    let select = visit.query.select.clone();
    let filter = visit.query.filter.as_ref().map(Filter::text).unwrap_or_default();
    // A link belongs to what was asked for in the beginning.
    let used_for = format!("delta {} {filter}", select.as_deref().unwrap_or_default().join(","));
    let place = match (skip, delta) {
        (None, None) => begun,
        (Some(_), Some(_)) => return Err(Refusal::bad_request("A skip token and a delta token do not mix.")),
        (Some("latest"), _) => return Err(Refusal::bad_request("The skip token is malformed.")),
        // Nothing of now, only what comes.
        (None, Some("latest")) => Place { since: begun.mark, ..begun },
        (token, other) => {
            let [of, mark, since, next] = token
                .or(other)
                .and_then(|token| opaque::read(service.seed, &used_for, token))
                .ok_or_else(Refusal::resync)?;
            if of != epoch {
                return Err(Refusal::resync());
            }
            match other {
                Some(_) => Place { since: mark, ..begun },
                None => Place { epoch: of, mark, since, next },
            }
        }
    };
    // The words for somebody who was deleted are not confirmed.
    let reason = if service.settings.other_codes { "deleted" } else { "changed" };
    let (rows, next) = rows(&mut tenant, visit, place, ids.as_deref(), reason)?;
    let mut body = json!({ "@odata.context": context(service, select.as_deref()), "value": rows });
    let (name, parameter, next) = match next {
        Some(next) => ("@odata.nextLink", "$skiptoken", next),
        None => ("@odata.deltaLink", "$deltatoken", 0),
    };
    let token = opaque::write(service.seed, &used_for, [place.epoch, place.mark, place.since, next]);
    let selected = select.map(|names| format!("$select={}&", names.join(","))).unwrap_or_default();
    let filtered = match filter {
        "" => String::new(),
        filter => format!("$filter={}&", utf8_percent_encode(filter, NON_ALPHANUMERIC)),
    };
    let link = format!("{}/v1.0/users/delta?{selected}{filtered}{parameter}={token}", service.graph_url);
    if let Some(members) = body.as_object_mut() {
        members.insert(name.into(), link.into());
    }
    Ok(Answer::ok(body))
}

/// The ids of a filter, which can be nothing else.
fn ids(visit: &Visit<'_>) -> Result<Option<Vec<Uuid>>, Refusal> {
    let Some(filter) = &visit.query.filter else { return Ok(None) };
    let ids = filter.choice_of("id").ok_or_else(|| {
        Refusal::bad_request(format!("The filter '{}' is not supported by a delta query.", filter.text()))
    })?;
    if ids.len() > MOST_IDS {
        return Err(Refusal::bad_request("A delta query can be narrowed to 50 ids at most."));
    }
    let ids: Result<Vec<Uuid>, _> = ids.into_iter().map(str::parse).collect();
    ids.map(Some).map_err(|_| Refusal::bad_request("An id is not a GUID."))
}

fn rows(
    tenant: &mut Tenant,
    visit: &Visit<'_>,
    place: Place,
    ids: Option<&[Uuid]>,
    reason: &str,
) -> Result<(Vec<Value>, Option<u64>), Refusal> {
    let wanted: Option<Vec<u64>> = ids.map(|ids| ids.iter().filter_map(|id| tenant.number_of(id)).collect());
    let numbers: Vec<u64> = match (wanted, place.since) {
        (Some(wanted), u64::MAX) => wanted,
        (None, u64::MAX) => (0..tenant.end()).collect(),
        (wanted, since) => {
            let mut changed = tenant.changed_between(since, place.mark).ok_or_else(Refusal::resync)?;
            changed.retain(|number| wanted.as_ref().is_none_or(|wanted| wanted.contains(number)));
            changed
        }
    };
    let first = place.since == u64::MAX;
    let (mut rows, mut next) = (Vec::new(), place.next);
    for number in numbers.iter().skip(usize::try_from(place.next).unwrap_or(usize::MAX)) {
        if rows.len() == PAGE {
            return Ok((rows, Some(next)));
        }
        next += 1;
        tenant.settle(*number);
        match tenant.view(*number) {
            Some(_) if tenant.not_found_yet(*number) => {}
            Some(view) => {
                let mut row = row(&view, tenant, visit.query.select.as_deref());
                // Without it nobody could tell whose row it is.
                row.insert("id".into(), json!(view.user.id));
                rows.push(row.into());
            }
            None if first => {}
            None => rows.push(json!({ "id": tenant.id_of(*number), "@removed": { "reason": reason } })),
        }
    }
    Ok((rows, None))
}
