//! What the plan holds wave by wave, counted once before it is rehearsed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::summary::{DirectoryLoad, ManualNeed};
use crate::account::DirectoryId;
use crate::directory::Backend;
use crate::error::Result;
use crate::limits::OperationClass;
use crate::plan::{Disposition, Estimate, Ordered, Plan, PlanRow};

/// The most owners of manual accounts that are told apart.
const MOST_OWNERS: usize = 100;

/// What a plan holds.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The first entry of each wave: entries are numbered wave by wave.
    first: Vec<(u64, String)>,
    ordered: BTreeMap<(String, DirectoryId), Ordered>,
    accounts: BTreeMap<(String, DirectoryId), u64>,
    manual: BTreeMap<String, ManualNeed>,
}

impl Survey {
    /// Reads the plan through, in flat memory.
    pub(super) fn of(plan: &Plan) -> Result<Self> {
        let mut survey = Self::default();
        for row in plan.rows()? {
            let PlanRow::Entry(entry) = row? else { break };
            if survey.first.last().is_none_or(|(_, wave)| *wave != entry.wave) {
                survey.first.push((entry.seq, entry.wave.clone()));
            }
            match &entry.disposition {
                Disposition::Reset { actions } => {
                    let key = (entry.wave.clone(), entry.directory.clone());
                    survey.ordered.entry(key.clone()).or_default().add(&entry, actions);
                    *survey.accounts.entry(key).or_default() += 1;
                }
                Disposition::Manual { owner, reason, .. } => {
                    let owner = owner.clone().unwrap_or_else(|| "nobody is named".to_owned());
                    let known = survey.manual.contains_key(&owner) || survey.manual.len() < MOST_OWNERS;
                    let owner = if known { owner } else { "others".to_owned() };
                    let need = survey.manual.entry(owner.clone()).or_insert_with(|| ManualNeed {
                        owner,
                        accounts: 0,
                        because: reason.clone(),
                    });
                    need.accounts += 1;
                }
            }
        }
        Ok(survey)
    }

    /// The wave of an entry.
    pub(super) fn wave_of(&self, entry: u64) -> Option<&str> {
        let after = self.first.partition_point(|(first, _)| *first <= entry);
        self.first.get(after.checked_sub(1)?).map(|(_, wave)| wave.as_str())
    }

    /// Who has something to do by hand, the most accounts first.
    pub(super) fn manual(&self) -> Vec<ManualNeed> {
        let mut needs: Vec<ManualNeed> = self.manual.values().cloned().collect();
        needs.sort_by(|one, other| other.accounts.cmp(&one.accounts).then_with(|| one.owner.cmp(&other.owner)));
        needs
    }

    /// What a wave asks of each directory.
    pub(super) fn loads(&self, wave: &str, backends: &[Arc<dyn Backend>]) -> Vec<DirectoryLoad> {
        let load = |backend: &Arc<dyn Backend>| {
            let id = &backend.info().id;
            let key = (wave.to_owned(), id.clone());
            let estimate = Estimate::of(backend.as_ref(), self.ordered.get(&key)?);
            Some(DirectoryLoad {
                directory: id.clone(),
                accounts: self.accounts.get(&key).copied().unwrap_or_default(),
                orders: estimate.classes.iter().map(|class| class.orders).sum(),
                classes: estimate.classes.iter().map(|class| (word(class.class).to_owned(), class.orders)).collect(),
                least_seconds: estimate.least.as_secs_f64(),
                slowest_quota: estimate.slowest.map(str::to_owned),
            })
        };
        backends.iter().filter_map(load).collect()
    }
}

fn word(class: OperationClass) -> &'static str {
    match class {
        OperationClass::Read => "read",
        OperationClass::Write => "write",
        OperationClass::Named(word) => word,
    }
}
