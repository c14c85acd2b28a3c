//! Files that are there whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, ErrorKind, Result};

/// A file under a temporary name beside its place. Dropped before it is published, it is gone.
#[derive(Debug)]
pub(crate) struct Draft {
    file: BufWriter<NamedTempFile>,
    place: PathBuf,
    operation: &'static str,
}

/// A draft that is durable under its temporary name.
#[derive(Debug)]
pub(crate) struct SyncedDraft {
    file: NamedTempFile,
    place: PathBuf,
    operation: &'static str,
}

/// The folder that a file is in; `.` for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

impl Draft {
    /// Begins a file that is to stand at `place`. Its folder is made where it is missing.
    pub(crate) fn begin(place: &Path, operation: &'static str) -> Result<Self> {
        let folder = folder_of(place);
        let failed = |error: std::io::Error| failed(operation, folder, error);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let file = tempfile::Builder::new().prefix(".draft-").tempfile_in(folder).map_err(failed)?;
        Ok(Self { file: BufWriter::new(file), place: place.to_owned(), operation })
    }

    /// Adds one line of JSON.
    pub(crate) fn write_line(&mut self, row: &impl serde::Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.file, row)
            .map_err(std::io::Error::from)
            .and_then(|()| self.file.write_all(b"\n"))
            .map_err(|error| failed(self.operation, &self.place, error))
    }

    /// Adds what a file holds from where it stands.
    pub(crate) fn copy(&mut self, from: &mut File) -> Result<()> {
        std::io::copy(from, &mut self.file).map(drop).map_err(|error| failed(self.operation, &self.place, error))
    }

    /// Makes it durable.
    pub(crate) fn sync(self) -> Result<SyncedDraft> {
        let Self { file, place, operation } = self;
        let file = file.into_inner().map_err(|error| failed(operation, &place, error.into_error()))?;
        file.as_file().sync_all().map_err(|error| failed(operation, &place, error))?;
        Ok(SyncedDraft { file, place, operation })
    }
}

impl SyncedDraft {
    /// A second handle, for reading it through before it is published.
    pub(crate) fn reopen(&self) -> Result<File> {
        self.file.reopen().map_err(|error| failed(self.operation, &self.place, error))
    }

    /// Puts it in its place, over what may stand there.
    pub(crate) fn publish(self) -> Result<()> {
        let Self { file, place, operation } = self;
        file.persist(&place).map_err(|error| failed(operation, &place, error.error))?;
        // The new name has to survive a crash too. Only Unix lets a folder be synced.
        #[cfg(unix)]
        File::open(folder_of(&place))
            .and_then(|folder| folder.sync_all())
            .map_err(|error| failed(operation, &place, error))?;
        Ok(())
    }
}

fn failed(operation: &'static str, path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unexpected, operation)
        .with_detail(format!("{}: {error}", path.display()))
        .with_advice("see that the folder can be written and has room")
        .with_source(error)
}
