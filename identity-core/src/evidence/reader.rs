//! Reads one directory's log until it has what the journal has, and tells what it says.

use std::time::Duration;

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};

use super::found::{AccountEvidence, EntryEvidence, Found, LogFinding, LogReading, OtherEvent, Whose};
use super::index::{Index, IndexedEntry, IndexedEvent, Missing};
use super::judge::judge;
use super::log::AuditLog;
use super::spans::{Spans, earlier, later};
use super::{CHUNK, bit};
use crate::account::{AccountId, DirectoryId};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{ErrorRecord, Event, Journal};
use crate::limits::clock;
use crate::reset::Action;

/// The first wait for what is missing, and the longest; each is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Entries, and events of others, that are held at once.
const PAGE: u32 = 256;
/// Names that are kept of accounts that are open.
const NAMED: usize = 10;

/// One directory's log.
pub(super) struct Reader<'a> {
    index: Index,
    place: usize,
    log: &'a dyn AuditLog,
    actor: Option<String>,
    spans: Spans,
    margin: SignedDuration,
    reading: LogReading,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        index: Index,
        place: usize,
        directory: DirectoryId,
        log: &'a dyn AuditLog,
        spans: Spans,
        margin: SignedDuration,
    ) -> Self {
        Self { index, place, log, actor: log.actor(), spans, margin, reading: LogReading::new(directory) }
    }

    /// Reads the log, and reads it again for what is missing, until the patience ends.
    ///
    /// # Errors
    /// When the index fails. A log that cannot be read is noted.
    pub(super) async fn read(&mut self, patience: Duration) -> Result<()> {
        let begun = clock::instant();
        let ends = begun.checked_add(patience).unwrap_or(begun);
        let mut spans = self.spans.with_margin(self.margin);
        self.reading.from = spans.first().map(|(from, _)| *from);
        self.reading.until = spans.last().map(|(_, until)| *until);
        if let Some(last) = self.spans.end() {
            // What is asked for earlier could be there only in part, and that of others too.
            let settled = later(last, SignedDuration::try_from(self.log.lag()).unwrap_or(SignedDuration::ZERO));
            let wait = Duration::try_from(settled.duration_since(clock::now())).unwrap_or(Duration::ZERO);
            clock::sleep(wait.min(self.log.lag()).min(patience)).await;
        }
        let mut wait = FIRST_WAIT;
        loop {
            for (from, until) in std::mem::take(&mut spans) {
                if let Err(error) = self.take(from, until).await? {
                    self.reading.unreadable = Some(ErrorRecord::from(&error));
                    return Ok(());
                }
            }
            let missing = self.index.missing(self.place, self.actor.clone()).await?;
            let left = ends.saturating_duration_since(clock::instant());
            if missing.count == 0 || left.is_zero() {
                return Ok(());
            }
            clock::sleep(wait.min(left)).await;
            wait = wait.saturating_mul(2).min(LONGEST_WAIT);
            spans.extend(around(missing, self.margin));
        }
    }

    /// Takes the events of between two moments into the index; the inner error is the log's.
    async fn take(&self, from: Timestamp, until: Timestamp) -> Result<Result<(), Error>> {
        let mut events = self.log.events(from, until);
        let mut chunk = Vec::with_capacity(CHUNK);
        loop {
            let (ended, failed) = match events.next().await {
                Some(Ok(event)) => {
                    let shows = Action::ALL.into_iter().filter(|action| self.log.shows(&event.what, *action));
                    let shows = shows.fold(0, |bits, action| bits | bit(action));
                    chunk.push((event, shows));
                    (false, None)
                }
                Some(Err(error)) => (true, Some(error)),
                None => (true, None),
            };
            if ended || chunk.len() >= CHUNK {
                self.index.add_events(self.place, std::mem::take(&mut chunk)).await?;
            }
            if let Some(error) = failed {
                return Ok(Err(error));
            }
            if ended {
                return Ok(Ok(()));
            }
        }
    }

    /// Tells and records what the log says of each account, then tells what is not the run's.
    pub(super) async fn tell(
        mut self,
        journal: &dyn Journal,
        each: &mut (impl FnMut(Found) -> Result<()> + Send),
    ) -> Result<LogReading> {
        self.reading.events = self.index.mark_ours(self.place).await?;
        let mut last = 0;
        loop {
            let entries = self.index.entries(self.place, last, PAGE).await?;
            let Some(newest) = entries.last() else { break };
            last = newest.seq;
            self.tell_entries(journal, entries, each).await?;
        }
        let mut last = (i64::MIN, i64::MIN);
        loop {
            let others = self.index.others(self.place, self.actor.clone(), last, PAGE).await?;
            let Some((newest, _)) = others.last() else { break };
            last = (newest.event.at.as_millisecond(), newest.number);
            for (event, entries) in others {
                each(Found::Other(self.other(event, entries)))?;
            }
        }
        Ok(self.reading)
    }

    async fn tell_entries(
        &mut self,
        journal: &dyn Journal,
        entries: Vec<IndexedEntry>,
        each: &mut (impl FnMut(Found) -> Result<()> + Send),
    ) -> Result<()> {
        let numbers: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
        let known = journal.progress(&numbers).await?;
        if known.len() != entries.len() {
            return Err(Error::new(ErrorKind::Journal, "match the audit log").with_detail("not one answer per entry"));
        }
        let events = self.index.events_of(entries.clone(), self.actor.clone()).await?;
        let (mut claimed, mut judged) = (Vec::new(), Vec::with_capacity(entries.len()));
        for ((entry, known), (requested, unaccounted)) in entries.iter().zip(&known).zip(&events) {
            let account = AccountId::new(&entry.account)
                .map_err(|error| Error::new(ErrorKind::InputInvalid, "match the audit log").with_source(error))?;
            let (orders, claims) = judge(&account, known, requested, unaccounted);
            claimed.extend(claims);
            judged.push((account, orders));
        }
        let others = self.index.claim(claimed, entries.clone()).await?;
        let mut records = Vec::new();
        for (((entry, known), (account, orders)), others) in entries.into_iter().zip(known).zip(judged).zip(others) {
            let Some(finding) = orders.iter().map(|order| order.finding).max() else { continue };
            if self.reading.unreadable.is_some() {
                self.reading.unread += 1;
                continue;
            }
            let directory = self.reading.directory.clone();
            let found =
                AccountEvidence { entry: entry.seq, directory, account, name: entry.name, finding, orders, others };
            self.count(&found);
            let evidence = EntryEvidence::from(&found);
            if known.evidence.as_ref() != Some(&evidence) {
                records.push(Event::Evidenced { entry: entry.seq, evidence });
            }
            each(Found::Account(found))?;
        }
        if records.is_empty() { Ok(()) } else { journal.append(records).await }
    }

    fn count(&mut self, found: &AccountEvidence) {
        let count = match found.finding {
            LogFinding::Confirmed => &mut self.reading.confirmed,
            LogFinding::NotFound => &mut self.reading.not_found,
            LogFinding::Contradicted => &mut self.reading.contradicted,
        };
        *count += 1;
        if found.finding != LogFinding::Confirmed && self.reading.first_open.len() < NAMED {
            self.reading.first_open.push(found.name.clone());
        }
    }

    fn other(&mut self, event: IndexedEvent, entries: Vec<u64>) -> OtherEvent {
        let actor = event.event.actor.id.as_str();
        let whose = if self.actor.as_deref() == Some(actor) {
            Whose::OwnPrincipal
        } else if event.event.accounts.iter().all(|account| account.as_str() == actor)
            && !event.event.accounts.is_empty()
        {
            Whose::Owner
        } else {
            Whose::Somebody
        };
        let count = match whose {
            Whose::OwnPrincipal => &mut self.reading.own_principal,
            Whose::Owner => &mut self.reading.owners,
            Whose::Somebody if entries.is_empty() => &mut self.reading.others_elsewhere,
            Whose::Somebody => &mut self.reading.others_on_planned,
        };
        *count += 1;
        OtherEvent { directory: self.reading.directory.clone(), whose, entries, event: event.event }
    }
}

/// Where what is missing is to be looked for. The clocks of two machines may differ by the margin.
fn around(missing: Missing, margin: SignedDuration) -> Option<(Timestamp, Timestamp)> {
    Some((earlier(missing.first?, margin), later(missing.last?, margin)))
}
