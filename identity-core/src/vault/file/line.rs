//! The lines of the file.

use std::io::BufRead;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::OPEN;
use super::envelope::is_envelope;
use crate::account::{AccountId, DirectoryId};
use crate::error::{Error, ErrorKind, Result};
use crate::reset::SecretKind;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) line: u32,
    pub(super) entries: Vec<Header>,
    /// One age message, in base64.
    pub(super) sealed: String,
}

/// Whose password it is: in clear, so that a password can be found without opening all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) entry: u64,
    pub(super) directory: DirectoryId,
    pub(super) account: AccountId,
    pub(super) name: String,
    /// Absent for a password, so that those lines stay as they were before there were others.
    #[serde(default, skip_serializing_if = "SecretKind::is_password")]
    pub(super) kind: SecretKind,
}

impl Header {
    /// The entry whose password it is; `None` for another kind of secret.
    pub(super) fn of_password(&self) -> Option<u64> {
        self.kind.is_password().then_some(self.entry)
    }
}

/// What reading on gave.
pub(super) enum Read {
    /// A complete line, and how many bytes it is long.
    Line(Line, u64),
    /// The file ends in the middle of a line.
    Torn(u64),
    /// The file ends.
    End,
}

/// Reads lines one after another, the file never whole.
pub(super) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    read: u32,
}

impl<R: BufRead> Lines<R> {
    /// `read` lines lie before the next.
    pub(super) fn after(read: u32, source: R) -> Self {
        Self { source, buffer: Vec::new(), read }
    }

    pub(super) fn next(&mut self, path: &Path) -> Result<Read> {
        self.buffer.clear();
        self.source.read_until(b'\n', &mut self.buffer).map_err(|error| {
            Error::new(ErrorKind::Vault, OPEN)
                .with_detail(format!("{} cannot be read: {error}", path.display()))
                .with_source(error)
        })?;
        let length = u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
        match self.buffer.split_last() {
            None => Ok(Read::End),
            Some((b'\n', text)) => {
                let number = self.read.saturating_add(1);
                let line = understand(text, number).map_err(|fault| damaged(path, number, fault))?;
                self.read = number;
                Ok(Read::Line(line, length))
            }
            Some(_) => Ok(Read::Torn(length)),
        }
    }
}

/// An error that names the line.
pub(super) fn damaged(path: &Path, number: u32, fault: &str) -> Error {
    Error::new(ErrorKind::Vault, OPEN)
        .with_detail(format!("line {number} of {} {fault}", path.display()))
        .with_advice("keep a copy, and restore the file from a backup or a second machine")
}

fn understand(text: &[u8], number: u32) -> std::result::Result<Line, &'static str> {
    // Serde's own words would repeat parts of the line.
    let line: Line = serde_json::from_slice(text).map_err(|_| "is damaged")?;
    if line.line != number {
        return Err("has the wrong number: lines were removed or moved");
    }
    if line.entries.is_empty() || !is_envelope(&line.sealed) {
        return Err("is damaged");
    }
    Ok(line)
}
