//! From one account to its row of the plan.

use std::sync::Arc;

use super::actions::{self, Chosen};
use super::entry::{Disposition, Entry, Expected, LeftOutReason, PlanRow, Population, Refusal};
use super::hand_off::Rule;
use super::hands::{general_procedure, left_to_people};
use super::names::{Named, Names};
use super::selection::Selection;
use super::spec::{PlanSpec, ServiceDisposition};
use super::stage::{Mark, StagedAccount};
use crate::account::{Account, AccountKind, PasswordAuthority};
use crate::directory::Preflight;
use crate::directory::{Backend, Support};
use crate::error::Result;
use crate::owner::{OwnerBook, Responsible};
use crate::privilege::{Classification, PrivilegeIndex, Tier};
use crate::recovery::Enrolment;
use crate::reset::Action;

/// The most grounds that one row tells.
const MOST_GROUNDS: usize = 50;

/// A directory of the plan and what was read of it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) privileges: PrivilegeIndex,
    pub(super) preflight: Preflight,
}

/// Decides about accounts, one at a time, each once.
#[derive(Debug)]
pub(super) struct Decider {
    spec: PlanSpec,
    names: Names,
    hand_off: Rule,
    owners: OwnerBook,
    directories: Vec<Known>,
}

/// What is known of an account before anything is decided about it.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) class: Classification,
    /// Why no mass run touches it, the first reason first.
    pub(super) protections: Vec<String>,
    pub(super) responsible: Responsible,
    named: Named,
}

/// The mark of the selection at this place.
pub(super) fn mark_of_selection(place: usize) -> Mark {
    2 * Mark::try_from(place).unwrap_or(Mark::MAX / 2)
}

/// The mark of the exclusion at this place.
pub(super) fn mark_of_exclusion(place: usize) -> Mark {
    mark_of_selection(place) + 1
}

/// The mark of the group that the owners' rule at this place is about.
pub(super) fn mark_of_owner(place: usize) -> Mark {
    -1 - Mark::try_from(place).unwrap_or(Mark::MAX / 2)
}

impl Decider {
    pub(super) fn new(spec: PlanSpec, hand_off: Rule, directories: Vec<Known>) -> Self {
        Self { names: Names::of(&spec), hand_off, owners: OwnerBook::of(&spec.owners), spec, directories }
    }

    pub(super) fn spec(&self) -> &PlanSpec {
        &self.spec
    }

    pub(super) fn directories(&self) -> &[Known] {
        &self.directories
    }

    /// Whether every name in the settings fits; after all accounts were decided about. Gives what
    /// deserves a warning.
    pub(super) fn settle(&self) -> Result<Vec<String>> {
        self.names.settle()
    }

    /// The rules about owners that fit no account, one line each.
    pub(super) fn unfitting_owners(&self) -> Vec<String> {
        let read: Vec<&str> = self.directories.iter().map(|known| known.backend.info().id.as_str()).collect();
        self.owners.unfitting(&read)
    }

    /// Looks at an account of the directory at `directory`; to be called once for each. `lift` adds to
    /// the verdict on the account what is known of the same person.
    pub(super) fn look(
        &mut self,
        directory: usize,
        account: &Account,
        marks: &[Mark],
        lift: impl FnOnce(&mut Classification),
    ) -> Option<Look> {
        let named = self.names.find(account);
        let responsible = self.owners.find(account, |place| marks.contains(&mark_of_owner(place)));
        let known = self.directories.get(directory)?;
        let mut class = known.privileges.classify(&account.id);
        lift(&mut class);
        Some(Look { class, protections: protections(account, known, &named, &responsible), responsible, named })
    }

    /// The row of a staged account. A directory that is not there leaves everything out. `lift` adds to
    /// the verdict on the account what is known of the same person.
    pub(super) fn decide(&mut self, staged: &StagedAccount, lift: impl FnOnce(&mut Classification)) -> PlanRow {
        let StagedAccount { directory, account, marks, enrolment } = staged;
        let look = self.look(*directory, account, marks, lift);
        let (Some(look), Some(known)) = (look, self.directories.get(*directory)) else {
            return left_out(account, Tier::User, LeftOutReason::NotSelected);
        };
        let Look { class, protections, responsible, named } = look;
        if let Some(because) = protections.into_iter().next() {
            let mut row = left_out(account, class.tier, LeftOutReason::Protected(because));
            if let PlanRow::LeftOut { owner, .. } = &mut row {
                *owner = responsible.owner(account.owner.as_deref());
            }
            return row;
        }
        if let Some(exclusion) = self.exclusion(account, marks, &named) {
            return left_out(account, class.tier, LeftOutReason::Excluded(exclusion.to_string()));
        }
        if !named.selected && !self.is_selected(account, marks) {
            return left_out(account, class.tier, LeftOutReason::NotSelected);
        }
        self.plan(account, known, &class, &responsible, enrolment.as_ref())
    }

    /// The first exclusion that covers the account.
    fn exclusion(&self, account: &Account, marks: &[Mark], named: &Named) -> Option<&Selection> {
        self.spec.exclude.iter().enumerate().find_map(|(place, exclusion)| {
            let covered = covers(exclusion, account)
                || marks.contains(&mark_of_exclusion(place))
                || named.excluded == Some(place);
            covered.then_some(exclusion)
        })
    }

    fn is_selected(&self, account: &Account, marks: &[Mark]) -> bool {
        self.spec
            .select
            .iter()
            .enumerate()
            .any(|(place, selection)| covers(selection, account) || marks.contains(&mark_of_selection(place)))
    }

    fn plan(
        &self,
        account: &Account,
        known: &Known,
        class: &Classification,
        responsible: &Responsible,
        enrolment: Option<&Enrolment>,
    ) -> PlanRow {
        let population = Population::of(account, class);
        let guest_from_elsewhere = account.kind == AccountKind::Guest && account.authority != PasswordAuthority::Here;
        if guest_from_elsewhere && population != Population::Privileged {
            let reason = LeftOutReason::MasteredElsewhere(format!("a guest: {}", actions::mastered(account)));
            return left_out(account, class.tier, reason);
        }
        if population != Population::Privileged
            && let (Some(since), Some(set)) = (self.spec.unless_set_since, account.password.last_set)
            && set >= since
        {
            let because = format!("its password was set at {since} or later");
            return left_out(account, class.tier, LeftOutReason::Excluded(because));
        }
        let mut chosen = match self.by_hand(account) {
            Some(manual) => Chosen { disposition: Ok(manual), notes: Vec::new(), refusals: Vec::new() },
            None => {
                let asked = self.asked(account, &population);
                if asked.is_empty() {
                    let because = format!("the plan names no action for this population ({population})");
                    return left_out(account, class.tier, LeftOutReason::Excluded(because));
                }
                let (asked, told) = self.hand_off.apply(account, &population, class, enrolment, asked);
                if asked.is_empty() {
                    return left_out(account, class.tier, LeftOutReason::NothingWorks(told.join("; ")));
                }
                let support = |action| support(known, account, &asked, action);
                let mut chosen = actions::choose(account, &asked, &support);
                chosen.notes.splice(0..0, told);
                if self.spec.set_twice.contains(&population) {
                    actions::set_twice(&mut chosen, known.backend.capabilities(), &support);
                }
                chosen
            }
        };
        if let Ok(Disposition::Manual { procedure, owner, .. }) = &mut chosen.disposition {
            *owner = responsible.owner(owner.as_deref());
            if let Some(own) = responsible.procedure() {
                own.clone_into(procedure);
            }
        }
        match chosen.disposition {
            Err(reason) => left_out_refused(account, class.tier, reason, chosen.refusals),
            Ok(disposition) => {
                let mut entry = entry(account, class, population, disposition, chosen.notes);
                entry.refusals = chosen.refusals;
                PlanRow::Entry(entry)
            }
        }
    }

    /// What people have to do, where the engine must not by the kind of the account.
    fn by_hand(&self, account: &Account) -> Option<Disposition> {
        let reason = left_to_people(account.kind)?;
        let general = || general_procedure(account.kind).to_owned();
        let (procedure, owner) = match (account.kind, &self.spec.service) {
            (AccountKind::Service, ServiceDisposition::Manual { procedure, owner }) => {
                (procedure.clone(), account.owner.clone().or_else(|| owner.clone()))
            }
            (AccountKind::Service, ServiceDisposition::Reset { .. }) => return None,
            _ => (None, account.owner.clone()),
        };
        let procedure = procedure.or_else(|| account.procedure.clone()).unwrap_or_else(general);
        Some(Disposition::Manual { reason: reason.to_owned(), procedure, owner })
    }

    fn asked(&self, account: &Account, population: &Population) -> &[Action] {
        let asked = self.spec.actions_in.get(account.directory.as_str()).unwrap_or(&self.spec.actions);
        match (account.kind, &self.spec.service) {
            (AccountKind::Service, ServiceDisposition::Reset { actions }) => return actions,
            (AccountKind::Mailbox, _) if *population == Population::Other => return &asked.mailbox,
            _ => {}
        }
        match population {
            Population::Privileged => &asked.privileged,
            Population::Workforce => &asked.workforce,
            Population::Dormant => &asked.dormant,
            // Guests with a password here; services and unknown kinds were left to people.
            Population::Other | Population::Service => &asked.guest,
        }
    }
}

/// Why the account is never touched by a mass run: every reason, the one that is told first.
fn protections(account: &Account, known: &Known, named: &Named, responsible: &Responsible) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(because) = account.kind.protected_because() {
        // The general reason, and what is done instead where the organisation or the backend knows.
        let procedure = responsible.procedure().or(account.procedure.as_deref());
        let procedure = procedure.map(|procedure| format!("; {procedure}")).unwrap_or_default();
        reasons.push(format!("{because}{procedure}"));
    }
    let principal = known.preflight.principal.as_ref();
    if principal.is_some_and(|id| id.as_str().eq_ignore_ascii_case(account.id.as_str())) {
        reasons.push(THE_RUNS_OWN.to_owned());
    }
    if let (Some(because), None) = (well_known(account), account.kind.protected_because()) {
        reasons.push(because.to_owned());
    }
    reasons.extend(named.protected.as_ref().map(|name| format!("{ON_THE_LIST} ({name})")));
    reasons
}

/// The reason for the account that the run signs in with.
const THE_RUNS_OWN: &str = "the account that this run signs in with";
/// The reason for an account on the protected list begins so.
const ON_THE_LIST: &str = "the protected list names it";

impl Look {
    /// Why a person has to reset it, whatever a plan says: its kind, what it is for, or the list that it is on.
    /// Machines reset themselves, so that only the privileged among them are somebody's work; what comes
    /// with the directory stays disabled.
    pub(super) fn needs_hands(&self, account: &Account, is_privileged: bool) -> Option<String> {
        let of_kind = match account.kind {
            AccountKind::Computer if !is_privileged => None,
            AccountKind::BuiltIn => None,
            kind => kind.protected_because().or_else(|| left_to_people(kind)),
        };
        let own = |reason: &&String| reason.starts_with(THE_RUNS_OWN) || reason.starts_with(ON_THE_LIST);
        of_kind.map(str::to_owned).or_else(|| self.protections.iter().find(own).cloned())
    }
}

/// Accounts that are told by what cannot be chosen by whoever controls the account, even where a
/// backend did not tell their kind: well-known relative ids of a Windows domain (MS-DTYP 2.4.2.4),
/// and the one name that Active Directory reserves. Not by further names: an attacker could take
/// one on to be spared.
fn well_known(account: &Account) -> Option<&'static str> {
    let relative = account
        .anchors
        .security_id
        .as_deref()
        .filter(|sid| sid.to_ascii_uppercase().starts_with("S-1-5-21-"))
        .and_then(|sid| sid.rsplit('-').next());
    match relative {
        Some("501") => return Some("the built-in guest account"),
        Some("502") => return AccountKind::KerberosTicketGranting.protected_because(),
        Some("503" | "504") => return AccountKind::BuiltIn.protected_because(),
        _ => {}
    }
    if account.name.eq_ignore_ascii_case("krbtgt") {
        return AccountKind::KerberosTicketGranting.protected_because();
    }
    None
}

/// Whether a selection that asks no backend covers the account.
fn covers(selection: &Selection, account: &Account) -> bool {
    match selection {
        Selection::Everyone => true,
        Selection::Directory { directory } => directory == account.directory.as_str(),
        _ => false,
    }
}

/// What the backend answers for the action, after those that are asked for with it and come before it.
fn support(known: &Known, account: &Account, asked: &[Action], action: Action) -> Support {
    let backend = &known.backend;
    let because = asked.iter().filter(|first| first.rank() < action.rank()).find_map(|first| {
        let because = backend.rules_out(*first, action)?;
        (backend.support(account, *first) == Support::Works).then_some(because)
    });
    match because {
        Some(because) => Support::Cannot { because },
        None => backend.support(account, action),
    }
}

fn left_out(account: &Account, tier: Tier, reason: LeftOutReason) -> PlanRow {
    left_out_refused(account, tier, reason, Vec::new())
}

fn left_out_refused(account: &Account, tier: Tier, reason: LeftOutReason, refusals: Vec<Refusal>) -> PlanRow {
    PlanRow::LeftOut {
        directory: account.directory.clone(),
        id: account.id.clone(),
        name: account.name.clone(),
        kind: account.kind,
        tier,
        reason,
        owner: None,
        refusals,
        person: None,
    }
}

/// The entry; its number and wave are given when all decisions are made.
fn entry(
    account: &Account,
    class: &Classification,
    population: Population,
    disposition: Disposition,
    mut notes: Vec<String>,
) -> Entry {
    let mut grounds: Vec<String> = class.grounds.iter().take(MOST_GROUNDS).map(ToString::to_string).collect();
    if class.grounds.len() > MOST_GROUNDS {
        grounds.push(format!("and {} grounds more", class.grounds.len() - MOST_GROUNDS));
    }
    if let Some(because) = &class.unknown_because {
        grounds.push(format!("unknown: {because}"));
        notes.push("planned with the privileged: what it holds could not be read in full".to_owned());
    }
    Entry {
        seq: 0,
        directory: account.directory.clone(),
        id: account.id.clone(),
        name: account.name.clone(),
        kind: account.kind,
        authority: account.authority.clone(),
        tier: class.tier,
        grounds,
        population,
        wave: String::new(),
        disposition,
        notes,
        refusals: Vec::new(),
        expected: Expected {
            path: account.path.clone(),
            enabled: account.state.enabled,
            last_set: account.password.last_set,
        },
        person: None,
        follows: Vec::new(),
    }
}
