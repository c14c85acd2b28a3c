//! From accounts to a plan: selection, exclusions, populations, waves; its digest; approvals.
//!
//! A [`PlanSpec`] says what an organisation decided; its [builder](PlanSpec::builder) reads the
//! directories and writes the [`Plan`], a file in which every account stands in exactly one row.
//! [`Approvals`] bind to the plan by its digest.

mod actions;
mod approval;
mod approvals;
mod builder;
mod changes;
mod decide;
mod draft;
mod entry;
mod estimate;
mod file;
mod gather;
mod header;
mod list;
mod names;
mod origin;
mod read;
mod rows;
mod selection;
mod spec;
mod stage;
mod summary;
mod tally;
#[cfg(test)]
mod tests;
mod waves;

pub use approval::{Approval, ApprovalScope};
pub use approvals::Approvals;
pub use builder::PlanBuilder;
pub use changes::{PlanChange, PlanChanges};
pub use entry::{Disposition, Entry, Expected, LeftOutReason, PlanRow, Population, Refusal, Wave, WaveKind};
pub use estimate::{ClassEstimate, Estimate, Mix};
pub use file::Plan;
pub use header::{Counts, PlanHeader, PlannedDirectory};
pub use origin::{ApprovalRule, Contact, PlanOrigin, PlannedGuardrails};
pub use rows::{PlanEntries, PlanRows};
pub use selection::{AccountName, NamedBy, Selection};
pub use spec::{PlanSpec, PopulationActions, ServiceDisposition, WaveSizes};
pub use summary::PlanSummary;
