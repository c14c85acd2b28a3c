//! The reading of one directory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::VerifyCounts;
use super::expectation::Expectation;
use super::judge::judge;
use crate::account::{Account, AccountId, DirectoryId};
use crate::directory::Backend;
use crate::error::{Error, ErrorKind, Result, Status};
use crate::journal::{ErrorRecord, Event, Journal, Verdict};
use crate::limits::{OperationClass, clock};
use crate::plan::{Disposition, Entry, PlanRow};

/// Lookups in flight at once; the governor decides how many of them really go.
const IN_FLIGHT: usize = 4;
/// The most accounts in one lookup.
const LARGEST_LOOKUP: usize = 250;
/// Plan entries whose progress is asked of the journal at once.
const PROGRESS: usize = 256;
/// The most accounts that wait to be read again: what keeps memory flat.
const MOST_WAITING: usize = 50_000;
/// Events that are recorded at once.
const RECORDED: usize = 512;
/// How often one lookup is tried before the directory counts as unreadable.
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// Plan rows of other directories that are passed over before others may run.
const COURTESY: usize = 1_000;

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) patience: Duration,
    pub(super) again: bool,
}

/// One account that is to be read.
#[derive(Debug)]
struct Due {
    entry: u64,
    id: AccountId,
    expected: Expectation,
    /// How often it was read and not settled.
    readings: u32,
    /// How often its lookup failed in a row.
    failures: u32,
}

type Lookup<'a> = BoxFuture<'a, (Vec<Due>, Result<Vec<Option<Account>>>)>;

#[derive(Debug)]
pub(super) struct Lane<'a> {
    backend: &'a dyn Backend,
    directory: DirectoryId,
    journal: &'a dyn Journal,
    settings: Settings,
    cancelled: &'a CancellationToken,
    /// Whether the directory says from when on sessions are valid.
    tells_sessions: bool,
    /// The directories that lanes read, in the lane that counts the accounts of all others.
    known: Option<&'a BTreeSet<DirectoryId>>,
    lookup_size: usize,
    /// When patience ends.
    patience_ends: Instant,
    fresh: VecDeque<Due>,
    /// How many accounts are being looked up.
    in_flight: u64,
    /// By the time of the next reading.
    waiting: BTreeMap<(Instant, u64), Due>,
    events: Vec<Event>,
    counts: VerifyCounts,
}

impl<'a> Lane<'a> {
    pub(super) fn new(
        backend: &'a dyn Backend,
        journal: &'a dyn Journal,
        settings: Settings,
        known: Option<&'a BTreeSet<DirectoryId>>,
        cancelled: &'a CancellationToken,
    ) -> Self {
        let lookup_size =
            usize::try_from(backend.limits().batch_of(OperationClass::Read).get()).unwrap_or(LARGEST_LOOKUP);
        let start = clock::instant();
        Self {
            backend,
            directory: backend.info().id.clone(),
            journal,
            settings,
            cancelled,
            tells_sessions: backend.capabilities().observe_sessions,
            known,
            lookup_size: lookup_size.clamp(1, LARGEST_LOOKUP),
            patience_ends: start.checked_add(settings.patience).unwrap_or(start),
            fresh: VecDeque::new(),
            in_flight: 0,
            waiting: BTreeMap::new(),
            events: Vec::new(),
            counts: VerifyCounts::default(),
        }
    }

    pub(super) async fn run(mut self, rows: impl Iterator<Item = Result<PlanRow>> + Send) -> Result<VerifyCounts> {
        let mut rows = rows.fuse();
        let mut lookups: FuturesUnordered<Lookup<'a>> = FuturesUnordered::new();
        loop {
            while lookups.len() < IN_FLIGHT {
                let Some(due) = self.next(&mut rows).await? else { break };
                self.in_flight += due.len() as u64;
                lookups.push(self.lookup(due));
            }
            let next = self.waiting.keys().next().map(|(at, _)| *at);
            if lookups.is_empty() && next.is_none() {
                break;
            }
            let failed = tokio::select! {
                biased;
                () = self.cancelled.cancelled() => Err(self.stopped()),
                Some((due, answer)) = lookups.next() => self.settle(due, answer),
                () = clock::sleep_until(next.unwrap_or(self.patience_ends)), if lookups.is_empty() && next.is_some() => Ok(()),
            };
            if let Err(error) = failed {
                self.give_up(&error, lookups, &mut rows).await?;
                break;
            }
            if self.events.len() >= RECORDED {
                self.record().await?;
            }
        }
        self.record().await?;
        Ok(self.counts)
    }

    /// The next accounts to look up now: those that waited first, then new ones.
    async fn next(&mut self, rows: &mut (impl Iterator<Item = Result<PlanRow>> + Send)) -> Result<Option<Vec<Due>>> {
        let now = clock::instant();
        let mut due = Vec::new();
        while due.len() < self.lookup_size {
            let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now) else { break };
            due.push(first.remove());
        }
        if due.is_empty() && self.waiting.len() < MOST_WAITING {
            self.fill(rows).await?;
            let new = self.fresh.len().min(self.lookup_size);
            due.extend(self.fresh.drain(..new));
        }
        Ok((!due.is_empty()).then_some(due))
    }

    /// Reads on in the plan until a whole lookup is due or the plan ends.
    async fn fill(&mut self, rows: &mut (impl Iterator<Item = Result<PlanRow>> + Send)) -> Result<()> {
        let mut passed = 0_usize;
        while self.fresh.len() < self.lookup_size {
            let mut entries: Vec<Entry> = Vec::new();
            for row in rows.by_ref() {
                if let PlanRow::Entry(entry) = row?
                    && (matches!(entry.disposition, Disposition::Reset { .. }) || entry.directory == self.directory)
                {
                    if entry.directory == self.directory {
                        entries.push(entry);
                    } else if self.known.is_some_and(|known| !known.contains(&entry.directory)) {
                        self.counts.elsewhere += 1;
                    }
                }
                passed += 1;
                if entries.len() >= PROGRESS || passed >= COURTESY {
                    break;
                }
            }
            let ended = entries.len() < PROGRESS && passed < COURTESY;
            if passed >= COURTESY {
                passed = 0;
                tokio::task::yield_now().await;
            }
            self.choose(entries).await?;
            if ended {
                break;
            }
        }
        Ok(())
    }

    /// Of these entries, those that are to be read.
    async fn choose(&mut self, entries: Vec<Entry>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let numbers: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
        let progress = self.journal.progress(&numbers).await?;
        if progress.len() != entries.len() {
            return Err(Error::new(ErrorKind::Journal, "verify").with_detail("not one answer per entry asked for"));
        }
        for (entry, known) in entries.into_iter().zip(progress) {
            let Some(expected) = Expectation::of(&entry, &known, self.tells_sessions) else { continue };
            let found = matches!(known.verdict, Some((Verdict::Changed | Verdict::ChangedByOwner, _)));
            if found && !self.settings.again {
                self.counts.already += 1;
                continue;
            }
            self.fresh.push_back(Due { entry: entry.seq, id: entry.id, expected, readings: 0, failures: 0 });
        }
        Ok(())
    }

    fn lookup(&self, due: Vec<Due>) -> Lookup<'a> {
        let backend = self.backend;
        let directory = self.directory.clone();
        Box::pin(async move {
            let ids: Vec<AccountId> = due.iter().map(|due| due.id.clone()).collect();
            let answer = backend.lookup(&ids).await;
            let answer = answer.and_then(|accounts| {
                if accounts.len() == ids.len() {
                    return Ok(accounts);
                }
                let error = Error::new(ErrorKind::Protocol, "look accounts up").with_directory(directory);
                Err(error.with_detail(format!("{} answers to {} questions", accounts.len(), ids.len())))
            });
            (due, answer)
        })
    }

    /// Takes one answer in. An error means that the directory counts as unreadable.
    fn settle(&mut self, due: Vec<Due>, answer: Result<Vec<Option<Account>>>) -> Result<()> {
        self.in_flight = self.in_flight.saturating_sub(due.len() as u64);
        let accounts = match answer {
            Ok(accounts) => accounts,
            Err(error) => return self.put_back(due, error),
        };
        for (mut due, account) in due.into_iter().zip(accounts) {
            let reading = judge(&due.expected, account.as_ref());
            let now = clock::instant();
            if reading.settles && now < self.patience_ends {
                let at = now.checked_add(wait(due.readings)).unwrap_or(now).min(self.patience_ends);
                due.readings += 1;
                due.failures = 0;
                self.waiting.insert((at, due.entry), due);
                continue;
            }
            self.counts.count(reading.verdict);
            if let Some(note) = reading.note {
                self.events.push(Event::Noted { entry: due.entry, note: note.to_owned() });
            }
            let last_set = account.and_then(|account| account.password.last_set);
            self.events.push(Event::Verified { entry: due.entry, verdict: reading.verdict, last_set });
        }
        Ok(())
    }

    /// Has a lookup that failed repeated later, unless that cannot help.
    fn put_back(&mut self, due: Vec<Due>, error: Error) -> Result<()> {
        // A read has no effect: one without an answer is simply asked again.
        let may_pass = matches!(error.status(), Status::Temporary | Status::Unknown);
        let tried = due.iter().map(|due| due.failures).max().unwrap_or(0) + 1;
        let now = clock::instant();
        let pause = wait(tried - 1).max(error.retry_after().unwrap_or_default());
        let at = now.checked_add(pause).unwrap_or(now);
        for mut due in due {
            due.failures += 1;
            self.waiting.insert((at, due.entry), due);
        }
        if may_pass && tried < TRIES { Ok(()) } else { Err(error) }
    }

    /// Counts what stays unread. Verdicts that were found stay.
    async fn give_up(
        &mut self,
        error: &Error,
        mut lookups: FuturesUnordered<Lookup<'a>>,
        rows: &mut (impl Iterator<Item = Result<PlanRow>> + Send),
    ) -> Result<()> {
        // What is in flight is let finish, unless the caller wants to stop.
        while let Some(Some((due, answer))) = self.cancelled.run_until_cancelled(lookups.next()).await {
            // Whatever it says, its accounts are either settled or waiting now.
            self.settle(due, answer).ok();
        }
        self.counts.unread += std::mem::take(&mut self.in_flight) + self.waiting.len() as u64;
        self.waiting.clear();
        loop {
            self.counts.unread += self.fresh.len() as u64;
            self.fresh.clear();
            self.fill(rows).await?;
            if self.fresh.is_empty() {
                break;
            }
        }
        self.counts.unreadable.insert(self.directory.clone(), ErrorRecord::from(error));
        Ok(())
    }

    fn stopped(&self) -> Error {
        Error::new(ErrorKind::Stopped, "verify")
            .with_directory(self.directory.clone())
            .with_detail("stopped before every account was read")
            .with_advice("verify again: what was found is not read again")
    }

    async fn record(&mut self) -> Result<()> {
        if self.events.is_empty() {
            return Ok(());
        }
        self.journal.append(std::mem::take(&mut self.events)).await
    }
}

/// 1, 2, 4, 8, 15, 15, … seconds.
fn wait(round: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1_u32.checked_shl(round.min(8)).unwrap_or(u32::MAX)).min(LONGEST_WAIT)
}
