//! A domain as it is read: listings, single objects, values that come in parts. All reads go through
//! here, so that each one takes its permit and tells the governor how it went.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use identity_core::account::DirectoryId;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::limits::{Feedback, Governor, OperationClass, Signal, clock};

use crate::controllers::Controllers;
use crate::listing;
use crate::value::guid;
use crate::value::sid::Sid;
use crate::wire::entry::Entry;
use crate::wire::{Connection, Fault, Search};

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
        listing::list(self, search, Place::Reading)
    }

    /// As [`list`](Self::list), at the place given.
    pub(crate) fn list_at(self: &Arc<Self>, search: Search, place: Place) -> BoxStream<'static, Result<Entry>> {
        listing::list(self, search, place)
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
    pub(crate) async fn timed<T>(&self, reading: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let _permit = self.governor.acquire(OperationClass::Read, 1).await;
        let begun = clock::instant();
        let outcome = reading.await;
        self.governor.feedback(&feedback(OperationClass::Read, outcome.as_ref().err(), begun.elapsed()));
        outcome
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
