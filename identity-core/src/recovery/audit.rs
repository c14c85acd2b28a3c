//! The audit: accounts, tiers, groups and enrolments joined, judged and counted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::TryStreamExt;
use jiff::Timestamp;

use super::counts::{GroupCounts, Tally};
use super::file::{
    AccountReadiness, FORMAT, Line, ReadDirectory, ReadinessFile, ReadinessHeader, ReadinessSummary, VERSION,
};
use super::grouping::Grouping;
use super::guidance::{AsOf, Guidance};
use super::{Enrolment, MethodKind};
use crate::account::{Account, AccountKind};
use crate::directory::{AccountQuery, Backend};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::clock;
use crate::plan::Population;
use crate::plan::draft::{self, Draft};
use crate::plan::gather::{self, SharedStage};
use crate::plan::stage::{Mark, Stage, StagedAccount};
use crate::privilege::PrivilegeIndex;

const OPERATION: &str = "audit recovery";
/// Accounts that are looked at once.
const PAGE: u32 = 500;
/// Enrolments that are kept at once.
const KEPT: usize = 500;

/// Who could come back alone if their password were void: by which methods, how strong by the table,
/// what is stale or was enrolled lately; account by account, and counted by group. It only reads.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use identity_core::{directory::Backend, error::Result};
/// use identity_core::recovery::{Grouping, Guidance, RecoveryAudit};
///
/// # async fn example(backends: Vec<Arc<dyn Backend>>) -> Result<()> {
/// let readiness = RecoveryAudit::new(Guidance::default())
///     .directories(backends)
///     .by(Grouping::Population)
///     .by(Grouping::attribute("employeeType"))
///     .write_to("readiness.jsonl")
///     .await?;
/// println!("{} of {} are ready", readiness.summary().all.ready, readiness.summary().accounts);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "an audit is made by write_to"]
pub struct RecoveryAudit {
    guidance: Guidance,
    directories: Vec<Arc<dyn Backend>>,
    by: Vec<Grouping>,
    suspected_since: Option<Timestamp>,
}

/// A directory, and what was read of it.
struct Known {
    read: ReadDirectory,
    privileges: PrivilegeIndex,
}

impl RecoveryAudit {
    /// An audit by this table.
    pub fn new(guidance: Guidance) -> Self {
        Self { guidance, directories: Vec::new(), by: Vec::new(), suspected_since: None }
    }

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

    /// Counts by this too. May be called several times; in the order of the calls.
    pub fn by(mut self, grouping: Grouping) -> Self {
        self.by.push(grouping);
        self
    }

    /// When an attacker may have come in: methods enrolled since count for nothing, however long ago
    /// that is.
    pub fn suspect_since(mut self, since: Timestamp) -> Self {
        self.suspected_since = Some(since);
        self
    }

    /// Reads the directories, judges every account of a person, and writes the file.
    ///
    /// # Behavior
    /// Reads only. A reading that fails for the moment is begun again, three times in all. Accounts wait
    /// in a temporary database beside the file (about 2 KB each), not in memory; the counts of at most
    /// 500 groups are. The file appears whole or not at all. Accounts that nobody comes back to by
    /// recovery (services, mailboxes, machines, disabled ones) are counted and have no line. Those of a
    /// directory that tells nothing of recovery are unknown.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] when no directory is given, or a group is of one that is not;
    /// otherwise what the directories and the disk say.
    pub async fn write_to(self, path: impl Into<PathBuf>) -> Result<ReadinessFile> {
        let Self { guidance, mut directories, by, suspected_since } = self;
        let path = path.into();
        directories.sort_by(|a, b| a.info().id.cmp(&b.info().id));
        check(&directories, &by)?;
        let stage = SharedStage::open(draft::folder_of(&path).to_owned()).await?;
        let mut known = Vec::new();
        for (place, backend) in directories.iter().enumerate() {
            known.push(read_directory(place, backend, &by, &stage).await?);
        }
        let as_of = guidance.as_of(clock::now(), suspected_since);
        stage.run(move |stage| write(stage, &Judge { guidance, by, known, as_of }, &path)).await
    }
}

fn check(directories: &[Arc<dyn Backend>], by: &[Grouping]) -> Result<()> {
    let invalid = |detail: String| Error::new(ErrorKind::ConfigInvalid, OPERATION).with_detail(detail);
    if directories.is_empty() {
        return Err(invalid("no directory is given".to_owned()).with_advice("add at least one"));
    }
    let ids: Vec<&str> = directories.iter().map(|backend| backend.info().id.as_str()).collect();
    if ids.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
        return Err(invalid("two directories have one id".to_owned()).with_advice("give each its own id"));
    }
    for (directory, _) in by.iter().filter_map(Grouping::scope) {
        if !ids.contains(&directory) {
            return Err(invalid(format!("a group is of directory {directory:?}, which is not there"))
                .with_advice(format!("the directories are {}", ids.join(", "))));
        }
    }
    Ok(())
}

async fn read_directory(
    place: usize,
    backend: &Arc<dyn Backend>,
    by: &[Grouping],
    stage: &SharedStage,
) -> Result<Known> {
    let info = backend.info().clone();
    gather::everyone(backend, place, stage).await?;
    for (mark, grouping) in by.iter().enumerate() {
        if let Some((directory, scope)) = grouping.scope()
            && directory == info.id.as_str()
        {
            gather::scope(backend, place, mark_of(mark), scope, stage).await?;
        }
    }
    let silent_because = match backend.recovery() {
        None => Some(format!(
            "{} has no self-service recovery that can be read; another product may offer it, which is not known here",
            info.kind
        )),
        Some(_) => {
            gather::again(|| enrolments(backend, place, stage)).await?;
            None
        }
    };
    let privileges = gather::again(|| backend.privileges()).await?;
    let mut incomplete = privileges.incomplete().to_vec();
    incomplete.sort();
    incomplete.dedup();
    Ok(Known { read: ReadDirectory { info, silent_because, incomplete }, privileges })
}

async fn enrolments(backend: &Arc<dyn Backend>, place: usize, stage: &SharedStage) -> Result<()> {
    let Some(auditor) = backend.recovery() else { return Ok(()) };
    stage.run(move |stage| stage.forget_enrolments(place)).await?;
    let mut enrolments = auditor.enrolments(&AccountQuery::everyone());
    let mut page = Vec::with_capacity(KEPT);
    while let Some(enrolment) = enrolments.try_next().await? {
        page.push(enrolment);
        if page.len() == KEPT {
            let full = std::mem::replace(&mut page, Vec::with_capacity(KEPT));
            stage.run(move |stage| stage.put_enrolments(place, &full)).await?;
        }
    }
    stage.run(move |stage| stage.put_enrolments(place, &page)).await
}

fn mark_of(place: usize) -> Mark {
    Mark::try_from(place).unwrap_or(Mark::MAX)
}

/// Judges accounts, one at a time.
struct Judge {
    guidance: Guidance,
    by: Vec<Grouping>,
    known: Vec<Known>,
    as_of: AsOf,
}

impl Judge {
    /// How an account stands; or why nobody comes back to it by recovery.
    fn judge(&self, staged: &StagedAccount) -> Option<Result<AccountReadiness, &'static str>> {
        let known = self.known.get(staged.directory)?;
        let account = &staged.account;
        if let Some(because) = not_asked(account) {
            return Some(Err(because));
        }
        let class = known.privileges.classify(&account.id);
        let enrolment = staged.enrolment.clone().unwrap_or_else(|| {
            let mut enrolment = Enrolment::new(account.id.clone());
            let silent = known.read.silent_because.clone();
            enrolment.because = silent.or_else(|| Some("the directory gave no enrolment of it".to_owned()));
            enrolment
        });
        Some(Ok(AccountReadiness {
            directory: account.directory.clone(),
            name: account.name.clone(),
            kind: account.kind,
            tier: class.tier,
            population: Population::of(account, &class),
            readiness: self.guidance.assess(class.tier, &enrolment, &self.as_of),
            enrolment,
        }))
    }

    /// The groups that an account is in.
    fn groups(&self, staged: &StagedAccount, row: &AccountReadiness) -> impl Iterator<Item = (String, String)> {
        let groups = self.by.iter().enumerate().filter_map(|(place, grouping)| {
            let name = match grouping {
                Grouping::Population => row.population.as_str().to_owned(),
                Grouping::Directory => row.directory.as_str().to_owned(),
                Grouping::Tier => row.tier.number().to_string(),
                Grouping::Attribute(names) => {
                    let value = names.iter().find_map(|name| attribute(&staged.account, name));
                    value.unwrap_or("(not set)").to_owned()
                }
                Grouping::Group { directory, name } => {
                    let is_member = *directory == row.directory.as_str() && staged.marks.contains(&mark_of(place));
                    return is_member.then(|| ("group".to_owned(), format!("{directory}/{name}")));
                }
            };
            Some((grouping.to_string(), name))
        });
        groups.collect::<Vec<_>>().into_iter()
    }
}

/// Directories differ in how they write the names of attributes.
fn attribute<'a>(account: &'a Account, name: &str) -> Option<&'a str> {
    let found = account.attributes.get(name).or_else(|| {
        account.attributes.iter().find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
    });
    found.map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// Why nobody comes back to it by recovery.
fn not_asked(account: &Account) -> Option<&'static str> {
    match account.kind {
        AccountKind::Person if account.state.enabled => None,
        AccountKind::Guest if account.state.enabled => None,
        AccountKind::Person | AccountKind::Guest => Some("disabled"),
        AccountKind::Service => Some("service"),
        AccountKind::Mailbox => Some("mailbox"),
        AccountKind::Unknown => Some("of unknown kind"),
        _ => Some("of the directory itself"),
    }
}

fn write(stage: &mut Stage, judge: &Judge, path: &Path) -> Result<ReadinessFile> {
    let mut draft = Draft::begin(path, "write the readiness file")?;
    draft.write_line(&Line::Header(ReadinessHeader {
        format: FORMAT.to_owned(),
        version: VERSION,
        library: env!("CARGO_PKG_VERSION").to_owned(),
        as_of: judge.as_of,
        guidance: judge.guidance.clone(),
        by: judge.by.clone(),
        directories: judge.known.iter().map(|known| known.read.clone()).collect(),
    }))?;
    let mut tally = Tally::default();
    let mut all = GroupCounts { by: "all".to_owned(), group: "all".to_owned(), ..GroupCounts::default() };
    let mut not_asked: BTreeMap<String, u64> = BTreeMap::new();
    let mut after: Option<(usize, String)> = None;
    loop {
        let page = stage.accounts_after(after.as_ref().map(|(place, id)| (*place, id.as_str())), PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some((last.directory, last.account.id.as_str().to_owned()));
        for staged in &page {
            let row = match judge.judge(staged) {
                Some(Ok(row)) => row,
                Some(Err(because)) => {
                    *not_asked.entry(because.to_owned()).or_default() += 1;
                    continue;
                }
                None => continue,
            };
            let mut kinds: Vec<MethodKind> = row.enrolment.methods.iter().map(|method| method.kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            all.add(&kinds, &row.readiness);
            for (by, group) in judge.groups(staged, &row) {
                tally.add(&by, &group, &kinds, &row.readiness);
            }
            draft.write_line(&Line::Account(row))?;
        }
    }
    let accounts = all.accounts;
    draft.write_line(&Line::End(ReadinessSummary { accounts, all, groups: tally.into_groups(), not_asked }))?;
    draft.sync()?.publish()?;
    ReadinessFile::open(path)
}
