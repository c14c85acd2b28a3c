//! One row after another is added to the numbers of a report.

use super::row::{ActionState, Retry, Row, RowResult};
use super::summary::{DirectoryCounts, PopulationCounts, RefusalCount, Summary, SurvivorCount, WaveCounts};
use crate::account::AccountKind;
use crate::journal::{ManualEvidence, Verdict};
use crate::plan::Population;
use crate::privilege::Tier;
use crate::reset::{Action, Containment};

/// The most different refusals that are counted: a reason is not meant to name the account.
const MOST_REFUSALS: usize = 40;

impl Summary {
    pub(super) fn count(&mut self, row: &Row) {
        for refusal in &row.refusals {
            if let Some(known) = self.refusals.iter_mut().find(|known| known.refusal == *refusal) {
                known.accounts += 1;
            } else if self.refusals.len() < MOST_REFUSALS {
                self.refusals.push(RefusalCount { refusal: refusal.clone(), accounts: 1 });
            }
        }
        self.count_population(row);
        self.count_effects(row);
        for survivor in &row.survives {
            match self.survivors.iter_mut().find(|known| known.survivor == *survivor) {
                Some(known) => known.accounts += 1,
                None => self.survivors.push(SurvivorCount { survivor: *survivor, accounts: 1 }),
            }
        }
        self.survivors.sort_by_key(|known| known.survivor);
        let accounts = &mut self.accounts;
        accounts.seen += 1;
        let privileged = row.tier != Tier::User || row.population == Some(Population::Privileged);
        accounts.privileged += u64::from(privileged);
        match row.result {
            RowResult::Verified | RowResult::Failed | RowResult::Unknown => self.count_planned(row),
            RowResult::Manual => {
                accounts.manual += 1;
                self.left.manual += 1;
            }
            RowResult::ManualDone => {
                accounts.manual += 1;
                accounts.manual_done += 1;
                let confirmed = row.by_hand.as_ref().is_some_and(|done| is_confirmed(&done.evidence));
                accounts.manual_confirmed += u64::from(confirmed);
            }
            RowResult::ManualUnconfirmed => {
                accounts.manual += 1;
                accounts.manual_unconfirmed += 1;
                self.left.by_hand += 1;
            }
            RowResult::LeftOut => accounts.left_out += 1,
            RowResult::Protected => {
                accounts.protected += 1;
                let done = row.by_hand.as_ref().map(|done| &done.evidence);
                let stands = done.is_some_and(|evidence| !matches!(evidence, ManualEvidence::Unchanged { .. }));
                accounts.protected_done += u64::from(stands);
            }
        }
    }

    fn count_population(&mut self, row: &Row) {
        let Some(population) = &row.population else { return };
        let at = match self.populations.binary_search_by(|known| known.population.cmp(population)) {
            Ok(at) => at,
            Err(at) => {
                self.populations.insert(at, PopulationCounts::of(population.clone()));
                at
            }
        };
        let Some(counts) = self.populations.get_mut(at) else { return };
        match row.result {
            RowResult::Verified => counts.verified += 1,
            RowResult::Failed => counts.failed += 1,
            RowResult::Unknown => counts.unknown += 1,
            RowResult::ManualDone => counts.manual_done += 1,
            RowResult::Manual | RowResult::ManualUnconfirmed | RowResult::LeftOut | RowResult::Protected => {}
        }
        counts.manual +=
            u64::from(matches!(row.result, RowResult::Manual | RowResult::ManualUnconfirmed | RowResult::ManualDone));
        counts.planned += u64::from(is_planned(row));
        counts.disabled += u64::from(has_done(row, |action| action == Action::Disable));
    }

    fn count_effects(&mut self, row: &Row) {
        let effects = &mut self.effects;
        let newer = matches!(row.verdict, Some(Verdict::Changed | Verdict::ChangedByOwner | Verdict::ChangedByOther));
        let voids = has_done(row, |action| action.containment() == Containment::OldPassword);
        let service = matches!(row.kind, AccountKind::Service | AccountKind::ManagedService);
        let privileged = is_planned(row) && (row.tier != Tier::User || row.population == Some(Population::Privileged));
        for (counter, counts) in [
            (&mut effects.read_back, row.verdict.is_some()),
            (&mut effects.replaced, newer && voids),
            (&mut effects.sealed, !row.sealed.is_empty()),
            (&mut effects.must_change, has_done(row, Action::demands_change)),
            (&mut effects.sessions, has_done(row, |action| action == Action::RevokeSessions)),
            (&mut effects.disabled, has_done(row, |action| action == Action::Disable)),
            (&mut effects.authenticators, has_done(row, |action| action == Action::ResetAuthenticators)),
            (&mut effects.services, service),
            (&mut effects.services_owned, service && row.left.as_ref().is_some_and(|left| left.owner.is_some())),
            (&mut effects.privileged_planned, privileged),
            (&mut effects.privileged_verified, privileged && row.result == RowResult::Verified),
        ] {
            *counter += u64::from(counts);
        }
    }

    fn count_planned(&mut self, row: &Row) {
        let directory = place(
            &mut self.directories,
            row.directory.as_str(),
            |at| &at.id,
            |id| DirectoryCounts { id, ..DirectoryCounts::default() },
        );
        let wave = place(
            &mut self.waves,
            row.wave.as_deref().unwrap_or_default(),
            |at| &at.name,
            |name| WaveCounts { name, ..WaveCounts::default() },
        );
        directory.actions += row.actions.iter().filter(|action| action.state == ActionState::Done).count() as u64;
        let accounts = &mut self.accounts;
        for planned in [&mut accounts.planned, &mut directory.planned, &mut wave.planned] {
            *planned += 1;
        }
        let results = match row.result {
            RowResult::Verified => [&mut accounts.verified, &mut directory.verified, &mut wave.verified],
            RowResult::Failed => [&mut accounts.failed, &mut directory.failed, &mut wave.failed],
            _ => [&mut accounts.unknown, &mut directory.unknown, &mut wave.unknown],
        };
        for result in results {
            *result += 1;
        }
        accounts.not_attempted += u64::from(row.not_attempted);
        wave.not_attempted += u64::from(row.not_attempted);
        if row.result == RowResult::Verified && row.verdict == Some(Verdict::ChangedByOwner) {
            accounts.changed_by_owner += 1;
        }
        match row.left.as_ref().map(|left| left.retry) {
            Some(Retry::Resume) => self.left.resume += 1,
            Some(Retry::ReadBack) => self.left.read_back += 1,
            Some(Retry::ByHand) => self.left.by_hand += 1,
            None => {}
        }
    }
}

impl PopulationCounts {
    fn of(population: Population) -> Self {
        Self { population, planned: 0, verified: 0, failed: 0, unknown: 0, manual: 0, manual_done: 0, disabled: 0 }
    }
}

fn is_planned(row: &Row) -> bool {
    matches!(row.result, RowResult::Verified | RowResult::Failed | RowResult::Unknown)
}

/// Whether one of these actions is done.
fn has_done(row: &Row, wanted: impl Fn(Action) -> bool) -> bool {
    row.actions.iter().any(|at| at.state == ActionState::Done && wanted(at.action))
}

/// The counts of this name, made at its first row. There are few directories and waves.
fn place<'a, T>(
    counts: &'a mut Vec<T>,
    name: &str,
    name_of: impl Fn(&T) -> &String,
    make: impl FnOnce(String) -> T,
) -> &'a mut T {
    let at = counts.iter().position(|known| name_of(known) == name).unwrap_or(counts.len());
    if at == counts.len() {
        counts.push(make(name.to_owned()));
    }
    #[expect(clippy::indexing_slicing, reason = "the place was just found or pushed")]
    &mut counts[at]
}

fn is_confirmed(evidence: &ManualEvidence) -> bool {
    matches!(evidence, ManualEvidence::Confirmed { .. })
}
