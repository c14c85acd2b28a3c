//! A domain as it is read: pages of listings, single objects, values that come in parts. All reads
//! go through here, so that each one takes its permit and tells the governor how it went.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use identity_core::account::DirectoryId;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::limits::{Feedback, Governor, OperationClass, Signal, clock};

use crate::value::guid;
use crate::value::sid::Sid;
use crate::wire::entry::Entry;
use crate::wire::{Connection, Fault, Pool, Search};

/// How often one page is asked for again when the controller is busy.
const BUSY_TRIES: u32 = 6;
const BUSY_WAIT: Duration = Duration::from_millis(250);

/// A domain as it is read.
#[derive(Debug)]
pub(crate) struct Domain {
    pub(crate) directory: DirectoryId,
    pub(crate) pool: Pool,
    pub(crate) governor: Arc<Governor>,
    /// The name of the domain itself.
    pub(crate) name: String,
    /// Where accounts are looked for.
    pub(crate) base: String,
    pub(crate) sid: Sid,
    pub(crate) is_forest_root: bool,
    /// Whether access control lists can be asked for.
    pub(crate) descriptors: bool,
    /// Whether sets are to respect the history, and the controller can make them.
    pub(crate) policy_hints: bool,
}

/// A listing that is under way. Its position belongs to its connection (MS-ADTS 3.1.1.3.4.1.3).
struct Listing {
    domain: Arc<Domain>,
    search: Search,
    connection: Option<Arc<Connection>>,
    cookie: Vec<u8>,
    finished: bool,
}

impl Domain {
    /// The entries of a search, page by page. Lazy, with one page in memory. A listing that does
    /// not come to its end is an error, never a short stream.
    pub(crate) fn list(self: &Arc<Self>, search: Search) -> BoxStream<'static, Result<Entry>> {
        let listing =
            Listing { domain: Arc::clone(self), search, connection: None, cookie: Vec::new(), finished: false };
        stream::try_unfold(listing, Listing::next)
            .map_ok(|page| stream::iter(page.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    /// The entries of several searches, one after the other.
    pub(crate) fn list_all(self: &Arc<Self>, searches: Vec<Search>) -> BoxStream<'static, Result<Entry>> {
        let domain = Arc::clone(self);
        stream::iter(searches).flat_map(move |search| domain.list(search)).boxed()
    }

    /// The object `dn`; `None` if there is none that this sign-in may see.
    pub(crate) async fn object(&self, dn: &str, attributes: &[&str]) -> Result<Option<Entry>> {
        self.object_of(&Search::object(dn, attributes)).await
    }

    /// The object that a search of one object names.
    pub(crate) async fn object_of(&self, search: &Search) -> Result<Option<Entry>> {
        let connection = self.pool.pick().await?;
        match self.timed(connection.read(search)).await {
            Ok(entries) => Ok(entries.into_iter().next()),
            Err(fault) if fault.is_missing() => Ok(None),
            Err(fault) => Err(self.error(fault, "read")),
        }
    }

    /// What a search finds in one answer: for searches that find a handful.
    pub(crate) async fn read(&self, search: &Search) -> Result<Vec<Entry>> {
        let connection = self.pool.pick().await?;
        self.timed(connection.read(search)).await.map_err(|fault| self.error(fault, "read"))
    }

    /// Fetches the rest of an attribute that came in part (MS-ADTS 3.1.1.3.1.3.3): a controller
    /// sends at most MaxValRange values at once.
    pub(crate) async fn complete(&self, entry: &mut Entry, attribute: &str, extended_names: bool) -> Result<()> {
        let key = attribute.to_lowercase();
        let mut expected = entry.next_range(&key);
        while let Some(next) = expected {
            let name = entry.guid().map_or_else(|| entry.dn.clone(), guid::dn);
            let ranged = format!("{attribute};range={next}-*");
            let search = Search { extended_names, ..Search::object(name, &[&ranged]) };
            let mut part = self.object_of(&search).await?.ok_or_else(|| {
                Error::new(ErrorKind::Conflict, "read")
                    .with_directory(self.directory.clone())
                    .with_detail(format!("{} went away while its {attribute} was read", entry.dn))
                    .with_advice("begin again")
            })?;
            entry.take_range(&key, &mut part);
            expected = entry.next_range(&key);
            if expected.is_some_and(|expected| expected <= next) {
                return Err(self.error(Fault::Malformed("the same part of an attribute again"), "read"));
            }
        }
        Ok(())
    }

    /// A fault of a read as the library's error.
    pub(crate) fn error(&self, fault: Fault, operation: &'static str) -> Error {
        fault.into_error(operation, false).with_directory(self.directory.clone())
    }

    /// Runs one read with its permit, and tells the governor how it went.
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
            None => self.domain.pool.pick().await?,
        };
        let size = self.domain.pool.config().page_size;
        let mut tries = 0;
        let page = loop {
            let reading = connection.page(&self.search, size, self.cookie.clone());
            match self.domain.timed(reading).await {
                Ok(page) => break page,
                // A page has no effect and its position still stands: asked for again, slower each time.
                Err(Fault::Answered(answer)) if answer.is_busy() && tries < BUSY_TRIES => {
                    clock::sleep(BUSY_WAIT.saturating_mul(1 << tries)).await;
                    tries += 1;
                }
                Err(fault) => {
                    if matches!(&fault, Fault::Answered(answer) if answer.lost_sign_in()) {
                        connection.retire();
                    }
                    return Err(self.domain.error(fault, "list accounts"));
                }
            }
        };
        self.finished = page.cookie.is_empty();
        self.cookie = page.cookie;
        self.connection = Some(connection);
        Ok(Some((page.entries, self)))
    }
}

/// What an outcome says about pace.
pub(crate) fn feedback(class: OperationClass, fault: Option<&Fault>, latency: Duration) -> Feedback {
    let signal = match fault {
        None => Signal::Ok,
        Some(Fault::Answered(answer)) if answer.is_busy() => Signal::Busy,
        // A refusal is an answer: the controller is well.
        Some(Fault::Answered(_) | Fault::Malformed(_) | Fault::Filter) => Signal::Ok,
        Some(Fault::NotSent(_) | Fault::Unanswered(_)) => Signal::Busy,
    };
    Feedback::new(class, signal).with_latency(latency)
}
