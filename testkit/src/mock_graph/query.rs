//! The options of a query, read strictly: what is not known is refused.

use super::filter::{self, Filter};
use super::refusal::Refusal;
use super::settings::{OverTop, Settings};

/// What a collection's rows are made of.
#[derive(Debug)]
pub(super) struct Entity {
    /// What stands behind `$metadata#`.
    pub(super) set: &'static str,
    pub(super) properties: &'static [Property],
}

impl Entity {
    /// The property of a name; names have one spelling.
    pub(super) fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name == name)
    }
}

/// One property.
#[derive(Debug)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) shown: Shown,
    /// The operators of `$filter` without further ado.
    pub(super) filter: &'static [Operator],
    /// The operators of `$filter` that are an advanced query.
    pub(super) advanced: &'static [Operator],
    /// Whether and as what it can be written.
    pub(super) written: Written,
}

/// When a property is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Without being asked for.
    Always,
    /// When `$select` names it.
    Selected,
    /// When `$select` names it, but not in a listing: that is answered with 501.
    NotListed,
}

/// Whether and as what a property can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Never,
    Text,
    Texts,
    Flag,
    /// Has rules of its own.
    Profile,
}

/// An operator of `$filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    In,
    StartsWith,
    EndsWith,
    /// `any(x:x eq …)` of a list.
    AnyEqual,
}

/// The options that a route knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) select: bool,
    pub(super) top: bool,
    pub(super) filter: bool,
    pub(super) count: bool,
    pub(super) order_by: bool,
    pub(super) skip_token: bool,
    pub(super) delta_token: bool,
    /// `$expand=manager`, which is all that can be expanded.
    pub(super) manager: bool,
    /// What else can be expanded, one in a request.
    pub(super) expand: &'static [&'static str],
    /// The answer is a count by itself.
    pub(super) counts: bool,
    /// The most rows of a page.
    pub(super) most: usize,
}

impl Options {
    pub(super) const NONE: Self = Self {
        select: false,
        top: false,
        filter: false,
        count: false,
        order_by: false,
        skip_token: false,
        delta_token: false,
        manager: false,
        expand: &[],
        counts: false,
        most: 999,
    };
    /// Of one object.
    pub(super) const ONE: Self = Self { select: true, manager: true, ..Self::NONE };
    /// Of a listing.
    pub(super) const LISTING: Self = Self {
        select: true,
        top: true,
        filter: true,
        count: true,
        order_by: true,
        skip_token: true,
        manager: true,
        ..Self::NONE
    };
}

/// The options of a query.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pub(super) select: Option<Vec<String>>,
    pub(super) top: Option<usize>,
    pub(super) filter: Option<Filter>,
    pub(super) count: bool,
    pub(super) order_by: Option<String>,
    pub(super) skip_token: Option<String>,
    pub(super) delta_token: Option<String>,
    /// The manager is to be shown: with these properties, or those that are always shown.
    pub(super) manager: Option<Option<Vec<String>>>,
    /// Anything else that is to be shown.
    pub(super) expand: Option<String>,
}

impl Query {
    pub(super) fn selects(&self, property: &str) -> bool {
        self.select.iter().flatten().any(|name| name == property)
    }
}

/// Reads the options that a route knows; `eventual` is whether the request's header asks for
/// eventual consistency, without which there are no advanced queries.
pub(super) fn read(
    given: Vec<(String, String)>,
    known: Options,
    entity: Option<&'static Entity>,
    eventual: bool,
    settings: &Settings,
) -> Result<Query, Refusal> {
    let mut query = Query { count: known.counts, ..Query::default() };
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in given {
        let name = name.to_ascii_lowercase();
        if seen.contains(&name) {
            return Err(Refusal::bad_request(format!("Query option '{name}' was specified more than once.")));
        }
        match name.as_str() {
            "$select" if known.select => query.select = Some(select(&value, entity)?),
            "$top" if known.top => query.top = Some(top(&value)?),
            "$filter" if known.filter => {
                let entity = entity.ok_or_else(|| unsupported(&name))?;
                query.filter = Some(filter::read(&value, entity, settings.other_codes)?);
            }
            "$count" if known.count => {
                query.count = value.parse().map_err(|_| Refusal::bad_request("Invalid value for $count."))?;
            }
            "$expand" if known.manager => query.manager = Some(manager(&value, entity)?),
            "$expand" if known.expand.contains(&value.as_str()) => query.expand = Some(value),
            "$expand" if !known.expand.is_empty() => {
                let one_only = value.contains(',');
                let why = if one_only { "Only one property can be expanded." } else { "It cannot be expanded." };
                return Err(Refusal::bad_request(format!("Invalid $expand '{value}'. {why}")));
            }
            "$orderby" if known.order_by => query.order_by = Some(value),
            "$skiptoken" if known.skip_token => query.skip_token = Some(value),
            "$deltatoken" if known.delta_token => query.delta_token = Some(value),
            _ => return Err(unsupported(&name)),
        }
        seen.push(name);
    }
    advanced(&query, eventual, settings)?;
    if let Some(top) = query.top {
        let most = most(&query, known);
        match settings.over_top {
            OverTop::Refused if top > most => {
                return Err(Refusal::bad_request(format!(
                    "Invalid page size specified: '{top}'. Must be between 1 and {most} inclusive."
                )));
            }
            _ => query.top = Some(top.min(most)),
        }
    }
    Ok(query)
}

/// The most rows of a page: fewer where sign-ins are asked for.
fn most(query: &Query, known: Options) -> usize {
    if query.selects("signInActivity") { known.most.min(500) } else { known.most }
}

/// Advanced queries need both the header and `$count=true`, and some are none at all.
fn advanced(query: &Query, eventual: bool, settings: &Settings) -> Result<(), Refusal> {
    let by_filter = query.filter.as_ref().is_some_and(Filter::is_advanced);
    let ordered_filter = query.filter.is_some() && query.order_by.is_some();
    let needed = query.count || by_filter || ordered_filter;
    if needed && !(eventual && query.count) {
        let message = "Request uses an advanced query without the ConsistencyLevel header and $count.";
        return Err(Refusal::unsupported_query(message, settings.other_codes));
    }
    if needed && query.manager.is_some() {
        let message = "$expand is not supported with advanced queries.";
        return Err(Refusal::unsupported_query(message, settings.other_codes));
    }
    match &query.order_by {
        Some(order) if order != "displayName" && order != "userPrincipalName" => {
            Err(Refusal::unsupported_query("Sort not supported for current query.", settings.other_codes))
        }
        _ => Ok(()),
    }
}

fn unsupported(name: &str) -> Refusal {
    Refusal::bad_request(format!("Query option '{name}' is not allowed or not known."))
}

fn select(value: &str, entity: Option<&'static Entity>) -> Result<Vec<String>, Refusal> {
    let names: Vec<String> = value.split(',').map(|name| name.trim().to_owned()).collect();
    for name in &names {
        if let Some(entity) = entity.filter(|entity| entity.property(name).is_none()) {
            let message = format!("Could not find a property named '{name}' on the type of '{}'.", entity.set);
            return Err(Refusal::bad_request(message));
        }
    }
    Ok(names)
}

fn top(value: &str) -> Result<usize, Refusal> {
    match value.parse() {
        Ok(top) if top >= 1 => Ok(top),
        _ => Err(Refusal::bad_request(format!("Invalid value '{value}' for $top query option found."))),
    }
}

/// `manager` or `manager($select=…)`.
fn manager(value: &str, entity: Option<&'static Entity>) -> Result<Option<Vec<String>>, Refusal> {
    let rest = value.strip_prefix("manager").ok_or_else(|| unsupported("$expand"))?;
    if rest.is_empty() {
        return Ok(None);
    }
    let names = rest.strip_prefix("($select=").and_then(|rest| rest.strip_suffix(')'));
    select(names.ok_or_else(|| unsupported("$expand"))?, entity).map(Some)
}
