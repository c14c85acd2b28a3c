//! What is wrong with a playbook, and where.

use std::fmt;
use std::path::Path;

use crate::error::{Error, ErrorKind};

/// One thing that is wrong with a playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The line of the file, from 1.
    pub line: usize,
    /// The key, with those it stands below: `waves.canary.size`, `scope[2].group`.
    pub key: String,
    /// What is wrong, and what is expected.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.problem)
    }
}

/// The error that tells of faults: the first ones, and how many there are more.
pub(super) fn error(file: &Path, faults: &[Fault]) -> Error {
    const MOST: usize = 3;
    let mut told: Vec<String> = faults.iter().take(MOST).map(ToString::to_string).collect();
    if faults.len() > MOST {
        told.push(format!("and {} faults more", faults.len() - MOST));
    }
    invalid(file, &told.join("; "))
}

pub(super) fn invalid(file: &Path, detail: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "read the playbook").with_detail(format!("{}: {detail}", file.display()))
}
