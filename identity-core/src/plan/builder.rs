//! Makes a plan: directories are read, every account is decided about, the file is written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::decide::{self, Decider, Known};
use super::draft::{self, Draft};
use super::entry::{PlanRow, Wave};
use super::file::Plan;
use super::gather::{self, SharedStage};
use super::hand_off::{HandOff, PlannedReadiness, Rule};
use super::header::{FORMAT, HeaderRow, PlanHeader, PlannedDirectory, VERSION};
use super::persons::{self, People};
use super::spec::PlanSpec;
use super::stage::{Stage, StagedRow};
use super::tally::Tally;
use super::waves::{self, Slot};
use crate::account::DirectoryId;
use crate::directory::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::recovery::{Enrolment, ReadinessFile};

/// Accounts that are decided about at once.
const PAGE: u32 = 500;

/// The most reasons why a privilege index is incomplete that the plan tells.
const MOST_REASONS: usize = 5;

/// Makes a plan from what an organisation decided and the directories that it is about.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use identity_core::directory::Backend;
/// # use identity_core::error::Result;
/// use identity_core::plan::{Plan, PlanSpec, Selection};
///
/// # async fn example(backend: Arc<dyn Backend>) -> Result<()> {
/// let plan: Plan = PlanSpec::default()
///     .select(Selection::everyone())
///     .protect("corp", "CN=breakglass,CN=Users,DC=example,DC=test")
///     .builder()
///     .directory(backend)
///     .write_to("run/plan.jsonl")
///     .await?;
/// println!("{}", plan.summary());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a plan is made by write_to"]
pub struct PlanBuilder {
    spec: PlanSpec,
    directories: Vec<Arc<dyn Backend>>,
    readiness: Option<ReadinessFile>,
}

impl PlanBuilder {
    pub(super) fn new(spec: PlanSpec) -> Self {
        Self { spec, directories: Vec::new(), readiness: None }
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

    /// Hands accounts to self-service recovery only where this file says that they are
    /// [ready](crate::recovery::Standing::Ready). It has to be fresh ([`ReadinessFile::check_age`]); what
    /// it says is judged by the table that is in it.
    pub fn readiness(mut self, file: ReadinessFile) -> Self {
        self.readiness = Some(file);
        self
    }

    /// Reads the directories, decides about every account, and writes the plan to `path`, over a
    /// plan that may stand there.
    ///
    /// # Behavior
    /// Reads only; nothing is touched. A reading that fails for the moment is begun again, three
    /// times in all. The same state of the directories and the same decisions give the same bytes.
    /// Accounts wait in a temporary database beside the plan (about 2 KB each), not in memory;
    /// where accounts of persons are joined, nine bytes of each are. The
    /// file appears whole or not at all; where the future is dropped while it is being written, it
    /// may still appear.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] for decisions that make no sense or name an unknown directory, and
    /// for hand-offs to recovery without a readiness file or a waiver;
    /// [`ErrorKind::InputInvalid`] for names that fit no account or several, all of them at once;
    /// otherwise what the directories and the disk say.
    pub fn write_to(self, path: impl Into<PathBuf>) -> impl Future<Output = Result<Plan>> + Send {
        write(self, path.into())
    }
}

async fn write(builder: PlanBuilder, path: PathBuf) -> Result<Plan> {
    let PlanBuilder { spec, mut directories, readiness } = builder;
    directories.sort_by(|a, b| a.info().id.cmp(&b.info().id));
    check(&spec, &directories)?;
    spec.check_hand_off(readiness.as_ref())?;
    let folder = draft::folder_of(&path).to_owned();
    let stage = SharedStage::open(folder).await?;
    let mut known = Vec::new();
    let mut warnings = Vec::new();
    if let Some(file) = readiness.clone() {
        let ids: Vec<DirectoryId> = directories.iter().map(|backend| backend.info().id.clone()).collect();
        warnings.extend(stage.run(move |stage| put_readiness(stage, &file, &ids)).await?);
    }
    for (place, backend) in directories.into_iter().enumerate() {
        let (directory, told) = read_directory(&spec, place, backend, &stage).await?;
        known.push(directory);
        warnings.extend(told);
    }
    if let HandOff::Waived { because } = &spec.hand_off
        && spec.hands_off()
    {
        warnings.push(format!("handed to self-service recovery without a look at whose is strong enough: {because}"));
    }
    let rule = Rule::of(&spec, readiness.as_ref());
    let decider = Decider::new(spec, rule, known);
    stage.run(move |stage| make(stage, decider, readiness.as_ref(), warnings, &path)).await
}

/// Puts what is known of recovery on the stage; says what of it is of no use here.
fn put_readiness(stage: &mut Stage, file: &ReadinessFile, ids: &[DirectoryId]) -> Result<Option<String>> {
    let (mut page, mut of): (Vec<Enrolment>, usize) = (Vec::new(), 0);
    let mut covered = BTreeSet::new();
    for row in file.rows()? {
        let row = row?;
        let Some(place) = ids.iter().position(|id| *id == row.directory) else { continue };
        covered.insert(place);
        if page.len() == PAGE as usize || place != of {
            stage.put_enrolments(of, &page)?;
            page.clear();
        }
        of = place;
        page.push(row.enrolment);
    }
    stage.put_enrolments(of, &page)?;
    let missing: Vec<&str> =
        ids.iter().enumerate().filter(|(place, _)| !covered.contains(place)).map(|(_, id)| id.as_str()).collect();
    Ok((!missing.is_empty()).then(|| format!("the readiness file has no account of {}", missing.join(", "))))
}

fn check(spec: &PlanSpec, directories: &[Arc<dyn Backend>]) -> Result<()> {
    spec.validate()?;
    check_ids(directories, "make the plan")?;
    let invalid = |detail: String| Error::new(ErrorKind::ConfigInvalid, "make the plan").with_detail(detail);
    let ids: Vec<&str> = directories.iter().map(|backend| backend.info().id.as_str()).collect();
    if let Some(real) = directories.iter().find(|backend| !backend.info().rehearsal)
        && directories.iter().any(|backend| backend.info().rehearsal)
    {
        return Err(invalid(format!("{} is a real directory, and others are simulated", real.info().id))
            .with_advice("rehearse with simulated directories only, and run with real ones only"));
    }
    let protected = spec.protect.iter().filter_map(|name| name.directory.as_deref());
    let named = spec.select.iter().chain(&spec.exclude).flat_map(|selection| selection.directories());
    let acted_in = spec.actions_in.keys().map(String::as_str);
    for name in protected.chain(named).chain(acted_in) {
        if !ids.contains(&name) {
            return Err(invalid(format!("the settings name a directory {name:?} that the plan does not have"))
                .with_advice(format!("its directories are {}", ids.join(", "))));
        }
    }
    Ok(())
}

/// That there are directories, sorted by id, each with its own.
pub(super) fn check_ids(directories: &[Arc<dyn Backend>], operation: &'static str) -> Result<()> {
    let invalid = |detail: String| Error::new(ErrorKind::ConfigInvalid, operation).with_detail(detail);
    if directories.is_empty() {
        return Err(invalid("no directory is given".to_owned()).with_advice("add at least one"));
    }
    let ids = directories.iter().map(|backend| backend.info().id.as_str());
    let mut pairs = ids.clone().zip(ids.skip(1));
    match pairs.find(|(a, b)| a == b) {
        Some((twice, _)) => {
            Err(invalid(format!("two directories have the id {twice}")).with_advice("give each its own id"))
        }
        None => Ok(()),
    }
}

/// Reads a directory into the stage: its accounts first, then who is privileged, so that the later
/// word counts.
pub(super) async fn read_directory(
    spec: &PlanSpec,
    place: usize,
    backend: Arc<dyn Backend>,
    stage: &SharedStage,
) -> Result<(Known, Vec<String>)> {
    let id = &backend.info().id;
    let preflight = gather::again(|| backend.preflight()).await?;
    gather::everyone(&backend, place, stage).await?;
    let selections = spec.select.iter().enumerate().map(|(at, one)| (decide::mark_of_selection(at), one));
    let exclusions = spec.exclude.iter().enumerate().map(|(at, one)| (decide::mark_of_exclusion(at), one));
    for (mark, selection) in selections.chain(exclusions) {
        if let Some((directory, scope)) = selection.scope()
            && directory == id.as_str()
        {
            gather::scope(&backend, place, mark, scope, stage).await?;
        }
    }
    for (at, group) in spec.owners.groups_in(id.as_str()) {
        gather::scope(&backend, place, decide::mark_of_owner(at), group, stage).await?;
    }
    let privileges = gather::again(|| backend.privileges()).await?;
    let mut warnings = Vec::new();
    if let Some(principal) = preflight.principal.clone() {
        let asked = principal.clone();
        if !stage.run(move |stage| stage.has_account(place, asked.as_str())).await? {
            warnings.push(format!("{id}: the account that the run signs in with ({principal}) was not enumerated"));
        }
    }
    let mut reasons = privileges.incomplete().to_vec();
    reasons.sort();
    reasons.dedup();
    for reason in reasons.iter().take(MOST_REASONS) {
        warnings.push(format!("{id}: who is privileged could not be read in full: {reason}"));
    }
    for ground in privileges.for_everybody().take(MOST_REASONS) {
        warnings.push(format!(
            "{id}: every account has this, so that it tells nobody apart and raises nobody's tier: {ground}; take it away"
        ));
    }
    Ok((Known { backend, privileges, preflight }, warnings))
}

fn make(
    stage: &mut Stage,
    mut decider: Decider,
    readiness: Option<&ReadinessFile>,
    mut warnings: Vec<String>,
    path: &Path,
) -> Result<Plan> {
    let mut people = People::of(stage, decider.spec(), decider.directories(), draft::folder_of(path))?;
    let tally = decide_all(stage, &mut decider, people.as_mut())?;
    warnings.extend(decider.settle()?);
    warnings.extend(decider.unfitting_owners());
    let spec = decider.spec();
    for place in 0..decider.directories().len() {
        stage.draw_canary(place, spec.waves.canary)?;
    }
    if let Some(slice) = spec.waves.workforce {
        stage.cut_workforce(slice)?;
    }
    let waves: Vec<Wave> = stage
        .slots()?
        .into_iter()
        .map(|(slot, accounts)| Wave { name: slot.name(), kind: slot.kind(), accounts })
        .collect();
    let directories = decider.directories().iter().map(|known| {
        let info = known.backend.info().clone();
        let counts = tally.directories.get(&info.id).copied().unwrap_or_default();
        PlannedDirectory::new(info, counts)
    });
    let header = PlanHeader {
        format: FORMAT.to_owned(),
        version: VERSION,
        library: env!("CARGO_PKG_VERSION").to_owned(),
        spec: spec.clone(),
        directories: directories.collect(),
        waves,
        counts: tally.all,
        persons: people.as_ref().map(People::planned).transpose()?,
        readiness: readiness.map(PlannedReadiness::of),
        warnings,
    };
    // Its database is as large as the stage: it goes before the plan is written.
    drop(people);
    write_file(stage, header, path)
}

fn decide_all(stage: &mut Stage, decider: &mut Decider, mut people: Option<&mut People>) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut after: Option<(usize, String)> = None;
    loop {
        let page = stage.accounts_after(after.as_ref().map(|(place, id)| (*place, id.as_str())), PAGE)?;
        let Some(last) = page.last() else { return Ok(tally) };
        after = Some((last.directory, last.account.id.as_str().to_owned()));
        let mut known = match &mut people {
            Some(people) => people.next(page.len())?.into_iter(),
            None => Vec::new().into_iter(),
        };
        let mut rows = Vec::with_capacity(page.len());
        for staged in &page {
            let membership = known.next();
            let lift = |class: &mut _| {
                if let (Some(people), Some(membership)) = (&people, &membership) {
                    people.lift(membership, &staged.account.directory, class);
                }
            };
            let mut row = decider.decide(staged, lift);
            let mut person = None;
            if let Some(membership) = membership {
                if let PlanRow::Entry(entry) = &mut row {
                    entry.notes.extend(membership.conflicts.iter().map(|kind| persons::note(*kind).to_owned()));
                }
                row.belongs_to(membership.person);
                person = membership.joined;
            }
            tally.add(&row);
            let slot = Slot::of_row(&row);
            let drawn = slot == Slot::FIRST_WORKFORCE && waves::is_reset(&row);
            let seed = decider.spec().seed;
            let rank = drawn.then(|| waves::rank(seed, &staged.account.directory, &staged.account.id));
            rows.push(StagedRow { directory: staged.directory, slot, rank, person, row });
        }
        stage.put_rows(&rows)?;
    }
}

fn write_file(stage: &Stage, header: PlanHeader, path: &Path) -> Result<Plan> {
    let mut draft = Draft::begin(path, "write the plan")?;
    draft.write_line(&HeaderRow::Header(header))?;
    let mut seq = 0;
    stage.each_row(|slot, person, mut row| {
        if let PlanRow::Entry(entry) = &mut row {
            seq += 1;
            entry.seq = seq;
            entry.wave = slot.name();
            if let (true, Some(person)) = (slot.kind().is_elsewhere(), person) {
                // The waves of passwords come before: all numbers are known by now.
                entry.follows = stage.passwords_of(person)?;
            }
        }
        if let (true, false, Some(person)) = (row.resets_password(), slot.kind().is_elsewhere(), person) {
            stage.put_password(person, seq)?;
        }
        draft.write_line(&row)
    })?;
    let draft = draft.sync()?;
    // Read through as anybody would, before anybody can.
    let plan = Plan::of_file(draft.reopen()?, path)?;
    draft.publish()?;
    Ok(plan)
}
