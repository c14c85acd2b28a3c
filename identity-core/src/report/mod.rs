//! What was done, account by account: the evidence, and what is left to do.
//!
//! A [`Report`] is made from a plan and a journal and from nothing else, so that it can be made
//! again, on another machine and by somebody else, with the same bytes. It streams: memory stays
//! flat however many accounts there are.
//!
//! # What always holds
//! - Every row of the plan is exactly one [`Row`].
//! - seen = planned + manual + left_out + protected; planned = verified + failed + unknown.
//! - What is not verified is not called done. A confirmed action that reading back has not shown
//!   is *unknown*; one that reading back contradicts is *failed*.
//! - An entry is *verified* only when every one of its actions is done and reading back showed
//!   those that can be read back (password, must-change flag, disabled, unlocked, and sessions
//!   revoked where the directory tells from when on they are valid). An entry of which nothing can
//!   be read back stays *unknown*, by the directory's word.
//! - An entry that was never attempted is *failed*, counted apart, with the reason.
//! - When the password was set again since, by the owner as asked, the reset has done its work:
//!   *verified*, and counted apart. By somebody else, it is *failed*: the account's password is
//!   neither the one in the vault nor the owner's choice, and somebody has to look at who did it.
//! - The journal's chain is verified while reading, the report names its newest record, and is
//!   refused when the journal grew meanwhile or is of another plan.
//! - No secret: sealed passwords are named by their references.
//!
//! # Files
//! [`Report::write`] makes four files, each put in place only when it is whole: `report.html` (one
//! page for people, without script and network, that names the digests of the others; what it lists
//! one by one is bounded, and it says so), `report.json` (summary, timeline, definitions, what survives, controls, one row a line), `report.csv`
//! (one line an account) and `todo.csv` (what is left to do, and who answers for it). Cells that a
//! spreadsheet would take for a formula begin with an apostrophe. They hold names and grounds of
//! privilege: only their owner may read them, where the file system knows owners.
//!
//! Where the plan joined accounts of several directories, `persons.csv` and `persons` in
//! `report.json` have one row for each person, with all accounts. A person is done only when all
//! accounts are; one with an account that the plan leaves out is done *partly*.
//!
//! # What survives
//! A password reset does not end everything that an attacker may hold. Each row names what it
//! leaves, as a [`Survivor`]; `report.json` explains each code once, with its source. The list is
//! of the directory's kind: whether this account really has a certificate is not looked up.
//!
//! # Controls
//! [`CONTROLS`] maps the report's fields to NIST SP 800-63B (revisions 3 and 4), ISO/IEC 27001
//! (A.9.2.4 of 2013; A.5.17 and A.8 of 2022) and CIS Control 5, and says of each what it asks for
//! beyond the report. The files have the numbers of the run beside each.
//!
//! ```
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use identity_core::directory::Backend;
//! use identity_core::error::Result;
//! use identity_core::journal::Journal;
//! use identity_core::plan::Plan;
//! use identity_core::report::{Report, Summary};
//! use identity_core::verify::Verifier;
//!
//! async fn verify_and_report(journal: Arc<dyn Journal>, plan: &Plan, corp: Arc<dyn Backend>) -> Result<Summary> {
//!     Verifier::new(journal.clone()).directory(corp.clone()).verify(plan).await?;
//!     let report = Report::of_plan(journal, plan).directories([corp]);
//!     let summary = report.write(plan.rows()?, Path::new("run")).await?;
//!     assert_eq!(summary.accounts.planned, summary.accounts.verified + summary.accounts.failed + summary.accounts.unknown);
//!     Ok(summary)
//! }
//! ```

mod classify;
mod control;
mod count;
mod history;
mod html;
mod persons;
mod row;
mod screen;
mod summary;
mod survivor;
mod table;
mod timeline;
mod write;

#[cfg(test)]
mod tests;

pub use control::{CONTROLS, Control};
pub use persons::{PersonAccount, PersonRow, PersonState, PersonTotals};
pub use row::{ActionRow, ActionState, Left, Retry, Row, RowResult};
pub use summary::{
    AccountCounts, DirectoryCounts, EffectCounts, LeftCounts, PopulationCounts, QuotaCounts, RefusalCount, Summary,
    SurvivorCount, WaveCounts,
};
pub use survivor::Survivor;
pub use timeline::{Bucket, Milestone, Timeline};

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::account::DirectoryId;
use crate::directory::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{EntryProgress, Journal};
use crate::limits::{GovernorStats, QuotaStats};
use crate::plan::{Plan, PlanOrigin, PlanRow};

use history::History;
use persons::People;
use write::Files;

/// The mark of whatever is of a [rehearsal](crate::rehearsal).
const REHEARSAL: &str = "REHEARSAL";
/// The most characters of a mark.
const MOST_OF_A_MARK: usize = 60;

/// Plan rows that are held at once.
const CHUNK: usize = 512;

/// Makes a report of a plan and its journal.
#[derive(Debug)]
pub struct Report {
    journal: Arc<dyn Journal>,
    plan_digest: String,
    origin: Option<PlanOrigin>,
    directories: Vec<DirectoryRun>,
    lasted: Option<Duration>,
    mark: Option<String>,
}

/// What only the caller knows of one directory's part in the run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DirectoryRun {
    /// The directory.
    pub id: DirectoryId,
    /// The backend's word for its kind: [`DirectoryInfo::kind`](crate::directory::DirectoryInfo::kind).
    pub kind: String,
    /// What its governor saw.
    pub stats: GovernorStats,
    /// How long it was worked on.
    pub lasted: Duration,
    /// What its governor used of each quota.
    pub quotas: Vec<QuotaStats>,
}

impl DirectoryRun {
    /// A directory of this kind of which no requests were counted.
    #[must_use]
    pub fn new(id: DirectoryId, kind: impl Into<String>) -> Self {
        Self { id, kind: kind.into(), stats: GovernorStats::default(), lasted: Duration::ZERO, quotas: Vec::new() }
    }

    /// A directory of a run in this process: its kind, and what its governor saw until now.
    #[must_use]
    pub fn of(backend: &dyn Backend) -> Self {
        let info = backend.info();
        let governor = backend.governor();
        Self::new(info.id.clone(), &info.kind).with_stats(governor.stats()).with_quotas(governor.quotas())
    }

    /// Adds what its governor saw.
    #[must_use]
    pub fn with_stats(mut self, stats: GovernorStats) -> Self {
        self.stats = stats;
        self
    }

    /// Adds what its governor used of each quota.
    #[must_use]
    pub fn with_quotas(mut self, quotas: Vec<QuotaStats>) -> Self {
        self.quotas = quotas;
        self
    }

    /// Adds how long it was worked on.
    #[must_use]
    pub fn with_duration(mut self, lasted: Duration) -> Self {
        self.lasted = lasted;
        self
    }
}

impl Report {
    /// A report of the plan with this digest, made from this journal.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, plan_digest: impl Into<String>) -> Self {
        Self {
            journal,
            plan_digest: plan_digest.into(),
            origin: None,
            directories: Vec::new(),
            lasted: None,
            mark: None,
        }
    }

    /// A report of this plan, with its digest and the kinds of its directories.
    #[must_use]
    pub fn of_plan(journal: Arc<dyn Journal>, plan: &Plan) -> Self {
        let mut report = Self::new(journal, plan.digest());
        if plan.header().is_rehearsal() {
            report.mark = Some(REHEARSAL.to_owned());
        }
        report.origin.clone_from(&plan.header().spec.origin);
        let directories = plan.header().directories.iter().map(|planned| &planned.info);
        report.directories.extend(directories.map(|info| DirectoryRun::new(info.id.clone(), &info.kind)));
        report
    }

    /// Says what only the caller knows of a directory, in place of what was known of it. Of a
    /// directory whose kind nobody says it is not known what survives a reset there.
    #[must_use]
    pub fn directory(mut self, directory: DirectoryRun) -> Self {
        match self.directories.iter_mut().find(|known| known.id == directory.id) {
            Some(known) => *known = directory,
            None => self.directories.push(directory),
        }
        self
    }

    /// Says of each directory what [`DirectoryRun::of`] tells. Nothing is read from it.
    #[must_use]
    pub fn directories(self, backends: impl IntoIterator<Item = Arc<dyn Backend>>) -> Self {
        backends.into_iter().fold(self, |report, backend| report.directory(DirectoryRun::of(backend.as_ref())))
    }

    /// Says how long directories were worked on, as the end of a run tells it. A directory that
    /// the report does not know of is passed over.
    #[must_use]
    pub fn worked(mut self, lasted: impl IntoIterator<Item = (DirectoryId, Duration)>) -> Self {
        for (id, lasted) in lasted {
            if let Some(known) = self.directories.iter_mut().find(|known| known.id == id) {
                known.lasted = lasted;
            }
        }
        self
    }

    /// Says how long the run took. Otherwise it is the time from the first to the newest record,
    /// pauses between processes included.
    #[must_use]
    pub fn duration(mut self, lasted: Duration) -> Self {
        self.lasted = Some(lasted);
        self
    }

    /// Marks every file, and every page and printed sheet of `report.html`, with a word such as
    /// `REHEARSAL`: `mark` in the summary, the last column of the tables. Control characters become
    /// spaces, and at most 60 characters are kept. An empty mark is none.
    #[must_use]
    pub fn mark(mut self, mark: impl AsRef<str>) -> Self {
        let plain = mark.as_ref().chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_OF_A_MARK);
        self.mark = Some(plain.collect::<String>().trim().to_owned()).filter(|mark| !mark.is_empty());
        self
    }

    /// Writes `report.html`, `report.json`, `report.csv` and `todo.csv` into an existing folder;
    /// files of these names are replaced.
    ///
    /// `rows` are those of the plan with this report's digest, in their order.
    ///
    /// # Errors
    /// As of [`visit`](Self::visit), and when a file cannot be written. The folder is as it was
    /// then, unless the error came while the files were being put in place.
    pub async fn write<I>(&self, rows: I, folder: &Path) -> Result<Summary>
    where
        I: IntoIterator<Item = Result<PlanRow>> + Send,
        I::IntoIter: Send,
    {
        let mut files = Files::begin(folder, self.mark.as_deref())?;
        let mut people = People::open(Some(folder))?;
        let (summary, timeline) = self.read(rows, &mut people, |row| files.row(row)).await?;
        files.finish(&summary, &timeline, &people)?;
        Ok(summary)
    }

    /// Shows each row to `each`, in the order of the plan, and counts them. The base of
    /// [`write`](Self::write), and of whatever else is to be made of the rows.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when the journal is of another plan, or the plan's rows are not
    /// whole; [`ErrorKind::Conflict`] when the journal grew meanwhile; otherwise when the journal
    /// or the plan cannot be read, the chain is broken, or `each` fails.
    pub async fn visit<I>(&self, rows: I, each: impl FnMut(&Row) -> Result<()> + Send) -> Result<Summary>
    where
        I: IntoIterator<Item = Result<PlanRow>> + Send,
        I::IntoIter: Send,
    {
        Ok(self.read(rows, &mut People::open(None)?, each).await?.0)
    }

    async fn read<I>(
        &self,
        rows: I,
        people: &mut People,
        mut each: impl FnMut(&Row) -> Result<()> + Send,
    ) -> Result<(Summary, Timeline)>
    where
        I: IntoIterator<Item = Result<PlanRow>> + Send,
        I::IntoIter: Send,
    {
        let mut rows = rows.into_iter();
        let journal = self.journal.as_ref();
        let history = History::read(journal, &self.plan_digest).await?;
        let mut summary = self.begin(&history);
        let mut newest_entry = 0;
        loop {
            let chunk = rows.by_ref().take(CHUNK).collect::<Result<Vec<_>>>()?;
            let whole = chunk.len() == CHUNK;
            let numbers = entry_numbers(&chunk, &mut newest_entry)?;
            let mut known = journal.progress(&numbers).await?.into_iter();
            for planned in chunk {
                let progress = match &planned {
                    PlanRow::Entry(entry) => {
                        known.next().filter(|known| known.entry == entry.seq).ok_or_else(|| {
                            Error::new(ErrorKind::Journal, "report").with_detail("not one answer per entry asked for")
                        })?
                    }
                    PlanRow::LeftOut { .. } => EntryProgress::default(),
                };
                let directory = match &planned {
                    PlanRow::Entry(entry) => &entry.directory,
                    PlanRow::LeftOut { directory, .. } => directory,
                };
                let kind = summary.kind_of(directory).to_owned();
                let row = classify::row(planned, &progress, &history, &kind);
                summary.count(&row);
                people.take(&row)?;
                each(&row)?;
            }
            if !whole {
                break;
            }
        }
        if history.greatest_entry > newest_entry {
            let detail = format!("the journal has entry {}, the plan ends at {newest_entry}", history.greatest_entry);
            return Err(invalid(detail));
        }
        history.still_newest(journal).await?;
        summary.persons = people.totals()?;
        Ok((summary, history.timeline.finish()))
    }

    fn begin(&self, history: &History) -> Summary {
        let mut summary = Summary::begin(&self.plan_digest, history);
        summary.origin.clone_from(&self.origin);
        summary.mark.clone_from(&self.mark);
        if summary.rehearsal {
            summary.mark.get_or_insert_with(|| REHEARSAL.to_owned());
        }
        if let Some(lasted) = self.lasted {
            summary.seconds = lasted.as_secs_f64();
        }
        summary.directories.extend(self.directories.iter().map(|directory| DirectoryCounts {
            id: directory.id.as_str().to_owned(),
            kind: directory.kind.clone(),
            requests: directory.stats.requests,
            throttled: directory.stats.throttled + directory.stats.busy,
            seconds: directory.lasted.as_secs_f64(),
            quotas: directory.quotas.iter().map(QuotaCounts::from).collect(),
            ..DirectoryCounts::default()
        }));
        summary
    }
}

/// The sequence numbers of a chunk's entries, which grow by one from 1: no entry is missing, and
/// none is there twice.
fn entry_numbers(chunk: &[PlanRow], newest: &mut u64) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for row in chunk {
        let PlanRow::Entry(entry) = row else { continue };
        if entry.seq != *newest + 1 {
            return Err(invalid(format!("entry {} of the plan follows entry {newest}", entry.seq)));
        }
        *newest = entry.seq;
        numbers.push(entry.seq);
    }
    Ok(numbers)
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InputInvalid, "report")
        .with_detail(detail)
        .with_advice("give the report the plan and the journal of one run, unchanged")
}
