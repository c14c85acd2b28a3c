//! What is wrong with a folder of messages, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind};

/// One thing that is wrong with a folder of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 where it is of the file as a whole.
    pub line: usize,
    /// What is wrong, and what is expected.
    pub problem: String,
}

impl Fault {
    pub(super) fn new(file: impl Into<PathBuf>, line: usize, problem: impl Into<String>) -> Self {
        Self { file: file.into(), line, problem: problem.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file.display())?;
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        f.write_str(&self.problem)
    }
}

/// The error that tells of faults: the first ones, and how many there are more.
pub(super) fn error(faults: &[Fault]) -> Error {
    const MOST: usize = 3;
    let mut told: Vec<String> = faults.iter().take(MOST).map(ToString::to_string).collect();
    if faults.len() > MOST {
        told.push(format!("and {} faults more", faults.len() - MOST));
    }
    invalid(told.join("; "))
}

pub(super) fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "read the messages").with_detail(detail)
}

pub(super) fn unreadable(path: &Path, fault: impl fmt::Display) -> Error {
    invalid(format!("{}: cannot be read: {fault}", path.display()))
}
