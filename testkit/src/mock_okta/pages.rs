//! Listings of whole collections, page by page: with `Link` headers, or with the next page in the body
//! only, as the roles' endpoints do.

use serde_json::{Map, Value, json};

use super::cursor;
use super::refusal::Refusal;
use super::routes::Visit;
use super::service::Service;
use crate::mock_http::Answer;

/// One page of a listing of `len` rows.
pub(super) struct Page {
    /// Its rows, by place.
    pub(super) places: std::ops::Range<usize>,
    /// The address of this page.
    pub(super) own: String,
    /// The address of the next page.
    pub(super) next: Option<String>,
}

impl Page {
    /// The page that a request asks for, by its path, `after` and `limit`.
    pub(super) fn of(
        service: &Service,
        visit: &Visit<'_>,
        len: usize,
        default: usize,
        most: usize,
    ) -> Result<Self, Refusal> {
        service.counts().pages += 1;
        let limit = visit.limit(default, most)?;
        let binding = cursor::binding(visit.call, &["after", "limit"]);
        let path = &visit.call.path;
        let used_for = format!("{path} {binding}");
        let given = cursor::given(visit.call);
        let [from] = match given {
            None => [0],
            Some(text) => cursor::read(service.seed, &used_for, text)
                .ok_or_else(|| Refusal::validation("after", "after: The cursor is not one of this listing."))?,
        };
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(len);
        let to = from.saturating_add(limit).min(len);
        let address = |after: Option<&str>| cursor::address(service, path, after, limit, &binding);
        let next = (to < len).then(|| address(Some(&cursor::write(service.seed, &used_for, [to as u64]))));
        Ok(Self { places: from..to, own: address(given), next })
    }

    /// The rows of this page.
    pub(super) fn cut<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        all.get(self.places.clone()).unwrap_or_default()
    }

    /// A list, with its neighbours in `Link` headers.
    pub(super) fn with_links(self, rows: Vec<Value>) -> Answer {
        let answer = Answer::ok(rows.into()).with("link", format!("<{}>; rel=\"self\"", self.own));
        match self.next {
            Some(next) => answer.with("link", format!("<{next}>; rel=\"next\"")),
            None => answer,
        }
    }

    /// The rows as a member of an object, with the next page in its `_links` and in no header.
    pub(super) fn in_body(self, name: &str, rows: Vec<Value>, mut links: Map<String, Value>) -> Answer {
        let mut body = Map::from_iter([(name.to_owned(), rows.into())]);
        if let Some(next) = self.next {
            links.insert("next".into(), json!({ "href": next }));
        }
        if !links.is_empty() {
            body.insert("_links".into(), links.into());
        }
        Answer::ok(body.into())
    }
}
