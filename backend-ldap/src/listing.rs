//! A listing that is under way: page after page, smaller pages where the server asks for that,
//! begun again where it broke, and never short in silence. Both dialects list by it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use identity_core::error::{Error, Result};
use identity_core::limits::clock;
use uuid::Uuid;

use crate::wire::entry::Entry;
use crate::wire::{Connection, Fault, Page, Search, ahead};

/// How often one page is asked for again when the server is busy.
const BUSY_TRIES: u32 = 6;
const BUSY_WAIT: Duration = Duration::from_millis(250);
/// How often a listing that broke is begun again.
const RESTARTS: u32 = 3;
const RESTART_WAIT: Duration = Duration::from_millis(250);
/// Entries that are remembered for a restart, 16 bytes each: 32 MB. A longer listing that breaks is
/// an error.
const MOST_REMEMBERED: usize = 2_000_000;

/// What a listing is read from: one of the two dialects.
#[async_trait]
pub(crate) trait Paged: Send + Sync + 'static {
    /// A connection to read on. A listing that was begun again may get one to another server.
    async fn connection(&self) -> Result<Arc<Connection>>;

    /// Entries of a page at most, on this connection.
    fn size(&self, connection: &Connection) -> u32;

    /// One page, with its permit.
    async fn page(&self, connection: &Connection, search: &Search, size: u32, cookie: Vec<u8>) -> Result<Page, Fault>;

    /// The fault of a listing in the dialect's words.
    fn error(&self, fault: Fault) -> Error;

    /// Whether the server refuses a page for being large, and not the listing.
    fn smaller_pages_help(&self) -> bool;

    /// The attribute that an entry is known by across a restart.
    fn identity_attribute(&self) -> &'static str;

    /// Its value.
    fn identity(&self, entry: &Entry) -> Option<Uuid>;

    /// Refuses a page that is not all that there is.
    fn check(&self, _page: &Page) -> Result<()> {
        Ok(())
    }
}

/// A listing that is under way. Its position belongs to its connection (RFC 2696 section 3,
/// MS-ADTS 3.1.1.3.4.1.3).
struct Listing {
    source: Arc<dyn Paged>,
    search: Search,
    connection: Option<Arc<Connection>>,
    cookie: Vec<u8>,
    /// Entries of a page; set with the connection, since each server has its own limit.
    size: u32,
    delivered: Delivered,
    restarts: u32,
    /// Pages without an entry, one after another.
    empty: u32,
    finished: bool,
}

/// So many pages without an entry end a listing: a server that gives one after another for ever does not
/// hold up a run. Active Directory gives a few where a filter fits little.
const MOST_EMPTY: u32 = 1000;

/// Which entries have left the stream, by their identity.
enum Delivered {
    /// Nothing broke yet: only noted.
    Noted(Vec<Uuid>),
    /// The listing was begun again: what is in here does not leave twice.
    Known(HashSet<Uuid>),
    /// Too many, or of no identity: the listing cannot be begun again.
    Untold,
}

/// The entries of a search, page by page. Lazy, and then one page ahead.
pub(crate) fn list(source: Arc<dyn Paged>, search: Search) -> BoxStream<'static, Result<Entry>> {
    let listing = Listing {
        source,
        search,
        connection: None,
        cookie: Vec::new(),
        size: 1,
        delivered: Delivered::Noted(Vec::new()),
        restarts: 0,
        empty: 0,
        finished: false,
    };
    ahead(stream::try_unfold(listing, Listing::next))
        .map_ok(|page| stream::iter(page.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
}

impl Listing {
    async fn next(mut self) -> Result<Option<(Vec<Entry>, Self)>> {
        if self.finished {
            return Ok(None);
        }
        let page = loop {
            match self.attempt().await {
                Ok(page) => break page,
                Err(Ending::Broken(error)) => self.begin_again(error).await?,
                Err(Ending::Final(error)) => return Err(error),
            }
        };
        self.source.check(&page)?;
        self.finished = page.cookie.is_empty();
        self.cookie = page.cookie;
        self.empty = if page.entries.is_empty() { self.empty + 1 } else { 0 };
        if self.empty > MOST_EMPTY {
            return Err(self.source.error(Fault::Malformed("page after page without an entry")));
        }
        let source = Arc::clone(&self.source);
        let entries = self.delivered.only_new(page.entries, self.finished, |entry| source.identity(entry));
        Ok(Some((entries, self)))
    }

    /// One page.
    async fn attempt(&mut self) -> Result<Page, Ending> {
        let connection = match &self.connection {
            Some(connection) => Arc::clone(connection),
            None => {
                let picked = self.source.connection().await;
                let connection = picked.map_err(|error| self.lost(error))?;
                self.size = self.source.size(&connection);
                self.connection = Some(Arc::clone(&connection));
                connection
            }
        };
        let mut tries = 0;
        loop {
            match self.source.page(&connection, &self.search, self.size, self.cookie.clone()).await {
                Ok(page) => return Ok(page),
                // A page has no effect and its position still stands: asked for again, slower each time.
                Err(Fault::Answered(answer)) if answer.is_busy() && tries < BUSY_TRIES => {
                    clock::sleep(BUSY_WAIT.saturating_mul(1 << tries)).await;
                    tries += 1;
                }
                Err(Fault::Answered(answer))
                    if answer.is_too_much() && self.size > 1 && self.source.smaller_pages_help() =>
                {
                    self.size /= 2;
                    tracing::debug!(entries = self.size, "the server refused a page: smaller ones from now on");
                }
                Err(fault) => return Err(self.ended(fault, &connection)),
            }
        }
    }

    fn ended(&self, fault: Fault, connection: &Connection) -> Ending {
        let broken = match &fault {
            Fault::NotSent(_) | Fault::Unanswered(_) => true,
            Fault::Answered(answer) if answer.lost_sign_in() => {
                connection.retire();
                true
            }
            Fault::Answered(answer) => answer.lost_position() && !self.cookie.is_empty(),
            Fault::Malformed(_) | Fault::Filter => false,
        };
        let error = self.source.error(fault);
        if broken { Ending::Broken(error) } else { Ending::Final(error) }
    }

    /// No connection: fatal for a listing that did not begin yet, since whoever asks can ask again.
    fn lost(&self, error: Error) -> Ending {
        if self.restarts > 0 && error.is_temporary() { Ending::Broken(error) } else { Ending::Final(error) }
    }

    /// Goes back to the first page, on a new connection: perhaps one to another server.
    async fn begin_again(&mut self, error: Error) -> Result<()> {
        let identity = self.source.identity_attribute();
        let is_asked = self.search.attributes.iter().any(|name| name.eq_ignore_ascii_case(identity));
        if self.restarts >= RESTARTS || !self.delivered.recall(is_asked) {
            return Err(error);
        }
        tracing::debug!(%error, "a listing broke and is begun again");
        clock::sleep(RESTART_WAIT.saturating_mul(1 << self.restarts)).await;
        self.restarts += 1;
        self.connection = None;
        self.cookie.clear();
        Ok(())
    }
}

/// How an attempt at a page ended without one.
enum Ending {
    /// The listing can be begun again.
    Broken(Error),
    Final(Error),
}

impl Delivered {
    /// The entries that did not leave before.
    fn only_new(
        &mut self,
        mut entries: Vec<Entry>,
        last: bool,
        identity: impl Fn(&Entry) -> Option<Uuid>,
    ) -> Vec<Entry> {
        match self {
            // What ends with its first page is not remembered at all.
            Self::Noted(noted) if last && noted.is_empty() => {}
            Self::Noted(noted) => {
                noted.extend(entries.iter().filter_map(&identity));
                if noted.len() > MOST_REMEMBERED {
                    *self = Self::Untold;
                }
            }
            Self::Known(known) => {
                entries.retain(|entry| identity(entry).is_none_or(|known_by| known.insert(known_by)));
                if known.len() > MOST_REMEMBERED {
                    *self = Self::Untold;
                }
            }
            Self::Untold => {}
        }
        entries
    }

    /// Makes ready to tell what left before; whether that can be told.
    fn recall(&mut self, is_asked: bool) -> bool {
        match self {
            Self::Noted(noted) if is_asked => {
                *self = Self::Known(std::mem::take(noted).into_iter().collect());
                true
            }
            Self::Known(_) => true,
            Self::Noted(_) | Self::Untold => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::entry::tests::entry;

    fn entries(numbers: &[u8]) -> Vec<Entry> {
        numbers.iter().map(|n| entry("CN=x", &[("objectGUID", &[&[*n; 16]])])).collect()
    }

    #[test]
    fn what_left_before_a_restart_does_not_leave_again() {
        let mut delivered = Delivered::Noted(Vec::new());
        assert_eq!(delivered.only_new(entries(&[1, 2]), false, Entry::guid).len(), 2);
        assert!(delivered.recall(true));
        assert_eq!(delivered.only_new(entries(&[2, 3]), false, Entry::guid), entries(&[3]));
        assert!(delivered.recall(true), "a second restart knows the third too");
        assert_eq!(delivered.only_new(entries(&[1, 2, 3, 4]), true, Entry::guid), entries(&[4]));
    }

    #[test]
    fn a_listing_without_guids_is_not_begun_again() {
        assert!(!Delivered::Noted(Vec::new()).recall(false));
        assert!(!Delivered::Untold.recall(true));
    }
}
