//! What a plan leaves to people: shown as a checklist, and ticked off into the run's journal.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;
use jiff::Timestamp;

use crate::account::{AccountId, AccountKind, DirectoryId};
use crate::directory::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Event, Journal, ManualDone, ManualEvidence};
use crate::limits::{RetryPolicy, retried_read};
use crate::person::Member;
use crate::plan::{Disposition, LeftOutReason, Plan, PlanRow};
use crate::privilege::Tier;

const OPERATION: &str = "tick off the checklist";

/// Entries whose progress is asked of the journal at once.
const PAGE: usize = 256;

/// The accounts that a plan leaves to people, and what they recorded: the manual entries, and the protected
/// accounts that have a procedure of their own (krbtgt, trusts, managed service accounts, connectors, the
/// protected list; machines only where they are privileged).
///
/// ```
/// use std::sync::Arc;
///
/// use identity_core::directory::Backend;
/// use identity_core::error::Result;
/// use identity_core::inventory::{Checklist, WhichByHand};
/// use identity_core::journal::Journal;
/// use identity_core::plan::Plan;
///
/// async fn done_by_hand(plan: Plan, journal: Arc<dyn Journal>, corp: Arc<dyn Backend>) -> Result<()> {
///     let checklist = Checklist::of(plan).journal(journal).directory(corp);
///     let which = WhichByHand::Account { directory: "corp".into(), account: "svc-backup".into() };
///     let done = checklist.tick(&which, "Jane Doe", "set on the account and on BACKUP01").await?;
///     println!("{}", done.evidence);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Checklist {
    plan: Plan,
    journal: Option<Arc<dyn Journal>>,
    backends: Vec<Arc<dyn Backend>>,
}

/// One account of a checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ByHand {
    /// The number of its entry in the plan; nothing for an account that the plan protects.
    pub entry: Option<u64>,
    /// The directory.
    pub directory: DirectoryId,
    /// The account.
    pub id: AccountId,
    /// Its sign-in name.
    pub name: String,
    /// Its kind.
    pub kind: AccountKind,
    /// Its tier.
    pub tier: Tier,
    /// Why no run resets it.
    pub reason: String,
    /// What is to be done; of a protected account it stands in the reason.
    pub procedure: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Whether it is done.
    pub standing: Standing,
    /// When its password was set, as the plan has it.
    before: Option<Timestamp>,
}

/// Whether a manual procedure is done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// Nobody recorded it.
    Open,
    /// Somebody recorded it as done.
    Done(ManualDone),
}

/// Names one account of a checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhichByHand {
    /// By the number of its entry in the plan.
    Entry(u64),
    /// By its id or sign-in name in a directory.
    Account {
        /// The directory.
        directory: String,
        /// The account.
        account: String,
    },
}

impl Checklist {
    /// The checklist of a plan; without a journal everything on it is open.
    #[must_use]
    pub fn of(plan: Plan) -> Self {
        Self { plan, journal: None, backends: Vec::new() }
    }

    /// Records in, and reads from, the journal of the plan's run.
    #[must_use]
    pub fn journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Adds a directory to read the password's time back from when an account of it is ticked off.
    #[must_use]
    pub fn directory(mut self, backend: Arc<dyn Backend>) -> Self {
        self.backends.push(backend);
        self
    }

    /// Shows each account to `each`, in the order of the plan; memory does not grow with their number.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when the journal is of another plan; otherwise when the plan or the journal
    /// cannot be read, or `each` fails.
    pub async fn visit(&self, mut each: impl FnMut(ByHand) -> Result<()> + Send) -> Result<()> {
        let run = self.read_run().await?;
        let mut rows = self.plan.rows()?.fuse();
        loop {
            let mut page = Vec::new();
            for row in rows.by_ref() {
                page.extend(on_the_list(row?));
                if page.len() == PAGE {
                    break;
                }
            }
            if page.is_empty() {
                return Ok(());
            }
            self.stand(&mut page, &run).await?;
            page.into_iter().try_for_each(&mut each)?;
        }
    }

    /// Records that the procedure of an account was carried out, by whom and how, with what its directory
    /// says of the password's time: an account whose password did not change is recorded all the same, and
    /// reported as unconfirmed. What is recorded stands until [`undo`](Self::undo).
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] where the checklist has no such account, or several of that name, nobody is
    /// named, or the journal is of another plan; [`ErrorKind::Conflict`] where it is recorded already;
    /// otherwise when plan or journal fail. A directory that cannot be read is no error: the record says so.
    pub async fn tick(&self, which: &WhichByHand, by: &str, note: &str) -> Result<ManualDone> {
        let (journal, run) = (self.writable(by, note)?, self.read_run().await?);
        let account = self.find(which, &run).await?;
        if let Standing::Done(done) = &account.standing {
            return Err(conflict(format!(
                "{} is recorded as done by {} already: {}",
                account.name, done.by, done.note
            ))
            .with_advice("a record that is wrong is taken back first"));
        }
        // Of a protected account the plan has no time: what was set since the run began counts.
        let since = account.entry.map_or(run.began, |_| account.before);
        let evidence = self.evidence(&account, since).await;
        let done = ManualDone { by: by.to_owned(), note: note.to_owned(), evidence: evidence.clone() };
        let event = Event::ManualDone {
            entry: account.entry,
            account: Some(Member { directory: account.directory, id: account.id }),
            by: by.to_owned(),
            note: note.to_owned(),
            evidence,
        };
        journal.append(vec![event]).await?;
        Ok(done)
    }

    /// Takes a record back: the account is open again. Both stay in the journal.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] where nothing is recorded; otherwise as of [`tick`](Self::tick).
    pub async fn undo(&self, which: &WhichByHand, by: &str, note: &str) -> Result<()> {
        let (journal, run) = (self.writable(by, note)?, self.read_run().await?);
        let account = self.find(which, &run).await?;
        if account.standing == Standing::Open {
            return Err(conflict(format!("{} is not recorded as done", account.name))
                .with_advice("the checklist shows what is"));
        }
        let event = Event::ManualUndone {
            entry: account.entry,
            account: Some(Member { directory: account.directory, id: account.id }),
            by: by.to_owned(),
            note: note.to_owned(),
        };
        journal.append(vec![event]).await
    }

    fn writable(&self, by: &str, note: &str) -> Result<&Arc<dyn Journal>> {
        if by.trim().is_empty() || note.trim().is_empty() {
            return Err(invalid("a record needs a name and a note".to_owned())
                .with_advice("say who did it, and what was done where"));
        }
        self.journal.as_ref().ok_or_else(|| {
            invalid("there is no journal to record in".to_owned()).with_advice("name the journal of the plan's run")
        })
    }

    /// What the directory says of the account's password.
    async fn evidence(&self, account: &ByHand, since: Option<Timestamp>) -> ManualEvidence {
        let stated = |because: String| ManualEvidence::Stated { because };
        let Some(backend) = self.backends.iter().find(|backend| backend.info().id == account.directory) else {
            return stated("the directory was not asked".to_owned());
        };
        let ids = std::slice::from_ref(&account.id);
        let read = retried_read(backend.governor(), &RetryPolicy::default(), || backend.lookup(ids)).await;
        match read.map(|mut found| found.pop().flatten()) {
            Err(error) => stated(format!("the directory could not be read: {error}")),
            Ok(None) => stated("the account is not in the directory any more".to_owned()),
            Ok(Some(now)) if since.is_none() && now.password.last_set.is_some() => {
                stated("nothing is known of its password before".to_owned())
            }
            Ok(Some(now)) => ManualEvidence::of(since, now.password.last_set),
        }
    }

    /// The one account of the checklist that is meant.
    async fn find(&self, which: &WhichByHand, run: &Run) -> Result<ByHand> {
        let mut found: Option<ByHand> = None;
        let row = match which {
            WhichByHand::Entry(seq) => self.plan.entry(*seq)?.map(PlanRow::Entry).and_then(on_the_list),
            WhichByHand::Account { directory, account } => {
                for row in self.plan.rows()? {
                    let Some(row) = on_the_list(row?).filter(|row| row.directory.as_str() == directory) else {
                        continue;
                    };
                    if row.id.as_str().eq_ignore_ascii_case(account) {
                        found = Some(row);
                        break;
                    }
                    if row.name.eq_ignore_ascii_case(account)
                        && let Some(other) = found.replace(row)
                    {
                        return Err(invalid(format!(
                            "several accounts of {directory} are called {account}: {} is one",
                            other.id
                        ))
                        .with_advice("name it by its id"));
                    }
                }
                found
            }
        };
        let row = row.ok_or_else(|| {
            invalid(format!("the plan leaves nothing to people under {which}"))
                .with_advice("the checklist shows what it does, with entries and names")
        })?;
        let mut page = vec![row];
        self.stand(&mut page, run).await?;
        page.pop().ok_or_else(|| invalid("nothing found".to_owned()))
    }

    /// Says of each whether it is done.
    async fn stand(&self, page: &mut [ByHand], run: &Run) -> Result<()> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let numbers: Vec<u64> = page.iter().filter_map(|row| row.entry).collect();
        let mut known: HashMap<u64, ManualDone> = HashMap::new();
        for progress in journal.progress(&numbers).await? {
            known.extend(progress.manual_done.map(|done| (progress.entry, done)));
        }
        for row in page {
            let done = match row.entry {
                Some(entry) => known.remove(&entry),
                None => run.done.get(&Member { directory: row.directory.clone(), id: row.id.clone() }).cloned(),
            };
            row.standing = done.map_or(Standing::Open, Standing::Done);
        }
        Ok(())
    }

    /// What the journal says beside the entries: whose run it is of, and what was done to accounts that are
    /// none. This reads it through, and so checks its chain.
    async fn read_run(&self) -> Result<Run> {
        let mut run = Run::default();
        let Some(journal) = &self.journal else { return Ok(run) };
        let mut records = journal.records(1);
        while let Some(record) = records.next().await {
            let record = record?;
            match record.event {
                Event::RunStarted { plan_digest, .. } => {
                    if plan_digest != self.plan.digest() {
                        return Err(invalid(format!(
                            "the journal is of plan {plan_digest}, not of {}",
                            self.plan.digest()
                        ))
                        .with_advice("name the plan and the journal of one run"));
                    }
                    run.began.get_or_insert(record.at);
                }
                Event::ManualDone { entry: None, account: Some(account), by, note, evidence } => {
                    run.done.entry(account).or_insert(ManualDone { by, note, evidence });
                }
                Event::ManualUndone { entry: None, account: Some(account), .. } => {
                    run.done.remove(&account);
                }
                _ => {}
            }
        }
        Ok(run)
    }
}

/// What the journal says beside the entries.
#[derive(Debug, Default)]
struct Run {
    began: Option<Timestamp>,
    done: HashMap<Member, ManualDone>,
}

/// The row of the checklist, for what the plan leaves to people.
fn on_the_list(row: PlanRow) -> Option<ByHand> {
    match row {
        PlanRow::Entry(entry) => {
            let Disposition::Manual { reason, procedure, owner } = entry.disposition else { return None };
            Some(ByHand {
                entry: Some(entry.seq),
                directory: entry.directory,
                id: entry.id,
                name: entry.name,
                kind: entry.kind,
                tier: entry.tier,
                reason,
                procedure: Some(procedure),
                owner,
                standing: Standing::Open,
                before: entry.expected.last_set,
            })
        }
        PlanRow::LeftOut {
            directory, id, name, kind, tier, reason: LeftOutReason::Protected(reason), owner, ..
        } => {
            let resets_itself = kind == AccountKind::Computer && tier == Tier::User;
            (!resets_itself && kind != AccountKind::BuiltIn).then_some(ByHand {
                entry: None,
                directory,
                id,
                name,
                kind,
                tier,
                reason,
                procedure: None,
                owner,
                standing: Standing::Open,
                before: None,
            })
        }
        PlanRow::LeftOut { .. } => None,
    }
}

impl std::fmt::Display for WhichByHand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Entry(seq) => write!(f, "entry {seq}"),
            Self::Account { directory, account } => write!(f, "{account} of {directory}"),
        }
    }
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InputInvalid, OPERATION).with_detail(detail)
}

fn conflict(detail: String) -> Error {
    Error::new(ErrorKind::Conflict, OPERATION).with_detail(detail)
}
