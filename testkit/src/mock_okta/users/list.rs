//! `GET /api/v1/users`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::cursor;
use super::super::org::{Org, Status, View};
use super::super::refusal::Refusal;
use super::super::routes::Visit;
use super::super::search::{self, Dialect, Expression};
use super::super::service::Service;
use super::super::settings::Settings;
use super::row;
use crate::mock_http::Answer;

/// The most rows that are answered to `q`, where nothing else is said.
const QUICK: usize = 10;

/// What is asked for.
struct Asked {
    expression: Option<Expression>,
    /// Words at the beginning of names or addresses.
    quick: Option<String>,
    /// Whether it is answered from the index, which is late.
    indexed: bool,
    /// Whether those deactivated are shown.
    everybody: bool,
    sort: Option<(String, bool)>,
    limit: usize,
    fields: Option<Vec<String>>,
    blocks: bool,
}

impl Asked {
    fn read(visit: &Visit<'_>, settings: &Settings) -> Result<Self, Refusal> {
        let (search, filter) = (visit.parameter("search"), visit.parameter("filter"));
        let expression = match (search, filter) {
            (Some(_), Some(_)) => return Err(Refusal::search_and_filter()),
            (Some(text), None) => Some(search::read(text, Dialect::Search)?),
            (None, Some(text)) => Some(search::read(text, Dialect::Filter)?),
            (None, None) => None,
        };
        let sort = match (visit.parameter("sortBy"), visit.parameter("sortOrder")) {
            (Some(_), _) if search.is_none() => return Err(Refusal::invalid_search()),
            (Some(attribute), None | Some("asc")) => Some((attribute.to_owned(), false)),
            (Some(attribute), Some("desc")) => Some((attribute.to_owned(), true)),
            (Some(_), Some(_)) => {
                return Err(Refusal::validation("sortOrder", "sortOrder: The order is neither asc nor desc."));
            }
            (None, _) => None,
        };
        let blocks = super::embeds_blocks(visit, settings)?;
        let quick = visit.parameter("q").map(str::to_lowercase);
        let default = if quick.is_some() { QUICK } else { settings.largest_page };
        Ok(Self {
            indexed: search.is_some(),
            everybody: expression.is_some(),
            limit: visit.limit(default, settings.largest_page)?,
            fields: visit.parameter("fields").map(fields),
            expression,
            quick,
            sort,
            blocks,
        })
    }

    fn shows(&self, view: &View<'_>, settings: &Settings) -> bool {
        if !self.everybody && view.user.status() == Status::Deprovisioned {
            return false;
        }
        if let Some(quick) = &self.quick {
            let begins = |text: Option<&str>| text.is_some_and(|text| text.to_lowercase().starts_with(quick));
            let user = &view.user;
            return begins(user.first_name.as_deref())
                || begins(user.last_name.as_deref())
                || begins(Some(&user.email));
        }
        let Some(expression) = &self.expression else { return true };
        expression.fits(&|attribute| row::value(view, settings, attribute))
    }

    fn view<'a>(&self, org: &'a Org, number: u64) -> Option<View<'a>> {
        if self.indexed { org.view_indexed(number) } else { org.view(number) }
    }
}

pub(super) fn answer(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    service.counts().pages += 1;
    let settings = service.settings();
    let asked = Asked::read(visit, &settings)?;
    let binding = cursor::binding(visit.call, &["after", "limit", "expand"]);
    let used_for = format!("users {binding}");
    let [from] = match cursor::given(visit.call) {
        None => [0],
        Some(text) => cursor::read(service.seed, &used_for, text)
            .ok_or_else(|| Refusal::validation("after", "after: The cursor is not one of this listing."))?,
    };
    let mut org = service.org();
    let (numbers, next) = page(&mut org, &asked, &settings, from);
    let next = match (next, numbers.last()) {
        // The next page begins with the last row of this one.
        (Some(next), Some(last)) if settings.repeats_rows && numbers.len() > 1 => {
            Some(if asked.sort.is_some() { next - 1 } else { *last })
        }
        (next, _) => next,
    };
    let rows: Vec<Value> =
        numbers.iter().filter_map(|number| one(&org, service, visit, &asked, &settings, *number)).collect();
    let path = "/api/v1/users";
    let link = |after: Option<&str>| cursor::address(service, path, after, asked.limit, &binding);
    let own = cursor::given(visit.call);
    let mut answer = Answer::ok(rows.into()).with("link", format!("<{}>; rel=\"self\"", link(own)));
    let next = match next {
        // An empty page that points to itself: whoever follows it goes around for ever.
        None if settings.self_referential_last_page && asked.quick.is_none() => Some(match (own, numbers.is_empty()) {
            (Some(own), true) => own.to_owned(),
            _ => cursor::write(service.seed, &used_for, [u64::MAX]),
        }),
        None => None,
        Some(next) => Some(cursor::write(service.seed, &used_for, [next])),
    };
    // A people picker has one page.
    if let Some(next) = next.filter(|_| asked.quick.is_none()) {
        answer = answer.with("link", format!("<{}>; rel=\"next\"", link(Some(&next))));
    }
    Ok(answer)
}

fn one(
    org: &Org,
    service: &Service,
    visit: &Visit<'_>,
    asked: &Asked,
    settings: &Settings,
    number: u64,
) -> Option<Value> {
    let view = asked.view(org, number)?;
    let mut shown = row::row(&view, settings, visit.call, &service.url);
    if asked.blocks {
        shown.insert("_embedded".into(), json!({ "blocks": [] }));
    }
    if let Some(fields) = &asked.fields {
        project(&mut shown, fields);
    }
    Some(shown.into())
}

/// The users of a page, and where the next one begins.
fn page(org: &mut Org, asked: &Asked, settings: &Settings, from: u64) -> (Vec<u64>, Option<u64>) {
    if let Some((attribute, descending)) = &asked.sort {
        return sorted(org, asked, settings, from, attribute, *descending);
    }
    let mut rows = Vec::new();
    let fits = |org: &Org, number| asked.view(org, number).is_some_and(|view| asked.shows(&view, settings));
    if let Some(named) = named(org, asked) {
        for number in named.into_iter().filter(|number| *number >= from) {
            if rows.len() == asked.limit {
                return (rows, Some(number));
            }
            if fits(org, number) {
                rows.push(number);
            }
        }
        return (rows, None);
    }
    let (end, mut next) = (org.end(), from);
    while next < end {
        if fits(org, next) {
            // Only when there is one more is there a next page.
            if rows.len() == asked.limit {
                return (rows, Some(next));
            }
            rows.push(next);
        }
        next += 1;
    }
    (rows, None)
}

/// The users that an expression names one by one.
fn named(org: &mut Org, asked: &Asked) -> Option<BTreeSet<u64>> {
    let expression = asked.expression.as_ref()?;
    if let Some(ids) = expression.only("id") {
        return Some(ids.into_iter().filter_map(|id| org.by_id(id)).collect());
    }
    let logins: Vec<String> = expression.only("profile.login")?.into_iter().map(str::to_owned).collect();
    Some(logins.iter().filter_map(|login| org.resolve(login)).collect())
}

fn sorted(
    org: &Org,
    asked: &Asked,
    settings: &Settings,
    from: u64,
    attribute: &str,
    descending: bool,
) -> (Vec<u64>, Option<u64>) {
    let mut keys: Vec<(String, u64)> = Vec::new();
    for number in 0..org.end() {
        if let Some(view) = asked.view(org, number)
            && asked.shows(&view, settings)
        {
            let key = row::value(&view, settings, attribute);
            keys.push((key.as_str().unwrap_or_default().to_lowercase(), number));
        }
    }
    keys.sort();
    if descending {
        keys.reverse();
    }
    let here = keys.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)).take(asked.limit);
    let rows: Vec<u64> = here.map(|(_, number)| *number).collect();
    let next = from.saturating_add(rows.len() as u64);
    (rows, (next < keys.len() as u64).then_some(next))
}

/// `id,status,profile:(login,email)` as paths.
fn fields(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let (mut name, mut parent) = (String::new(), None);
    for next in text.chars().chain([',']) {
        match next {
            '(' => parent = Some(std::mem::take(&mut name).trim_end_matches(':').to_owned()),
            ',' | ')' => {
                let own = std::mem::take(&mut name);
                if !own.trim().is_empty() {
                    paths.push(match &parent {
                        Some(parent) => format!("{parent}.{}", own.trim()),
                        None => own.trim().to_owned(),
                    });
                }
                if next == ')' {
                    parent = None;
                }
            }
            other => name.push(other),
        }
    }
    paths
}

/// Leaves of a row what is asked for; the id always stays.
fn project(shown: &mut Map<String, Value>, fields: &[String]) {
    shown.retain(|name, value| {
        let inside: Vec<&str> =
            fields.iter().filter_map(|path| path.strip_prefix(name.as_str())?.strip_prefix('.')).collect();
        if name == "id" || fields.iter().any(|path| path == name) {
            return true;
        }
        if let Some(members) = value.as_object_mut() {
            members.retain(|member, _| inside.contains(&member.as_str()));
        }
        !inside.is_empty()
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_left() {
        let paths = fields("id,status,profile:(login,email),credentials");
        assert_eq!(paths, ["id", "status", "profile.login", "profile.email", "credentials"]);
        let mut shown = json!({ "id": 1, "status": 2, "created": 3, "profile": { "login": 4, "city": 5 } });
        project(shown.as_object_mut().unwrap(), &fields("status,profile:(login)"));
        assert_eq!(shown, json!({ "id": 1, "status": 2, "profile": { "login": 4 } }));
    }
}
