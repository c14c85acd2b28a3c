//! Plans made from directories in memory.

mod approving;
mod damage;
pub(super) mod directory;
mod hand_off;
mod large;
mod making;
mod persons;
mod promises;

use std::path::PathBuf;
use std::sync::Arc;

use super::{Disposition, Entry, LeftOutReason, Plan, PlanRow, PlanSpec, Selection};
use crate::account::{Account, AccountKind};
use crate::directory::Backend;
use crate::error::Result;
use directory::Fake;

/// A folder that goes away with the plan's file in it.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Everything in the folder, hidden files too.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.0.path().read_dir().unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(super) async fn plan(&self, spec: PlanSpec, fake: Fake) -> Result<Plan> {
        let backend: Arc<dyn Backend> = Arc::new(fake);
        spec.builder().directory(backend).write_to(self.file("plan.jsonl")).await
    }
}

pub(super) fn everyone() -> PlanSpec {
    PlanSpec::default().select(Selection::everyone())
}

fn rows(plan: &Plan) -> Vec<PlanRow> {
    plan.rows().unwrap().collect::<Result<_>>().unwrap()
}

/// The one row of the account with this name.
fn row(plan: &Plan, name: &str) -> PlanRow {
    let mut found: Vec<PlanRow> = rows(plan)
        .into_iter()
        .filter(|row| match row {
            PlanRow::Entry(entry) => entry.name == name,
            PlanRow::LeftOut { name: other, .. } => other == name,
        })
        .collect();
    assert_eq!(found.len(), 1, "{name} is in exactly one row");
    found.remove(0)
}

fn entry(plan: &Plan, name: &str) -> Entry {
    match row(plan, name) {
        PlanRow::Entry(entry) => entry,
        PlanRow::LeftOut { reason, .. } => panic!("{name} is left out: {reason}"),
    }
}

fn reason(plan: &Plan, name: &str) -> LeftOutReason {
    match row(plan, name) {
        PlanRow::LeftOut { reason, .. } => reason,
        PlanRow::Entry(entry) => panic!("{name} is planned: {entry:?}"),
    }
}

/// So many enabled persons, `p0` and on.
pub(super) fn persons(count: usize) -> Vec<Account> {
    (0..count).map(|n| directory::account(&format!("p{n}"), AccountKind::Person)).collect()
}
