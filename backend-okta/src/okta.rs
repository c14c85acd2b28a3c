//! The client of Okta: single answers, and listings over pages.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use identity_core::account::DirectoryId;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::{Client, Request, Response};
use identity_core::limits::OperationClass;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::wire::link::{Href, is_whole, link};

/// The Management API of one org. Cheap to clone. Paths begin at the root of the org: `/api/v1/users`.
#[derive(Clone, Debug)]
pub(crate) struct Okta {
    client: Client,
    directory: DirectoryId,
}

/// One page of a listing.
#[derive(Clone, Debug)]
pub(crate) struct Page<T> {
    /// The rows, in the order in which they came.
    pub(crate) rows: Vec<T>,
    /// The link to the next page, as it stands.
    pub(crate) next: Option<String>,
    /// The answer that it came in, for its `Date`.
    pub(crate) response: Response,
}

/// So many pages in a row may have no rows: some of a search may, a listing that never ends does.
const EMPTY_PAGES: u32 = 100;

/// Where the rows of a page are, and the link to the next one.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// The body is the rows; the link is in the `Link` header.
    Rows,
    /// The rows are this member of the body, and the link is its `_links.next.href`.
    Member(&'static str),
}

/// Where a walk over pages has come to.
enum Place {
    First,
    Link(String),
    End,
}

impl Okta {
    pub(crate) fn new(client: Client, directory: DirectoryId) -> Self {
        Self { client, directory }
    }

    /// The client below, for orders: sent once, by a caller that holds the permit.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The rows of a listing whose body is an array, as they arrive; the next page is told by the
    /// header `Link`. Each page takes a permit of `class`, is repeated by the retry policy, and
    /// carries the headers of the first request.
    ///
    /// # Errors
    /// In the stream, which ends there: a page that could not be had or is not whole; a link to
    /// another origin; links that go in a circle, or
    /// through too many pages without rows. Nothing is left out in silence.
    pub(crate) fn list<T>(
        &self,
        operation: &'static str,
        class: OperationClass,
        first: Request,
    ) -> BoxStream<'static, Result<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        rows(self.walk(operation, class, first, Shape::Rows))
    }

    /// The rows of a listing whose body is an object that has them as `member` and the next page as
    /// `_links.next.href` (`/api/v1/iam`), as they arrive. A body without the member is an error.
    ///
    /// # Errors
    /// As of [`list`](Self::list).
    pub(crate) fn list_in<T>(
        &self,
        operation: &'static str,
        class: OperationClass,
        first: Request,
        member: &'static str,
    ) -> BoxStream<'static, Result<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        rows(self.walk(operation, class, first, Shape::Member(member)))
    }

    fn walk<T>(
        &self,
        operation: &'static str,
        class: OperationClass,
        first: Request,
        shape: Shape,
    ) -> BoxStream<'static, Result<Page<T>>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (okta, headers) = (self.clone(), first.headers().clone());
        // A link is some hundreds of bytes, and a listing of a million accounts has thousands.
        let hasher = RandomState::new();
        let begin = (okta, first, Place::First, HashSet::<u64>::new(), 0_u32);
        stream::try_unfold(begin, move |(okta, first, place, mut followed, empty)| {
            let (headers, hasher) = (headers.clone(), hasher.clone());
            async move {
                let response = match &place {
                    Place::End => return Ok(None),
                    Place::First => okta.answer(operation, class, &first).await?,
                    Place::Link(link) => {
                        let mut request = Request::link(link);
                        for (name, value) in &headers {
                            request = request.header(name.clone(), value.clone());
                        }
                        okta.answer(operation, class, &request).await?
                    }
                };
                let page = shape.page(operation, response).map_err(|error| okta.named(error))?;
                let empty = if page.rows.is_empty() { empty + 1 } else { 0 };
                let place = match &page.next {
                    None => Place::End,
                    // A last page without rows may name itself as the next one.
                    Some(next) if page.rows.is_empty() && page.is_named(next, &place) => Place::End,
                    Some(next) if !followed.insert(hasher.hash_one(next)) => return Err(okta.named(circle(operation))),
                    Some(_) if empty >= EMPTY_PAGES => return Err(okta.named(empty_pages(operation))),
                    Some(next) => Place::Link(next.clone()),
                };
                Ok(Some((page, (okta, first, place, followed, empty))))
            }
        })
        .boxed()
    }

    /// One answer. Repeated by the retry policy where the request only reads.
    ///
    /// # Errors
    /// As of [`Client::read`].
    pub(crate) async fn answer(
        &self,
        operation: &'static str,
        class: OperationClass,
        request: &Request,
    ) -> Result<Response> {
        self.client.read(operation, class, request).await
    }

    /// One answer, as JSON. Repeated by the retry policy where the request only reads.
    ///
    /// # Errors
    /// As of [`Client::read`], and [`ErrorKind::Protocol`] for a body of another shape.
    pub(crate) async fn one<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        class: OperationClass,
        request: &Request,
    ) -> Result<T> {
        self.answer(operation, class, request).await?.json(operation).map_err(|error| self.named(error))
    }

    /// The error, with the directory's name.
    pub(crate) fn named(&self, error: Error) -> Error {
        error.with_directory(self.directory.clone())
    }
}

fn rows<T: Send + 'static>(pages: BoxStream<'static, Result<Page<T>>>) -> BoxStream<'static, Result<T>> {
    pages.map_ok(|page| stream::iter(page.rows.into_iter().map(Ok))).try_flatten().boxed()
}

impl<T> Page<T> {
    /// Whether this page was asked for by that link, or says so of itself.
    fn is_named(&self, link_to: &str, place: &Place) -> bool {
        matches!(place, Place::Link(link) if link == link_to)
            || link(&self.response.headers, "self").is_some_and(|own| own == link_to)
    }
}

impl Shape {
    fn page<T: DeserializeOwned>(self, operation: &'static str, response: Response) -> Result<Page<T>> {
        let (rows, next) = match self {
            // The next page may be in what cannot be read: the listing would be short in silence.
            Self::Rows if !is_whole(&response.headers) => {
                let detail = "the header Link of the answer cannot be read";
                return Err(Error::new(ErrorKind::Protocol, operation).with_detail(detail));
            }
            Self::Rows => (response.json(operation)?, link(&response.headers, "next")),
            Self::Member(member) => {
                let mut body: HashMap<String, Box<RawValue>> = response.json(operation)?;
                let rows = body.remove(member).ok_or_else(|| without(operation, member))?;
                let links: Links = match body.remove("_links") {
                    Some(links) => of_member(operation, "_links", &links)?,
                    None => Links::default(),
                };
                (of_member(operation, member, &rows)?, links.next.map(|next| next.href))
            }
        };
        Ok(Page { rows, next, response })
    }
}

#[derive(Default, Deserialize)]
struct Links {
    #[serde(default)]
    next: Option<Href>,
}

fn of_member<T: DeserializeOwned>(operation: &'static str, member: &str, raw: &RawValue) -> Result<T> {
    // The text of the error can quote the body.
    serde_json::from_str(raw.get()).map_err(|error| {
        let detail = format!("`{member}` of the answer is not of the expected shape (line {})", error.line());
        Error::new(ErrorKind::Protocol, operation).with_detail(detail)
    })
}

fn without(operation: &'static str, member: &str) -> Error {
    Error::new(ErrorKind::Protocol, operation).with_detail(format!("the answer has no `{member}`"))
}

fn empty_pages(operation: &'static str) -> Error {
    Error::new(ErrorKind::Protocol, operation)
        .with_detail(format!(
            "the service gave {EMPTY_PAGES} pages in a row without a row, and each a link to one more"
        ))
        .with_advice("begin anew; if it stays so, give Okta the request id")
}

fn circle(operation: &'static str) -> Error {
    Error::new(ErrorKind::Protocol, operation)
        .with_detail("the service gave a link to a page that was read already: the listing goes in a circle")
        .with_advice("begin anew; if it stays so, give Okta the request id")
}

#[cfg(test)]
mod tests;
