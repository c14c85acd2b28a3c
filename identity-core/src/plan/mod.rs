//! From accounts to a plan: selection, exclusions, populations, waves; its digest; approvals.

mod approval;
mod entry;

pub use approval::{Approval, ApprovalScope};
pub use entry::{Disposition, Entry, Expected, LeftOutReason, PlanRow, Population, Wave, WaveKind};
