//! One writer per file: a lock file beside it, held for the life of the writer.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// An exclusive lock on `<path>.lock`. The operating system lets go of it when the process ends,
/// however it ends. The lock file itself stays: removing it would let two processes each hold
/// "the" lock on two different files of one name.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock, or says who has it.
    pub(crate) fn take(path: &Path, kind: ErrorKind, operation: &'static str) -> Result<Self> {
        let lock = lock_path(path);
        let cannot = |error: std::io::Error| {
            Error::new(kind, operation)
                .with_detail(format!("the lock file {} cannot be used: {error}", lock.display()))
                .with_advice("the folder must exist and be writable, on a file system with file locks")
                .with_source(error)
        };
        let mut file = private().read(true).create(true).truncate(false).open(&lock).map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only a hint: where a locked file cannot be read, the process is not named.
                let _ = (&file).take(32).read_to_string(&mut holder);
                let holder = holder.trim();
                let process =
                    if holder.is_empty() { "another process".to_owned() } else { format!("process {holder}") };
                return Err(Error::new(kind, operation)
                    .with_detail(format!("{} is in use by {process}", path.display()))
                    .with_advice("let that run end or stop it, then try again"));
            }
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(cannot)?;
        Ok(Self { file })
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing would do, but not while a process that we are just starting still has a copy
        // of the handle. If this fails, it does.
        let _ = self.file.unlock();
    }
}

/// Makes a new file that only its owner may read and write; an existing one is an error.
pub(crate) fn create_private(path: &Path) -> std::io::Result<File> {
    private().read(true).create_new(true).open(path)
}

/// Makes the name of a new file durable, not only its bytes.
pub(crate) fn sync_parent(path: &Path) -> std::io::Result<()> {
    // Other systems do not sync a folder through a file handle.
    if cfg!(unix) {
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".lock");
    PathBuf::from(name)
}
