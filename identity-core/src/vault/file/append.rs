//! The one writer.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::envelope::Envelope;
use super::index::{Fingerprint, Index, Place, Reference};
use super::line::{Header, Line, Lines, Read};
use super::{OPEN, SEAL, lock};
use crate::durable::{FileLock, Store, create_private, sync_parent};
use crate::error::{Error, ErrorKind, Result};
use crate::vault::SealedRef;

pub(super) struct Appender {
    path: PathBuf,
    file: File,
    length: u64,
    index: Arc<Mutex<Index>>,
    // After the file: the lock is let go when the file is closed.
    _lock: FileLock,
}

impl Appender {
    pub(super) fn create(path: &Path, index: Arc<Mutex<Index>>) -> Result<Self> {
        const CREATE: &str = "create the vault";
        let lock = FileLock::take(path, ErrorKind::Vault, CREATE)?;
        let make = || {
            let file = create_private(path)?;
            file.sync_all()?;
            sync_parent(path)?;
            Ok(file)
        };
        let file = make().map_err(|error: std::io::Error| {
            let advice = if error.kind() == std::io::ErrorKind::AlreadyExists {
                "resume the run that it belongs to, or choose another folder"
            } else {
                "the folder must exist and be writable"
            };
            fault(error, CREATE, path).with_advice(advice)
        })?;
        Ok(Self { path: path.to_owned(), file, length: 0, index, _lock: lock })
    }

    /// Reads the file through into the index and cuts an incomplete last line off; says how many
    /// bytes that were.
    pub(super) fn open(path: &Path, index: Arc<Mutex<Index>>) -> Result<(Self, u64)> {
        let io = |error| fault(error, OPEN, path);
        // Before the lock, so that a wrong path leaves no lock file behind.
        let file = OpenOptions::new().read(true).append(true).open(path).map_err(io)?;
        let lock_file = FileLock::take(path, ErrorKind::Vault, OPEN)?;
        let mut lines = Lines::after(0, BufReader::new(&file));
        let (mut length, mut cut_off) = (0, 0);
        loop {
            match lines.next(path)? {
                Read::Line(line, bytes) => {
                    let fingerprint = Fingerprint::of(&line.sealed);
                    lock(&index).add(length, fingerprint, line.entries.iter().map(Header::of_password));
                    length += bytes;
                }
                Read::Torn(bytes) => {
                    tracing::warn!(path = %path.display(), bytes, "the vault ended in an incomplete line; cut off");
                    file.set_len(length).map_err(io)?;
                    cut_off = bytes;
                    break;
                }
                Read::End => break,
            }
        }
        // What an earlier process wrote and could not sync is relied on from here on.
        file.sync_all().map_err(io)?;
        Ok((Self { path: path.to_owned(), file, length, index, _lock: lock_file }, cut_off))
    }

    #[cfg(test)]
    pub(super) fn swap_file(&mut self, file: File) {
        self.file = file;
    }
}

impl Store for Appender {
    type Wish = Envelope;
    type Answer = Vec<SealedRef>;
    const KIND: ErrorKind = ErrorKind::Vault;
    const OPERATION: &'static str = SEAL;

    fn commit(&mut self, wishes: Vec<Envelope>) -> Result<Vec<Vec<SealedRef>>> {
        let mut number = lock(&self.index).next_line();
        let mut bytes = Vec::new();
        let mut lines = Vec::with_capacity(wishes.len());
        for Envelope { entries, sealed } in wishes {
            let Some(line) = number else {
                return Err(Error::new(ErrorKind::Vault, SEAL)
                    .with_detail(format!("{} is full", self.path.display()))
                    .with_advice("start another vault"));
            };
            let offset = self.length + u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let line = Line { line, entries, sealed };
            serde_json::to_writer(&mut bytes, &line).map_err(|error| {
                Error::new(ErrorKind::Vault, SEAL).with_detail("a line cannot be written as JSON").with_source(error)
            })?;
            bytes.push(b'\n');
            number = line.line.checked_add(1);
            lines.push((offset, line));
        }
        self.file
            .write_all(&bytes)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| fault(error, SEAL, &self.path))?;
        self.length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);

        let mut index = lock(&self.index);
        let mut answers = Vec::with_capacity(lines.len());
        for (offset, Line { line, entries, sealed }) in lines {
            let fingerprint = Fingerprint::of(&sealed);
            let reference = |place| Reference { place: Place { line, place }, fingerprint }.to_ref();
            answers.push(entries.iter().zip(0..).map(|(_, place)| reference(place)).collect());
            index.add(offset, fingerprint, entries.iter().map(Header::of_password));
        }
        Ok(answers)
    }

    fn close(self, _clean: bool) {}
}

fn fault(error: std::io::Error, operation: &'static str, path: &Path) -> Error {
    let path = path.display();
    let (detail, advice) = match error.kind() {
        std::io::ErrorKind::StorageFull => {
            (format!("no space is left for {path}"), "free space on that file system, then resume the run")
        }
        std::io::ErrorKind::NotFound => (format!("{path} does not exist"), "name the vault file in the run's folder"),
        std::io::ErrorKind::PermissionDenied => {
            (format!("{path} cannot be read and written: {error}"), "the file and its folder must be writable")
        }
        _ => (format!("{path}: {error}"), "copy the run's folder to a healthy disk and resume there"),
    };
    Error::new(ErrorKind::Vault, operation).with_detail(detail).with_advice(advice).with_source(error)
}
