//! From accounts to a plan: selection, exclusions, populations, waves; its digest; approvals.
//!
//! A [`PlanSpec`] says what an organisation decided; its [builder](PlanSpec::builder) reads the
//! directories and writes the [`Plan`], a file in which every account stands in exactly one row.
//! [`Approvals`] bind to the plan by its digest, by name or by an SSH signature; its
//! [`ApprovalRules`] say which counts.

mod actions;
mod approval;
mod builder;
mod changes;
mod decide;
pub(crate) mod draft;
mod entry;
mod estimate;
mod file;
pub(crate) mod gather;
mod hand_off;
mod hands;
mod header;
mod list;
mod messages;
mod names;
mod origin;
mod persons;
mod read;
mod rows;
mod selection;
mod spec;
pub(crate) mod stage;
mod summary;
mod survey;
mod tally;
#[cfg(test)]
mod tests;
mod waves;

#[cfg(feature = "signed-approvals")]
pub use approval::AllowedSigners;
pub use approval::{Approval, ApprovalFault, ApprovalRules, ApprovalScope, Approvals, SIGNATURE_NAMESPACE, SignedBy};

pub(crate) use draft::{Draft, folder_of};
pub(crate) use hands::general_procedure;
pub(crate) use survey::{Sighting, Survey, Surveyed};

pub use builder::PlanBuilder;
pub use changes::{PlanChange, PlanChanges};
pub use entry::{Disposition, Entry, Expected, LeftOutReason, PlanRow, Population, Refusal, Wave, WaveKind};
pub(crate) use estimate::Ordered;
pub use estimate::{ClassEstimate, Estimate, Mix};
pub use file::Plan;
pub use hand_off::{HandOff, PlannedReadiness};
pub use header::{Counts, PlanHeader, PlannedDirectory};
pub use messages::PlannedMessages;
pub use origin::{ApprovalRule, Contact, PlanOrigin, PlannedGuardrails};
pub use persons::PlannedPersons;
pub use rows::{PlanEntries, PlanRows};
pub use selection::{AccountName, NamedBy, Selection};
pub use spec::{PlanSpec, PopulationActions, ServiceDisposition, WaveSizes};
pub use summary::PlanSummary;
