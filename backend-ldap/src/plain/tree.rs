//! The entries of a server as they are read: pages of listings, single objects. Each read takes its
//! permit and tells the governor how it went.

use std::sync::{Arc, PoisonError, RwLock};

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use identity_core::account::DirectoryId;
use identity_core::error::{Error, Result};
use identity_core::limits::{Governor, OperationClass, clock};

use super::answer;
use super::config::PlainConfig;
use super::policy::Policies;
use crate::domain::feedback;
use crate::wire::entry::Entry;
use crate::wire::{Connection, Fault, Pool, Search, ahead};

/// How often one page is asked for again when the server is busy, and how long at first.
const BUSY_TRIES: u32 = 6;
const BUSY_WAIT: std::time::Duration = std::time::Duration::from_millis(250);

/// A server as it is read.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) directory: DirectoryId,
    pub(crate) pool: Pool,
    pub(crate) governor: Arc<Governor>,
    pub(crate) base: String,
    pub(crate) config: PlainConfig,
    pub(crate) policies: RwLock<Arc<Policies>>,
    /// Whether the server has the password policy of the draft.
    pub(crate) has_policy: bool,
}

/// A listing that is under way. Its position belongs to its connection (RFC 2696 section 3).
struct Listing {
    tree: Arc<Tree>,
    search: Search,
    connection: Option<Arc<Connection>>,
    cookie: Vec<u8>,
    finished: bool,
}

impl Tree {
    /// The entries of a search, page by page. Lazy, and then one page ahead. A listing that does
    /// not come to its end is an error, never a short stream.
    pub(crate) fn list(self: &Arc<Self>, search: Search) -> BoxStream<'static, Result<Entry>> {
        let listing = Listing { tree: Arc::clone(self), search, connection: None, cookie: Vec::new(), finished: false };
        ahead(stream::try_unfold(listing, Listing::next))
            .map_ok(|page| stream::iter(page.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    /// What a search finds in one answer: for searches that find a handful. One whose base does not
    /// exist finds nothing.
    pub(crate) async fn read(&self, search: &Search) -> Result<Vec<Entry>> {
        let connection = self.pool.pick().await?;
        match self.timed(connection.read(search)).await {
            Ok(entries) => Ok(entries),
            Err(fault) if fault.is_missing() => Ok(Vec::new()),
            Err(fault) => Err(self.error(fault, "read")),
        }
    }

    /// The object `dn`; `None` if there is none that this sign-in may see.
    pub(crate) async fn object(&self, dn: &str, attributes: &[&str]) -> Result<Option<Entry>> {
        Ok(self.read(&Search::object(dn, attributes)).await?.into_iter().next())
    }

    /// The password policies as they were last read.
    pub(crate) fn policies(&self) -> Arc<Policies> {
        Arc::clone(&self.policies.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the password policies anew.
    pub(crate) async fn read_policies(self: &Arc<Self>) -> Result<Arc<Policies>> {
        let policies = Arc::new(Policies::read(self, self.config.default_policy.as_deref()).await?);
        *self.policies.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&policies);
        Ok(policies)
    }

    fn error(&self, fault: Fault, operation: &'static str) -> Error {
        answer::error(fault, operation, false).with_directory(self.directory.clone())
    }

    async fn timed<T>(&self, reading: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let _permit = self.governor.acquire(OperationClass::Read, 1).await;
        let begun = clock::instant();
        let outcome = reading.await;
        self.governor.feedback(&feedback(OperationClass::Read, outcome.as_ref().err(), begun.elapsed()));
        outcome
    }
}

impl Listing {
    async fn next(mut self) -> Result<Option<(Vec<Entry>, Self)>> {
        if self.finished {
            return Ok(None);
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.tree.pool.pick().await?,
        };
        let size = self.tree.config.transport.page_size;
        let mut tries = 0;
        let page = loop {
            match self.tree.timed(connection.page(&self.search, size, self.cookie.clone())).await {
                Ok(page) => break page,
                // A page has no effect and its position still stands: asked for again, slower each time.
                Err(Fault::Answered(answer)) if answer.is_busy() && tries < BUSY_TRIES => {
                    clock::sleep(BUSY_WAIT.saturating_mul(1 << tries)).await;
                    tries += 1;
                }
                Err(fault) => return Err(self.tree.error(fault, "list accounts")),
            }
        };
        self.finished = page.cookie.is_empty();
        self.cookie = page.cookie;
        self.connection = Some(connection);
        Ok(Some((page.entries, self)))
    }
}
