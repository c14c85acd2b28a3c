//! Rows of a plan, read when they are asked for.

use std::fmt;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Arc, PoisonError};

use sha2::{Digest, Sha256};

use super::entry::{Entry, PlanRow};
use super::file::Inner;
use super::read::Chunk;
use crate::error::{Error, ErrorKind, Result};

/// Rows of a plan in the order of its file; see [`Plan::rows`](super::Plan::rows). At most one
/// chunk of the file is in memory. It ends after an error.
pub struct PlanRows {
    plan: Arc<Inner>,
    left: u64,
    /// Rows of the next chunk that come before the first one asked for.
    skip: u64,
    next_chunk: usize,
    text: Vec<u8>,
    at: usize,
}

/// Entries of one wave and directory; see [`Plan::entries`](super::Plan::entries). It ends after
/// an error.
#[derive(Debug)]
pub struct PlanEntries(PlanRows);

/// Rows by number, from 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) first: u64,
    pub(super) count: u64,
}

impl PlanRows {
    pub(super) fn new(plan: Arc<Inner>, span: Span) -> Self {
        let next_chunk = plan.chunks.partition_point(|chunk| chunk.first_row <= span.first).saturating_sub(1);
        let skip = plan.chunks.get(next_chunk).map_or(0, |chunk| span.first - chunk.first_row);
        Self { plan, left: span.count, skip, next_chunk, text: Vec::new(), at: 0 }
    }

    fn read_next(&mut self) -> Result<PlanRow> {
        loop {
            if self.at >= self.text.len() {
                self.load_chunk()?;
            }
            let rest = self.text.get(self.at..).unwrap_or_default();
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            self.at += end;
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            let line = rest.get(..end).unwrap_or_default();
            return serde_json::from_slice(line).map_err(|error| changed(&self.plan, &error.to_string()));
        }
    }

    fn load_chunk(&mut self) -> Result<()> {
        let chunk = self.plan.chunks.get(self.next_chunk).ok_or_else(|| changed(&self.plan, "it has fewer rows"))?;
        let text = std::mem::take(&mut self.text);
        self.text = read_chunk(&self.plan, chunk, text)?;
        self.at = 0;
        self.next_chunk += 1;
        Ok(())
    }
}

fn read_chunk(plan: &Inner, chunk: &Chunk, mut text: Vec<u8>) -> Result<Vec<u8>> {
    text.clear();
    {
        // A thread that panicked here left nothing but a position, which is set anew.
        let mut file = plan.file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = file
            .seek(SeekFrom::Start(chunk.offset))
            .and_then(|_| file.by_ref().take(chunk.bytes).read_to_end(&mut text));
        read.map_err(|error| changed(plan, &error.to_string()).with_source(error))?;
    }
    let hash: [u8; 32] = Sha256::digest(&text).into();
    if hash != chunk.hash {
        let last = chunk.first_row + u64::from(chunk.rows) + 1;
        return Err(changed(plan, &format!("lines {} to {last} are not what they were", chunk.first_row + 2)));
    }
    Ok(text)
}

fn changed(plan: &Inner, what: &str) -> Error {
    Error::new(ErrorKind::InputInvalid, "read the plan")
        .with_detail(format!("{} changed since it was opened: {what}", plan.path.display()))
        .with_advice("put back the plan that was approved, or approve the new one and begin again")
}

impl Iterator for PlanRows {
    type Item = Result<PlanRow>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let row = self.read_next();
        if row.is_err() {
            self.left = 0;
        }
        Some(row)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, usize::try_from(self.left).ok())
    }
}

impl std::iter::FusedIterator for PlanRows {}

impl fmt::Debug for PlanRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlanRows").field("plan", &self.plan.path).field("left", &self.left).finish_non_exhaustive()
    }
}

impl PlanEntries {
    pub(super) fn new(plan: Arc<Inner>, span: Span) -> Self {
        Self(PlanRows::new(plan, span))
    }
}

impl Iterator for PlanEntries {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.0.next()?;
        Some(match row {
            Ok(PlanRow::Entry(entry)) => Ok(entry),
            Ok(PlanRow::LeftOut { .. }) => {
                self.0.left = 0;
                Err(changed(&self.0.plan, "a row that was an entry is none"))
            }
            Err(error) => Err(error),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl std::iter::FusedIterator for PlanEntries {}
