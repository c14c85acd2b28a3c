//! The readiness file: JSON Lines, dated, whole or not at all.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::counts::GroupCounts;
use super::grouping::Grouping;
use super::guidance::{AsOf, Guidance};
use super::{Enrolment, Readiness};
use crate::account::{AccountKind, DirectoryId};
use crate::directory::DirectoryInfo;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Population;
use crate::privilege::Tier;

/// What [`ReadinessHeader::format`] says.
pub(super) const FORMAT: &str = "identity-reset readiness";
/// The version of the format that this library writes and reads.
pub(super) const VERSION: u32 = 1;
/// The longest line that is read, in bytes.
const LONGEST: u64 = 1 << 20;
const OPERATION: &str = "read the readiness file";

/// The first line of a readiness file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReadinessHeader {
    /// `identity-reset readiness`.
    pub format: String,
    /// The version of the format.
    pub version: u32,
    /// What wrote it.
    pub library: String,
    /// The moments that it was judged by; [`AsOf::at`] is when it was made.
    pub as_of: AsOf,
    /// The table that it was judged by.
    pub guidance: Guidance,
    /// By what it counts.
    pub by: Vec<Grouping>,
    /// The directories, by id.
    pub directories: Vec<ReadDirectory>,
}

/// A directory of an audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReadDirectory {
    /// What the directory is.
    pub info: DirectoryInfo,
    /// Why it tells nothing of recovery; `None` where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_because: Option<String>,
    /// Why who is privileged could not be read in full, one line each: tiers may be higher than told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
}

/// How one account stands: one line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AccountReadiness {
    /// The directory.
    pub directory: DirectoryId,
    /// Its sign-in name.
    pub name: String,
    /// Its kind.
    pub kind: AccountKind,
    /// Its tier.
    pub tier: Tier,
    /// The population that a plan would put it in.
    pub population: Population,
    /// What the directory tells of its recovery; the account's id is in it.
    pub enrolment: Enrolment,
    /// What that amounts to.
    pub readiness: Readiness,
}

/// The last line: the counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReadinessSummary {
    /// How many accounts have a line.
    pub accounts: u64,
    /// Over all of them.
    pub all: GroupCounts,
    /// By group.
    pub groups: Vec<GroupCounts>,
    /// Accounts without a line, since nobody comes back to them by recovery: how many, and why.
    pub not_asked: BTreeMap<String, u64>,
}

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
pub(super) enum Line {
    Header(ReadinessHeader),
    Account(AccountReadiness),
    End(ReadinessSummary),
}

/// A readiness file, read through and found whole. It is dated: [`made_at`](Self::made_at).
///
/// ```no_run
/// use identity_core::recovery::ReadinessFile;
///
/// let file = ReadinessFile::open("readiness.jsonl")?;
/// for group in &file.summary().groups {
///     println!("{} {}: {} of {} come back alone", group.by, group.group, group.ready, group.accounts);
/// }
/// # Ok::<(), identity_core::error::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReadinessFile {
    path: PathBuf,
    digest: String,
    header: ReadinessHeader,
    summary: ReadinessSummary,
}

impl ReadinessFile {
    /// Reads a file through.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when it cannot be read, is of another format, or has no last line: one
    /// that was cut short would look like a smaller organisation.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut lines = Lines::open(path)?;
        let header = match lines.next_line()? {
            Some(Line::Header(header)) if header.format == FORMAT && header.version == VERSION => header,
            Some(Line::Header(header)) => {
                let (format, version) = (&header.format, header.version);
                return Err(invalid(
                    path,
                    1,
                    &format!("is {format:?} {version}; this library reads {FORMAT:?} {VERSION}"),
                ));
            }
            _ => return Err(invalid(path, 1, "is no header of a readiness file")),
        };
        let mut accounts = 0;
        let summary = loop {
            match lines.next_line()? {
                Some(Line::Account(_)) => accounts += 1,
                Some(Line::End(summary)) => break summary,
                Some(Line::Header(_)) => return Err(invalid(path, lines.number, "is a second header")),
                None => return Err(invalid(path, lines.number, "is the last one: the file was cut short")),
            }
        };
        if summary.accounts != accounts {
            let told = summary.accounts;
            return Err(invalid(path, lines.number, &format!("counts {told} accounts, and {accounts} are there")));
        }
        if lines.next_line()?.is_some() {
            return Err(invalid(path, lines.number, "comes after the end"));
        }
        Ok(Self { path: path.to_owned(), digest: lines.digest(), header, summary })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The digest of the file: `sha256:` and 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Its first line.
    #[must_use]
    pub fn header(&self) -> &ReadinessHeader {
        &self.header
    }

    /// Its last line: the counts.
    #[must_use]
    pub fn summary(&self) -> &ReadinessSummary {
        &self.summary
    }

    /// When it was made.
    #[must_use]
    pub fn made_at(&self) -> Timestamp {
        self.header.as_of.at
    }

    /// Whether it may still be relied on at this time.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when it is older than its table allows, or from the future.
    pub fn check_age(&self, now: Timestamp) -> Result<()> {
        const DAY: u64 = 24 * 3600;
        let (made, days) = (self.made_at(), self.header.guidance.file_days);
        let too_old = |detail: String| {
            Error::new(ErrorKind::InputInvalid, OPERATION)
                .with_detail(format!("{}: {detail}", self.path.display()))
                .with_advice("audit again: methods come and go")
        };
        let until = made.checked_add(Duration::from_secs(u64::from(days) * DAY)).unwrap_or(Timestamp::MAX);
        if now > until {
            return Err(too_old(format!("it was made at {made:.0}, more than {days} days ago")));
        }
        // Clocks differ; by an hour they do not.
        if made.duration_since(now).as_secs() > 3600 {
            return Err(too_old(format!("it was made at {made:.0}, which is in the future")));
        }
        Ok(())
    }

    /// The accounts, as they stand in the file.
    ///
    /// # Errors
    /// When it cannot be opened. In the iterator: when it is not what it was, found at the latest at its end.
    pub fn rows(&self) -> Result<ReadinessRows> {
        Ok(ReadinessRows { lines: Some(Lines::open(&self.path)?), digest: self.digest.clone() })
    }
}

/// The accounts of a readiness file.
#[derive(Debug)]
pub struct ReadinessRows {
    lines: Option<Lines>,
    digest: String,
}

impl Iterator for ReadinessRows {
    type Item = Result<AccountReadiness>;

    fn next(&mut self) -> Option<Self::Item> {
        let lines = self.lines.as_mut()?;
        loop {
            match lines.next_line() {
                Ok(Some(Line::Account(account))) => return Some(Ok(account)),
                Ok(Some(_)) => {}
                Ok(None) => {
                    let changed = lines.digest() != self.digest;
                    let error = invalid(&lines.path, lines.number, "ends another file than was opened");
                    self.lines = None;
                    return changed.then_some(Err(error));
                }
                Err(error) => {
                    self.lines = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl std::iter::FusedIterator for ReadinessRows {}

/// Reads line by line, and hashes.
#[derive(Debug)]
struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    hash: Sha256,
    number: u64,
    text: Vec<u8>,
}

impl Lines {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| unreadable(path, error))?;
        Ok(Self { path: path.to_owned(), file: BufReader::new(file), hash: Sha256::new(), number: 0, text: Vec::new() })
    }

    fn next_line(&mut self) -> Result<Option<Line>> {
        use std::io::Read;
        self.text.clear();
        let read = self.file.by_ref().take(LONGEST).read_until(b'\n', &mut self.text);
        if read.map_err(|error| unreadable(&self.path, error))? == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.hash.update(&self.text);
        if self.text.last() != Some(&b'\n') {
            return Err(invalid(&self.path, self.number, "has no end: the file was cut short"));
        }
        let line = serde_json::from_slice(&self.text);
        line.map(Some).map_err(|error| invalid(&self.path, self.number, &error.to_string()))
    }

    fn digest(&self) -> String {
        format!("sha256:{}", hex::encode(self.hash.clone().finalize()))
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::InputInvalid, OPERATION)
        .with_detail(format!("{}: {error}", path.display()))
        .with_advice("name a file that an audit of recovery wrote")
        .with_source(error)
}

fn invalid(path: &Path, line: u64, problem: &str) -> Error {
    Error::new(ErrorKind::InputInvalid, OPERATION)
        .with_detail(format!("{}: line {line} {problem}", path.display()))
        .with_advice("make it anew with an audit of recovery")
}
