//! Plays a rehearsal: plan, approvals, run with its stops and resumes, verification, report.

mod kept;
mod mishap;
mod people;
mod stage;
mod summary;
mod survey;

pub use summary::{
    DirectoryLoad, ManualNeed, Moment, Needs, PlayedCard, RehearsalSummary, RehearsedWave, WaveApproval,
};

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use self::kept::{Sealed, WatchedJournal, WatchedVault};
use self::stage::Stage;
use self::survey::Survey;
use super::cards::{Deck, Mishap};
use super::directory::{Server, SimulatedDirectory};
use super::process::Process;
use super::shape::Shape;
use crate::account::AccountId;
use crate::directory::{AccountQuery, Backend};
use crate::engine::{Guardrails, Run, RunEnd};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Journal, SqliteJournal, StopReason};
use crate::limits::clock;
use crate::plan::{ApprovalRules, Plan, PlanSpec};
use crate::report::{Report, Row, RowResult};
use crate::verify::Verifier;

/// The most processes of one rehearsal: who resumes more often has learnt enough.
const MOST_PROCESSES: u32 = 20;

/// A playbook on the shape of the real directories.
///
/// Everything waits by tokio's clock: play it [in virtual time](super::in_virtual_time).
///
/// ```no_run
/// # use identity_core::error::Result;
/// use identity_core::plan::{PlanSpec, Selection};
/// use identity_core::rehearsal::{Rehearsal, Shape};
///
/// # async fn example() -> Result<()> {
/// let spec = PlanSpec::default().select(Selection::everyone());
/// let summary = Rehearsal::new(Shape::open("shape.jsonl")?, spec).play("rehearsal".as_ref()).await?;
/// println!("{summary}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a rehearsal is played"]
pub struct Rehearsal {
    shape: Shape,
    spec: PlanSpec,
    deck: Option<Deck>,
    seed: u64,
}

impl Rehearsal {
    /// What a playbook ([`Playbook::order`](crate::playbook::Playbook::order)) or somebody else decided, on a
    /// shape. The accounts that the shape marks as protected take the place of the names that the decisions
    /// protect, which a shape does not hold; signatures of approvals are not asked for.
    pub fn new(shape: Shape, spec: PlanSpec) -> Self {
        Self { shape, spec, deck: None, seed: 1 }
    }

    /// Plays these trouble cards.
    pub fn cards(mut self, deck: Deck) -> Self {
        self.deck = Some(deck);
        self
    }

    /// What the directories' answers are drawn from; 1 unless said otherwise.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Plays it, and leaves in `folder` what a run would: plan, approvals, journal, report; beside them
    /// `rehearsal.json` and `rehearsal.txt`. Passwords are kept in memory and forgotten.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when the folder holds a plan or a journal, a card names what the plan does
    /// not have, or the decisions name what the shape does not hold; otherwise what plan, journal and report
    /// say. That a run stops is no error: the summary says so.
    pub async fn play(self, folder: &Path) -> Result<RehearsalSummary> {
        let paths = ["plan.jsonl", "approvals.json", "journal.sqlite", "rehearsal.json"].map(|name| folder.join(name));
        let [plan_path, approvals_path, journal_path, json_path] = &paths;
        if let Some(there) = paths.iter().find(|path| path.exists()) {
            return Err(invalid(format!("{} is there already", there.display())).with_advice(
                "rehearse in a folder of its own: nothing is written over a run or an earlier rehearsal",
            ));
        }
        let servers = Server::of_shape(&self.shape, self.seed)?;
        let connect = |process: &Process| -> Vec<Arc<dyn Backend>> {
            let each = servers.iter().map(|server| SimulatedDirectory::connect(Arc::clone(server), process.clone()));
            each.map(|backend| backend as Arc<dyn Backend>).collect()
        };
        let backends = connect(&Process::default());
        let began = clock::instant();
        let plan = self.decided().builder().directories(backends.clone()).write_to(plan_path).await?;
        let planned_in = clock::instant().duration_since(began).as_secs_f64();
        let survey = Survey::of(&plan)?;
        let cards = self.deck.as_ref().map(|deck| deck.cards.clone()).unwrap_or_default();
        let stage = Stage::new(plan.clone(), servers.clone(), survey, cards.clone());
        for card in &cards {
            stage.knows(card).map_err(|detail| invalid(format!("card {:?}: {detail}", card.id)))?;
        }
        let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::create_unsynced(journal_path)?);
        people::approvals(&plan, |_| false)?.save(approvals_path)?;
        let mut course =
            Course { stage, journal, sealed: Arc::default(), stops: Vec::new(), resumes: 0, worked: Vec::new() };
        let ends_at = course.run(&plan, &connect).await?;
        let ran_in = course.stage.now().as_secs_f64();
        course.stage.settle(true);
        let Course { stage, journal, stops, resumes, worked, .. } = course;

        let backends = connect(&Process::default());
        Verifier::new(Arc::clone(&journal)).directories(backends.clone()).verify(&plan).await?;
        let report = Report::of_plan(Arc::clone(&journal), &plan).directories(backends.clone()).worked(worked);
        let report = report.duration(Duration::from_secs_f64(ran_in)).write(plan.rows()?, folder).await?;
        for card in cards.iter().filter(|card| matches!(card.what, Mishap::AttackerCreates { .. })) {
            let seen = new_accounts(&backends, &plan).await?;
            stage.say_of(&card.id, format!("a new listing shows {seen} accounts that the plan does not have; the run touched none of them: make and approve a further plan"));
        }
        if let Some(card) = cards.iter().find(|card| matches!(card.what, Mishap::PrivilegedFound { .. })) {
            let journal = Arc::clone(&journal);
            let promoted: HashSet<AccountId> = servers.iter().flat_map(|server| server.promoted()).collect();
            let (mut held, mut reset) = (0_u64, 0_u64);
            let count = |row: &Row| {
                let is_held = row.result == RowResult::Failed;
                let counted = u64::from(promoted.contains(&row.id));
                if is_held {
                    held += counted;
                } else {
                    reset += counted;
                }
                Ok(())
            };
            Report::of_plan(journal, &plan).visit(plan.rows()?, count).await?;
            stage.say_of(&card.id, format!("{held} of them were held or failed, {reset} were reset as planned; whoever is held waits for a plan with the privileged"));
        }
        let times = stage.wave_times();
        let told =
            servers.iter().map(|server| SimulatedDirectory::for_estimates(Arc::clone(server)) as Arc<dyn Backend>);
        let told: Vec<Arc<dyn Backend>> = told.collect();
        let waves = plan.waves().iter().map(|wave| {
            let time = times.get(&wave.name).copied().unwrap_or_default();
            let directories = stage.survey().loads(&wave.name, &told);
            RehearsedWave {
                name: wave.name.clone(),
                accounts: wave.accounts,
                began: time.began.map(|began| began.as_secs_f64()),
                ended: time.last.map(|last| last.as_secs_f64()),
                orders: time.orders,
                repeated: time.repeated,
                least: directories.iter().map(|load| load.least_seconds).fold(0.0, f64::max),
                directories,
            }
        });
        let mut needs = people::needs(&plan, stage.survey());
        needs.resumes = resumes;
        needs.left_by_hand = report.left.by_hand;
        let summary = RehearsalSummary {
            format: "identity-reset rehearsal 1".to_owned(),
            rehearsal: true,
            shape: self.shape.digest().to_owned(),
            deck: self.deck.as_ref().map(|deck| deck.name.clone()),
            seed: self.seed,
            planned_in,
            ran_in,
            waves: waves.collect(),
            needs,
            stops,
            ends_at,
            cards: stage.played(),
            not_played: stage.not_played(),
            course: stage.moments(),
            report,
        };
        let json = serde_json::to_string_pretty(&summary).map_err(|error| invalid(error.to_string()))?;
        write_private(json_path, &format!("{json}\n"))?;
        write_private(&folder.join("rehearsal.txt"), &format!("{summary}\n"))?;
        Ok(summary)
    }

    /// The decisions as a shape can answer them.
    fn decided(&self) -> PlanSpec {
        let mut spec = self.spec.clone();
        spec.protect.clear();
        spec.approvals = ApprovalRules::default();
        spec.protect_all(self.shape.protected())
    }
}

/// The run, from its first process to its last.
struct Course {
    stage: Arc<Stage>,
    journal: Arc<dyn Journal>,
    sealed: Arc<Sealed>,
    stops: Vec<Moment>,
    resumes: u32,
    worked: Vec<(crate::account::DirectoryId, Duration)>,
}

/// How a process ended.
enum Ended {
    Killed,
    Came(RunEnd),
    NotStarted(Error),
}

impl Course {
    /// Runs until it comes to its end, or to a stop that nothing mends: that one is given back.
    async fn run(
        &mut self,
        plan: &Plan,
        connect: &(impl Fn(&Process) -> Vec<Arc<dyn Backend>> + Sync),
    ) -> Result<Option<Moment>> {
        for processes in 1..=MOST_PROCESSES {
            let ended = self.process(plan, connect).await?;
            self.stage.settle(false);
            let at = self.stage.now().as_secs_f64();
            let (why, until) = match ended {
                Ended::Killed => {
                    ("the operator's machine died".to_owned(), Some(clock::instant() + self.stage.back_after()))
                }
                Ended::NotStarted(error) => {
                    (error.to_string(), self.mended(error.kind() == ErrorKind::ApprovalMissing))
                }
                Ended::Came(end) => {
                    self.worked = end.worked().collect();
                    match end.stopped {
                        Some(reason) => {
                            let of_approval = matches!(reason, StopReason::NotApproved { .. });
                            (stage::words(&reason), self.mended(of_approval))
                        }
                        None => match self.open(plan).await? {
                            0 => return Ok(None),
                            open => {
                                let until = self.stage.trouble_until();
                                // Once without any trouble: what a resume clears up, it clears up then.
                                let first = until.is_none() && !self.stops.iter().any(|stop| stop.text.contains(OPEN));
                                (format!("{open} {OPEN}"), until.or_else(|| first.then(clock::instant)))
                            }
                        },
                    }
                }
            };
            let moment = Moment { at, text: why };
            self.stops.push(moment.clone());
            match until {
                Some(until) if processes < MOST_PROCESSES => {
                    clock::sleep_until(until).await;
                    self.stage.settle(false);
                    self.resumes += 1;
                }
                _ => return Ok(Some(moment)),
            }
        }
        Ok(None)
    }

    /// When whatever stopped it is mended; `None` where nothing on the stage explains it.
    fn mended(&self, approval: bool) -> Option<tokio::time::Instant> {
        if approval {
            return self.stage.away().into_iter().map(|(_, until)| until).max();
        }
        self.stage.trouble_until()
    }

    /// One process, until it ends or is killed; the cards are played meanwhile.
    async fn process(
        &self,
        plan: &Plan,
        connect: &(impl Fn(&Process) -> Vec<Arc<dyn Backend>> + Sync),
    ) -> Result<Ended> {
        let process = self.stage.enter();
        let journal = WatchedJournal {
            journal: Arc::clone(&self.journal),
            stage: Arc::clone(&self.stage),
            process: process.clone(),
        };
        let vault =
            WatchedVault { sealed: Arc::clone(&self.sealed), stage: Arc::clone(&self.stage), process: process.clone() };
        let approvals = people::approvals(plan, |wave| self.stage.is_away(wave))?;
        let run = Run::new(plan.clone(), Arc::new(journal), Arc::new(vault))
            .directories(connect(&process))
            .approvals(approvals)
            .guardrails(Guardrails::of_plan(plan));
        let running = tokio::select! {
            biased;
            () = process.killed() => return Ok(Ended::Killed),
            running = run.start() => match running {
                Ok(running) => running,
                Err(error) => return Ok(Ended::NotStarted(error)),
            },
        };
        let cancelled = running.cancellation();
        let finish = running.finish();
        tokio::pin!(finish);
        loop {
            tokio::select! {
                biased;
                () = process.killed() => {
                    // What it was doing hangs for ever; its tasks that only wait end by this.
                    cancelled.cancel();
                    return Ok(Ended::Killed);
                }
                end = &mut finish => return end.map(Ended::Came),
                () = self.stage.next_due() => {
                    self.stage.settle(false);
                    self.stage.play_due();
                }
            }
        }
    }

    /// How many accounts a resume would go on with.
    async fn open(&self, plan: &Plan) -> Result<u64> {
        let report = Report::of_plan(Arc::clone(&self.journal), plan);
        Ok(report.visit(plan.rows()?, |_| Ok(())).await?.left.resume)
    }
}

const OPEN: &str = "accounts are open";

/// Accounts that a listing shows beyond those of the plan.
async fn new_accounts(backends: &[Arc<dyn Backend>], plan: &Plan) -> Result<u64> {
    use futures::TryStreamExt;
    let mut seen = 0_u64;
    for backend in backends {
        seen += backend.accounts(&AccountQuery::everyone()).try_fold(0, async |count, _| Ok(count + 1)).await?;
    }
    Ok(seen.saturating_sub(plan.header().counts.seen))
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let write = || {
        let mut file = crate::durable::create_private(path)?;
        std::io::Write::write_all(&mut file, text.as_bytes())
    };
    write().map_err(|error| invalid(format!("{}: {error}", path.display())).with_source(error))
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InputInvalid, "rehearse").with_detail(detail)
}
