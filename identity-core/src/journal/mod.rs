//! The journal: what was intended and what happened, durable before and after every touch.
//!
//! [`Journal`] is small so that a second store can implement it; [`EntryProgress`] folds the
//! events of one plan entry into what is known of it, the same for every store.
//!
//! [`SqliteJournal`] is the journal of real runs: one file, synced before `append` returns.
//! [`MemoryJournal`] is for tests and rehearsals. Records are chained by hash in both;
//! [`verify_chain`] follows the chain.

mod chain;
mod event;
mod manual;
mod memory;
mod progress;
mod sqlite;

pub use chain::{BrokenChain, verify_chain};
pub use event::{Baseline, ChainHead, ErrorRecord, Event, MessageRef, Record, StopReason, Verdict};
pub use manual::{ManualDone, ManualEvidence};
pub use memory::MemoryJournal;
pub use progress::{ActionProgress, EntryProgress, Finality};
pub use sqlite::SqliteJournal;

use std::fmt;

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::error::Result;

/// Where events are recorded.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync + 'static {
    /// Appends events in order. When it returns, they are durable and chained.
    ///
    /// # Errors
    /// When they are not known to be durable. The run stops: without a journal nothing is
    /// touched.
    async fn append(&self, events: Vec<Event>) -> Result<()>;

    /// What is known of the entries, one answer per sequence number, in the order asked.
    ///
    /// # Errors
    /// When the journal cannot be read.
    async fn progress(&self, entries: &[u64]) -> Result<Vec<EntryProgress>>;

    /// Every record from number `from` (the first is 1) on, in order, as it is read.
    ///
    /// # Errors
    /// In the stream: when the journal cannot be read, or its chain is broken.
    fn records(&self, from: u64) -> BoxStream<'static, Result<Record>>;

    /// The newest record's number and hash.
    ///
    /// # Errors
    /// When the journal cannot be read.
    async fn head(&self) -> Result<ChainHead>;
}
