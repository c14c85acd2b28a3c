//! The client of Graph: single answers, and listings over pages.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use identity_core::account::DirectoryId;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::{Client, Request};
use identity_core::limits::OperationClass;
use serde::de::DeserializeOwned;

use crate::wire::page::Page;

/// Graph v1.0 of one tenant. Cheap to clone. Paths begin below the version: `/users`.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    client: Client,
    directory: DirectoryId,
}

/// Where a walk over pages has come to.
enum Place {
    First,
    Link(String),
    End,
}

impl Graph {
    pub(crate) fn new(client: Client, directory: DirectoryId) -> Self {
        Self { client, directory }
    }

    /// The client below, for what is sent once and judged part by part (batches).
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The rows of a listing as they arrive. Each page takes a permit of `class`, is repeated by
    /// the retry policy, and carries the headers of the first request (`ConsistencyLevel`).
    ///
    /// # Errors
    /// In the stream, which ends there: a page that could not be had or is not whole; a link to
    /// another origin; links that go in a circle. Nothing is left out in silence.
    pub(crate) fn list<T>(
        &self,
        operation: &'static str,
        class: OperationClass,
        first: Request,
    ) -> BoxStream<'static, Result<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let pages = self.pages::<T>(operation, class, first);
        pages.map_ok(|page| stream::iter(page.value.into_iter().map(Ok))).try_flatten().boxed()
    }

    /// The pages of a listing; the last one may say where a delta query goes on.
    pub(crate) fn pages<T>(
        &self,
        operation: &'static str,
        class: OperationClass,
        first: Request,
    ) -> BoxStream<'static, Result<Page<T>>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (graph, headers) = (self.clone(), first.headers().clone());
        // A link is some hundreds of bytes, and a listing of a million accounts has a thousand.
        let hasher = RandomState::new();
        let begin = (graph, first, Place::First, HashSet::<u64>::new());
        stream::try_unfold(begin, move |(graph, first, place, mut followed)| {
            let (headers, hasher) = (headers.clone(), hasher.clone());
            async move {
                let page: Page<T> = match place {
                    Place::End => return Ok(None),
                    Place::First => graph.one(operation, class, &first).await?,
                    Place::Link(link) => {
                        let mut request = Request::link(link);
                        for (name, value) in &headers {
                            request = request.header(name.clone(), value.clone());
                        }
                        graph.one(operation, class, &request).await?
                    }
                };
                let place = match &page.next {
                    None => Place::End,
                    Some(link) if !followed.insert(hasher.hash_one(link)) => return Err(graph.named(circle(operation))),
                    Some(link) => Place::Link(link.clone()),
                };
                Ok(Some((page, (graph, first, place, followed))))
            }
        })
        .boxed()
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
        self.client.read(operation, class, request).await?.json(operation).map_err(|error| self.named(error))
    }

    /// The error, with the directory's name.
    pub(crate) fn named(&self, error: Error) -> Error {
        error.with_directory(self.directory.clone())
    }
}

fn circle(operation: &'static str) -> Error {
    Error::new(ErrorKind::Protocol, operation)
        .with_detail("the service gave a link to a page that was read already: the listing goes in a circle")
        .with_advice("begin anew; if it stays so, give Microsoft the request id")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned::{directory, reply};
    use http::{HeaderName, HeaderValue};

    #[tokio::test]
    async fn every_page_carries_the_headers_of_the_first() {
        let next = "https://graph.microsoft.com/v1.0/groups?$skiptoken=x";
        let (directory, canned) = directory([
            reply(200, &format!(r#"{{"value":[1],"@odata.nextLink":"{next}"}}"#)),
            reply(200, r#"{"value":[2]}"#),
        ])
        .await;
        let eventual = (HeaderName::from_static("consistencylevel"), HeaderValue::from_static("eventual"));
        let request = Request::get("/groups").query("$count", "true").header(eventual.0, eventual.1);
        let graph = &directory.tenant.graph;
        let rows = graph.list::<u32>("list", OperationClass::Read, request).try_collect::<Vec<_>>().await.unwrap();
        assert_eq!(rows, [1, 2]);
        assert!(canned.sent().iter().all(|sent| sent.headers["consistencylevel"] == "eventual"));
    }

    #[tokio::test]
    async fn a_page_without_rows_to_be_is_no_page_and_the_error_names_the_directory() {
        let (directory, _) = directory([reply(200, "{}"), reply(200, r#"{"value":[7]}"#)]).await;
        let graph = &directory.tenant.graph;
        for _ in 0..2 {
            let rows = graph.list::<String>("list", OperationClass::Read, Request::get("/users"));
            let error = rows.try_collect::<Vec<_>>().await.unwrap_err();
            assert_eq!((error.kind(), error.directory().unwrap().as_str()), (ErrorKind::Protocol, "cloud"));
        }
    }
}
