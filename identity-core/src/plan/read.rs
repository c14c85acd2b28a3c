//! Reads a plan file through once: is it whole, is it in order, does it say what its header says?

use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::actions;
use super::entry::{Disposition, Entry, PlanRow, Population, WaveKind};
use super::header::{FORMAT, HeaderRow, PlanHeader, VERSION};
use super::tally::Tally;
use crate::account::{AccountId, DirectoryId};
use crate::error::{Error, ErrorKind, Result};

/// Rows in one chunk, at most.
const CHUNK_ROWS: u32 = 512;
/// Bytes in one chunk after which no further row is taken in.
const CHUNK_BYTES: u64 = 1 << 20;
/// The longest row, in bytes.
const MOST_ROW_BYTES: u64 = 16 << 20;
/// The longest header, in bytes: it holds every listed account.
const MOST_HEADER_BYTES: u64 = 512 << 20;

/// Consecutive rows that are hashed together, so that a change is noticed before a row is used.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) offset: u64,
    pub(super) bytes: u64,
    /// The number of its first row, from 0.
    pub(super) first_row: u64,
    pub(super) rows: u32,
    pub(super) hash: [u8; 32],
}

/// Rows of one wave and directory: the number of the first, and how many.
pub(super) type Segment = (u64, u64);

/// By the place of the wave in the header (what is left out comes after the last), and the
/// directory.
pub(super) type Segments = BTreeMap<(usize, DirectoryId), Segment>;

/// What was read.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) header: PlanHeader,
    pub(super) digest: String,
    pub(super) chunks: Vec<Chunk>,
    pub(super) segments: Segments,
    pub(super) tally: Tally,
}

/// Reads a plan through.
pub(super) fn read_through(file: &File, path: &Path) -> Result<Contents> {
    let mut lines = Lines { reader: BufReader::with_capacity(1 << 16, file), hash: Sha256::new(), line: 0, path };
    let mut text = Vec::new();
    if !lines.next(&mut text, MOST_HEADER_BYTES)? {
        return Err(unusable(path, "it is empty"));
    }
    let header = read_header(&text, path)?;
    let mut offset = text.len() as u64;
    let mut checks = Checks::new(&header);
    let (mut chunks, mut chunk): (Vec<Chunk>, Option<OpenChunk>) = (Vec::new(), None);
    while lines.next(&mut text, MOST_ROW_BYTES)? {
        let row: PlanRow = serde_json::from_slice(&text).map_err(|error| lines.wrong(&error.to_string()))?;
        checks.take(&row).map_err(|what| lines.wrong(&what))?;
        let open = chunk.get_or_insert_with(|| OpenChunk::new(offset, checks.rows - 1));
        open.take(&text);
        offset += text.len() as u64;
        if open.is_full() {
            chunks.extend(chunk.take().map(OpenChunk::close));
        }
    }
    chunks.extend(chunk.map(OpenChunk::close));
    let digest = format!("sha256:{}", hex::encode(lines.hash.finalize()));
    let (segments, tally) = checks.settle().map_err(|what| unusable(path, &what))?;
    Ok(Contents { header, digest, chunks, segments, tally })
}

fn read_header(text: &[u8], path: &Path) -> Result<PlanHeader> {
    // A later version may have other fields: the version is looked at before they are.
    let first: serde_json::Value =
        serde_json::from_slice(text).map_err(|error| unusable(path, &format!("line 1 is not JSON: {error}")))?;
    if first.get("format").and_then(serde_json::Value::as_str) != Some(FORMAT) {
        return Err(unusable(path, "line 1 is not the header of a plan"));
    }
    let version = first.get("version").and_then(serde_json::Value::as_u64);
    if version != Some(u64::from(VERSION)) {
        let found = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
        return Err(unusable(path, &format!("its format has version {found}, this library reads version {VERSION}")));
    }
    let HeaderRow::Header(header) =
        serde_json::from_slice(text).map_err(|error| unusable(path, &format!("line 1: {error}")))?;
    Ok(header)
}

fn unusable(path: &Path, what: &str) -> Error {
    Error::new(ErrorKind::InputInvalid, "open the plan")
        .with_detail(format!("{}: {what}", path.display()))
        .with_advice("a plan is used as it was written: make a new one rather than editing it")
}

/// The lines of a file, hashed as they go by.
struct Lines<'a> {
    reader: BufReader<&'a File>,
    hash: Sha256,
    line: u64,
    path: &'a Path,
}

impl Lines<'_> {
    /// Reads the next line with its line end; `false` at the end of the file.
    fn next(&mut self, text: &mut Vec<u8>, most: u64) -> Result<bool> {
        text.clear();
        self.line += 1;
        let read = self.reader.by_ref().take(most).read_until(b'\n', text);
        let read = read.map_err(|error| self.wrong(&error.to_string()).with_source(error))?;
        if read == 0 {
            return Ok(false);
        }
        if text.last() != Some(&b'\n') {
            let long = text.len() as u64 == most;
            return Err(self.wrong(if long { "it is too long" } else { "the file ends in the middle of it" }));
        }
        self.hash.update(&text);
        Ok(true)
    }

    fn wrong(&self, what: &str) -> Error {
        unusable(self.path, &format!("line {}: {what}", self.line))
    }
}

struct OpenChunk {
    chunk: Chunk,
    hash: Sha256,
}

impl OpenChunk {
    fn new(offset: u64, first_row: u64) -> Self {
        Self { chunk: Chunk { offset, bytes: 0, first_row, rows: 0, hash: [0; 32] }, hash: Sha256::new() }
    }

    fn take(&mut self, text: &[u8]) {
        self.hash.update(text);
        self.chunk.bytes += text.len() as u64;
        self.chunk.rows += 1;
    }

    fn is_full(&self) -> bool {
        self.chunk.rows >= CHUNK_ROWS || self.chunk.bytes >= CHUNK_BYTES
    }

    fn close(self) -> Chunk {
        Chunk { hash: self.hash.finalize().into(), ..self.chunk }
    }
}

/// What has to be true of the rows, one after another.
struct Checks<'a> {
    header: &'a PlanHeader,
    rows: u64,
    seq: u64,
    last: Option<(usize, DirectoryId, AccountId)>,
    segments: Segments,
    tally: Tally,
    /// A keyed hash of each account: eight bytes a row, to find one that is there twice.
    hasher: RandomState,
    seen: Vec<u64>,
}

impl<'a> Checks<'a> {
    fn new(header: &'a PlanHeader) -> Self {
        Self {
            header,
            rows: 0,
            seq: 0,
            last: None,
            segments: BTreeMap::new(),
            tally: Tally::default(),
            hasher: RandomState::new(),
            seen: Vec::new(),
        }
    }

    fn take(&mut self, row: &PlanRow) -> Result<(), String> {
        let (place, directory, id) = match row {
            PlanRow::Entry(entry) => {
                let (place, kind) = self.wave_of(entry)?;
                self.seq += 1;
                if entry.seq != self.seq {
                    return Err(format!("its number is {} where {} follows", entry.seq, self.seq));
                }
                check_entry(entry, kind)?;
                (place, &entry.directory, &entry.id)
            }
            PlanRow::LeftOut { directory, id, .. } => (self.header.waves.len(), directory, id),
        };
        if !self.header.directories.iter().any(|known| known.info.id == *directory) {
            return Err(format!("the header has no directory {directory}"));
        }
        let here = (place, directory.clone(), id.clone());
        if self.last.as_ref().is_some_and(|last| *last >= here) {
            return Err(format!("{id} of {directory} is out of order or there twice"));
        }
        self.seen.push(self.hasher.hash_one((directory, id)));
        let segment = self.segments.entry((place, directory.clone())).or_insert((self.rows, 0));
        segment.1 += 1;
        self.rows += 1;
        self.last = Some(here);
        self.tally.add(row);
        Ok(())
    }

    /// The place and the kind of an entry's wave. The rows are ordered by wave: it is not far from
    /// that of the row before.
    fn wave_of(&self, entry: &Entry) -> Result<(usize, WaveKind), String> {
        let from = self.last.as_ref().map_or(0, |(place, ..)| *place);
        let mut waves = self.header.waves.iter().enumerate().skip(from);
        match waves.find(|(_, wave)| wave.name == entry.wave) {
            Some((place, wave)) => Ok((place, wave.kind)),
            None => Err(format!("its wave {:?} is not in the header, or comes too late", entry.wave)),
        }
    }

    /// What only the whole can tell.
    fn settle(mut self) -> Result<(Segments, Tally), String> {
        self.seen.sort_unstable();
        if self.seen.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err("an account is there twice, in different waves".to_owned());
        }
        if self.header.counts != self.tally.all {
            return Err("its rows are not as many as its header says".to_owned());
        }
        let mut directories = 0;
        for known in &self.header.directories {
            let counted = self.tally.directories.get(&known.info.id).copied().unwrap_or_default();
            directories += usize::from(counted.seen > 0);
            if counted != known.counts {
                return Err(format!("the rows of {} are not as many as its header says", known.info.id));
            }
        }
        if directories != self.tally.directories.len() {
            return Err("its header names a directory twice".to_owned());
        }
        for (place, wave) in self.header.waves.iter().enumerate() {
            let counted = self.tally.waves.get(&wave.name).map_or(0, |counted| counted.reset);
            if counted != wave.accounts {
                return Err(format!("the rows of the wave {} are not as many as its header says", wave.name));
            }
            let before = place.checked_sub(1).and_then(|place| self.header.waves.get(place));
            if before.is_some_and(|before| before.kind > wave.kind) {
                return Err(format!("the wave {} comes too late", wave.name));
            }
            if self.header.waves.iter().skip(place + 1).any(|other| other.name == wave.name) {
                return Err(format!("the wave {} is there twice", wave.name));
            }
        }
        Ok((self.segments, self.tally))
    }
}

/// What the planner never writes and nobody may write in its place.
fn check_entry(entry: &Entry, wave: WaveKind) -> Result<(), String> {
    if let Some(because) = entry.kind.protected_because() {
        return Err(format!("{} of {} is protected: {because}", entry.id, entry.directory));
    }
    let privileged = matches!(wave, WaveKind::Privileged | WaveKind::PrivilegedElsewhere);
    if (entry.population == Population::Privileged) != privileged {
        return Err(format!("{} of {} is in a wave that is not of its population", entry.id, entry.directory));
    }
    if entry.follows_another_directory() != wave.is_elsewhere() {
        return Err(format!("{} of {} is in a wave that is not of where its password is", entry.id, entry.directory));
    }
    let in_order = entry.follows.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    let earlier = entry.follows.first().is_none_or(|first| *first > 0)
        && entry.follows.last().is_none_or(|last| *last < entry.seq);
    if !in_order || !earlier || !entry.follows.is_empty() && !wave.is_elsewhere() {
        return Err(format!("{} of {} follows entries that do not come before it", entry.id, entry.directory));
    }
    if let Disposition::Reset { actions } = &entry.disposition {
        if actions.is_empty() {
            return Err(format!("{} of {} has no action", entry.id, entry.directory));
        }
        let ordered = actions.windows(2).all(|pair| matches!(pair, [a, b] if a.rank() <= b.rank() && a != b));
        if !ordered || actions::contradict(actions) {
            return Err(format!("the actions of {} of {} are out of order", entry.id, entry.directory));
        }
    }
    Ok(())
}
