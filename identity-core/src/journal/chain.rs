//! The chain: each record's hash covers the record before it, so that no record can be changed,
//! removed or slipped in without every later hash changing too.
//!
//! The hash is SHA-256, in hexadecimal, over four lines: the previous hash (empty for the first
//! record), the number, the time and the body. Anybody can compute it with `sha256sum`.

use futures::StreamExt;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{ChainHead, Event, Journal, Record};
use crate::error::{Error, ErrorKind, Result};

/// Reads a whole journal and follows its chain to the head.
///
/// A chain cannot show that its end was cut off: compare the head with the one that a report
/// names.
///
/// # Errors
/// When the journal cannot be read, or when the chain is broken; then [`BrokenChain`] is the
/// source of the error and names the first record that does not fit.
pub async fn verify_chain(journal: &dyn Journal) -> Result<ChainHead> {
    let mut head = ChainHead::default();
    let mut records = journal.records(1);
    while let Some(record) = records.next().await {
        let record = record?;
        head = ChainHead { number: record.number, hash: record.hash };
    }
    Ok(head)
}

/// A record that does not fit the chain: it, or one before it, was changed after it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {number} {fault}")]
#[non_exhaustive]
pub struct BrokenChain {
    /// The number of the first record that does not fit.
    pub number: u64,
    /// What does not fit.
    fault: &'static str,
}

impl From<BrokenChain> for Error {
    fn from(broken: BrokenChain) -> Self {
        Self::new(ErrorKind::Journal, "read the journal")
            .with_detail(broken.to_string())
            .with_advice("the journal was changed after it was written: keep a copy, and trust only the records before")
            .with_source(broken)
    }
}

/// A record as it is stored: the body is kept byte for byte.
pub(super) struct Row {
    pub(super) number: u64,
    pub(super) at: String,
    pub(super) body: String,
    pub(super) hash: String,
}

impl Row {
    /// The record that follows `head`.
    pub(super) fn after(head: &ChainHead, at: String, body: String) -> Self {
        let number = head.number + 1;
        let hash = link(&head.hash, number, &at, &body);
        Self { number, at, body, hash }
    }

    pub(super) fn head(&self) -> ChainHead {
        ChainHead { number: self.number, hash: self.hash.clone() }
    }

    /// The record, if it follows `head`.
    pub(super) fn verify(self, head: &ChainHead) -> Result<Record> {
        let number = head.number + 1;
        let broken = |fault| Error::from(BrokenChain { number, fault });
        if self.number != number {
            return Err(broken("is missing"));
        }
        if self.hash != link(&head.hash, number, &self.at, &self.body) {
            return Err(broken("does not match its hash"));
        }
        let at: Timestamp = self.at.parse().map_err(|_| broken("has no readable time"))?;
        // The hash fits, so this is what was written: a newer version of this library wrote it.
        let event: Event = serde_json::from_str(&self.body).map_err(|error| {
            Error::new(ErrorKind::Journal, "read the journal")
                .with_detail(format!("record {number} holds an event that this version does not know"))
                .with_advice("read this journal with the version that wrote it, or a newer one")
                .with_source(error)
        })?;
        Ok(Record { number, at, event, hash: self.hash })
    }
}

/// An event's stored form.
pub(super) fn body(event: &Event) -> Result<String> {
    serde_json::to_string(event).map_err(|error| {
        Error::new(ErrorKind::Journal, "append to the journal")
            .with_detail("an event cannot be written as JSON")
            .with_source(error)
    })
}

fn link(previous: &str, number: u64, at: &str, body: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{previous}\n{number}\n{at}\n"));
    hash.update(body);
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_what_its_documentation_says() {
        // printf '\n1\n2026-01-02T03:04:05Z\n{"event":"run_finished"}' | sha256sum
        let row =
            Row::after(&ChainHead::default(), "2026-01-02T03:04:05Z".into(), r#"{"event":"run_finished"}"#.into());
        assert_eq!(row.hash, "83cce75ed90bead5f9f531bfa294a0ce1514c25923d0df7fcfb22e8129d99f13");
    }
}
