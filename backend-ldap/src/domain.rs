//! A domain as it is read: listings, single objects, values that come in parts. All reads go through
//! here, so that each one takes its permit and tells the governor how it went.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use identity_core::account::DirectoryId;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::limits::Governor;
use uuid::Uuid;

use crate::account::Surroundings;
use crate::controllers::Controllers;
use crate::listing::{self, Paged};
use crate::pace;
use crate::value::guid;
use crate::value::sid::Sid;
use crate::wire::entry::Entry;
use crate::wire::{Connection, Fault, Page, Search};

/// A domain as it is read.
#[derive(Debug)]
pub(crate) struct Domain {
    pub(crate) directory: DirectoryId,
    pub(crate) pool: Controllers,
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
    pub(crate) surroundings: RwLock<Arc<Surroundings>>,
}

/// Where something is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At the controller that takes the listings.
    Reading,
    /// At the controller that takes the changes.
    Authority,
    /// At this controller, which has to tell whether a change landed.
    Controller(Arc<str>),
}

impl Domain {
    /// The entries of a search, page by page. Lazy, with one page in memory. A listing that breaks
    /// is begun again, perhaps on another controller, and no entry leaves twice; one that does not
    /// come to its end is an error, never a short stream.
    pub(crate) fn list(self: &Arc<Self>, search: Search) -> BoxStream<'static, Result<Entry>> {
        self.list_at(search, Place::Reading)
    }

    /// As [`list`](Self::list), at the place given.
    pub(crate) fn list_at(self: &Arc<Self>, search: Search, place: Place) -> BoxStream<'static, Result<Entry>> {
        listing::list(Arc::new(At { domain: Arc::clone(self), place }), search)
    }

    /// What accounts are read against, as it was last read.
    pub(crate) fn surroundings(&self) -> Arc<Surroundings> {
        Arc::clone(&self.surroundings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads it anew.
    pub(crate) async fn look_around(&self) -> Result<Arc<Surroundings>> {
        let now = Arc::new(Surroundings::read(self).await?);
        *self.surroundings.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&now);
        Ok(now)
    }

    /// A connection to read on at a place.
    pub(crate) async fn connection(&self, place: &Place) -> Result<Arc<Connection>> {
        match place {
            Place::Reading => self.pool.reading().await,
            Place::Authority => self.pool.authority().await,
            Place::Controller(url) => self.pool.named(url).await,
        }
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
        let connection = self.pool.reading().await?;
        match self.timed(connection.read(search)).await {
            Ok(entries) => Ok(entries.into_iter().next()),
            Err(fault) if fault.is_missing() => Ok(None),
            Err(fault) => Err(self.error(fault, "read")),
        }
    }

    /// What a search finds in one answer: for searches that find a handful.
    pub(crate) async fn read(&self, search: &Search) -> Result<Vec<Entry>> {
        let connection = self.pool.reading().await?;
        self.timed(connection.read(search)).await.map_err(|fault| self.error(fault, "read"))
    }

    /// Fetches the rest of an attribute that came in part (MS-ADTS 3.1.1.3.1.3.3): a controller
    /// sends at most MaxValRange values at once.
    pub(crate) async fn complete(&self, entry: &mut Entry, attribute: &str, extended_names: bool) -> Result<()> {
        let key = attribute.to_lowercase();
        if entry.lacks_first_part(&key) {
            return Err(self.error(Fault::Malformed("an attribute without its first part"), "read"));
        }
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
            entry
                .take_range(&key, &mut part)
                .map_err(|_| self.error(Fault::Malformed("another part of an attribute than was asked for"), "read"))?;
            expected = entry.next_range(&key);
        }
        Ok(())
    }

    /// A fault of a read as the library's error.
    pub(crate) fn error(&self, fault: Fault, operation: &'static str) -> Error {
        fault.into_error(operation, false).with_directory(self.directory.clone())
    }

    /// Runs one read with its permit, and tells the governor how it went.
    async fn timed<T>(&self, reading: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        pace::read(&self.governor, reading).await
    }
}

/// Where a listing of the domain is read.
struct At {
    domain: Arc<Domain>,
    place: Place,
}

#[async_trait]
impl Paged for At {
    async fn connection(&self) -> Result<Arc<Connection>> {
        self.domain.connection(&self.place).await
    }

    fn size(&self, connection: &Connection) -> u32 {
        self.domain.pool.page_size(connection)
    }

    async fn page(&self, connection: &Connection, search: &Search, size: u32, cookie: Vec<u8>) -> Result<Page, Fault> {
        self.domain.timed(connection.page(search, size, cookie)).await
    }

    fn error(&self, fault: Fault) -> Error {
        self.domain.error(fault, "list accounts")
    }

    fn smaller_pages_help(&self) -> bool {
        true
    }

    fn identity_attribute(&self) -> &'static str {
        "objectGUID"
    }

    fn identity(&self, entry: &Entry) -> Option<Uuid> {
        entry.guid()
    }
}
