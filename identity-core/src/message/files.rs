//! Messages as a file, for printing and for a mail merge.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Channel, Message};
use crate::durable::{create_private, sync_parent};
use crate::error::{Error, ErrorKind, Result};

const COLUMNS: [&str; 7] = ["id", "person", "name", "address", "language", "subject", "text"];

/// Writes messages into one CSV file with a row each, which word processors merge into letters. A row is
/// on disk when [`send`](Channel::send) returns. What is in the file is not written again: a row that a
/// killed process left half is cut off, and its message written anew.
#[derive(Debug)]
pub struct Files {
    name: String,
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    written: HashSet<String>,
}

impl Files {
    /// Opens the file of a channel, or makes it, readable for its owner only.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when it cannot be read or written, or is another file.
    pub fn open(name: impl Into<String>, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let state = open(path).map_err(|fault| wrong(path, &fault.to_string()))?;
        Ok(Self { name: name.into(), path: path.to_owned(), state: Mutex::new(state) })
    }
}

fn open(path: &Path) -> std::io::Result<State> {
    let other = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    if !path.exists() {
        let mut file = create_private(path)?;
        file.write_all(row(COLUMNS).as_bytes())?;
        file.sync_all()?;
        sync_parent(path)?;
        return Ok(State { file, written: HashSet::new() });
    }
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    if text.len() < row(COLUMNS).len() && row(COLUMNS).as_bytes().starts_with(&text) {
        // Killed while it was made.
        text.clear();
        file.set_len(0)?;
        file.write_all(row(COLUMNS).as_bytes())?;
        file.sync_all()?;
        return Ok(State { file, written: HashSet::new() });
    }
    if !text.starts_with(row(COLUMNS).as_bytes()) {
        return Err(other("is no file of messages"));
    }
    // A row ends with a line end outside of quotes; what follows the last one was not finished.
    let (mut quoted, mut whole) = (false, 0);
    for (place, byte) in text.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => whole = place + 1,
            _ => {}
        }
    }
    text.truncate(whole);
    file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))?;
    file.seek(SeekFrom::End(0))?;
    let mut rows = csv::Reader::from_reader(text.as_slice());
    let ids = rows.records().map(|row| row.map(|row| row.get(0).unwrap_or_default().to_owned()));
    let written = ids.collect::<Result<_, _>>().map_err(|fault| other(&fault.to_string()))?;
    Ok(State { file, written })
}

#[async_trait]
impl Channel for Files {
    fn name(&self) -> &str {
        &self.name
    }

    fn repeats_safely(&self) -> bool {
        true
    }

    async fn send(&self, message: &Message) -> Result<String> {
        let Message { id, person, name, address, language, subject, text, .. } = message;
        // One row at a time and synced: a few hundred a second, which no printer follows.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.written.contains(id) {
            let line = row([id, person, name, address, language, subject, text]);
            let State { file, written } = &mut *state;
            let kept = file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
            kept.map_err(|fault| wrong(&self.path, &fault.to_string()))?;
            written.insert(id.clone());
        }
        Ok(format!("in {}", self.path.display()))
    }
}

fn wrong(path: &Path, fault: &str) -> Error {
    // Nothing else can be written either: it ends the mailing.
    Error::new(ErrorKind::ConfigInvalid, "write messages").with_detail(format!("{}: {fault}", path.display()))
}

/// A row of which every cell is quoted. No cell begins a formula: names are of people who wrote them.
pub(super) fn row<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let cell = |cell: T| {
        let text = cell.as_ref();
        let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
        format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
    };
    cells.into_iter().map(cell).collect::<Vec<_>>().join(",") + "\n"
}
