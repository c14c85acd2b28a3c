//! A journal in memory: for tests and rehearsals. Nothing is durable.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::chain::{self, Row};
use super::{ChainHead, EntryProgress, Event, Journal, Record};
use crate::error::Result;
use crate::limits::clock;

/// A journal in memory, chained like a durable one. For tests and rehearsals: it ends with the
/// process. Its memory grows with every record; a rehearsal of a million accounts is better off
/// with a [`SqliteJournal`](super::SqliteJournal) in a temporary folder.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    records: Vec<Record>,
    /// Entry to the places of its records.
    places: HashMap<u64, Vec<usize>>,
}

impl MemoryJournal {
    /// An empty journal. A clone is another handle on the same journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Every change below is one push after another that cannot panic between them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, events: Vec<Event>) -> Result<()> {
        let at = clock::now();
        let mut kept = self.kept();
        for event in events {
            let head = kept.head();
            let row = Row::after(&head, at.to_string(), chain::body(&event)?);
            if let Some(entry) = event.entry() {
                let place = kept.records.len();
                kept.places.entry(entry).or_default().push(place);
            }
            kept.records.push(Record { number: row.number, at, event, hash: row.hash });
        }
        Ok(())
    }

    async fn progress(&self, entries: &[u64]) -> Result<Vec<EntryProgress>> {
        let kept = self.kept();
        let fold = |entry: &u64| {
            let mut progress = EntryProgress::new(*entry);
            for record in kept.places.get(entry).into_iter().flatten().filter_map(|place| kept.records.get(*place)) {
                progress.fold(&record.event);
            }
            progress
        };
        Ok(entries.iter().map(fold).collect())
    }

    fn records(&self, from: u64) -> BoxStream<'static, Result<Record>> {
        let journal = self.clone();
        let first = usize::try_from(from.max(1) - 1).unwrap_or(usize::MAX);
        stream::unfold(first, move |place| {
            let record = journal.kept().records.get(place).cloned();
            async move { record.map(|record| (Ok(record), place + 1)) }
        })
        .boxed()
    }

    async fn head(&self) -> Result<ChainHead> {
        Ok(self.kept().head())
    }
}

impl Kept {
    fn head(&self) -> ChainHead {
        self.records
            .last()
            .map(|record| ChainHead { number: record.number, hash: record.hash.clone() })
            .unwrap_or_default()
    }
}
