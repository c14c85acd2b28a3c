mod always;
mod entries;
mod files;
mod journey;
mod persons;

use crate::account::DirectoryId;
use crate::error::Result;
use crate::journal::{ErrorRecord, Event};
use crate::plan::{Approval, LeftOutReason, PlanRow};
use crate::report::{DirectoryRun, Report, Row, Summary};
use crate::verify::fixture::{Ledger, at, corp, id};
use std::sync::Arc;

pub(super) const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000001";

pub(super) fn started(resumed: bool) -> Event {
    Event::RunStarted {
        run: "run-1".into(),
        plan_digest: DIGEST.into(),
        resumed,
        version: "0.1.0".into(),
        pid: 1,
        rehearsal: false,
    }
}

pub(super) fn approved(wave: &str) -> Event {
    let approval = serde_json::from_value::<Approval>(serde_json::json!({
        "plan_digest": DIGEST, "approver": "ciso", "scope": { "wave": wave }, "at": at(0),
    }));
    let approval = approval.unwrap();
    Event::Approved { approval }
}

pub(super) fn left_out(number: u64, directory: &DirectoryId, reason: LeftOutReason) -> PlanRow {
    PlanRow::LeftOut {
        directory: directory.clone(),
        id: id(1_000_000 + number),
        name: format!("left{number}"),
        kind: crate::account::AccountKind::Person,
        tier: crate::privilege::Tier::User,
        reason,
        owner: None,
        refusals: Vec::new(),
        person: None,
    }
}

pub(super) fn error(kind: crate::error::ErrorKind) -> ErrorRecord {
    ErrorRecord::from(&crate::error::Error::new(kind, "set password").with_request_id("rid-9"))
}

pub(super) fn report(journal: &Arc<Ledger>) -> Report {
    Report::new(journal.clone(), DIGEST).directory(DirectoryRun::new(corp(), "ldap"))
}

/// The rows and the summary of a plan with these events in its journal.
pub(super) async fn rows_of(plan: &[PlanRow], events: impl IntoIterator<Item = Event>) -> Result<(Vec<Row>, Summary)> {
    let mut rows = Vec::new();
    let summary = report(&Ledger::of(events))
        .visit(plan.iter().cloned().map(Ok), |row| {
            rows.push(row.clone());
            Ok(())
        })
        .await?;
    Ok((rows, summary))
}
