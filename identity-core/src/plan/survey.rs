//! What a plan and an inventory see alike: the accounts of several directories in order, each with the
//! verdict on its privilege, its person, its protections and whoever answers for it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::builder::{self, check_ids};
use super::decide::{Decider, Known};
use super::gather::SharedStage;
use super::hand_off::Rule;
use super::persons::People;
use super::spec::PlanSpec;
use super::stage::Stage;
use crate::account::{Account, AccountId};
use crate::directory::{Backend, Preflight};
use crate::error::Result;
use crate::person::PersonId;
use crate::privilege::{Classification, Ground};

/// Accounts that are looked at at once.
const PAGE: u32 = 500;

/// Directories that were read, as a plan would read them.
#[derive(Debug)]
pub(crate) struct Survey {
    stage: SharedStage,
    folder: PathBuf,
    spec: PlanSpec,
    known: Vec<Known>,
}

/// What was read of one directory as a whole.
#[derive(Debug)]
pub(crate) struct Surveyed {
    pub(crate) preflight: Preflight,
    /// Why accounts may be privileged of which nothing is known.
    pub(crate) incomplete: Vec<String>,
    /// What every account holds alike.
    pub(crate) everybody: Vec<Ground>,
}

/// One account.
#[derive(Debug)]
pub(crate) struct Sighting {
    pub(crate) directory: crate::account::DirectoryId,
    pub(crate) id: AccountId,
    /// `None` for one that holds something and has no row: of another domain, an app, or gone.
    pub(crate) account: Option<Account>,
    pub(crate) class: Classification,
    /// Whether the verdict is about this account, and not only about what could not be read of all.
    pub(crate) is_named: bool,
    pub(crate) person: Option<PersonId>,
    pub(crate) protections: Vec<String>,
    /// Why a person has to reset it.
    pub(crate) needs_hands: Option<String>,
    pub(crate) owner: Option<String>,
    /// What the organisation or the directory says is done with it by hand.
    pub(crate) procedure: Option<String>,
}

impl Survey {
    /// Begins one, whose temporary database is inside `folder`. Directories are to be read by id.
    pub(crate) async fn open(folder: PathBuf, spec: PlanSpec) -> Result<Self> {
        Ok(Self { stage: SharedStage::open(folder.clone()).await?, folder, spec, known: Vec::new() })
    }

    /// That each directory has its own id.
    pub(crate) fn check(directories: &[Arc<dyn Backend>]) -> Result<()> {
        check_ids(directories, "take the inventory")
    }

    /// Reads a directory. One that cannot be read to its end leaves nothing behind.
    pub(crate) async fn read(&mut self, backend: Arc<dyn Backend>) -> Result<Surveyed> {
        let place = self.known.len();
        match builder::read_directory(&self.spec, place, backend, &self.stage).await {
            Ok((known, _)) => {
                let mut incomplete = known.privileges.incomplete().to_vec();
                incomplete.sort();
                incomplete.dedup();
                let everybody = known.privileges.for_everybody().cloned().collect();
                let surveyed = Surveyed { preflight: known.preflight.clone(), incomplete, everybody };
                self.known.push(known);
                Ok(surveyed)
            }
            Err(error) => {
                self.stage.run(move |stage| stage.forget_directory(place)).await?;
                Err(error)
            }
        }
    }

    /// Shows the accounts by directory and id, in flat memory, and gives what deserves a warning.
    pub(crate) async fn each(self, take: impl FnMut(Sighting) -> Result<()> + Send + 'static) -> Result<Vec<String>> {
        let Self { stage, folder, mut spec, known } = self;
        // Of a directory that was not read no name is missed.
        let read = |id: &String| known.iter().any(|known| known.backend.info().id.as_str() == id);
        spec.protect.retain(|name| name.directory.as_ref().is_none_or(read));
        stage.run(move |stage| show(stage, Decider::new(spec, Rule::Never, known), &folder, take)).await
    }
}

fn show(
    stage: &mut Stage,
    mut decider: Decider,
    folder: &std::path::Path,
    mut take: impl FnMut(Sighting) -> Result<()>,
) -> Result<Vec<String>> {
    let mut people = People::of(stage, decider.spec(), decider.directories(), folder)?;
    for place in 0..decider.directories().len() {
        show_directory(stage, &mut decider, people.as_mut(), place, &mut take)?;
    }
    let mut warnings = decider.unfitting_owners();
    match decider.settle() {
        Ok(more) => warnings.extend(more),
        // A plan is not made where a protected account is not found; an inventory is there to say so.
        Err(error) => warnings.push(error.detail().to_owned()),
    }
    if let Some(people) = &people {
        let persons = people.planned()?;
        warnings.extend(persons.conflicts.iter().map(|conflict| format!("not joined: {conflict}")));
    }
    Ok(warnings)
}

fn show_directory(
    stage: &Stage,
    decider: &mut Decider,
    mut people: Option<&mut People>,
    place: usize,
    take: &mut impl FnMut(Sighting) -> Result<()>,
) -> Result<()> {
    let Some(known) = decider.directories().get(place) else { return Ok(()) };
    let directory = known.backend.info().id.clone();
    let whole = known.privileges.incomplete().is_empty();
    let unknown: BTreeSet<AccountId> = known.privileges.unknown().map(|(id, _)| id.clone()).collect();
    let mut holders: BTreeSet<AccountId> = known.privileges.privileged().map(|(id, _)| id.clone()).collect();
    holders.extend(unknown.iter().cloned());
    let mut absent = Vec::new();
    for id in holders {
        if !stage.has_exactly(place, id.as_str())? {
            absent.push(Sighting {
                directory: directory.clone(),
                class: known.privileges.classify(&id),
                id,
                account: None,
                is_named: true,
                person: None,
                protections: Vec::new(),
                needs_hands: None,
                owner: None,
                procedure: None,
            });
        }
    }
    let mut absent = absent.into_iter().peekable();
    let mut after = (place, String::new());
    loop {
        let page = stage.accounts_after(Some((after.0, &after.1)), PAGE)?;
        let page: Vec<_> = page.into_iter().take_while(|staged| staged.directory == place).collect();
        let Some(last) = page.last() else { break };
        after = (place, last.account.id.as_str().to_owned());
        let mut members = match &mut people {
            Some(people) => people.next(page.len())?.into_iter(),
            None => Vec::new().into_iter(),
        };
        for staged in page {
            let account = staged.account;
            while let Some(first) = absent.next_if(|absent| absent.id < account.id) {
                take(first)?;
            }
            let membership = members.next();
            let lift = |class: &mut Classification| {
                if let (Some(people), Some(membership)) = (&people, &membership) {
                    people.lift(membership, &directory, class);
                }
            };
            let Some(look) = decider.look(place, &account, &staged.marks, lift) else { continue };
            let of_all_alike = !whole && !unknown.contains(&account.id);
            let is_named = !look.class.grounds.is_empty() || (look.class.is_privileged() && !of_all_alike);
            let needs_hands = look.needs_hands(&account, is_named);
            take(Sighting {
                directory: directory.clone(),
                id: account.id.clone(),
                is_named,
                person: membership.and_then(|membership| membership.person),
                needs_hands,
                owner: look.responsible.owner(account.owner.as_deref()),
                procedure: look.responsible.procedure().or(account.procedure.as_deref()).map(str::to_owned),
                class: look.class,
                protections: look.protections,
                account: Some(account),
            })?;
        }
    }
    absent.try_for_each(take)
}
