//! Takes an inventory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::header::{FORMAT, InventoriedDirectory, InventoryCounts, InventoryHeader, Reading, VERSION};
use super::{Inventory, InventoryRow};
use crate::account::DirectoryId;
use crate::directory::{Backend, DirectoryInfo};
use crate::durable::blocking;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::clock;
use crate::owner::Owners;
use crate::person::Joining;
use crate::plan::{Draft, PlanSpec, Survey, Surveyed, folder_of};

const OPERATION: &str = "take the inventory";

/// Takes an inventory; begun by [`Inventory::take`].
#[derive(Debug, Default)]
#[must_use = "an inventory is taken by write_to or write_into"]
pub struct InventoryBuilder {
    spec: PlanSpec,
    directories: Vec<Arc<dyn Backend>>,
    unreached: Vec<(DirectoryInfo, String)>,
}

impl InventoryBuilder {
    /// Adds a directory.
    pub fn directory(mut self, backend: Arc<dyn Backend>) -> Self {
        self.directories.push(backend);
        self
    }

    /// Adds directories.
    pub fn directories(mut self, backends: impl IntoIterator<Item = Arc<dyn Backend>>) -> Self {
        self.directories.extend(backends);
        self
    }

    /// Adds a directory that could not be reached, so that its accounts are unknown and not missed.
    pub fn unreached(mut self, directory: DirectoryInfo, because: impl Into<String>) -> Self {
        self.unreached.push((directory, because.into()));
        self
    }

    /// Names an account of the protected list: break-glass accounts and their like.
    pub fn protect(mut self, directory: impl Into<String>, name: impl Into<String>) -> Self {
        self.spec = self.spec.protect(directory, name);
        self
    }

    /// Says who answers for which accounts.
    pub fn owners(mut self, owners: Owners) -> Self {
        self.spec = self.spec.with_owners(owners);
        self
    }

    /// Says by what accounts of one person are joined; by the hard anchors unless said otherwise. Whoever is
    /// privileged in one directory is so in all.
    pub fn joining(mut self, joining: Joining) -> Self {
        self.spec = self.spec.with_joining(joining);
        self
    }

    /// Reads the directories and writes the inventory into `folder`, under a name with the time:
    /// [`Inventory::newest_in`] finds it there.
    ///
    /// # Errors
    /// As of [`write_to`](Self::write_to).
    pub fn write_into(self, folder: impl Into<PathBuf>) -> impl Future<Output = Result<Inventory>> + Send {
        let (folder, now) = (folder.into(), clock::now());
        take(self, folder.join(Inventory::file_name(now)), now)
    }

    /// Reads the directories and writes the inventory to `path`, over one that may stand there.
    ///
    /// # Behavior
    /// Reads only. A reading that fails for the moment is begun again, three times in all. A directory that
    /// still cannot be read is listed as such, and does not hide the others. Accounts wait in a temporary
    /// database beside the file (about 2 KB each), not in memory. The file appears whole or not at all.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] where no directory is given, or two of one id;
    /// [`ErrorKind::InputInvalid`] for a group of the owners that does not exist; otherwise what the disk says.
    pub fn write_to(self, path: impl Into<PathBuf>) -> impl Future<Output = Result<Inventory>> + Send {
        take(self, path.into(), clock::now())
    }
}

/// The rows in the making: they are known before the header that stands above them.
struct Rows {
    file: BufWriter<File>,
    hash: Sha256,
    counts: BTreeMap<DirectoryId, InventoryCounts>,
}

async fn take(builder: InventoryBuilder, path: PathBuf, taken_at: jiff::Timestamp) -> Result<Inventory> {
    let InventoryBuilder { spec, mut directories, unreached } = builder;
    directories.sort_by(|a, b| a.info().id.cmp(&b.info().id));
    let mut ids: Vec<&DirectoryId> = directories.iter().map(|backend| &backend.info().id).collect();
    ids.extend(unreached.iter().map(|(info, _)| &info.id));
    if unreached.is_empty() || !directories.is_empty() {
        Survey::check(&directories)?;
    }
    if let Some((info, _)) =
        unreached.iter().find(|(info, _)| ids.iter().filter(|known| **known == &info.id).count() > 1)
    {
        return Err(Error::new(ErrorKind::ConfigInvalid, OPERATION)
            .with_detail(format!("two directories have the id {}", info.id))
            .with_advice("give each its own id"));
    }
    let mut described: Vec<InventoriedDirectory> =
        unreached.into_iter().map(|(info, because)| unread(info, because)).collect();
    let folder = folder_of(&path).to_owned();
    let mut survey = Survey::open(folder.clone(), spec).await?;
    for backend in directories {
        let info = backend.info().clone();
        match survey.read(backend).await {
            Ok(surveyed) => described.push(read(info, surveyed)),
            // What is wrong with the settings is not the directory's fault.
            Err(error) if matches!(error.kind(), ErrorKind::InputInvalid | ErrorKind::ConfigInvalid) => {
                return Err(error);
            }
            Err(error) => described.push(unread(info, error.to_string())),
        }
    }
    described.sort_by(|a, b| a.info.id.cmp(&b.info.id));
    let rows = Arc::new(Mutex::new(Rows::begin(&folder)?));
    let kept = Arc::clone(&rows);
    let warnings = survey
        .each(move |seen| {
            let mut rows = kept.lock().unwrap_or_else(PoisonError::into_inner);
            rows.counts.entry(seen.directory.clone()).or_default().seen += u64::from(seen.account.is_some());
            match InventoryRow::of(seen) {
                Some(row) => rows.add(&row),
                None => Ok(()),
            }
        })
        .await?;
    let rows = Arc::into_inner(rows).map(Mutex::into_inner).ok_or_else(|| failed(&path, "its rows are held"))?;
    let rows = rows.unwrap_or_else(PoisonError::into_inner);
    blocking(ErrorKind::Unexpected, OPERATION, move || write(rows, described, warnings, taken_at, &path)).await
}

fn read(info: DirectoryInfo, surveyed: Surveyed) -> InventoriedDirectory {
    let Surveyed { preflight, incomplete, everybody } = surveyed;
    let reading = if incomplete.is_empty() { Reading::Whole } else { Reading::Incomplete { because: incomplete } };
    InventoriedDirectory {
        info,
        reading,
        server_time: preflight.server_time,
        findings: preflight.findings,
        everybody,
        counts: InventoryCounts::default(),
    }
}

fn unread(info: DirectoryInfo, because: String) -> InventoriedDirectory {
    InventoriedDirectory {
        info,
        reading: Reading::Unread { because },
        server_time: None,
        findings: Vec::new(),
        everybody: Vec::new(),
        counts: InventoryCounts::default(),
    }
}

impl Rows {
    fn begin(folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).map_err(|error| failed(folder, error))?;
        Ok(Self { file: BufWriter::new(file), hash: Sha256::new(), counts: BTreeMap::new() })
    }

    fn add(&mut self, row: &InventoryRow) -> Result<()> {
        let mut line = serde_json::to_vec(row).map_err(|error| failed(Path::new("a row"), error))?;
        line.push(b'\n');
        self.hash.update(&line);
        self.counts.entry(row.directory.clone()).or_default().add(row);
        self.file.write_all(&line).map_err(|error| failed(Path::new("the rows"), error))
    }
}

fn write(
    rows: Rows,
    mut directories: Vec<InventoriedDirectory>,
    warnings: Vec<String>,
    taken_at: jiff::Timestamp,
    path: &Path,
) -> Result<Inventory> {
    let Rows { file, hash, counts } = rows;
    let mut all = InventoryCounts::default();
    for directory in &mut directories {
        directory.counts = counts.get(&directory.info.id).copied().unwrap_or_default();
        all.add_all(&directory.counts);
    }
    let header = InventoryHeader {
        format: FORMAT.to_owned(),
        version: VERSION,
        library: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at,
        directories,
        counts: all,
        rows_sha256: hex::encode(hash.finalize()),
        warnings,
    };
    let mut file = file.into_inner().map_err(|error| failed(path, error.into_error()))?;
    file.rewind().map_err(|error| failed(path, error))?;
    let mut draft = Draft::begin(path, OPERATION)?;
    draft.write_line(&header)?;
    draft.copy(&mut file)?;
    let draft = draft.sync()?;
    // Read through as anybody would, before anybody can.
    let inventory = Inventory::of_file(draft.reopen()?, path)?;
    draft.publish()?;
    Ok(inventory)
}

fn failed(path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let error = error.into();
    Error::new(ErrorKind::Unexpected, OPERATION)
        .with_detail(format!("{}: {error}", path.display()))
        .with_advice("see that the folder can be written and has room")
        .with_source(error)
}
