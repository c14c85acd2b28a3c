//! An inventory: a file that was read through once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::header::{FORMAT, InventoryHeader, VERSION};
use super::{InventoryBuilder, InventoryChanges, InventoryCounts, InventoryRow};
use crate::account::{AccountId, DirectoryId};
use crate::error::{Error, ErrorKind, Result};

/// What the name of an inventory's file begins with.
const PREFIX: &str = "inventory-";

/// A longer line is no inventory's.
const LONGEST_LINE: u64 = 64 << 20;

/// An inventory in its file; see [this module](super). Rows are read from the file when they are needed.
/// Cloning is cheap.
///
/// Opening and reading wait for the disk: in async code, do it in `spawn_blocking`.
#[derive(Clone, Debug)]
pub struct Inventory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    header: InventoryHeader,
    digest: String,
}

/// Rows of an inventory, by directory and id; see [`Inventory::rows`]. It ends after an error.
#[derive(Debug)]
pub struct InventoryRows {
    file: BufReader<File>,
    path: PathBuf,
    hash: Sha256,
    expected: String,
    line: u64,
    last: Option<(DirectoryId, AccountId)>,
    ended: bool,
}

impl Inventory {
    /// Begins to take one.
    pub fn take() -> InventoryBuilder {
        InventoryBuilder::default()
    }

    /// Opens an inventory and reads it through once: format, order, counts, digest.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] with the line when the file cannot be read or is not a whole inventory.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| fault(path, &error.to_string()).with_source(error))?;
        Self::of_file(file, path)
    }

    pub(super) fn of_file(mut file: File, path: &Path) -> Result<Self> {
        let header = read_header(&mut BufReader::new(&mut file), path)?;
        let mut counted: BTreeMap<DirectoryId, InventoryCounts> = BTreeMap::new();
        file.rewind().map_err(|error| fault(path, &error.to_string()))?;
        let mut rows = InventoryRows::begin(file, path)?;
        for row in rows.by_ref() {
            let row = row?;
            counted.entry(row.directory.clone()).or_default().add(&row);
        }
        let mut file = rows.file.into_inner();
        let mut all = InventoryCounts::default();
        let as_counted = header.directories.iter().all(|directory| {
            let mut counts = counted.remove(&directory.info.id).unwrap_or_default();
            counts.seen = directory.counts.seen;
            all.add_all(&counts);
            counts == directory.counts
        });
        if !as_counted || !counted.is_empty() || all != header.counts {
            return Err(fault(path, "its rows are not those that its first line counts"));
        }
        let mut whole = Sha256::new();
        file.rewind()
            .and_then(|()| std::io::copy(&mut file, &mut whole))
            .map_err(|error| fault(path, &error.to_string()))?;
        let digest = format!("sha256:{}", hex::encode(whole.finalize()));
        Ok(Self(Arc::new(Inner { path: path.to_owned(), header, digest })))
    }

    /// The first line of the file.
    #[must_use]
    pub fn header(&self) -> &InventoryHeader {
        &self.0.header
    }

    /// `sha256:` and the 64 hexadecimal digits that `sha256sum` shows for the file.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The rows by directory and id, from the file.
    ///
    /// # Errors
    /// When the file cannot be opened. In the iterator, when it changed or cannot be read.
    pub fn rows(&self) -> Result<InventoryRows> {
        let path = &self.0.path;
        let file = File::open(path).map_err(|error| fault(path, &error.to_string()).with_source(error))?;
        let rows = InventoryRows::begin(file, path)?;
        if rows.expected != self.0.header.rows_sha256 {
            return Err(fault(path, "it changed since it was opened"));
        }
        Ok(rows)
    }

    /// What changed since an older inventory, account by account. Both are read from their files side by
    /// side; memory does not grow with them.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when a directory of one id is another one in the other, or a file cannot
    /// be opened. In the iterator, when a file changed or cannot be read.
    pub fn changes_since(&self, older: &Self) -> Result<InventoryChanges> {
        InventoryChanges::new(older, self)
    }

    /// The name of the file of an inventory that was taken at this time: by name is by time.
    #[must_use]
    pub fn file_name(taken_at: Timestamp) -> String {
        format!("{PREFIX}{}.jsonl", taken_at.strftime("%Y%m%dT%H%M%S%3fZ"))
    }

    /// The inventories in a folder by their names, the newest first.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when the folder cannot be read.
    pub fn newest_in(folder: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
        let folder = folder.as_ref();
        let read = || {
            let mut found = Vec::new();
            for entry in std::fs::read_dir(folder)? {
                let name = entry?.file_name();
                let is_one = |name: &str| name.starts_with(PREFIX) && name.ends_with(".jsonl");
                if name.to_str().is_some_and(is_one) {
                    found.push(folder.join(name));
                }
            }
            found.sort();
            found.reverse();
            Ok(found)
        };
        read().map_err(|error: std::io::Error| fault(folder, &error.to_string()).with_source(error))
    }
}

impl InventoryRows {
    fn begin(file: File, path: &Path) -> Result<Self> {
        let mut file = BufReader::new(file);
        let header = read_header(&mut file, path)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            hash: Sha256::new(),
            expected: header.rows_sha256,
            line: 1,
            last: None,
            ended: false,
        })
    }

    fn read_next(&mut self) -> Result<Option<InventoryRow>> {
        let Self { path, line, .. } = self;
        *line += 1;
        let Some(text) = read_line(&mut self.file, path, *line)? else {
            let found = hex::encode(std::mem::take(&mut self.hash).finalize());
            return if found == self.expected {
                Ok(None)
            } else {
                Err(fault(path, "its rows do not have the digest that its first line names"))
            };
        };
        self.hash.update(&text);
        let row: InventoryRow =
            serde_json::from_slice(&text).map_err(|error| fault(path, &format!("line {line}: {error}")))?;
        let key = (row.directory.clone(), row.id.clone());
        if self.last.as_ref().is_some_and(|last| *last >= key) {
            return Err(fault(path, &format!("line {line}: out of order, or there twice")));
        }
        self.last = Some(key);
        Ok(Some(row))
    }
}

impl Iterator for InventoryRows {
    type Item = Result<InventoryRow>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let row = self.read_next().transpose();
        self.ended = matches!(row, None | Some(Err(_)));
        row
    }
}

impl std::iter::FusedIterator for InventoryRows {}

fn read_header(file: &mut impl BufRead, path: &Path) -> Result<InventoryHeader> {
    let line = read_line(file, path, 1)?.ok_or_else(|| fault(path, "it is empty"))?;
    let header: InventoryHeader =
        serde_json::from_slice(&line).map_err(|error| fault(path, &format!("line 1: {error}")))?;
    if header.format != FORMAT {
        return Err(fault(path, &format!("line 1: {:?} is not {FORMAT:?}", header.format)));
    }
    if header.version != VERSION {
        return Err(fault(path, &format!("line 1: it has version {}, this library reads {VERSION}", header.version)));
    }
    Ok(header)
}

/// A line with its end; `None` at the end of the file.
fn read_line(file: &mut impl BufRead, path: &Path, number: u64) -> Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut limited = std::io::Read::take(file, LONGEST_LINE);
    limited.read_until(b'\n', &mut line).map_err(|error| fault(path, &format!("line {number}: {error}")))?;
    match line.last() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) => Err(fault(path, &format!("line {number}: it is cut off"))),
    }
}

pub(super) fn fault(path: &Path, detail: &str) -> Error {
    Error::new(ErrorKind::InputInvalid, "read the inventory")
        .with_detail(format!("{}: {detail}", path.display()))
        .with_advice("name the file of an inventory, whole and unchanged")
}
