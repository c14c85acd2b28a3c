//! Collections other than users: pages, counts, filters and selected properties, the same for all.

use serde_json::{Map, Value, json};

use super::query::{Entity, Operator, Property, Shown, Written};
use super::refusal::Refusal;
use super::routes::Visit;
use super::service::Service;
use super::users;
use crate::mock_http::Answer;
use crate::mock_http::opaque;

/// A row of an answer.
pub(super) type Row = Map<String, Value>;

/// So many rows are looked at for one page; a page may end before it is full.
const LOOKED_AT: u64 = 20_000;

/// A property that is always shown and never written.
pub(super) const fn property(name: &'static str, filter: &'static [Operator]) -> Property {
    Property { name, shown: Shown::Always, filter, advanced: &[], written: Written::Never }
}

/// What a collection is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Collection {
    /// What its rows are made of; objects of several types without.
    pub(super) entity: Option<&'static Entity>,
    /// What stands behind `$metadata#` where that is not the entity's set.
    pub(super) context: Option<&'static str>,
    /// Rows of a page, where the request does not say.
    pub(super) page: usize,
    /// How many places there are.
    pub(super) total: u64,
}

impl Collection {
    pub(super) fn of(entity: &'static Entity, total: usize) -> Self {
        Self { entity: Some(entity), context: None, page: 100, total: total as u64 }
    }

    /// Objects of several types.
    pub(super) fn of_objects(total: usize) -> Self {
        Self { entity: None, context: Some("directoryObjects"), page: 100, total: total as u64 }
    }
}

/// Answers with one page; `row` gives the whole row of a place, or nothing for a gap.
pub(super) fn answer(
    service: &Service,
    visit: &Visit<'_>,
    collection: Collection,
    mut row: impl FnMut(u64) -> Option<Row>,
) -> Result<Answer, Refusal> {
    service.counts().pages += 1;
    let query = &visit.query;
    let binding = users::binding(visit.call);
    let used_for = format!("{} {binding}", visit.call.path);
    let from = match &query.skip_token {
        None => 0,
        Some(token) => {
            let found = opaque::read(service.seed, &used_for, token);
            let invalid = || Refusal::bad_request("The skip token is malformed or belongs to another query.");
            let [from] = found.ok_or_else(invalid)?;
            from
        }
    };
    let mut fitting = |place: u64| {
        let row = row(place)?;
        let property = |name: &str| row.get(name).cloned().unwrap_or(Value::Null);
        query.filter.as_ref().is_none_or(|filter| filter.fits(property)).then_some(row)
    };
    let most = query.top.unwrap_or(collection.page);
    let (mut rows, mut next) = (Vec::new(), from);
    while next < collection.total && rows.len() < most && next - from < LOOKED_AT {
        if let Some(row) = fitting(next) {
            rows.push(Value::from(selected(row, collection.entity, visit)));
        }
        next += 1;
    }
    let set = collection.context.or_else(|| collection.entity.map(|entity| entity.set)).unwrap_or_default();
    let mut body = Row::new();
    body.insert("@odata.context".into(), context(service, set, visit).into());
    if query.count && query.skip_token.is_none() {
        let count = (0..collection.total).filter(|place| fitting(*place).is_some()).count();
        body.insert("@odata.count".into(), count.into());
    }
    if next < collection.total {
        let token = opaque::write(service.seed, &used_for, [next]);
        let separator = if binding.is_empty() { "" } else { "&" };
        let link = format!("{}{}?{binding}{separator}$skiptoken={token}", service.graph_url, visit.call.path);
        body.insert("@odata.nextLink".into(), link.into());
    }
    body.insert("value".into(), rows.into());
    Ok(Answer::ok(body.into()))
}

/// Answers with one object.
pub(super) fn one(service: &Service, visit: &Visit<'_>, entity: &'static Entity, row: Row) -> Answer {
    let mut row = selected(row, Some(entity), visit);
    row.insert("@odata.context".into(), json!(format!("{}/$entity", context(service, entity.set, visit))));
    Answer::ok(row.into())
}

fn context(service: &Service, set: &str, visit: &Visit<'_>) -> String {
    let selected = visit.query.select.as_ref().map(|names| format!("({})", names.join(",")));
    format!("{}/v1.0/$metadata#{set}{}", service.graph_url, selected.unwrap_or_default())
}

/// The selected properties, annotations, and what is expanded.
fn selected(row: Row, entity: Option<&'static Entity>, visit: &Visit<'_>) -> Row {
    let shown = |name: &String| {
        if name.starts_with('@') || visit.query.expand.as_ref() == Some(name) {
            return true;
        }
        match (&visit.query.select, entity) {
            (Some(names), _) => names.contains(name),
            (None, Some(entity)) => entity.property(name).is_none_or(|known| known.shown == Shown::Always),
            (None, None) => true,
        }
    };
    row.into_iter().filter(|(name, _)| shown(name)).collect()
}
