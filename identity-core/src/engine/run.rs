//! A run: an approved plan is carried out, wave by wave.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::admission::{self, Admission};
use super::course::{Course, Seat};
use super::guard::{Guard, Guardrails};
use super::lane::Generators;
use super::look::{Look, Looks};
use super::observe::Observer;
use super::pause::Pauses;
use super::progress::{Progress, Teller};
use crate::account::DirectoryId;
use crate::directory::{Backend, Severity};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Event, Journal, StopReason, verify_chain};
use crate::limits::{RetryPolicy, retried_read};
use crate::plan::{Approvals, Plan};
use crate::vault::Vault;

/// An approved plan, ready to be carried out or resumed.
///
/// The same call begins and resumes: what the journal already holds is not done again.
///
/// ```
/// # use std::sync::Arc;
/// # use identity_core::{directory::Backend, engine::{Run, RunEnd}, error::Result, journal::Journal};
/// # use identity_core::{plan::{Approvals, Plan}, vault::Vault};
/// async fn carry_out(
///     plan: Plan,
///     approvals: Approvals,
///     directory: Arc<dyn Backend>,
///     journal: Arc<dyn Journal>,
///     vault: Arc<dyn Vault>,
/// ) -> Result<RunEnd> {
///     Run::new(plan, journal, vault).directory(directory).approvals(approvals).start().await?.finish().await
/// }
/// ```
#[derive(Debug)]
#[must_use = "a run does nothing before it is started"]
pub struct Run {
    plan: Plan,
    directories: BTreeMap<DirectoryId, Arc<dyn Backend>>,
    journal: Arc<dyn Journal>,
    vault: Arc<dyn Vault>,
    approvals: Approvals,
    guardrails: Guardrails,
    policy: RetryPolicy,
    cancelled: CancellationToken,
    protected: Vec<(DirectoryId, String)>,
    id: Option<String>,
    observer: Option<Arc<dyn Observer>>,
}

/// A run in progress.
///
/// As a stream it gives [`Progress`]. Dropping it does not stop the run; [`cancel`](Self::cancel)
/// does.
#[derive(Debug)]
pub struct Running {
    run: String,
    events: mpsc::Receiver<Progress>,
    cancelled: CancellationToken,
    handle: JoinHandle<Result<RunEnd>>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunEnd {
    /// The run's id.
    pub run: String,
    /// Why it stopped before its end; `None` when every planned action has its final outcome or
    /// is open for a resume.
    pub stopped: Option<StopReason>,
    /// Accounts left open because their password may have been sent and cannot be opened again
    /// without the vault's identity.
    pub held: u64,
    /// What each directory's lane took.
    pub lanes: Vec<LaneTime>,
}

/// What one directory's lane took.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LaneTime {
    /// The directory.
    pub directory: DirectoryId,
    /// How long its lane worked, over all waves.
    pub worked: Duration,
}

impl RunEnd {
    /// How long each directory's lane worked, for a report.
    pub fn worked(&self) -> impl Iterator<Item = (DirectoryId, Duration)> {
        self.lanes.iter().map(|lane| (lane.directory.clone(), lane.worked))
    }
}

impl Run {
    /// A run of a plan, recorded in a journal, its passwords sealed in a vault.
    pub fn new(plan: Plan, journal: Arc<dyn Journal>, vault: Arc<dyn Vault>) -> Self {
        Self {
            plan,
            directories: BTreeMap::new(),
            journal,
            vault,
            approvals: Approvals::default(),
            guardrails: Guardrails::default(),
            policy: RetryPolicy::default(),
            cancelled: CancellationToken::new(),
            protected: Vec::new(),
            id: None,
            observer: None,
        }
    }

    /// Adds a directory. Each directory of the plan must be there.
    pub fn directory(mut self, directory: Arc<dyn Backend>) -> Self {
        self.directories.insert(directory.info().id.clone(), directory);
        self
    }

    /// Adds directories.
    pub fn directories(self, directories: impl IntoIterator<Item = Arc<dyn Backend>>) -> Self {
        directories.into_iter().fold(self, Self::directory)
    }

    /// The approvals, the signed ones verified. Waves without one are not
    /// touched; one whose approval is over when its turn comes is passed over.
    pub fn approvals(mut self, approvals: Approvals) -> Self {
        self.approvals = approvals;
        self
    }

    /// When the run stops by itself.
    pub fn guardrails(mut self, guardrails: Guardrails) -> Self {
        self.guardrails = guardrails;
        self
    }

    /// How often and how patiently what failed without effect is tried again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Adds accounts that are not touched even though the plan lists them: by id, sign-in name, principal
    /// name, path or security identifier. Those that were protected when the plan was made are not in
    /// it; these were found out since.
    pub fn protect<'a>(mut self, accounts: impl IntoIterator<Item = (&'a DirectoryId, &'a str)>) -> Self {
        let accounts = accounts.into_iter();
        self.protected.extend(accounts.map(|(directory, account)| (directory.clone(), account.to_lowercase())));
        self
    }

    /// A name for the run in the journal; a fresh UUID without.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Tells an observer of each send and each write, as metrics need it.
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Checks everything that can be checked, then begins. Nothing is touched when it fails.
    ///
    /// # Errors
    /// - [`ErrorKind::ApprovalMissing`]: no wave is approved as the plan's rules ask for it, its
    ///   approvals are over, or one is of another plan. An
    ///   [`ApprovalFault`](crate::plan::ApprovalFault) as its source says which.
    /// - [`ErrorKind::ConfigInvalid`]: a directory of the plan is missing, or is not the one that
    ///   the plan was made from.
    /// - [`ErrorKind::InputInvalid`]: the journal belongs to another plan.
    /// - whatever a directory's preflight says, or the journal, when it cannot be written.
    pub async fn start(self) -> Result<Running> {
        self.approvals.check(&self.plan)?;
        let resumed = self.resumed().await?;
        let admission = Admission { approvals: self.approvals.clone(), rules: self.guardrails.approvals };
        let (approved, waiting) = admission.sort(&self.plan);
        let waiting = if resumed { admission::unfinished(self.journal.as_ref(), waiting).await? } else { waiting };
        if approved.is_empty() && !(resumed && waiting.is_empty()) {
            return Err(admission::nothing(&self.plan, waiting));
        }
        if !resumed && !self.vault.is_empty().await? {
            return Err(Error::new(ErrorKind::InputInvalid, "start the run")
                .with_detail("the journal is empty, and the vault holds passwords already")
                .with_advice("they may have been sent: restore the journal of that run, or begin with a new vault"));
        }
        let pauses = Pauses::of(&self.plan.header().spec.pauses, self.journal.as_ref(), resumed).await?;
        let (teller, events) = Teller::new();
        let teller = Arc::new(teller.observed_by(self.observer.clone()));
        let guard = Arc::new(Guard::new(self.guardrails.clone(), self.cancelled.clone()));
        let mut seats = Vec::new();
        for planned in &self.plan.header().directories {
            seats.push(self.seat(&planned.info).await?);
        }
        let run = self.id.clone().unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
        let mut first = vec![Event::RunStarted {
            run: run.clone(),
            plan_digest: self.plan.digest().to_owned(),
            resumed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            rehearsal: self.plan.header().is_rehearsal(),
        }];
        first.extend(admission.accepted(&self.plan, &approved));
        self.journal.append(first).await?;
        let cancelled = self.cancelled.clone();
        let course = Course {
            plan: self.plan,
            journal: self.journal,
            vault: self.vault,
            policy: self.policy,
            guard,
            teller,
            seats,
            resumed,
            protected: self.protected,
            run,
            held: Arc::new(AtomicU64::new(0)),
            behind: Vec::new(),
            pauses,
            admission,
        };
        let span = tracing::info_span!(
            "run",
            identity_reset.run.id = %course.run,
            identity_reset.plan.digest = %course.plan.digest(),
            identity_reset.run.resumed = resumed,
        );
        let run = course.run.clone();
        let handle = tokio::spawn(course.carry_out(approved, waiting).instrument(span));
        Ok(Running { run, events, cancelled, handle })
    }

    /// Whether the journal holds an earlier part of this run; an error when of another plan.
    async fn resumed(&self) -> Result<bool> {
        let mut records = self.journal.records(1);
        let Some(record) = records.next().await else { return Ok(false) };
        match record?.event {
            Event::RunStarted { rehearsal, .. } if rehearsal != self.plan.header().is_rehearsal() => {
                let (journal, plan) =
                    if rehearsal { ("a rehearsal", "real directories") } else { ("real directories", "a rehearsal") };
                Err(Error::new(ErrorKind::InputInvalid, "resume")
                    .with_detail(format!("the journal is of {journal}, and the plan is of {plan}"))
                    .with_advice("give each its own folder; nothing of a rehearsal is of use in a run"))
            }
            Event::RunStarted { plan_digest, .. } if plan_digest == self.plan.digest() => {
                // What is skipped because it was done must be what was recorded as done.
                verify_chain(self.journal.as_ref()).await?;
                Ok(true)
            }
            Event::RunStarted { plan_digest, .. } => Err(Error::new(ErrorKind::InputInvalid, "resume")
                .with_detail(format!("the journal is of plan {plan_digest}, not of {}", self.plan.digest()))
                .with_advice("resume with the plan that the journal was begun with")),
            _ => Err(Error::new(ErrorKind::InputInvalid, "resume")
                .with_detail("the journal does not begin with the start of a run")
                .with_advice("resume with the journal that the run was begun with")),
        }
    }

    /// Makes a directory ready: the right one, reachable, permitted.
    async fn seat(&self, planned: &crate::directory::DirectoryInfo) -> Result<Seat> {
        let mismatch = |detail: String| {
            Error::new(ErrorKind::ConfigInvalid, "start the run")
                .with_directory(planned.id.clone())
                .with_detail(detail)
                .with_advice("connect the directories that the plan was made from")
        };
        let Some(backend) = self.directories.get(&planned.id) else {
            return Err(mismatch("the plan names this directory, and it is not connected".to_owned()));
        };
        let info = backend.info();
        match (planned.rehearsal, info.rehearsal) {
            (true, false) => {
                return Err(mismatch("the plan is of a rehearsal, and this directory is a real one".to_owned())
                    .with_advice("make and approve a plan from the real directories"));
            }
            (false, true) => {
                return Err(mismatch("the plan is of real directories, and this one is simulated".to_owned())
                    .with_advice("rehearse with a plan that the rehearsal made"));
            }
            _ => {}
        }
        if info.kind != planned.kind || info.tenant != planned.tenant {
            return Err(mismatch(format!(
                "the plan was made from {} {}, and {} {} is connected",
                planned.kind, planned.tenant, info.kind, info.tenant
            )));
        }
        let preflight = retried_read(backend.governor(), &self.policy, || backend.preflight()).await?;
        if let Some(fatal) = preflight.findings.iter().find(|finding| finding.severity == Severity::Fatal) {
            return Err(Error::new(ErrorKind::ConfigInvalid, "preflight")
                .with_directory(planned.id.clone())
                .with_detail(fatal.text.clone()));
        }
        Ok(Seat {
            backend: Arc::clone(backend),
            principal: preflight.principal,
            generators: Generators::new(&preflight.password_policy)?,
            worked: Duration::ZERO,
            rest_over: BTreeMap::new(),
            looks: Arc::new(Looks::beginning_with(preflight.privileges.map(Look::now))),
        })
    }
}

impl Running {
    /// The run's id, as the journal has it.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Asks the run to stop: what is in flight is finished and recorded, nothing new is begun.
    pub fn cancel(&self) {
        self.cancelled.cancel();
    }

    /// A token that stops the run when cancelled, to be handed to a signal handler.
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        self.cancelled.clone()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When the journal or the plan could not be read; whatever was begun can be resumed.
    pub async fn finish(mut self) -> Result<RunEnd> {
        while self.events.recv().await.is_some() {}
        self.handle.await.map_err(|fault| {
            Error::new(ErrorKind::Unexpected, "run")
                .with_source(fault)
                .with_advice("resume the run; its unknown outcomes are read back first")
        })?
    }
}

impl Stream for Running {
    type Item = Progress;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Progress>> {
        self.events.poll_recv(cx)
    }
}
