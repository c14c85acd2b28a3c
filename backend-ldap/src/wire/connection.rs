//! One connection, signed in and watched over.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use identity_core::limits::clock;
use ldap3::asn1::{PL, StructureTag, parse_tag};
use ldap3::controls::{Control, PagedResults, RawControl};
use ldap3::{Ldap, LdapConnAsync, LdapError, LdapResult};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::entry::Entry;
use super::fault::{Fault, done};
use super::request::{Change, Search};
use super::shared::Shared;
use crate::root::POLICY_HINTS;

const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
const SD_FLAGS: &str = "1.2.840.113556.1.4.801";
const EXTENDED_DN: &str = "1.2.840.113556.1.4.529";

/// One connection, signed in. A task of its own drives it; why that task ended is known.
pub(crate) struct Connection {
    ldap: Ldap,
    window: Arc<Semaphore>,
    end: Arc<OnceLock<String>>,
    retired: AtomicBool,
    usage: Usage,
    terms: Terms,
}

/// What a connection is made with.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// The url of the controller.
    pub(crate) controller: Arc<str>,
    /// Operations in flight at most.
    pub(crate) window: usize,
    /// The longest that one operation may take.
    pub(crate) deadline: Duration,
    /// A connection that was idle for this long is made anew rather than trusted.
    pub(crate) idle: Duration,
    pub(crate) shared: Arc<Shared>,
}

/// When a connection was used last.
struct Usage {
    made: Instant,
    used_ms: AtomicU64,
}

/// One page of a search.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// Where the next page begins; empty after the last one.
    pub(crate) cookie: Vec<u8>,
    /// Where the rest is that this server does not have: references to other servers.
    pub(crate) references: Vec<String>,
}

/// What a search brought, and how it ended.
struct Found {
    entries: Vec<Entry>,
    references: Vec<String>,
    result: LdapResult,
}

impl Connection {
    /// Takes over a connection and drives it in a task of its own.
    pub(crate) fn new(transport: LdapConnAsync, ldap: Ldap, terms: Terms) -> Self {
        let end = Arc::new(OnceLock::new());
        let driver = tokio::spawn(transport.drive());
        tokio::spawn({
            let end = Arc::clone(&end);
            async move {
                let cause = match driver.await {
                    Ok(Ok(())) => "the controller closed the connection".to_owned(),
                    Ok(Err(error)) => format!("the connection broke: {error}"),
                    // The client library panics on answers that it cannot read; only its task ends.
                    Err(_) => "the controller sent an answer that cannot be read".to_owned(),
                };
                tracing::debug!(cause, "ldap connection ended");
                let _ = end.set(cause);
            }
        });
        Self {
            ldap,
            window: Arc::new(Semaphore::new(terms.window)),
            end,
            retired: AtomicBool::new(false),
            usage: Usage { made: clock::instant(), used_ms: AtomicU64::new(0) },
            terms,
        }
    }

    /// Whether operations can be sent on it.
    pub(crate) fn is_live(&self) -> bool {
        self.end.get().is_none() && !self.retired.load(Ordering::Relaxed) && self.usage.idle() < self.terms.idle
    }

    /// The url of the controller that it leads to.
    pub(crate) fn controller(&self) -> &Arc<str> {
        &self.terms.controller
    }

    /// For the room next door that signs in another way.
    #[cfg(feature = "gssapi")]
    pub(super) fn handle(&self) -> Ldap {
        self.ldap.clone()
    }

    /// The longest that one operation may take.
    #[cfg(feature = "gssapi")]
    pub(super) fn deadline(&self) -> Duration {
        self.terms.deadline
    }

    /// Lets nothing more be sent on it; what is in flight goes on.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// How many operations can be sent before one has to wait.
    pub(crate) fn room(&self) -> usize {
        self.window.available_permits()
    }

    /// Signs in. Not repeated by anybody.
    pub(crate) async fn bind(&self, name: &str, password: &str) -> Result<(), Fault> {
        let _permit = self.permit().await?;
        let mut ldap = self.ldap.clone();
        let result = self.guarded(ldap.with_timeout(self.terms.deadline).simple_bind(name, password)).await?;
        done(&result)
    }

    /// Changes one object: all steps or none. With `policy_hints` a new password has to respect
    /// the history too; the controller must know that control.
    pub(crate) async fn modify(&self, dn: &str, changes: Vec<Change>, policy_hints: bool) -> Result<(), Fault> {
        let _permit = self.permit().await?;
        let mut ldap = self.ldap.clone();
        let steps = changes.into_iter().map(Change::into_step).collect();
        if policy_hints {
            // SEQUENCE { INTEGER 1 }. Critical: a controller that does not obey has to say so.
            let hints = RawControl { ctype: POLICY_HINTS.to_owned(), crit: true, val: Some(vec![0x30, 3, 2, 1, 1]) };
            ldap.with_controls(hints);
        }
        let outcome = self.guarded(ldap.with_timeout(self.terms.deadline).modify(dn, steps)).await;
        match outcome {
            Ok(result) => {
                self.terms.shared.answered(dn);
                done(&result)
            }
            Err(Fault::Unanswered(cause)) => {
                self.terms.shared.unanswered(dn, &self.terms.controller);
                Err(Fault::Unanswered(format!("{cause} ({})", self.terms.controller)))
            }
            Err(fault) => Err(fault),
        }
    }

    /// One page of a search: `size` entries at most, from `cookie` on. A page that does not end
    /// with success is a fault, however many entries came.
    pub(crate) async fn page(&self, search: &Search, size: u32, cookie: Vec<u8>) -> Result<Page, Fault> {
        let _permit = self.permit().await?;
        let paging = PagedResults { size: i32::try_from(size).unwrap_or(i32::MAX), cookie };
        let controls = vec![RawControl { crit: true, ..paging.into() }];
        let Found { entries, references, result } = self.search(search, controls).await?;
        done(&result)?;
        // A critical control that is not answered was not obeyed: nobody knows what is missing.
        let cookie = cookie_of(&result.ctrls).ok_or(Fault::Malformed("a page without a position"))?;
        Ok(Page { entries, cookie, references })
    }

    /// What the search finds, in one answer: for reads of single objects.
    pub(crate) async fn read(&self, search: &Search) -> Result<Vec<Entry>, Fault> {
        let _permit = self.permit().await?;
        let found = self.search(search, Vec::new()).await?;
        done(&found.result)?;
        Ok(found.entries)
    }

    async fn search(&self, search: &Search, mut controls: Vec<RawControl>) -> Result<Found, Fault> {
        // SEQUENCE { INTEGER 5 }: the owner and the access control list. SEQUENCE { INTEGER 1 }: names as text.
        if search.descriptor {
            controls.push(RawControl { ctype: SD_FLAGS.to_owned(), crit: false, val: Some(vec![0x30, 3, 2, 1, 5]) });
        }
        if search.extended_names {
            controls.push(RawControl { ctype: EXTENDED_DN.to_owned(), crit: false, val: Some(vec![0x30, 3, 2, 1, 1]) });
        }
        let mut ldap = self.ldap.clone();
        let reading = async {
            if !controls.is_empty() {
                ldap.with_controls(controls);
            }
            let mut stream =
                ldap.streaming_search(&search.base, search.within.into(), &search.filter, &search.attributes).await?;
            let (mut entries, mut references) = (Vec::new(), Vec::new());
            while let Some(item) = stream.next().await? {
                // References to other servers are reported, not followed: other domains are listed, not chased.
                if item.is_ref() {
                    references.extend(urls(item.0));
                } else if !item.is_intermediate() {
                    entries.push(Entry::decode(item.0));
                }
            }
            Ok((entries, references, stream.finish().await))
        };
        // The library's own timer starts anew with each entry; this one is for the whole answer.
        #[expect(clippy::disallowed_methods, reason = "the library's error for a deadline holds tokio's own Elapsed")]
        let limited = async {
            tokio::time::timeout(self.terms.deadline, reading)
                .await
                .map_err(|elapsed| LdapError::Timeout { elapsed })?
        };
        let (entries, references, result) = self.guarded(limited).await?;
        references.iter().for_each(|url| self.terms.shared.refer(url.clone()));
        let entries: Result<Vec<Entry>, _> = entries.into_iter().collect();
        let entries = entries.map_err(|_| Fault::Malformed("an entry that cannot be read"))?;
        Ok(Found { entries, references, result })
    }

    /// Runs one operation of a dialect's own, in its place of the window and with the deadline.
    pub(super) async fn operate<T, F>(&self, operation: impl FnOnce(Ldap) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, LdapError>> + Send,
    {
        let _permit = self.permit().await?;
        let mut ldap = self.ldap.clone();
        ldap.with_timeout(self.terms.deadline);
        self.guarded(operation(ldap)).await
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Fault> {
        let waiting = clock::within(self.terms.deadline, Arc::clone(&self.window).acquire_owned()).await;
        match waiting {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Fault::NotSent("the connection had no room in time".to_owned())),
        }
    }

    /// Runs one operation: a panic on a malformed answer, a broken connection and a missed
    /// deadline become faults.
    async fn guarded<T>(&self, operation: impl Future<Output = Result<T, LdapError>> + Send) -> Result<T, Fault> {
        if let Some(cause) = self.end.get() {
            return Err(Fault::NotSent(cause.clone()));
        }
        let outcome = AssertUnwindSafe(operation).catch_unwind().await;
        self.usage.note();
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(LdapError::FilterParsing)) => Err(Fault::Filter),
            // The queue to the driving task was closed before the operation could be put into it.
            Ok(Err(LdapError::OpSend { .. })) => {
                self.retire();
                Err(Fault::NotSent(self.cause().await))
            }
            Ok(Err(LdapError::Timeout { .. })) => {
                // A connection that does not answer is not given more.
                self.retire();
                Err(Fault::Unanswered(format!("no answer within {:?}", self.terms.deadline)))
            }
            Ok(Err(LdapError::ResultRecv { .. } | LdapError::EndOfStream)) => {
                self.retire();
                Err(Fault::Unanswered(self.cause().await))
            }
            Ok(Err(error)) => {
                self.retire();
                Err(Fault::Unanswered(error.to_string()))
            }
            Err(_) => {
                self.retire();
                Err(Fault::Unanswered("the controller sent an answer that cannot be read".to_owned()))
            }
        }
    }

    /// Why the driving task ended. It ends before its watcher has noted why: wait for that.
    async fn cause(&self) -> String {
        for _ in 0..20 {
            if let Some(cause) = self.end.get() {
                return cause.clone();
            }
            tokio::task::yield_now().await;
        }
        "the connection was lost".to_owned()
    }
}

impl Usage {
    fn note(&self) {
        self.used_ms.store(self.age_ms(), Ordering::Relaxed);
    }

    fn idle(&self) -> Duration {
        Duration::from_millis(self.age_ms().saturating_sub(self.used_ms.load(Ordering::Relaxed)))
    }

    fn age_ms(&self) -> u64 {
        let age = clock::instant().saturating_duration_since(self.made);
        u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The position in a listing: realSearchControlValue of RFC 2696. Decoded here, since the
/// library's own decoder panics.
fn cookie_of(controls: &[Control]) -> Option<Vec<u8>> {
    let value = controls.iter().find(|Control(_, raw)| raw.ctype == PAGED_RESULTS)?.1.val.as_deref()?;
    let (_, tag) = parse_tag(value).ok()?;
    match tag.expect_constructed()?.into_iter().nth(1)?.payload {
        PL::P(cookie) => Some(cookie),
        PL::C(_) => None,
    }
}

/// The urls of a SearchResultReference (RFC 4511 4.5.3).
fn urls(tag: StructureTag) -> Vec<String> {
    let PL::C(parts) = tag.payload else { return Vec::new() };
    let text = |part: StructureTag| match part.payload {
        PL::P(bytes) => String::from_utf8(bytes).ok(),
        PL::C(_) => None,
    };
    parts.into_iter().filter_map(text).collect()
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("controller", &self.terms.controller)
            .field("end", &self.end.get())
            .field("room", &self.room())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn control(value: Option<Vec<u8>>) -> [Control; 1] {
        [Control(None, RawControl { ctype: PAGED_RESULTS.to_owned(), crit: false, val: value })]
    }

    #[test]
    fn the_position_is_what_was_sent_and_its_absence_is_noticed() {
        let sent = RawControl::from(PagedResults { size: 500, cookie: vec![1, 2, 3] });
        assert_eq!(cookie_of(&control(sent.val)), Some(vec![1, 2, 3]));
        assert_eq!(cookie_of(&control(None)), None);
        assert_eq!(cookie_of(&[]), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_from_its_last_use_on() {
        let usage = Usage { made: clock::instant(), used_ms: AtomicU64::new(0) };
        clock::sleep(Duration::from_secs(400)).await;
        assert_eq!(usage.idle(), Duration::from_secs(400));
        usage.note();
        clock::sleep(Duration::from_secs(599)).await;
        assert_eq!(usage.idle(), Duration::from_secs(599), "use counts, not age");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_position_or_not(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = cookie_of(&control(Some(bytes)));
        }
    }
}
