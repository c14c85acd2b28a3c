//! A shape that was read through once.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::invalid;
use super::limits::class_of;
use super::part::{Part, PartBuilder};
use super::row::{FORMAT, ShapeHeader, ShapeRow, ShapedDirectory, VERSION};
use crate::account::DirectoryId;
use crate::error::{Error, Result};

/// The longest line that is read.
const LONGEST_LINE: u64 = 256 * 1024;

/// The shape of real directories, in a file.
///
/// Memory: some 30 bytes for each account, for finding its line. Opening waits for the disk: in async code,
/// do it in `spawn_blocking`.
#[derive(Clone, Debug)]
pub struct Shape {
    path: PathBuf,
    digest: String,
    header: ShapeHeader,
    parts: Vec<Arc<Part>>,
}

impl Shape {
    /// Opens a shape and reads it through once: every line, that it is whole, and that its limits make sense.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`](crate::error::ErrorKind::InputInvalid) with the number of the line when the
    /// file cannot be read or is not a whole shape.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let named = |detail: String| invalid(format!("{}: {detail}", path.display()));
        let file = File::open(path).map_err(|error| named(error.to_string()))?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let (mut header, mut parts, mut hash) = (None, Vec::<PartBuilder>::new(), Sha256::new());
        let (mut line, mut offset, mut number, mut accounts, mut ended) = (Vec::new(), 0_u64, 0_u64, 0_u64, false);
        loop {
            line.clear();
            let read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
            let length = read.map_err(|error| named(error.to_string()))? as u64;
            if length == 0 {
                break;
            }
            number += 1;
            hash.update(&line);
            let at = |detail: String| named(format!("line {number}: {detail}"));
            if ended {
                return Err(at("something follows the end".to_owned()));
            }
            if line.last() != Some(&b'\n') {
                return Err(at("the line is too long, or the file ends in it".to_owned()));
            }
            let row: ShapeRow = serde_json::from_slice(&line).map_err(|error| at(error.to_string()))?;
            match (row, header.is_some(), parts.last_mut()) {
                (ShapeRow::Shape(first), false, _) => {
                    if first.format != FORMAT || first.version != VERSION {
                        return Err(at(format!("{} {} is not {FORMAT} {VERSION}", first.format, first.version)));
                    }
                    header = Some(first);
                }
                (ShapeRow::Directory(directory), true, _) => {
                    if parts.iter().any(|known| known.directory().id == directory.id) {
                        return Err(at(format!("the directory {} is there twice", directory.id)));
                    }
                    check(&directory).map_err(|error| at(error.detail().to_owned()))?;
                    parts.push(PartBuilder::new(*directory));
                }
                (ShapeRow::Account(account), true, Some(part)) => {
                    part.add(&account, offset).map_err(|error| at(error.detail().to_owned()))?;
                    accounts += 1;
                }
                (ShapeRow::End { accounts: counted }, true, _) => {
                    if counted != accounts {
                        return Err(at(format!("{counted} accounts were written, and {accounts} are here")));
                    }
                    ended = true;
                }
                _ => return Err(at("the line is out of place".to_owned())),
            }
            offset += length;
        }
        let header = header
            .filter(|_| ended && !parts.is_empty())
            .ok_or_else(|| named("it does not hold a whole shape".to_owned()))?;
        let parts = parts.into_iter().map(|part| Ok(Arc::new(part.open(path, &header.salt)?)));
        Ok(Self {
            path: path.to_owned(),
            digest: format!("sha256:{}", hex::encode(hash.finalize())),
            parts: parts.collect::<Result<_>>()?,
            header,
        })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `sha256:` and the 64 hexadecimal digits that `sha256sum` shows for the file.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The first line.
    #[must_use]
    pub fn header(&self) -> &ShapeHeader {
        &self.header
    }

    /// The directories, in the order of the file.
    pub fn directories(&self) -> impl Iterator<Item = &ShapedDirectory> {
        self.parts.iter().map(|part| &part.directory)
    }

    /// How many accounts there are in all.
    #[must_use]
    pub fn accounts(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }

    /// The protected accounts, by their pseudonyms.
    pub fn protected(&self) -> impl Iterator<Item = (&DirectoryId, &str)> {
        self.parts.iter().flat_map(|part| part.protected.iter().map(|id| (&part.directory.id, id.as_str())))
    }

    pub(crate) fn parts(&self) -> &[Arc<Part>] {
        &self.parts
    }
}

/// What only shows when the directory is simulated is found out here.
fn check(directory: &ShapedDirectory) -> Result<(), Error> {
    directory.limits.limits()?;
    for class in
        directory.classes.iter().map(|(_, class)| class).chain([&directory.reads.list, &directory.reads.look_up])
    {
        class_of(class)?;
    }
    if directory.reads.page == 0 || directory.reads.ids == 0 {
        return Err(invalid("a page or a look-up of no accounts"));
    }
    let latency = directory.latency;
    let times = [latency.read.0, latency.read.1, latency.write.0, latency.write.1];
    // An hour is no latency any more.
    if times.iter().any(|millis| !(0.0..=3_600_000.0).contains(millis)) {
        return Err(invalid("a latency is not from 0 to 3,600,000 ms"));
    }
    Ok(())
}
