//! What the suite found.

use std::fmt;

use identity_core::directory::DirectoryInfo;

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The backend does what it must.
    Passed,
    /// The case does not apply.
    Skipped {
        /// The capability that the directory does not have, or what the harness cannot do.
        missing: String,
    },
    /// The backend does not do what it must; the text says what was seen instead.
    Failed(String),
}

/// One case of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The case, as `group::name`.
    pub case: &'static str,
    /// What came of it.
    pub state: State,
}

/// What the suite found; `Display` is a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The directory that was tested.
    pub directory: DirectoryInfo,
    /// Every case, in the order run.
    pub rows: Vec<Row>,
}

impl Report {
    /// Whether no case failed.
    #[must_use]
    pub fn is_conformant(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The cases that failed, with what was seen.
    pub fn failed(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.rows.iter().filter_map(|row| match &row.state {
            State::Failed(text) => Some((row.case, text.as_str())),
            _ => None,
        })
    }

    /// The cases that were skipped, with what was missing.
    pub fn skipped(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.rows.iter().filter_map(|row| match &row.state {
            State::Skipped { missing } => Some((row.case, missing.as_str())),
            _ => None,
        })
    }

    /// How many cases passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.rows.iter().filter(|row| row.state == State::Passed).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({}, {})", self.directory.id, self.directory.kind, self.directory.tenant)?;
        let width = self.rows.iter().map(|row| row.case.len()).max().unwrap_or(0);
        for Row { case, state } in &self.rows {
            match state {
                State::Passed => writeln!(f, "  {case:width$}  passed")?,
                State::Skipped { missing } => writeln!(f, "  {case:width$}  skipped: {missing}")?,
                State::Failed(text) => writeln!(f, "  {case:width$}  FAILED: {text}")?,
            }
        }
        let (skipped, failed) = (self.skipped().count(), self.failed().count());
        write!(f, "{} passed, {skipped} skipped, {failed} failed", self.passed())
    }
}
