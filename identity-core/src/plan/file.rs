//! A plan: a file that was read through once, and is checked again whenever a row is read.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::estimate::Estimate;
use super::header::PlanHeader;
use super::read::{self, Chunk, Segments};
use super::rows::{PlanEntries, PlanRows, Span};
use super::summary::PlanSummary;
use super::tally::Tally;
use super::{Entry, Wave, draft};
use crate::account::DirectoryId;
use crate::directory::Backend;
use crate::error::{Error, ErrorKind, Result};

/// A plan that is to be approved and carried out: every account of its directories, in exactly one
/// row, with what is done to it or why nothing is.
///
/// It stands in a file of JSON lines: a [`PlanHeader`], then a [`PlanRow`](super::PlanRow) a line.
/// Its digest is the SHA-256 of the file, as `sha256sum` shows it. Rows are read from the file
/// when they are needed, so that memory does not grow with their number; each part of the file is
/// compared with what was there when the plan was opened before a row of it is given, so that a
/// change under a running run is noticed. Cloning is cheap and shares the file.
///
/// Opening and reading wait for the disk: in async code, do it in `spawn_blocking`.
#[derive(Clone)]
pub struct Plan(Arc<Inner>);

pub(super) struct Inner {
    pub(super) path: PathBuf,
    pub(super) file: Mutex<File>,
    pub(super) chunks: Vec<Chunk>,
    header: PlanHeader,
    digest: String,
    segments: Segments,
    tally: Tally,
}

impl Plan {
    /// Opens a plan and reads it through once: format, order, counts, numbers, and that no
    /// account is there twice.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] with the line when the file cannot be read or is not a whole
    /// plan.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| {
            Error::new(ErrorKind::InputInvalid, "open the plan")
                .with_detail(format!("{}: {error}", path.display()))
                .with_advice("name the plan's file")
                .with_source(error)
        })?;
        Self::of_file(file, path)
    }

    /// Reads a plan that stands, or is about to stand, at `path`.
    pub(super) fn of_file(file: File, path: &Path) -> Result<Self> {
        let contents = read::read_through(&file, path)?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            file: Mutex::new(file),
            chunks: contents.chunks,
            header: contents.header,
            digest: contents.digest,
            segments: contents.segments,
            tally: contents.tally,
        })))
    }

    /// `sha256:` and the 64 hexadecimal digits that `sha256sum` shows for the file.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// The first line of the file.
    #[must_use]
    pub fn header(&self) -> &PlanHeader {
        &self.0.header
    }

    /// The waves, in the order they run in.
    #[must_use]
    pub fn waves(&self) -> &[Wave] {
        &self.0.header.waves
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The folder that the file is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        draft::folder_of(&self.0.path)
    }

    /// The entries of one wave in one directory, by id: those that the engine resets and those
    /// that are left to people.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when the plan has no such wave or directory. In the iterator,
    /// when the file changed or cannot be read; it ends after an error.
    pub fn entries(&self, wave: &str, directory: &DirectoryId) -> Result<PlanEntries> {
        let place = self.place_of(wave)?;
        if !self.0.header.directories.iter().any(|known| known.info.id == *directory) {
            return Err(Error::new(ErrorKind::InputInvalid, "read the plan")
                .with_directory(directory.clone())
                .with_detail("the plan does not have this directory"));
        }
        let (first, count) = self.0.segments.get(&(place, directory.clone())).copied().unwrap_or((0, 0));
        Ok(PlanEntries::new(Arc::clone(&self.0), Span { first, count }))
    }

    /// Every row in the order of the file: the entries by wave, directory and id, then what is
    /// left out by directory and id. The header is not among them.
    ///
    /// # Errors
    /// None today. In the iterator, as of [`entries`](Self::entries).
    pub fn rows(&self) -> Result<PlanRows> {
        Ok(PlanRows::new(Arc::clone(&self.0), Span { first: 0, count: self.0.tally.all.seen }))
    }

    /// The entry with this number; `None` where the plan has none.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when the file changed or cannot be read.
    pub fn entry(&self, seq: u64) -> Result<Option<Entry>> {
        let counts = self.0.tally.all;
        // Entries come before what is left out, and are numbered in the order of the file.
        match seq.checked_sub(1).filter(|first| *first < counts.planned + counts.manual) {
            Some(first) => PlanEntries::new(Arc::clone(&self.0), Span { first, count: 1 }).next().transpose(),
            None => Ok(None),
        }
    }

    /// How long what is planned takes at best in each of these directories, by the quotas that each
    /// knows now. A directory that the plan does not reset anything in has no estimate.
    #[must_use]
    pub fn estimates<'a>(&self, backends: impl IntoIterator<Item = &'a Arc<dyn Backend>>) -> Vec<Estimate> {
        let of = |backend: &Arc<dyn Backend>| {
            let ordered = self.0.tally.ordered.get(&backend.info().id)?;
            Some(Estimate::of(backend.as_ref(), ordered))
        };
        backends.into_iter().filter_map(of).collect()
    }

    /// The plan on one screen, for people; see [`PlanSummary`].
    #[must_use]
    pub fn summary(&self) -> PlanSummary {
        PlanSummary::new(self.clone())
    }

    /// The wave of this name.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when the plan has none; the error tells which it has.
    pub fn wave(&self, name: &str) -> Result<&Wave> {
        let place = self.place_of(name)?;
        self.waves().get(place).ok_or_else(|| self.no_wave(name))
    }

    /// How many of the accounts that the engine resets in this wave are privileged, as counted over
    /// its rows; 0 where there is no such wave.
    #[must_use]
    pub fn privileged_in(&self, wave: &str) -> u64 {
        self.0.tally.waves.get(wave).map_or(0, |wave| wave.privileged)
    }

    /// The rows of each wave and directory, and of what is left out, apart; each part by id.
    pub(super) fn parts(&self) -> Vec<PlanRows> {
        let spans = self.0.segments.values();
        spans.map(|&(first, count)| PlanRows::new(Arc::clone(&self.0), Span { first, count })).collect()
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.0.tally
    }

    fn place_of(&self, wave: &str) -> Result<usize> {
        self.waves().iter().position(|known| known.name == wave).ok_or_else(|| self.no_wave(wave))
    }

    fn no_wave(&self, name: &str) -> Error {
        let known: Vec<&str> = self.waves().iter().map(|wave| wave.name.as_str()).collect();
        Error::new(ErrorKind::InputInvalid, "read the plan")
            .with_detail(format!("the plan has no wave {name:?}"))
            .with_advice(format!("its waves are {}", known.join(", ")))
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("path", &self.0.path)
            .field("digest", &self.0.digest)
            .field("counts", &self.0.header.counts)
            .finish_non_exhaustive()
    }
}
